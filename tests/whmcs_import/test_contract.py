"""What scripts rely on: the flags, the exit codes and the fields of the reports."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import asyncpg
import pytest

from testbed.whmcs import sample
from tests.whmcs_import.shops import MAPPING, Shop, Shops
from whmcs_import.__main__ import main

pytestmark = [pytest.mark.pg, pytest.mark.mariadb]
TALLY = {"seen", "create", "update", "unchanged", "skip", "quarantine"}
REPORT = {"run_id", "plan_hash", "source", "entities", "quarantined", "mapping", "adoption"}


@pytest.fixture(scope="module")
def shop(shops_server: Shops) -> Iterator[Shop]:
    """A shop that these tests may change."""
    with shops_server.open(sample.make(sample.SEED, 3), "v8.3") as opened:
        yield opened


@dataclass(frozen=True, slots=True)
class Command:
    """The command on one shop and one database, in this process."""

    shop: Shop
    database_url: str
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        outer = {name: value for name, value in os.environ.items() if not name.startswith("HOSTLER_")}
        before = signal.getsignal(signal.SIGTERM)
        self.capsys.readouterr()
        try:
            with mock.patch.dict(os.environ, {**outer, "HOSTLER_DATABASE_URL": self.database_url}, clear=True):
                code = main(["--source", self.shop.dsn, "--mapping", str(MAPPING), "--quiet", *arguments])
        except SystemExit as ended:
            code = int(ended.code or 0)
        finally:
            signal.signal(signal.SIGTERM, before)
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def json(self, *arguments: str) -> dict[str, Any]:
        code, out, err = self(*arguments, "--format", "json")
        assert code in (0, 2), err
        read: dict[str, Any] = json.loads(out)
        return read


@pytest.fixture
def command(shop: Shop, database_url: str, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(shop, database_url, capsys)


def test_a_report_has_the_fields_that_scripts_read_and_its_counts_add_up(command: Command, tmp_path: Path) -> None:
    kept = tmp_path / "report.json"
    report = command.json("--dry-run", "--report", str(kept), "--source-name", "old-shop", "--manage")
    assert json.loads(kept.read_text()) == report
    assert set(report) >= REPORT
    assert report["run_id"] is None
    assert re.fullmatch("[0-9a-f]{64}", report["plan_hash"])
    assert report["source"]["name"] == "old-shop"
    assert set(report["entities"]) >= {"users", "servers"}
    for name, tally in report["entities"].items():
        assert set(tally) == TALLY
        counts = (tally["create"], tally["update"], tally["unchanged"])
        assert tally["seen"] == sum((*counts, *tally["skip"].values(), *tally["quarantine"].values())), name
        assert all(report["examples"][name][what] for what in ("create", "update", "unchanged") if tally[what])
        assert set(tally["skip"]) <= set(report["examples"][name])
    assert report["quarantined"]
    assert all(set(row) == {"entity", "source_id", "reason", "detail"} for row in report["quarantined"])
    assert {"service_id", "vmid", "cluster", "state", "reason"} <= set(report["adoption"][0])


def test_a_dry_run_in_words_says_what_becomes_of_everything(command: Command) -> None:
    code, out, _ = command("--dry-run", "--format", "text")
    assert code == 2
    report = command.json("--dry-run")
    assert out.startswith("Dry run: nothing is written.")
    assert report["plan_hash"] in out
    for name, tally in report["entities"].items():
        assert re.search(rf"^{name} +{tally['seen']} ", out, re.M)
        assert all(f"{name} skipped: {reason} ({count}), such as " in out for reason, count in tally["skip"].items())
    assert "not mapped: " in out or not report["mapping"]["unmapped_options"]
    named = next(row for row in report["adoption"] if row["vmid"])
    assert re.search(rf"{named['service_id']} +{named['cluster']}/{named['vmid']} ", out)


def test_a_dry_run_reads_in_one_transaction_that_can_only_read(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    async def execute(self: Any, query: str, *arguments: Any, **options: Any) -> Any:
        said.append(query)
        return await really(self, query, *arguments, **options)

    really = asyncpg.Connection.execute
    monkeypatch.setattr(asyncpg.Connection, "execute", execute)
    command.json("--dry-run")
    assert [query for query in said if query.startswith(("BEGIN", "SET ROLE"))] == [
        "SET ROLE hostler_reader",
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;",
    ]


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("rollback",), "the run to take back"),
        (("rollback", "run_" + "0" * 32, "run_" + "1" * 32), "only one"),
        (("rollback", "srv_" + "0" * 32), "is no run"),
        (("retry", "17"), "is no row"),
        (("retry", "hosts/17"), "is no row"),
        (("verify", "servers/17"), "means nothing to verify"),
        (("--mapping",), "expected one argument"),
    ],
)
def test_wrong_usage_ends_with_64_and_one_line(command: Command, arguments: tuple[str, ...], part: str) -> None:
    code, out, err = command(*arguments)
    assert (code, out, err.count("\n")) == (64, "", 1)
    assert part in err


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--report", "/nowhere/report.json"), "--report /nowhere/report.json"),
        (("--report", "/"), "--report /"),
        (("--mapping", "/nowhere.yaml"), "check --mapping"),
        (("rollback", "run_" + "0" * 32), "is no run of this database"),
        (("retry", "servers/99999999"), "is no row of this source"),
    ],
)
def test_what_cannot_be_done_ends_with_3_and_one_line(command: Command, arguments: tuple[str, ...], part: str) -> None:
    code, out, err = command(*arguments)
    assert (code, out, err.count("\n")) == (3, "", 1), err
    assert part in err


def test_who_reads_only_the_head_of_a_report_or_has_no_utf_8_is_no_failure(command: Command) -> None:
    environ = {**os.environ, "HOSTLER_DATABASE_URL": command.database_url, "PYTHONIOENCODING": "ascii"}
    usual = ["--source", command.shop.dsn, "--mapping", str(MAPPING), "--quiet", "--dry-run"]
    with subprocess.Popen(
        [sys.executable, "-m", "whmcs_import", *usual], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout
        assert running.stderr
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 2


def test_named_rows_are_retried_alone_with_what_they_need(command: Command) -> None:
    """Nothing is here yet: a server comes with its plan, its account and who may act for it."""
    planned = command.json("--dry-run")
    wanted = planned["adoption"][0]["service_id"]
    aside = next(row["source_id"] for row in planned["quarantined"] if row["entity"] == "servers")
    dry = command.json("retry", f"servers/{wanted}", f"servers/{aside}", "--dry-run")
    code, out, _ = command("retry", f"servers/{wanted}", f"servers/{aside}", "--format", "json")
    run = json.loads(out)
    assert code == 2
    assert dry["retried"] == run["retried"]
    assert run["retried"][f"servers/{wanted}"] == "create"
    assert run["retried"][f"servers/{aside}"].startswith("quarantine: ")
    assert {name: tally["create"] for name, tally in run["entities"].items()} == {
        **dict.fromkeys(("servers", "accounts", "plans"), 1),
        "users": 1,
        "logins": 1,
    }
    again, _, _ = command("retry", f"servers/{wanted}")
    assert again == 0
    whole = command.json()
    assert whole["entities"]["servers"]["create"] == planned["entities"]["servers"]["create"] - 1


def test_a_user_who_could_not_sign_in_is_retried_by_name(command: Command) -> None:
    report = command.json()
    aside = next(r for r in report["quarantined"] if (r["entity"], r["reason"]) == ("logins", "email_invalid"))
    command.shop.run(f"UPDATE tblusers SET email = 'mended@example.org' WHERE id = {aside['source_id']}")
    run = command.json("retry", f"logins/{aside['source_id']}")
    assert run["retried"] == {f"logins/{aside['source_id']}": "update"}
    assert command.json()["changes"] == 0


def test_a_rollback_can_be_tried_without_effect(command: Command) -> None:
    run_id = command.json()["run_id"]
    dry = command.json("rollback", run_id, "--dry-run")
    assert dry["dry_run"]
    assert command.json("--dry-run")["changes"] == 0
    done = command.json("rollback", run_id)
    assert {**done, "dry_run": True} == dry
    assert done["reverted"]["service"] > 0

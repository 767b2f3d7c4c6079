"""What the command answers to wrong usage, wrong settings and absent servers: one line, and the right exit code."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.testbed_whmcs.running import Testbed
from tests.whmcs_import.conftest import MAPPING, Importer
from whmcs_import.planning import target

pytestmark = [pytest.mark.pg, pytest.mark.mariadb]
NOBODY = "127.0.0.1:1"


def refused(importer: Importer, *arguments: str) -> tuple[int, str]:
    run = importer.run(*arguments)
    assert run.stdout == ""
    line = run.stderr.strip()
    assert "\n" not in line, line
    return run.code, line


@pytest.mark.parametrize(
    "arguments",
    [
        ("verfy",),
        ("rollback",),
        ("verify", "run_x"),
        ("--format", "xml"),
        ("--source", "postgres://a:b@c/d"),
        ("--source-name", "A:b"),
    ],
)
def test_wrong_usage_is_64(importer: Importer, arguments: tuple[str, ...]) -> None:
    assert refused(importer, *arguments)[0] == 64


def test_a_typing_error_in_the_mapping_is_refused_with_its_line(importer: Importer, tmp_path: Path) -> None:
    wrong = tmp_path / "mapping.yaml"
    wrong.write_text(MAPPING.read_text().replace("default_unit", "defualt_unit", 1))
    line = 1 + MAPPING.read_text().splitlines().index(
        next(line for line in MAPPING.read_text().splitlines() if "default_unit" in line)
    )
    code, said = refused(importer, "--mapping", str(wrong))
    assert code == 3
    assert f"mapping.yaml:{line}:" in said
    assert "did you mean 'default_unit'" in said


def test_a_source_that_is_away_is_said_plainly(importer: Importer) -> None:
    code, said = refused(replace(importer, source=f"mysql://a:hush@{NOBODY}/whmcs"))
    assert code == 3
    assert "mysql://a@127.0.0.1:1/whmcs cannot be read" in said
    assert "hush" not in said


def test_a_wrong_password_and_a_wrong_database_are_told_apart(importer: Importer) -> None:
    user, _, place = importer.source.rpartition("@")
    wrong_password = f"{user.rpartition(':')[0]}:wrong@{place}"
    assert "check user and password" in refused(replace(importer, source=wrong_password))[1]
    assert "SELECT on the database" in refused(replace(importer, source=importer.source + "x"))[1]


@pytest.mark.parametrize("password", ["hu@sh", "hu/sh", "hu#sh", "hu?sh", "a@b/c#d"])
def test_a_password_that_is_not_escaped_is_refused_and_not_shown(importer: Importer, password: str) -> None:
    code, said = refused(replace(importer, source=f"mysql://reader:{password}@127.0.0.1:1/whmcs"))
    assert code == 64
    assert "%40" in said
    assert "sh@" not in said
    assert "//reader@b" not in said


def test_a_lock_that_is_not_granted_and_a_source_that_was_never_imported_are_said_plainly(
    changing: Testbed, importer: Importer
) -> None:
    changing.rows("ALTER TABLE tblclients ENGINE = MyISAM", "dsn")
    locking = replace(importer, source=changing.ready["readonly_dsn"])
    code, said = refused(locking, "--lock-source", "--dry-run")
    assert (code, "GRANT LOCK TABLES" in said) == (3, True)
    code, said = refused(importer, "verify", "--source-name", "other")
    assert (code, "nothing was imported from 'other'" in said) == (3, True)


def test_a_source_user_who_could_write_is_refused_unless_insisted(whmcs: Testbed, importer: Importer) -> None:
    writer = replace(importer, source=whmcs.ready["dsn"])
    code, said = refused(writer, "--dry-run")
    assert code == 3
    assert "GRANT SELECT" in said
    assert writer.run("--dry-run", "--i-know").code == 2


def test_a_database_that_is_away_not_set_or_not_migrated_is_said_plainly(importer: Importer) -> None:
    away = replace(importer, database_url=f"postgresql://a:hush@{NOBODY}/hostler")
    empty = replace(importer, database_url=importer.database_url.rpartition("/")[0] + "/postgres")
    for wrong, part in (
        (away, "127.0.0.1:1/hostler"),
        (replace(importer, database_url=""), "HOSTLER_DATABASE_URL"),
        (empty, "not migrated"),
    ):
        code, said = refused(wrong, "--dry-run")
        assert code == 3
        assert part in said
        assert "hush" not in said


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ("ALTER TABLE tblhosting DROP COLUMN domainstatus", "tblhosting.domainstatus"),
        ("DROP TABLE tblproducts", "tblproducts"),
        ("DROP TABLE tblusers", "no tblusers"),
    ],
)
def test_what_is_no_whmcs_that_can_be_read_is_refused(
    changing: Testbed, importer: Importer, change: str, part: str
) -> None:
    changing.rows(change, "dsn")
    code, said = refused(replace(importer, source=changing.ready["readonly_dsn"]), "--dry-run")
    assert code == 3
    assert part in said


def test_optional_columns_and_tables_may_be_missing(changing: Testbed, importer: Importer) -> None:
    for sql in (
        "ALTER TABLE tblhosting DROP COLUMN qty, ADD COLUMN upsell_from_products varchar(40) NULL",
        "ALTER TABLE tblusers DROP COLUMN second_factor",
        "DROP TABLE tblupgrades",
        "DROP TABLE tblmodulequeue",
        "ALTER TABLE mg_proxmox_addon_ip DROP COLUMN hosting_id",
        "CREATE TABLE puq_vps_service (id int)",
    ):
        changing.rows(sql, "dsn")
    run = replace(importer, source=changing.ready["readonly_dsn"]).run("--dry-run")
    assert run.code == 2
    unread = set(run.report["source"]["unread"])
    assert {"mg_proxmox_addon_ip", "puq_vps_service"} <= unread
    assert not unread & {"mod_pvewhmcs_vms", "mod_proxmoxvm", "ProxmoxAddon_VmIpAddress"}


def test_progress_is_json_lines_where_nobody_watches(importer: Importer, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    command = [part for part in importer.command("--dry-run", "--report", str(report)) if part != "--quiet"]
    done = subprocess.run(command, env=importer.environ, capture_output=True, text=True, check=False)
    phases = {json.loads(line)["phase"] for line in done.stderr.splitlines()}
    assert {"read"} <= phases <= {"read", "map"}  # a phase that took no time says nothing
    assert json.loads(report.read_text()) == json.loads(done.stdout)


async def test_a_dry_run_reads_under_a_role_that_cannot_write(database_url: str) -> None:
    async with target.connected(database_url) as connection:
        for statement in ("INSERT INTO login_name VALUES ('a@x.org', gen_random_uuid())", "DELETE FROM source_key"):
            with pytest.raises(target.TargetError, match=r"read-only|permission denied"):
                async with target.connected(database_url) as other, target.reading(other):
                    await other.execute(statement)
            await connection.execute(f"SET ROLE {target.READER}")
            with pytest.raises(Exception, match="permission denied"):
                await connection.execute(statement)
            await connection.execute("RESET ROLE")

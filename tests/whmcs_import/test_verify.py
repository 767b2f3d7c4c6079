"""`verify` finds what differs, and nothing where nothing does."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

import asyncpg
import pytest

from testbed.whmcs import sample
from tests.testbed_whmcs.running import Testbed
from tests.whmcs_import import shops
from tests.whmcs_import.conftest import MAPPING, Importer
from tests.whmcs_import.shops import Shops
from whmcs_import import adoption, mapping, users, values
from whmcs_import.options import Note
from whmcs_import.targets import Context, Named, Resolver

pytestmark = [pytest.mark.pg, pytest.mark.mariadb]


def wrong_size(self: Resolver, name: str, context: Context, notes: list[Note]) -> int:
    return right_size(self, name, context, notes) + 1


def wrong_name(self: Resolver, target: str, context: Context, notes: list[Note]) -> Named | None:
    return Named("elsewhere", "elsewhere", mapped=True)


right_size = Resolver.size
MISTAKES: tuple[tuple[Any, str, Any, set[str]], ...] = (
    (Resolver, "size", wrong_size, {"memory_mib", "vcpus", "disk_gib"}),
    (Resolver, "named", wrong_name, {"image", "location"}),
    (Resolver, "extras", lambda *_: {"backups": True}, {"backups"}),
    (mapping, "_name", lambda *_: "wrong.example.com", {"name"}),
    (mapping, "_suspension", lambda _: "abuse", {"suspended", "suspended_for_money"}),
    (mapping, "_override", lambda *_: "2030-01-01T00:00:00+00:00", {"override"}),
    (adoption, "_number", lambda _: 4711, {"vmid"}),
    (values, "addresses", lambda *_: values.Addresses((("192.0.2.1", None),), ()), {"addresses", "primary"}),
    (users, "_members", lambda *_: [], {"members"}),
)


def test_mistakes_of_the_mapping_are_found_by_code_that_does_not_share_them(
    shops_server: Shops, database_url: str, tmp_path: Path
) -> None:
    """Every function that decides about a field is wrong, and every field is found to be."""
    with shops_server.open(sample.make(1, 3), "v8.3") as shop:
        with ExitStack() as mistakes:
            for owner, function, wrong, _ in MISTAKES:
                mistakes.enter_context(mock.patch.object(owner, function, wrong))
            shops.run(shop, database_url, tmp_path)
        code, verdict = shops.run(shop, database_url, tmp_path, "verify")
    assert code == 2
    wanted = {field for *_, fields in MISTAKES for field in fields}
    assert {difference["field"] for difference in verdict["differences"]} >= wanted


def test_sizes_are_compared_with_the_mapping_of_the_last_run_alone(
    shops_server: Shops, database_url: str, tmp_path: Path
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(MAPPING.read_text().replace("debian-12", "debian-13"))
    with shops_server.open(sample.make(1, 3), "v8.3") as shop:
        shops.run(shop, database_url, tmp_path)
        code, verdict = shops.run(shop, database_url, tmp_path, "verify")
        assert (code, verdict["note"]) == (0, "")
        assert verdict["counts"]["servers"]["here"] == verdict["compared"]["servers.memory_mib"]
        assert verdict["not_here"]["count"] > 0
        code, verdict = shops.run(shop, database_url, tmp_path, "verify", "--mapping", str(other))
        assert code == 2
        assert "another mapping" in verdict["note"]
        assert {difference["field"] for difference in verdict["differences"]} == {"image"}


async def test_an_import_is_verified_and_every_kind_of_difference_is_found(
    changing: Testbed,
    importer_of: Callable[[Testbed], Importer],
    truth: dict[str, Any],
    database: asyncpg.Connection[asyncpg.Record],
) -> None:
    importer = importer_of(changing)
    importer.run()
    clean = importer.run("verify")
    assert clean.report["differences"] == []
    assert clean.code == 0, clean.stderr
    assert clean.report["compared"]["servers.amount"] == await database.fetchval(
        "SELECT count(*) FROM source_key WHERE entity = 'service'"
    )
    assert clean.report["totals"]
    services = [s["service_id"] for s in truth["services"] if s["case"] in ("E01", "E02")]
    ram = "(SELECT id FROM tblproductconfigoptions WHERE optionname LIKE 'RAM%' LIMIT 1)"
    for sql in (
        f"UPDATE tblhosting SET amount = amount + 1 WHERE id = {services[0]}",
        f"UPDATE tblhosting SET dedicatedip = '203.0.113.250' WHERE id = {services[1]}",
        f"DELETE FROM tblhosting WHERE id = {services[2]}",
        f"UPDATE tblcustomfieldsvalues SET value = 'Plan 9' WHERE relid = {services[3]} AND value LIKE '%buntu%'",
        f"INSERT INTO tblhostingaddons (hostingid, addonid, name, status, qty, billingcycle, tax, nextinvoicedate,"
        f" paymentmethod, notes) VALUES ({services[4]}, 1, 'x', 'Active', 3, '', '', '2026-01-01', '', '')",
        f"DELETE FROM tblhostingconfigoptions WHERE relid = {services[0]} AND configid = {ram}",
        "UPDATE tblusers SET email = 'alicia@example.com' WHERE email = 'alice@example.com'",
    ):
        changing.rows(sql, "dsn")
    torn = importer.run("verify")
    assert torn.code == 2
    found = {(d["entity"], d["source_id"]) for d in torn.report["differences"]}
    wanted = {("servers", str(services[n])) for n in (0, 1, 2)}
    assert wanted | {("fields", str(services[3])), ("addons", str(services[4])), ("options", str(services[0]))} <= found
    assert "users" in {entity for entity, _ in found}
    assert any(entity == "totals" for entity, _ in found)

"""`verify` finds what differs, and nothing where nothing does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from tests.testbed_whmcs.running import Testbed
from tests.whmcs_import.conftest import Importer

pytestmark = [pytest.mark.pg, pytest.mark.mariadb]


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

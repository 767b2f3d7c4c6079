"""`verify` finds what differs, and nothing where nothing does."""

from __future__ import annotations

import contextlib
import copy
import functools
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import UUID

import asyncpg
import pytest

from testbed.whmcs import sample
from tests.testbed_whmcs.running import Testbed
from tests.whmcs_import import shops
from tests.whmcs_import.conftest import MAPPING, Importer
from tests.whmcs_import.shops import Shops
from whmcs_import.mapping import adoption, mapping, users
from whmcs_import.mapping.options import Note
from whmcs_import.mapping.targets import Context, Named, Resolver
from whmcs_import.source import values

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
    (mapping, "_suspension", lambda _: "abuse", {"suspension"}),
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


# Of the run and not of the source; and what every plan has to begin with.
NOT_OF_THE_SOURCE = {"source", "source_id", "run_id", "mode", "origin", "reason", "plan.snapshots", "plan.backups"}
NOT_OF_THE_SOURCE |= {"snapshots", "backups"}
EVENTS = {
    "servers": "server.imported",
    "accounts": "account.imported",
    "users": "user.imported",
    "plans": "catalogue.plan_declared",
}
PARTS = {"event": "data", "event_private": "private"}
Place = tuple[str, str, tuple[str | int, ...]]  # table, name of the field, where it stands


async def test_whatever_is_changed_here_is_found_field_by_field(
    shops_server: Shops, database_url: str, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    with shops_server.open(sample.make(4, 3, "all", 0.3), "v8.3") as shop:
        importer = Importer(shop.dsn, database_url)
        importer.run()
        assert importer.run("verify").code == 0
        await database.execute("SET session_replication_role = replica")  # events are never changed otherwise
        rows = {entity: await imported(database, type) for entity, type in EVENTS.items()}
        left = {entity: places(found) for entity, found in rows.items()}
        assert [len(left[entity]) for entity in EVENTS] >= [40, 15, 5, 5]
        while any(left.values()):
            changed = [done for entity in EVENTS for done in await tamper(database, rows[entity], left[entity], entity)]
            assert changed
            differences = importer.run("verify").report["differences"]
            found = {(d["entity"], d["source_id"]) for d in differences}
            found |= {("servers", d["source_id"]) for d in differences if d["entity"] in OF_SERVERS}
            assert [(entity, id, name) for entity, id, name in changed if (entity, id) not in found] == []
            for entity in EVENTS:
                for row in rows[entity]:
                    await write(database, row, row)


OF_SERVERS = ("options", "fields", "addons", "extras")


async def imported(database: asyncpg.Connection[asyncpg.Record], type: str) -> list[dict[str, Any]]:
    """The first events of all rows of a kind, decoded; those that were declared for several products only once."""
    found = await database.fetch(
        "SELECT DISTINCT ON (e.stream_id) e.stream_id, k.source_id, e.data, p.data AS private FROM event e"
        " JOIN source_key k USING (stream_id) LEFT JOIN event_private p USING (stream_id, version)"
        " WHERE e.type = $1 AND e.version = 1 ORDER BY e.stream_id",
        type,
    )
    return [{**row, "data": json.loads(row["data"]), "private": json.loads(row["private"] or "{}")} for row in found]


def places(rows: list[dict[str, Any]]) -> set[Place]:
    """Every field that some row has, by its name; of lists the first entry and the list as a whole."""
    found: dict[tuple[str, str], Place] = {}
    for row in rows:
        for table, part in PARTS.items():
            for path, _ in leaves(row[part]):
                name = ".".join("[]" if isinstance(step, int) else step for step in path)
                if name not in NOT_OF_THE_SOURCE and has(row[part], path):
                    found[table, name] = table, name, path
    return set(found.values())


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for step, each in inner:
        yield from leaves(each, (*path, step))
    if path and not (isinstance(value, dict) and value):
        yield path, value


async def tamper(
    database: asyncpg.Connection[asyncpg.Record], rows: list[dict[str, Any]], left: set[Place], entity: str
) -> list[tuple[str, str, str]]:
    """Change one field in each of as many rows as there are; answers with entity, id and name of each."""
    changed = []
    for row in rows:
        fitting = (place for place in sorted(left, key=str) if has(row[PARTS[place[0]]], place[2]))
        if (place := next(fitting, None)) is not None:
            left.remove(place)
            table, name, path = place
            torn = copy.deepcopy(row)
            owner = functools.reduce(lambda value, step: value[step], path[:-1], torn[PARTS[table]])
            owner[path[-1]] = otherwise(owner[path[-1]], name)
            await write(database, row, torn)
            changed.append((entity, row["source_id"], name))
    return changed


def has(value: Any, path: tuple[str | int, ...]) -> bool:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return False
    return value not in (None, "", [], {}) or path in (("hint",), ("raw", "extras"), ("login_problem",))


def otherwise(value: Any, name: str) -> Any:
    """Another value of the same kind."""
    if name == "hint":
        return None if value else {"cluster": "demo", "vmid": 4711, "kind": "qemu", "evidence": []}
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case list():
            return value[:-1]
        case dict():
            return {"something": 1}
        case None:
            return "something"
    with contextlib.suppress(ValueError):
        return str(UUID(int=UUID(value).int ^ 1))
    with contextlib.suppress(ValueError):
        return str(date.fromisoformat(value[:10]) + timedelta(days=400)) + value[10:]
    with contextlib.suppress(InvalidOperation):
        return f"{Decimal(value) + 1}"
    return f"{value}zq"


async def write(database: asyncpg.Connection[asyncpg.Record], known: dict[str, Any], row: dict[str, Any]) -> None:
    for table, part in PARTS.items():
        sql = f"UPDATE {table} SET data = $2::json WHERE stream_id = $1 AND version = 1"
        await database.execute(sql, known["stream_id"], json.dumps(row[part]))


GONE_HERE = {
    "DELETE FROM login_name WHERE email = 'alice@example.com'": ("users", "301", "login"),
    "UPDATE credential SET hash = hash || 'x' WHERE scheme = 'md5_salt'": ("users", "302", "password"),
    "DELETE FROM credential WHERE scheme = 'bcrypt'": ("users", "301", "password"),
    "DELETE FROM source_key WHERE entity = 'service' AND source_id = '1001'": ("servers", "1001", "row"),
    "DELETE FROM source_key WHERE entity = 'client' AND source_id = '202'": ("accounts", "202", "row"),
    "DELETE FROM source_key WHERE entity = 'user' AND source_id = '301'": ("accounts", "201", "members"),
}
CHANGED_THERE = {
    "UPDATE tblusers SET password = CONCAT('$2y$10$', REPEAT('b', 53)) WHERE id = 301": "password",
    "UPDATE tblclients SET tax_id = 'X1' WHERE id = 201": "tax_id",
    "UPDATE tblclients SET groupid = (SELECT max(id) FROM tblclientgroups) WHERE id = 201": "group",
    "UPDATE tblusers_clients SET permissions = 'invoices' WHERE client_id = 201": "members",
    "UPDATE tblproducts SET name = 'Other' WHERE id = 2": "name",
    "UPDATE mod_pvewhmcs_vms SET vmid = 4711 WHERE id = 1001": "vmid",
    "UPDATE mod_pvewhmcs_vms SET vtype = 'lxc' WHERE id = 1002": "adoption",
    "UPDATE mod_pvewhmcs_vms SET gateway = '203.0.113.254' WHERE id = 1003": "gateway",
    "UPDATE tblhosting SET suspendreason = 'spam' WHERE domainstatus = 'Suspended'": "suspension",
}


async def test_what_is_missing_here_and_what_changed_there_is_found(
    changing: Testbed,
    importer_of: Callable[[Testbed], Importer],
    database: asyncpg.Connection[asyncpg.Record],
) -> None:
    importer = importer_of(changing)
    importer.run()
    for sql in CHANGED_THERE:
        changing.rows(sql, "dsn")
    differences = importer.run("verify").report["differences"]
    assert set(CHANGED_THERE.values()) <= {difference["field"] for difference in differences}
    importer.run()
    assert importer.run("verify").code == 0
    for sql, expected in GONE_HERE.items():
        await database.execute(sql)
        torn = importer.run("verify")
        assert torn.code == 2
        assert expected in {(d["entity"], d["source_id"], d["field"]) for d in torn.report["differences"]}, sql

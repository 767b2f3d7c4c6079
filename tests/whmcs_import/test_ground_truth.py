"""Every row of every generation of WHMCS becomes what the testbed knows to be right, and nothing is written twice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import UUID

import asyncpg
import pytest

from domain import ids
from testbed.whmcs import load, mixing, sample
from testbed.whmcs.truth import Change
from testbed.whmcs.world import World
from tests.whmcs_import import shops
from tests.whmcs_import.shops import Shop, Shops
from whmcs_import.planning import plan

pytestmark = [pytest.mark.mariadb, pytest.mark.pg]
ONLY_PROXMOX_KNOWS = ("", "vm_gone", "vm_is_template")
KEYS = {"tblusers": "", "tblclients": "client-", "tblcontacts": "contact-"}
SEEDS = (1, 2, 3)
# One seed of each generation always, the others when there is time.
DAILY = {("v5", 1), ("v7", 2), ("v8.3", 3), ("v8.13", 1)}
COMBINATIONS = [
    pytest.param(schema, seed, id=f"{schema}-{seed}", marks=() if (schema, seed) in DAILY else pytest.mark.long)
    for schema in load.schemas()
    for seed in SEEDS
]
EVENTS = {"service": "server.imported", "client": "account.imported", "user": "user.imported"}
OF_ONE_RUN = ("run_id", "dry_run")
SAID_OF_ROWS = ("stale_option", "option_conflict", "field_conflict", "broken_reference")


@dataclass(slots=True)
class Outcome:
    """What a run did: what the log has of each row, by entity and id, and what the report says."""

    payloads: dict[str, dict[str, Any]]
    report: dict[str, Any]
    codes: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    aside: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for warning in self.report["warnings"]:
            self.codes.setdefault((warning["entity"], warning["source_id"]), set()).add(warning["code"])
        self.aside = {(q["entity"], q["source_id"]): q["reason"] for q in self.report["quarantined"]}

    def warned(self, entity: str, source_id: str, wanted: list[str]) -> list[str]:
        """The warnings that are missing, and those that are too many."""
        return sorted(set(wanted) ^ self.codes.get((entity, source_id), set()))


@pytest.mark.parametrize(("schema", "seed"), COMBINATIONS)
def test_every_row_becomes_what_is_right(
    shops_server: Shops, database_url: str, tmp_path: Path, schema: str, seed: int
) -> None:
    world = sample.make(seed, 5, "all", 1.0, schema)
    mixing.mix_charsets(world, seed, 6)
    truth = {**json.loads(json.dumps(world.truth.as_json()))}
    with shops_server.open(world, schema) as shop:
        empty = everything(database_url)
        _, dry = shops.run(shop, database_url, tmp_path, "--dry-run")
        assert everything(database_url) == empty
        code, real = shops.run(shop, database_url, tmp_path)
        assert code == 2
        assert told(real) == told(dry)
        found = Outcome(imported(database_url), real)
        assert list(wrong_services(truth, found)) == []
        assert list(wrong_clients(truth, found)) == []
        assert list(wrong_users(truth, found)) == []
        assert list(wrong_rows(world, truth, found)) == []
        _, verdict = shops.run(shop, database_url, tmp_path, "verify")
        assert verdict["differences"] == []
        assert verdict["compared"]["servers.memory_mib"] == real["entities"]["servers"]["create"]
        full = everything(database_url)
        for _ in range(2):
            again = remembered(shop, database_url, tmp_path)
            assert (again["changes"], again["run_id"]) == (0, None)
            assert everything(database_url) == full
        check_changes(shop, database_url, tmp_path, world.truth.delta)


def check_changes(shop: Shop, database_url: str, folder: Path, changes: list[Change]) -> None:
    """What changes there is exactly what the next run finds, and what the one after it does not."""
    shop.run(*(change.sql for change in changes))
    _, run = shops.run(shop, database_url, folder)
    updated = sum(change.expect == "update" for change in changes)
    assert {name: tally["create"] + tally["update"] for name, tally in run["entities"].items()} == {
        **dict.fromkeys(run["entities"], 0),
        "servers": updated,
    }
    reasons = {q["source_id"]: q["reason"] for q in run["quarantined"] if q["entity"] == "servers"}
    vanished = {gone["source_id"]: gone["reason"] for gone in run["vanished"] if gone["entity"] == "service"}
    for change in changes:
        where = {"quarantine": reasons, "vanish": vanished}.get(change.expect)
        assert where is None or where[str(change.source_id)] == change.reason, change
    assert len(vanished) == sum(change.expect == "vanish" for change in changes)
    updates = events(database_url, "server.import_updated")
    streams = {ids.imported("whmcs", "service", str(c.source_id)): c.after for c in changes if c.expect == "update"}
    assert set(updates) == set(streams)
    for stream, said in updates.items():
        known = {**said["billing"], **said["plan"], **(said["hint"] or {})}
        assert {name: known.get(name) for name in streams[stream]} == streams[stream]
    again = remembered(shop, database_url, folder)
    assert again["changes"] == 0
    forget(database_url)
    assert told(shops.run(shop, database_url, folder)[1]) == told(again)


def remembered(shop: Shop, database_url: str, folder: Path) -> dict[str, Any]:
    """The report of a run that maps nothing, since it remembers what the last one found."""
    with mock.patch.object(plan, "make", side_effect=AssertionError("mapped again")):
        return shops.run(shop, database_url, folder)[1]


def forget(database_url: str) -> None:
    """Let the next run find out everything again."""

    async def clear() -> None:
        connection = await asyncpg.connect(database_url)
        assert await connection.execute("DELETE FROM import_memory") == "DELETE 1"
        await connection.close()

    asyncio.run(clear())


def told(report: dict[str, Any]) -> str:
    """A report without what each run has of its own."""
    source = {name: value for name, value in report["source"].items() if name != "snapshot_at"}
    return json.dumps({**{name: value for name, value in report.items() if name not in OF_ONE_RUN}, "source": source})


def everything(database_url: str) -> dict[str, str]:
    """What each table holds, every row of it."""

    async def read() -> dict[str, str]:
        connection = await asyncpg.connect(database_url)
        names = await connection.fetch("SELECT relname FROM pg_stat_user_tables WHERE schemaname = 'public'")
        digest = "SELECT count(*) || md5(coalesce(string_agg(t::text, '' ORDER BY t::text), '')) FROM \"{}\" t"
        found = {row["relname"]: await connection.fetchval(digest.format(row["relname"])) for row in names}
        await connection.close()
        return found

    return asyncio.run(read())


def imported(database_url: str) -> dict[str, dict[str, Any]]:
    """What the log has of each row that was imported, by entity and id."""
    found = {entity: events(database_url, kind) for entity, kind in EVENTS.items()}
    return {entity: {said["source_id"]: said for said in streams.values()} for entity, streams in found.items()}


def events(database_url: str, kind: str) -> dict[UUID, dict[str, Any]]:
    """The events of a kind by stream, each of which has one."""

    async def read() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(database_url)
        rows = await connection.fetch(
            "SELECT e.stream_id, e.data, p.data AS private"
            " FROM event e LEFT JOIN event_private p USING (stream_id, version) WHERE e.type = $1",
            kind,
        )
        await connection.close()
        return rows

    rows = asyncio.run(read())
    found = {row["stream_id"]: {**json.loads(row["data"]), **json.loads(row["private"] or "{}")} for row in rows}
    assert len(found) == len(rows)
    return found


def wrong_rows(world: World, truth: dict[str, Any], found: Outcome) -> Iterator[str]:
    """Rows that hang on something else: what is said of them stands with what they hang on, or among the orphans."""
    owners = {
        (table, row.get("id")): row.get("relid", row.get("hostingid"))
        for table in ("tblhostingconfigoptions", "tblcustomfieldsvalues", "tblhostingaddons")
        for row in world.tables.get(table, [])
    }
    orphans = {"tblhostingconfigoptions": "options", "tblusers_clients": "memberships"}
    for row in truth["rows"]:
        service = str(owners.get((row["table"], row["id"])))
        said = row["reason"] not in SAID_OF_ROWS or row["reason"] in found.codes.get(("servers", service), set())
        if not said and service in found.payloads["service"]:
            yield f"{row}: service {service} has no warning {row['reason']}"
        uncounted = not found.report["source"]["orphans"].get(orphans.get(row["table"], ""))
        if row["reason"] == "orphan" and row["table"] in orphans and uncounted:
            yield f"{row}: no orphans counted"


def wrong_services(truth: dict[str, Any], found: Outcome) -> Iterator[str]:
    for service in truth["services"]:
        id, label = str(service["service_id"]), f"{service['case']} service {service['service_id']}"
        payload = found.payloads["service"].get(id)
        if (payload is not None) != (service["expect"] == "import"):
            yield f"{label}: {service['expect']} {service['reason']}, but {found.aside.get(('servers', id))}"
        elif payload is not None:
            yield from (f"{label}: {each}" for each in wrong_parts(payload, service))
            yield from (
                f"{label}: warning {code} is missing or too many"
                for code in found.warned("servers", id, service["warnings"])
            )
        elif service["expect"] == "quarantine" and found.aside.get(("servers", id)) != service["reason"]:
            yield f"{label}: quarantine {service['reason']}, but {found.aside.get(('servers', id))}"


def wrong_parts(payload: dict[str, Any], service: dict[str, Any]) -> Iterator[str]:
    billing, addresses = payload["billing"], [address["address"] for address in payload["addresses"]]
    said = {
        **{name: payload["plan"][name] for name in ("memory_mib", "vcpus", "disk_gib")},
        **{name: billing[name] for name in ("amount", "currency", "cycle", "next_due", "registered")},
        "name": payload["name"],
        "plan": payload["plan"]["name"],
        "os": payload["image"]["template"],
        "location": payload["location"]["key"],
        "address": addresses[0] if addresses else None,
        "assigned": addresses[1:],
        "suspension": payload["suspension"],
    }
    extras = payload["raw"]["extras"]
    said |= {name: extras.get(name) for name in service["extras"]}
    for name, value in said.items():
        right = service["extras"][name] if name in service["extras"] else service[name]
        if value != right:
            yield f"{name} is {value!r}, not {right!r}"
    yield from wrong_guest(payload, service["vm"])


def wrong_guest(payload: dict[str, Any], vm: dict[str, Any] | None) -> Iterator[str]:
    hint, refused = payload["hint"], payload["quarantine"]
    if vm is None:
        right: tuple[object, ...] = (None, None, None)
        said: tuple[object, ...] = (hint and hint["cluster"], hint and hint["vmid"], refused)
    elif vm["reason"] in ONLY_PROXMOX_KNOWS:
        right = (vm["cluster"], vm["vmid"], None)
        said = (hint and hint["cluster"], hint and hint["vmid"], refused)
    else:
        right, said = (vm["reason"],), (refused,)
    if said != right:
        yield f"guest {said}, not {right}"


def wrong_clients(truth: dict[str, Any], found: Outcome) -> Iterator[str]:
    for client in truth["clients"]:
        id, label = str(client["client_id"]), f"{client['case']} client {client['client_id']}"
        payload = found.payloads["client"].get(id)
        if (payload is not None) != (client["expect"] == "import"):
            yield f"{label}: {client['expect']} {client['reason']}"
        elif payload is not None:
            if payload["name"] != client["name"]:
                yield f"{label}: {payload['name']!r}, not {client['name']!r}"
            profile = {name: str(payload["profile"].get(name)) for name in client["profile"]}
            if profile != client["profile"]:
                yield f"{label}: {profile}"
            yield from (
                f"{label}: warning {code} is missing or too many"
                for code in found.warned("accounts", id, client["warnings"])
            )


def wrong_users(truth: dict[str, Any], found: Outcome) -> Iterator[str]:
    for user in truth["users"]:
        key = f"{KEYS[user['table']]}{user['user_id']}"
        payload = found.payloads["user"].get(key)
        if (payload is not None) != (user["expect"] in ("import", "quarantine")):
            yield f"{user['case']} user {key}: {user['expect']} {user['reason']}"
        elif payload is not None:
            if payload["login"] != (user["expect"] == "import"):
                yield f"{user['case']} user {key}: {payload['login_problem']}, not {user['reason']}"
            if (aside := found.aside.get(("logins", key))) != (None if payload["login"] else user["reason"]):
                yield f"{user['case']} user {key}: quarantined for {aside}, not {user['reason']}"
            missing = found.warned("users", key, user["warnings"])
            yield from (f"{user['case']} user {key}: warning {code} is wrong" for code in missing)

"""The tables in memory answer as PostgreSQL does: the same statements, drawn by chance, on both."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from eventstore.database import Pool
from eventstore.queries import Queries
from tests.orchestrator.storm.tables import NAMES, Tables

pytestmark = pytest.mark.pg
SQL = Queries("orchestrator")
SERVERS = [UUID(int=n) for n in range(1, 4)]
OPERATIONS = [UUID(int=n) for n in range(11, 14)]
STREAMS, ACCOUNTS = SERVERS, [UUID(int=21), UUID(int=22)]
NODES, VMIDS, ADDRESSES = ["pve1", "pve2"], [100, 101, 102, 103], ["10.0.0.1", "10.0.0.2"]
RESOURCES = [["node/c/pve1"], ["node/c/pve1", "storage/c/local"]]
REFUSED = (asyncpg.UniqueViolationError, asyncpg.CheckViolationError, asyncpg.ExclusionViolationError)
# What compares with a clock, or is a column of times, is told apart by these.
UNTIMED = {"now", "asked_at"}
OVER, LASTING = -1000.0, 1000.0  # seconds of a lease that has run out, and of one that has not


def _draw(chance: Random) -> tuple[str, tuple[Any, ...]]:
    """A statement and its arguments."""
    server, operation = chance.choice(SERVERS), chance.choice(OPERATIONS)
    vmid, node, address = chance.choice(VMIDS), chance.choice(NODES), chance.choice(ADDRESSES)
    seconds, memory = chance.choice((OVER, LASTING)), chance.choice((256, 512))
    account, resources = ACCOUNTS[SERVERS.index(server) % 2], chance.choice(RESOURCES)
    ticket = (operation, server, account, "c", resources, seconds)
    known: list[tuple[str, tuple[Any, ...]]] = [
        ("highest_vmid", ("c", 100, 102)),
        ("own_vmid", ("c", vmid, server)),
        ("burn_vmid", ("c", vmid, server)),
        ("burn_strangers", ("c", [vmid, 104])),
        ("release_vmid", (server,)),
        ("released_vmids", ("c", 100, 2)),
        ("owned_vmids", ("c",)),
        ("taken_addresses", (["10.0.0.0/24"], chance.choice((0.0, 1000.0)))),
        ("claim_address", (address, server)),
        ("release_addresses", (server,)),
        ("holders_of", (ADDRESSES,)),
        ("promises", ("c",)),
        ("promise_memory", ("c", node, 1024, memory, server)),
        ("promise_of", (server,)),
        ("promise_more", (server, memory * 2, 1024)),
        ("promise_exactly", (server, memory, 2, 20)),
        ("release_memory", (server,)),
        ("promise_found_memory", ("c", node, 512, memory, server)),
        ("move_memory", (server, node, 512)),
        ("promise_found_capacity", (server, account, f"disk/c/s/{node}", 5)),
        ("promise_found_capacity", (server, account, "disk/c/shared", 5)),
        ("move_capacity", (server, node)),
        ("ours", ("c",)),
        ("capacity", ("c",)),
        ("siblings", (account,)),
        ("promise_capacity", (server, account, f"cpu/c/{node}", 8, vmid - 99)),
        ("release_capacity", (server,)),
        ("promise_more_capacity", (server, vmid - 98, 20, 8, 100)),
        ("promise_exactly", (server, memory, 1, 10)),
        ("hindrances", ("c", node)),
        ("cluster_modes", (["c"],)),
        ("secret", (operation,)),
        ("take_free_slot", (*ticket[:-1], [2] * len(resources), seconds)),
        ("queue", ticket),
        ("keep_slot", ticket),
        ("queue_again", (operation, LASTING, LASTING)),
        ("give_back_slot", (operation, "c")),
        ("drop_expired_slots", ("c",)),
        ("served", ("c",)),
        ("slot_counts", ("c", ["node/c/pve1", "storage/c/local"])),
        ("grant_slots", ([operation], LASTING)),
        ("lower_limits", (["node/c/pve1"], [8])),
        ("raise_limits", (["node/c/pve1"], [8])),
        ("let_destroy", (operation, 600.0, 2)),
        ("lease_cluster", ("c", operation, seconds)),
    ]
    return chance.choice(known)


def _plain(rows: Any) -> list[Any]:
    """Rows that can be compared, in no order."""
    return sorted(repr({k: v for k, v in dict(row).items() if k not in UNTIMED}) for row in rows)


def _column_names(rows: Any, name: str) -> list[dict[str, Any]]:
    """Single columns that PostgreSQL names itself are compared by value."""
    nameless = name in ("highest_vmid", "let_destroy")
    return [{"value": next(iter(dict(row).values()))} if nameless else dict(row) for row in rows]


@pytest.mark.parametrize("seed", range(6))
async def test_both_give_the_same_answers(pool: Pool, seed: int) -> None:
    """Also the same refusals."""
    chance = Random(seed)
    tables = Tables(lambda: datetime.now(UTC), Random(0))
    for number in range(250):
        name, arguments = _draw(chance)
        statement = getattr(SQL, name)
        real, ours = await _real(pool, statement, arguments), _ours(tables, statement, arguments)
        assert _compared(real, name) == _compared(ours, name), (number, name, arguments)


def _compared(answer: Any, name: str) -> Any:
    return answer if isinstance(answer, str) else _plain(_shared(_column_names(answer, name), name))


def _shared(rows: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """The columns that the statement itself names; the tables in memory may give more."""
    wanted = COLUMNS.get(name)
    return [{key: row[key] for key in wanted} for row in rows] if wanted else rows


COLUMNS = {
    "promises": ("node", "promised_mib"),
    "capacity": ("resource", "promised"),
    "promise_of": ("cluster", "node", "memory_mib"),
    "secret": ("data",),
}


async def _real(pool: Pool, statement: str, arguments: tuple[Any, ...]) -> Any:
    try:
        return await pool.fetch(statement, *arguments)
    except REFUSED:
        return "refused"


def _ours(tables: Tables, statement: str, arguments: tuple[Any, ...]) -> Any:
    try:
        with tables.transaction():
            return tables.run(statement, arguments)
    except REFUSED:
        return "refused"


def test_every_statement_is_known() -> None:
    """A new statement of the orchestrator needs its like in memory, or storms end at it."""
    wakes = {"claim", "extend", "finish", "postpone", "next_due"}
    own = set(Queries("orchestrator")._statements) | wakes
    assert {name for name in own if not hasattr(Tables, f"do_{name}")} == set()
    assert set(NAMES.values()) >= own

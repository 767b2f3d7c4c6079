"""Claims written as the programs write them, so that a check has something to agree with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from domain.cluster.events import ClusterModeChanged, MaintenanceBegun, MaintenanceEnded, StrayEnded, StrayFound
from domain.server import events as e
from eventstore.database import Connection, Pool
from eventstore.store import EventStore
from projector.tables import Table
from projector.views import tables
from tests.given import account, adopted, created, entries, happened, imported, operated, plan, user


async def everything(store: EventStore) -> dict[str, UUID]:
    """A log with something of every kind, and the claims that belong to it."""
    create, destroy = uuid4(), uuid4()
    born = created(create)
    bought = await happened(store, born)
    drifts = [e.DriftFound(kind=kind, detail="It differs.", facts={"vcpus": 4}) for kind in ("reconfigured", "lock")]
    found = await happened(store, [imported(), adopted(), *drifts, e.DriftEnded(kind="lock", how="gone")])
    client = await happened(store, [account()])
    person = await happened(store, [user()])
    await happened(store, [plan()])
    nodes = [MaintenanceBegun(cluster="demo", node=node, reason="memory") for node in ("pve2", "pve3")]
    await happened(store, [*nodes, MaintenanceEnded(cluster="demo", node="pve3")])
    await happened(store, [ClusterModeChanged(cluster="demo", mode="observe")])
    await store.pool.execute("INSERT INTO cluster_mode VALUES ('demo', 'observe')")
    stray = StrayFound(cluster="demo", kind="stranger", vmid=10_000_009, detail="A stranger.", personal={"name": "x"})
    await happened(store, [stray, StrayEnded(cluster="demo", kind="stranger", vmid=10_000_009, how="gone")])
    await store.pool.execute("INSERT INTO maintenance VALUES ('demo', 'pve2', 'memory')")
    gone = await happened(store, created(destroy, vmid=10_000_001, address="10.99.0.101"))
    await happened(
        store, [*operated("destroy", last := uuid4()), e.ServerDestroyed(operation_id=last)], gone, len(born)
    )
    for operation, stream in ((create, bought), (destroy, gone), (last, gone)):
        await store.pool.execute("INSERT INTO operation_stream VALUES ($1, $2)", operation, stream)
    await _own(store.pool, [(10_000_000, bought, "owned"), (101, found, "owned"), (10_000_001, gone, "released")])
    await _hold(store.pool, [("10.99.0.100", bought, ""), ("203.0.113.10", found, ""), ("10.99.0.101", gone, "now()")])
    await store.pool.execute("INSERT INTO memory_promise VALUES ($1, 'demo', 'pve1', 2048)", bought)
    await store.pool.execute("INSERT INTO capacity_promise VALUES ($1, $1, 'cpu/demo/pve1', 2)", bought)
    for entity, source_id, stream in (("service", "7", found), ("client", "3", client), ("user", "5", person)):
        await store.pool.execute(
            "INSERT INTO source_key VALUES ('whmcs', $1, $2, $3, '', $3)", entity, source_id, stream
        )
    return {"bought": bought, "found": found, "gone": gone, "client": client, "create": create}


async def _own(pool: Pool, rows: Sequence[tuple[int, UUID, str]]) -> None:
    for vmid, server, state in rows:
        await pool.execute("INSERT INTO vmid VALUES ('demo', $1, $2, $3)", vmid, server, state)


async def _hold(pool: Pool, rows: Sequence[tuple[str, UUID, str]]) -> None:
    for address, server, until in rows:
        end = until or "NULL"
        await pool.execute(
            f"INSERT INTO address VALUES ($1::inet, $2, tstzrange(now() - interval '1 day', {end}))", address, server
        )


async def dump(source: Pool | Connection) -> dict[str, list[asyncpg.Record]]:
    """Every row of every view."""
    return {table.name: await source.fetch(_all(table)) for table in tables()}


def _all(table: Table) -> str:
    return f"SELECT * FROM {table.name} ORDER BY {', '.join(table.key)}"


async def append_to(store: EventStore, stream: UUID, events: Sequence[Any]) -> None:
    """Append after whatever the stream holds."""
    known = await store.read_stream(stream)
    await store.append(entries(stream, events, after=len(known)))

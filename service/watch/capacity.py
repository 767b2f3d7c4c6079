"""What room is left: memory and cores of nodes, disk of storages, addresses of pools, turns of heavy tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg
from starlette.requests import Request
from starlette.responses import Response

from runtime.settings import Pool
from service.deps import deps
from service.reads import SQL as READS
from service.staff.clusters import staff_only
from service.watch.statements import SQL
from service.web.reply import reply


async def show_capacity(req: Request) -> Response:
    """What is promised of every node, storage and pool, and how much there is."""
    staff_only(req)
    pool = deps(req).store.pool
    memory, others = await pool.fetch(SQL.memory), await pool.fetch(SQL.capacities)
    return reply(
        {
            "object": "capacity",
            "nodes": _nodes(memory, others),
            "storages": [_storage(row) for row in others if row["resource"].startswith("disk/")],
            "pools": [await pool_capacity(req, one) for one in deps(req).config.pool],
            "slots": [dict(row) for row in await pool.fetch(SQL.slots_now)],
        }
    )


def _nodes(memory: Sequence[asyncpg.Record], others: Sequence[asyncpg.Record]) -> list[dict[str, Any]]:
    cores = {row["resource"]: _amount(row) for row in others}
    return [
        {
            "cluster": row["cluster"],
            "node": row["node"],
            "memory": _amount(row),
            "cores": cores.get(f"cpu/{row['cluster']}/{row['node']}"),
        }
        for row in memory
    ]


def _storage(row: asyncpg.Record) -> dict[str, Any]:
    _, cluster, storage, *node = row["resource"].split("/")
    return {"cluster": cluster, "storage": storage, "node": node[0] if node else None, "disk": _amount(row)}


def _amount(row: asyncpg.Record) -> dict[str, int]:
    return {"most": row["most"], "promised": row["promised"]}


async def pool_capacity(req: Request, pool: Pool) -> dict[str, Any]:
    """How many addresses a pool has, and how many of them are taken."""
    d = deps(req)
    rest = float(d.config.policy.address_quarantine)
    taken = await d.store.pool.fetchval(READS.addresses_taken, str(pool.first), str(pool.last), rest)
    return {
        "name": pool.name,
        "location": pool.location,
        "network": str(pool.network),
        "size": pool.size,
        "taken": taken,
    }

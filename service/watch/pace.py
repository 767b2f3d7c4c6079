"""At what pace servers come and operations fail, and for how many more there is room where they can be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import asyncpg
from starlette.requests import Request
from starlette.responses import Response

from service.catalogue import shown
from service.deps import deps
from service.staff.clusters import staff_only
from service.watch.capacity import pool_capacity
from service.watch.statements import SQL
from service.web.reply import reply

Amounts = dict[str, dict[str, int]]


async def show_pace(req: Request) -> Response:
    """What began within each of the last 24 hours, and what room every location has left."""
    staff_only(req)
    pool = deps(req).store.pool
    return reply(
        {
            "object": "pace",
            "hours": [dict(row) for row in await pool.fetch(SQL.hours)],
            "locations": await _locations(req),
        }
    )


async def _locations(req: Request) -> list[dict[str, Any]]:
    d = deps(req)
    grown = {row["cluster"]: row for row in await d.store.pool.fetch(SQL.grown)}
    promised = await d.store.pool.fetch(SQL.promised)
    free = {pool.name: await pool_capacity(req, pool) for pool in d.config.pool}
    places = []
    for item in await d.reads.items("location"):
        where = shown.location(req, item.declared)
        here = [grown[name] for name in where["clusters"] if name in grown]
        amounts = _amounts(promised, where["clusters"]) | _addresses(req, where["pools"], free)
        servers = sum(row["servers"] for row in here)
        places.append(
            {
                "key": item.declared["key"],
                "name": item.declared["name"],
                "servers": servers,
                "grown": sum(row["came"] - row["went"] for row in here),
                **{name: amounts.get(name) for name in ("memory", "disk", "addresses")},
                **_room(amounts, servers),
            }
        )
    return places


def _amounts(promised: Iterable[asyncpg.Record], clusters: list[str]) -> Amounts:
    found: dict[str, Counter[str]] = {}
    for row in promised:
        if row["cluster"] in clusters:
            found.setdefault(row["what"], Counter()).update(most=int(row["most"]), promised=int(row["promised"]))
    return {what: dict(amount) for what, amount in found.items()}


def _addresses(req: Request, names: list[str], known: dict[str, dict[str, Any]]) -> Amounts:
    """Of the family of which fewer are left."""
    families: dict[int, Counter[str]] = {}
    for pool in deps(req).config.pool:
        if pool.name in names and pool.per_server:
            counted = families.setdefault(pool.network.version, Counter())
            counted.update(most=known[pool.name]["size"], promised=known[pool.name]["taken"])
    tightest = min(families.values(), key=lambda one: one["most"] - one["promised"], default=None)
    return {"addresses": dict(tightest)} if tightest else {}


def _room(amounts: Amounts, servers: int) -> dict[str, Any]:
    """For how many more servers as those that are there, and what of it all is over first."""
    if not servers:
        return {"room": None, "short_of": None}
    rooms = {
        what: max(0, amount["most"] - amount["promised"]) * servers // amount["promised"]
        for what, amount in amounts.items()
        if amount["promised"]
    }
    short_of = min(rooms, key=rooms.__getitem__, default=None)
    return {"room": rooms[short_of] if short_of else None, "short_of": short_of}

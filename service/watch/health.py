"""Whether everything moves: how far the views are, what waits, who is there; and the switch that stops all effects."""

from __future__ import annotations

from importlib import metadata
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.installation.events import EffectsPaused, EffectsResumed
from domain.server import represent
from eventstore.database import Connection
from service.decisions.asked import decided
from service.deps import caller, deps, request_id
from service.reads import SQL as SERVICE
from service.staff.clusters import staff_only
from service.watch.models import EffectsChange
from service.watch.statements import SQL
from service.web.body import body
from service.web.reply import reply

MOST_BEHIND, MOST_EVENTS, MOST_WEBHOOKS = 100_000, 50_000, 20
log = structlog.get_logger()


async def show_health(req: Request) -> Response:
    """How everything goes: the views, the wakes, programs, clusters, the database, and what waits for staff."""
    staff_only(req)
    d = deps(req)
    async with d.store.pool.acquire() as connection, connection.transaction(readonly=True):
        database = await connection.fetchrow(SQL.database)
        projections = await connection.fetch(SQL.projections, MOST_BEHIND)
        wakes, letters = await connection.fetchrow(SQL.wakes), await connection.fetchrow(SQL.letters)
        programs, sights = await connection.fetch(SQL.programs), await connection.fetch(SQL.looked_at)
        hooks = await connection.fetch(SQL.failing_webhooks, MOST_WEBHOOKS)
        counts, pace = await connection.fetchrow(SQL.open_counts), await connection.fetchrow(SQL.pace, MOST_EVENTS)
    assert database is not None
    assert pace is not None
    return reply(
        {
            "object": "health",
            "at": database["now"],
            "version": metadata.version("hostler"),
            "log_id": d.log_id.hex,
            "database": {name: database[name] for name in ("version", "size_bytes", "connections", "max_connections")},
            "effects": await _effects(req),
            "projections": [_projection(row) for row in projections],
            "wakes": dict(wakes or {}),
            "programs": [dict(row) for row in programs],
            "clusters": [_sight(row) for row in sights],
            "letters": dict(letters or {}),
            "operations": dict(counts or {}),
            "webhooks": [_webhook(row) for row in hooks],
            "events_per_minute": {"last_minute": pace["a_minute"], "ten_minutes": pace["ten_minutes"] / 10},
        }
    )


def _projection(row: Any) -> dict[str, Any]:
    return {
        "name": row["name"],
        "events": row["events"],
        "seconds": round(row["seconds"], 3),
        "moved_at": row["at"],
        "code_version": row["code_v"],
    }


def _sight(row: Any) -> dict[str, Any]:
    shown = {name: row[name] for name in ("reachable", "observed_at", "changed_at", "error")}
    return {"name": row["cluster"], "watched": bool(row["watched"]), **shown}


def _webhook(row: Any) -> dict[str, Any]:
    account = row["account_id"]
    return {
        "id": ids.show(ids.WEBHOOK, row["endpoint_id"]),
        "account": ids.show(ids.ACCOUNT, account) if account is not None else None,
        "url": row["url"],
        "failing_since": represent.time(row["failing_since"]),
        "disabled_reason": row["disabled_why"],
    }


async def show_effects(req: Request) -> Response:
    """Whether changes on Proxmox are paused, since when, by whom and why."""
    staff_only(req)
    return reply(await _effects(req))


async def switch_effects(req: Request) -> Response:
    """Pause every change on Proxmox at once, or let them go on; what is asked for meanwhile waits."""
    staff_only(req)
    asked, who = await body(req, EffectsChange), caller(req).user_id

    async def switch(connection: Connection) -> None:
        await connection.execute(SERVICE.switch_effects, asked.paused, asked.reason or None, who)

    decision = EffectsPaused(reason=asked.reason) if asked.paused else EffectsResumed(reason=asked.reason)
    await decided(req, decision, switch)
    log.warning(
        "effects paused" if asked.paused else "effects resumed",
        by=ids.show(ids.USER, who),
        reason=asked.reason,
        request_id=request_id(req),
    )
    return reply(await _effects(req))


async def _effects(req: Request) -> dict[str, Any]:
    row = await deps(req).store.pool.fetchrow(SQL.switch)
    assert row is not None
    return {
        "object": "effects",
        "paused": row["paused"],
        "reason": row["reason"],
        "since": represent.time(row["at"]),
        "by": ids.show(ids.USER, row["switched_by"]) if row["switched_by"] else None,
    }

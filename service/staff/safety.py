"""Safety catches for staff: which servers are only observed, and whether many removals at once may go on."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.installation.events import RemovalsLetThrough
from domain.server import represent
from domain.server.events import Mode, ModeChanged
from eventstore.database import Connection
from eventstore.store import Conflict, Entry, Wake
from service.decisions.asked import decided
from service.deps import caller, deps, meta
from service.reads import SQL
from service.staff.clusters import staff_only
from service.staff.models import DestroysAllowed, ModeChange
from service.web.body import body
from service.web.problems import Problem, invalid
from service.web.reply import reply

MOST, CHUNK, ATTEMPTS = 1000, 200, 5


async def change_modes(req: Request) -> Response:
    """Have servers observed or managed, named or by a filter, at most 1000 at once; `has_more`: ask again."""
    staff_only(req)
    asked, d = await body(req, ModeChange), deps(req)
    if (asked.servers is None) == (asked.filter is None):
        raise invalid("/servers", "Name the servers, or give a filter: one of the two.")
    cluster = asked.filter.cluster if asked.filter is not None else None
    await d.reads.caught_up(caller(req).user_id)
    named = _parsed(asked.servers) if asked.servers is not None else None
    rows = await d.store.pool.fetch(SQL.servers_in_other_mode, named, cluster, asked.mode, MOST + 1)
    wanted = [row["server_id"] for row in rows[:MOST]]
    for start in range(0, len(wanted), CHUNK):
        await _change(req, wanted[start : start + CHUNK], asked.mode)
    return reply({"object": "mode_change", "mode": asked.mode, "changed": len(wanted), "has_more": len(rows) > MOST})


def _parsed(servers: Sequence[str]) -> list[UUID]:
    parsed = [ids.parse(ids.SERVER, server) for server in servers]
    if None in parsed:
        raise invalid(f"/servers/{parsed.index(None)}", "This is no id of a server.")
    return [id for id in parsed if id is not None]


async def _change(req: Request, servers: list[UUID], mode: Mode) -> None:
    """All of them in one transaction; whoever has grown meanwhile is tried again."""
    d = deps(req)
    for _ in range(ATTEMPTS):
        rows = await d.store.pool.fetch(SQL.versions, servers)
        event, why = ModeChanged(mode=mode), meta(req)
        entries = [Entry(row["stream_id"], row["version"] + 1, event, why) for row in rows]
        try:
            position = await d.store.append(entries, [Wake(row["stream_id"], "server") for row in rows])
        except Conflict:
            continue
        d.reads.wrote(caller(req).user_id, position)
        return
    raise Problem("busy", headers={"Retry-After": "1"})


async def show_destroys(req: Request) -> Response:
    """How many guests were removed of late, and whether more of it waits for staff."""
    staff_only(req)
    return reply(await _destroys(req))


async def allow_destroys(req: Request) -> Response:
    """Let removals go on that wait because there are many, and for some minutes all others."""
    staff_only(req)
    asked = await body(req, DestroysAllowed)

    async def allow(connection: Connection) -> None:
        await connection.execute(SQL.allow_destroys, asked.minutes)

    await decided(req, RemovalsLetThrough(minutes=asked.minutes, reason=asked.reason), allow)
    return reply(await _destroys(req))


async def _destroys(req: Request) -> dict[str, object]:
    policy = deps(req).config.policy
    row = await deps(req).store.pool.fetchrow(SQL.destroys, policy.destroy_window)
    assert row is not None
    return {
        "object": "destroys",
        "recent": row["recent"],
        "limit": policy.destroy_limit,
        "window_seconds": policy.destroy_window,
        "waiting_since": represent.time(row["tripped_at"]),
        "allowed_until": represent.time(row["allowed_until"]),
    }

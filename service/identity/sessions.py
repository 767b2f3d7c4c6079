"""The places where a user is signed in: shown, and ended."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.server import represent
from service.deps import caller, deps
from service.identity.statements import SQL
from service.web import paging
from service.web.problems import Problem
from service.web.reply import reply


async def list_sessions(req: Request) -> Response:
    """Where the user is signed in, the latest use first."""
    me = caller(req)
    rows = await deps(req).store.pool.fetch(SQL.sessions_of, me.user_id)
    return reply(paging.whole(rows, lambda row: _shown(row, me.session_id)))


async def end_session(req: Request) -> Response:
    """Sign out in one place, at once."""
    d, id = deps(req), ids.parse(ids.SESSION, req.path_params["id"])
    if id is None or await d.store.pool.fetchval(SQL.session_user, id) != caller(req).user_id:
        raise Problem("not_found")
    await d.store.pool.execute(SQL.end_session, id)
    d.hub.end_session(id)
    return Response(status_code=204)


async def end_other_sessions(req: Request) -> Response:
    """Sign out everywhere but here, at once."""
    me = caller(req)
    await end_all(req, me.user_id, me.session_id)
    return Response(status_code=204)


async def end_all(req: Request, user_id: UUID, but: UUID | None = None) -> None:
    """End a user's sessions, but for one."""
    d = deps(req)
    for row in await d.store.pool.fetch(SQL.end_sessions, user_id, but):
        d.hub.end_session(row["session_id"])


def _shown(row: asyncpg.Record, current: UUID) -> dict[str, Any]:
    return {
        "id": ids.show(ids.SESSION, row["session_id"]),
        "object": "session",
        "current": row["session_id"] == current,
        "by_staff": row["by_staff"],
        "address": row["address"],
        "user_agent": row["user_agent"],
        "created_at": represent.time(row["created_at"]),
        "last_used_at": represent.time(row["seen_at"]),
        "expires_at": represent.time(row["expires_at"]),
    }

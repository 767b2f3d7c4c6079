"""One event of a user, with what else is written in its transaction."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from starlette.requests import Request

from eventstore.store import Claims, Conflict, Entry
from service.deps import caller, deps, meta
from service.web.problems import Problem

ATTEMPTS = 3


async def user_event(req: Request, event: Any, claims: Claims, user_id: UUID | None = None) -> None:
    """Append an event to a user's stream, or to the caller's own; `claims` writes beside it.

    Raises:
        Problem: there is no such user any more, or others keep changing them.
    """
    d, me = deps(req), caller(req).user_id
    id = user_id or me
    for _ in range(ATTEMPTS):
        user = await d.reads.user(id)
        if user is None:
            raise Problem("not_found")
        try:
            position = await d.store.append([Entry(id, user.version + 1, event, meta(req), id)], claims=claims)
        except Conflict:
            continue
        d.reads.wrote(me, position)
        return
    raise Problem("busy")

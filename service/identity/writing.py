"""One event of the signed-in user, with what else is written in its transaction."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from eventstore.store import Claims, Conflict, Entry
from service.deps import caller, deps, meta
from service.web.problems import Problem

ATTEMPTS = 3


async def user_event(req: Request, event: Any, claims: Claims) -> None:
    """Append an event to the caller's own stream; `claims` writes beside it.

    Raises:
        Problem: there is no such user any more, or others keep changing them.
    """
    d, me = deps(req), caller(req)
    for _ in range(ATTEMPTS):
        user = await d.reads.user(me.user_id)
        if user is None:
            raise Problem("not_found")
        try:
            position = await d.store.append(
                [Entry(me.user_id, user.version + 1, event, meta(req), me.user_id)], claims=claims
            )
        except Conflict:
            continue
        d.reads.wrote(me.user_id, position)
        return
    raise Problem("busy")

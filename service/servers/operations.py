"""Operations over HTTP: one by its id."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.server import represent
from service.deps import caller, deps
from service.web.problems import Problem
from service.web.reply import reply


async def show_operation(req: Request) -> Response:
    """One operation with its steps."""
    id, who = ids.parse(ids.OPERATION, req.path_params["id"]), caller(req)
    found = await deps(req).reads.operation(id, who) if id is not None else None
    if found is None or not found[0].visible(who):
        raise Problem("not_found")
    shown = represent.operation(found[1], staff=who.staff)
    waiting = {"Retry-After": "1"} if found[1].status in ("queued", "running") else {}
    return reply(shown, headers=waiting)

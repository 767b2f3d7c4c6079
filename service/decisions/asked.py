"""Decisions that are made over HTTP."""

from __future__ import annotations

from starlette.requests import Request

from domain.installation.events import InstallationEvent
from eventstore.store import Claims, Conflict
from service.decisions.record import decide
from service.deps import deps, meta
from service.web.problems import Problem


async def decided(req: Request, event: InstallationEvent, claims: Claims) -> None:
    """Record what the caller decides, and make it hold.

    Raises:
        Problem: others keep deciding at the same moment.
    """
    try:
        await decide(deps(req).store, meta(req), event, claims)
    except Conflict:
        raise Problem("busy", headers={"Retry-After": "1"}) from None

"""What a borrowed browser must not do takes a fresh proof of who one is."""

from __future__ import annotations

from starlette.requests import Request

from service.deps import caller, deps
from service.identity.statements import SQL
from service.web.problems import Problem

RECENT_SECONDS = 600.0


async def recently_proved(req: Request) -> None:
    """Refuse unless the session's user signed in, or proved who they are, within the last ten minutes.

    Raises:
        Problem: `step_up_required`.
    """
    if not await deps(req).store.pool.fetchval(SQL.has_proved, caller(req).session_id, RECENT_SECONDS):
        raise Problem("step_up_required")

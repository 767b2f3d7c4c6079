"""The catch against suspending or terminating many servers at once, for staff: seen, and let go."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from domain.installation.events import SuspensionsLetThrough
from domain.server import represent
from eventstore.database import Connection
from service.billing.models import BillingAllowed
from service.billing.statements import SQL
from service.decisions.asked import decided
from service.deps import deps
from service.staff.clusters import staff_only
from service.web.body import body
from service.web.reply import reply


async def show_holds(req: Request) -> Response:
    """How many servers billing suspended or terminated of late, and whether more of it waits for staff."""
    staff_only(req)
    return reply(await _holds(req))


async def allow_holds(req: Request) -> Response:
    """Let suspensions and terminations go on that wait because there are many, and for some minutes all others."""
    staff_only(req)
    asked = await body(req, BillingAllowed)

    async def allow(connection: Connection) -> None:
        await connection.execute(SQL.allow_billing, asked.minutes)

    await decided(req, SuspensionsLetThrough(minutes=asked.minutes, reason=asked.reason), allow)
    return reply(await _holds(req))


async def _holds(req: Request) -> dict[str, object]:
    policy = deps(req).config.policy
    limits = (policy.billing_limit, policy.billing_share, policy.billing_least)
    row = await deps(req).store.pool.fetchrow(SQL.billing_holds, policy.billing_window, *limits)
    assert row is not None
    return {
        "object": "billing_holds",
        "recent": row["recent"],
        "limit": row["most"],
        "window_seconds": policy.billing_window,
        "waiting": row["waiting"],
        "waiting_since": represent.time(row["tripped_at"]),
        "allowed_until": represent.time(row["allowed_until"]),
    }

"""What every process of the service does beside answering requests; any number of them share it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from runtime.background import beside
from runtime.ring import Ring
from runtime.settings import Letters
from service.billing.settle import settle
from service.billing.wake import Waking
from service.deps import Deps
from service.follow.follower import Follower
from service.mail.notices import Notices
from service.webhooks.tell import Webhooks


@contextlib.asynccontextmanager
async def working(d: Deps) -> AsyncIterator[None]:
    """Do it for as long as this is open."""
    billing = Ring()
    async with (
        beside(settle(d, billing)),
        beside(follower(d, billing).run()),
        beside(d.sender.run()),
        beside(d.replayer.run()),
    ):
        yield


def follower(d: Deps, billing: Ring | None = None) -> Follower:
    """What tells others of what happens; `billing` is rung when a service may be due."""
    kinds = d.config.mail.letters if d.config.mail is not None else Letters()
    notices, webhooks = Notices(d.store, d.post, kinds), Webhooks(d.store.pool, d.log_id, d.sender.ring)
    return Follower(d.store, [notices, webhooks, Waking(billing or Ring())], d.hub.ring())

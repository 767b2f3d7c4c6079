"""What every process of the service does beside answering requests; any number of them share it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from runtime.background import cancelled
from runtime.settings import Letters
from service.billing.settle import settling
from service.deps import Deps
from service.follow.follower import Follower
from service.mail.notices import Notices


@contextlib.asynccontextmanager
async def working(d: Deps) -> AsyncIterator[None]:
    """Do it for as long as this is open."""
    async with settling(d), _following(d):
        yield


@contextlib.asynccontextmanager
async def _following(d: Deps) -> AsyncIterator[None]:
    task = asyncio.create_task(follower(d).run())
    try:
        yield
    finally:
        await cancelled(task)


def follower(d: Deps) -> Follower:
    """What tells others of what happens."""
    kinds = d.config.mail.letters if d.config.mail is not None else Letters()
    return Follower(d.store, [Notices(d.store, d.post, kinds)])

"""What every process of the service does beside answering requests; any number of them share it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from service.billing.settle import settling
from service.deps import Deps


@contextlib.asynccontextmanager
async def working(d: Deps) -> AsyncIterator[None]:
    """Do it for as long as this is open."""
    async with settling(d):
        yield

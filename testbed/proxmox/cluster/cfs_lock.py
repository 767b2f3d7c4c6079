"""Cluster-wide locks, which pmxcfs gives and takes back after a minute (pve-cluster PVE/Cluster.pm cfs_lock)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from testbed.proxmox.errors import Die

if TYPE_CHECKING:
    from testbed.proxmox.cluster.cluster import Cluster

REQUEST_SECONDS = 10.0
WORK_SECONDS = 60.0


@asynccontextmanager
async def cfs_lock(cluster: "Cluster", name: str, say: Callable[[str], None]) -> AsyncIterator[None]:
    """Hold a lock; raises `Die` if it is not to be had within 10 s, without quorum, or when the work takes a minute."""
    if not cluster.quorate:
        raise Die(f"cfs-lock '{name}' error: no quorum!")
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(cluster.locks.hold(name, REQUEST_SECONDS))
        except Die:
            say(f"trying to acquire cfs lock '{name}' ...")
            raise Die(f"cfs-lock '{name}' error: got lock request timeout") from None
        try:
            async with asyncio.timeout(WORK_SECONDS * cluster.knobs.lock_timeout_factor):
                yield
        except TimeoutError:
            raise Die(f"'{name}'-locked command timed out - aborting") from None

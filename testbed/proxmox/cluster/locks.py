"""File locks as flock(2) gives them: shared or exclusive, with a time limit."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from testbed.proxmox.errors import Die
from testbed.proxmox.knobs import Knobs

#: Time limits in seconds (pve-guest-common AbstractConfig.pm; qemu-server API2/Qemu.pm clone_vm, create_vm).
CONFIG_TIMEOUT = 10.0
CLONE_TIMEOUT = 1.0
CREATE_TIMEOUT = 5.0

Say = Callable[[str], None]


class _Lock:
    def __init__(self) -> None:
        self.shared = 0
        self.exclusive = False
        self.waiting: list[asyncio.Future[None]] = []

    def take(self, shared: bool) -> bool:
        if self.exclusive or (self.shared and not shared):
            return False
        self.shared += shared
        self.exclusive = not shared
        return True

    def give(self, shared: bool) -> None:
        self.shared -= shared
        self.exclusive = False
        for future in self.waiting:
            if not future.done():
                future.set_result(None)
        self.waiting.clear()


def _silent(_text: str) -> None:
    pass


class Locks:
    """All lock files of a node."""

    def __init__(self, knobs: Knobs) -> None:
        self._knobs = knobs
        self._locks: dict[str, _Lock] = {}

    @asynccontextmanager
    async def hold(self, path: str, timeout: float, *, shared: bool = False, say: Say = _silent) -> AsyncIterator[None]:
        """Hold the lock; raises `Die` after `timeout` seconds. `say` gets the lines that a wait writes."""
        lock = self._locks.setdefault(path, _Lock())
        if not lock.take(shared):
            say("trying to acquire lock...")
            await self._wait(lock, path, timeout * self._knobs.lock_timeout_factor, shared)
            say(" OK")
        try:
            yield
        finally:
            lock.give(shared)

    @staticmethod
    async def _wait(lock: _Lock, path: str, timeout: float, shared: bool) -> None:
        try:
            async with asyncio.timeout(timeout):
                while not lock.take(shared):
                    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                    lock.waiting.append(future)
                    await future
        except TimeoutError:
            raise Die(f"can't lock file '{path}' - got timeout") from None


def vm_lock(vmid: int) -> str:
    """The path of a VM's lock file."""
    return f"/var/lock/qemu-server/lock-{vmid}.conf"


def storage_lock(storage: str) -> str:
    """The path of a local storage's lock file."""
    return f"/var/lock/pve-manager/pve-storage-{storage}"

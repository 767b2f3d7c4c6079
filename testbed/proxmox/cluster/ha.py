"""The guests that high availability looks after, and what is wanted of them (pve-ha-manager HA/Config.pm)."""

import asyncio
import hashlib
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.errors import Die
from testbed.proxmox.knobs import Knobs
from testbed.proxmox.store import Store

if TYPE_CHECKING:
    from testbed.proxmox.cluster.node import Node
    from testbed.proxmox.cluster.tasks import Worker

KEY = "ha_resources"
STOPPED = ("stopped", "disabled")


class HighAvailability:
    """The resources by VMID, as they were configured; what they shall do is asked for here and done later."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.resources: dict[int, Row] = {int(vmid): row for vmid, row in (store.get("setting", KEY) or {}).items()}
        #: How long a guest that shall stop has time for it; seconds.
        self.patience: dict[int, int] = {}
        #: Where guests shall go.
        self.moves: dict[int, str] = {}
        self._asked = asyncio.Event()

    @property
    def digest(self) -> str:
        """SHA-1 of the configuration."""
        return hashlib.sha1(repr(self.resources).encode(), usedforsecurity=False).hexdigest()

    def load(self, vmid: int) -> Row:
        """A resource; raises `Die` for a guest that is none."""
        if vmid not in self.resources:
            raise Die(f"no such resource 'vm:{vmid}'")
        return self.resources[vmid]

    def save(self, vmid: int, resource: Row) -> None:
        """Write a resource, new or changed."""
        self.resources[vmid] = resource
        self._write()

    def delete(self, vmid: int) -> None:
        """Look no more after a guest, which goes on as it is."""
        self.resources.pop(vmid, None)
        self._write()

    def _write(self) -> None:
        self._store.put("setting", KEY, {str(vmid): row for vmid, row in self.resources.items()})
        self._asked.set()

    def wanted(self, vmid: int) -> str | None:
        """`started` or `stopped`; None for a guest that nobody looks after."""
        state = self.resources[vmid].get("state", "started") if vmid in self.resources else "ignored"
        if state == "ignored":
            return None
        return "stopped" if state in STOPPED else "started"

    def want(self, vmid: int, state: str, patience: int = 60) -> None:
        """Ask for a state."""
        self.patience[vmid] = patience
        self.save(vmid, self.load(vmid) | {"state": state})

    def move(self, vmid: int, node: str) -> None:
        """Ask that a guest goes to another node."""
        self.moves[vmid] = node
        self._asked.set()

    def request(self, node: "Node", kind: str, vmid: int, user: str, asked: str, ask: Callable[[], None]) -> str:
        """Ask in a task, which is done before what it asked for is; the UPID."""

        async def work(worker: "Worker") -> None:
            worker.say(f"Requesting HA {asked}")
            ask()

        return node.tasks.start(kind, str(vmid), user, work)

    async def next_round(self, knobs: Knobs) -> None:
        """Wait until it is time for another round, or until it is time to do what was just asked for."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._asked.wait(), knobs.ha_seconds)
            self._asked.clear()
            await asyncio.sleep(knobs.ha_seconds)

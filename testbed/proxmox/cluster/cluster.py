"""The cluster: what pmxcfs shares between its nodes, and the runners of the guests, which live on one machine."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

from testbed.proxmox.access.access import Access
from testbed.proxmox.access.pools import Pools
from testbed.proxmox.cluster.ha import HighAvailability
from testbed.proxmox.cluster.locks import Locks
from testbed.proxmox.cluster.node import Node, NodeState
from testbed.proxmox.errors import Die
from testbed.proxmox.guests import ExitReason, GuestKind, Guests
from testbed.proxmox.knobs import Knobs
from testbed.proxmox.release import RELEASES
from testbed.proxmox.schema import Pve
from testbed.proxmox.sim import SimGuests
from testbed.proxmox.storage.storage import AllVolumes, Storages
from testbed.proxmox.store import Store
from testbed.proxmox.vm.containers import Containers
from testbed.proxmox.vm.vms import AllVms

FIRST_NODE = "pve1"
NAME = "testbed"


class Cluster:
    """Some nodes with one configuration. A single node is no cluster and has no `name`."""

    def __init__(self, directory: Path, nodes: int = 1, default_kind: GuestKind = "sim", pve: Pve = "8") -> None:
        self.directory = directory
        self.default_kind = default_kind
        self.pve = pve
        self.name = NAME if nodes > 1 else None
        #: Whether corosync is told to have no quorum, whoever is there.
        self.quorum_lost = False
        self.store = Store(directory)
        self.knobs = Knobs()
        self.locks = Locks(self.knobs)
        self.access = Access(self.store, RELEASES[pve])
        self.containers = Containers(self.store, FIRST_NODE)
        self.storages = Storages(self.store)
        self.ha = HighAvailability(self.store)
        self.volumes = AllVolumes(self.store, FIRST_NODE)
        self.vms = AllVms(self.store, FIRST_NODE, lambda: self.quorate)
        #: Turns a node off and on.
        self.switch: Callable[[Node, NodeState], Awaitable[None]]
        self._guests: dict[GuestKind, Guests] = {}
        self._makers: dict[GuestKind, Callable[[Cluster], Guests]] = {"sim": _sim, "qemu": _qemu}
        self._background: set[asyncio.Task[None]] = set()
        self.nodes = {f"pve{number}": self._node(number) for number in range(1, nodes + 1)}

    def _node(self, number: int) -> Node:
        name = f"pve{number}"
        directory = self.directory if number == 1 else self.directory / "nodes" / name
        directory.mkdir(parents=True, exist_ok=True)
        return Node(name, self, directory, number)

    @property
    def first(self) -> Node:
        return self.nodes[FIRST_NODE]

    @property
    def quorate(self) -> bool:
        """Whether more than half of the nodes see one another."""
        return not self.quorum_lost and sum(node.online for node in self.nodes.values()) * 2 > len(self.nodes)

    @property
    def pools(self) -> Pools:
        return self.access.pools

    def taken(self, vmid: int) -> bool:
        """Whether an id belongs to a VM or a container."""
        return vmid in self.vms or vmid in self.containers

    def soon(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Let something happen beside the calls and tasks, until the end of the program at most."""
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    def guests(self, kind: GuestKind) -> Guests:
        """The runner of a kind of guests; raises `Die` if this machine cannot run that kind."""
        if kind not in self._guests:
            self._guests[kind] = self._makers[kind](self)
        return self._guests[kind]

    async def exited(self, vmid: int, reason: ExitReason) -> None:
        """A guest has ended; called by its runner."""
        if (vm := self.vms.get(vmid)) and vm.node in self.nodes:
            await self.nodes[vm.node].exited(vmid, reason)

    async def adopt(self) -> None:
        """Take hold of the guests that ran when the testbed ended."""
        alive = [vm for vm in self.vms if vm.guest]
        for kind in {vm.kind for vm in alive}:
            await self.guests(kind).adopt({vm.vmid: vm.guest for vm in alive if vm.guest and vm.kind == kind})
        for vm in alive:
            if vm.node in self.nodes and not self.guests(vm.kind).alive(vm.vmid):
                self.nodes[vm.node].stopped(vm)

    async def close(self) -> None:
        """End tasks and guest processes, close the files."""
        for task in self._background:
            task.cancel()
        for node in self.nodes.values():
            await node.tasks.close()
        for guests in self._guests.values():
            await guests.close()
        self.store.close()


def _sim(cluster: Cluster) -> Guests:
    return SimGuests(
        cluster.knobs, lambda vmid: _behaviour(cluster, vmid), cluster.exited, lambda vmid: _switched_on(cluster, vmid)
    )


def _switched_on(cluster: Cluster, vmid: int) -> float:
    vm = cluster.vms.get(vmid)
    return vm.switched[-1] if vm and vm.switched else time.time()


def _behaviour(cluster: Cluster, vmid: int) -> dict[str, object]:
    vm = cluster.vms.get(vmid)
    return vm.behaviour if vm else {}


def _qemu(cluster: Cluster) -> Guests:
    try:
        from testbed.proxmox.qemu.guests import QemuGuests
    except ImportError as error:
        raise Die(f"guests of kind qemu are not available: {error}") from None
    return QemuGuests(cluster.directory / "qemu", cluster.exited)

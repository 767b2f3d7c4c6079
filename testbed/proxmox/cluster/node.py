"""One node: its tasks, locks and figures, and its view of what the cluster shares."""

import asyncio
import time
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from testbed.proxmox.access.access import Access
from testbed.proxmox.cluster.clock import Clock
from testbed.proxmox.cluster.daemon import Daemon
from testbed.proxmox.cluster.locks import Locks
from testbed.proxmox.cluster.stats import Stats
from testbed.proxmox.cluster.tasks import Tasks
from testbed.proxmox.console.consoles import Ports
from testbed.proxmox.errors import Die
from testbed.proxmox.guests import ExitReason, GuestError, GuestKind, Guests
from testbed.proxmox.knobs import Knobs
from testbed.proxmox.storage.storage import Storage, Volumes
from testbed.proxmox.store import Store
from testbed.proxmox.vm import vms
from testbed.proxmox.vm.containers import Containers
from testbed.proxmox.vm.vms import Vm, Vms

if TYPE_CHECKING:
    from testbed.proxmox.cluster.cluster import Cluster

T = TypeVar("T")
#: `off` has no power, `down` only cannot be reached.
#: `daemon_down` has its proxy but no pvedaemon, `daemon_frozen` one that sleeps.
NodeState = Literal["up", "down", "off", "daemon_down", "daemon_frozen"]


@dataclass(frozen=True, slots=True)
class Hardware:
    """The size of the made-up machine; bytes."""

    cpus: int = 32
    memory: int = 256 * 1024**3
    disk: int = 8 * 1024**4


class Node:
    """One Proxmox VE node of a cluster; `directory` holds what is its own, `number` counts from 1."""

    def __init__(self, name: str, cluster: "Cluster", directory: Path, number: int = 1) -> None:
        self.name = name
        self.number = number
        self.cluster = cluster
        self.directory = directory
        self.state: NodeState = "up"
        #: The VMs whose process runs but does not answer yet.
        self.starting: set[int] = set()
        self.hardware = Hardware()
        self.fingerprint = ""
        self.boot_time = self._boot_time()
        self.clock = Clock()
        self.locks = Locks(cluster.knobs)
        self.daemon = Daemon(cluster.knobs)
        self.ports = Ports()
        self.tasks = Tasks(cluster.store, name, self.boot_time, self.clock)
        self.vms = Vms(cluster.vms, name)
        self.volumes = Volumes(cluster.volumes, cluster.storages, name)
        self.stats = Stats(self)
        self._ended: dict[int, asyncio.Event] = {}

    def _boot_time(self) -> float:
        kept = self.store.get("setting", self._boot_key)
        if kept is None:
            kept = time.time()
            self.store.put("setting", self._boot_key, kept)
        return float(kept)

    @property
    def _boot_key(self) -> str:
        return "boot_time" if self.number == 1 else f"boot_time:{self.name}"

    async def lose_power(self) -> None:
        """Its tasks are killed, its guests gone; it has booted when it is reached again."""
        for task in self.tasks.active():
            await self.tasks.kill(task.upid)
        for vm in self.vms:
            if self.running(vm):
                await self.guests(vm).stop(vm.vmid)
        self.boot_time = self.tasks.boot_time = time.time()
        self.store.put("setting", self._boot_key, self.boot_time)

    # What the cluster shares

    @property
    def store(self) -> Store:
        return self.cluster.store

    @property
    def access(self) -> Access:
        return self.cluster.access

    @property
    def knobs(self) -> Knobs:
        return self.cluster.knobs

    @property
    def containers(self) -> Containers:
        return self.cluster.containers

    @property
    def default_kind(self) -> GuestKind:
        return self.cluster.default_kind

    @property
    def online(self) -> bool:
        """Whether the other nodes see it."""
        return self.state not in ("down", "off")

    @property
    def address(self) -> str:
        """Its address within the cluster; a node on its own has the loopback's."""
        return f"10.99.0.{9 + self.number}" if self.cluster.name else "127.0.0.1"

    def soon(self, work: Coroutine[Any, Any, None]) -> None:
        """Let something happen beside the calls and tasks."""
        self.cluster.soon(work)

    def taken(self, vmid: int) -> bool:
        """Whether an id belongs to a VM or a container of the cluster."""
        return self.cluster.taken(vmid)

    def storages(self) -> list[Storage]:
        """The storages that this node has, disabled ones left out."""
        return [storage for storage in self.cluster.storages if storage.enabled and storage.on(self.name)]

    def guests(self, vm: Vm | GuestKind) -> Guests:
        """The runner of a VM's kind; raises `Die` if this machine cannot run that kind."""
        return self.cluster.guests(vm if isinstance(vm, str) else vm.kind)

    # Power, as the task workers use it

    def running(self, vm: Vm) -> bool:
        """Whether the guest's process lives."""
        return vm.guest is not None and self.guests(vm).alive(vm.vmid)

    def paused(self, vm: Vm) -> bool:
        """Whether the guest is halted."""
        return self.running(vm) and self.guests(vm).paused(vm.vmid)

    async def start(self, vm: Vm, state: str | None = None, vendor_data: str = "") -> None:
        """Start a guest from its configuration; one whose memory was saved as `state` runs on from there."""
        if self.running(vm):  # somebody was faster; what runs is left alone
            raise Die(f"VM {vm.vmid} already running")
        spec = vms.guest_spec(vm, self.volumes.file_of, vendor_data)
        self._ended[vm.vmid] = asyncio.Event()
        vm.guest = spec
        self.vms.keep(vm)
        try:
            guests = self.guests(vm)
            await physical(guests.restore(spec, state) if state else guests.start(spec))
        except Die as error:
            if self.running(vm):
                raise Die(f"VM {vm.vmid} already running") from None
            self.stopped(vm)
            raise Die(f"start failed: {error.message}") from None

    async def exited(self, vmid: int, reason: ExitReason) -> None:
        """A guest has ended; called by its runner."""
        if vm := self.vms.get(vmid):
            self.stopped(vm)
        if event := self._ended.pop(vmid, None):
            event.set()

    def stopped(self, vm: Vm) -> None:
        """Note that a VM does not run."""
        vm.guest = None
        self.vms.keep(vm)

    async def wait_exit(self, vm: Vm, timeout: float) -> bool:
        """Whether the guest ends within `timeout` seconds."""
        event = self._ended.setdefault(vm.vmid, asyncio.Event())
        if not self.running(vm):
            return True
        with suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), timeout)
        return not self.running(vm)


async def physical(work: Awaitable[T]) -> T:
    """Await something of a guest's runner; its failure ends the task."""
    try:
        return await work
    except GuestError as error:
        raise Die(str(error)) from None

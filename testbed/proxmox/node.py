"""The node: everything that the calls share, and how guests of both kinds are reached."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from testbed.proxmox import vms
from testbed.proxmox.access import Access
from testbed.proxmox.containers import Containers
from testbed.proxmox.errors import Die
from testbed.proxmox.guests import ExitReason, GuestError, GuestKind, Guests
from testbed.proxmox.knobs import Knobs
from testbed.proxmox.locks import Locks
from testbed.proxmox.sim import SimGuests
from testbed.proxmox.stats import Stats
from testbed.proxmox.storage import Volumes
from testbed.proxmox.store import Store
from testbed.proxmox.tasks import Tasks
from testbed.proxmox.vms import Vm, Vms

T = TypeVar("T")
MakeGuests = Callable[["Node"], Guests]


@dataclass(frozen=True, slots=True)
class Hardware:
    """The size of the made-up machine; bytes."""

    cpus: int = 32
    memory: int = 256 * 1024**3
    disk: int = 8 * 1024**4


class Node:
    """One Proxmox VE node with its state directory."""

    def __init__(self, name: str, directory: Path, default_kind: GuestKind = "sim") -> None:
        self.name = name
        self.directory = directory
        self.default_kind = default_kind
        self.hardware = Hardware()
        self.fingerprint = ""
        self.store = Store(directory)
        self.boot_time = self._boot_time()
        self.knobs = Knobs()
        self.access = Access(self.store)
        self.locks = Locks(self.knobs)
        self.tasks = Tasks(self.store, name, self.boot_time)
        self.vms = Vms(self.store, name)
        self.volumes = Volumes(self.store)
        self.containers = Containers(self.store)
        self.stats = Stats(self)
        self._guests: dict[GuestKind, Guests] = {}
        self._makers: dict[GuestKind, MakeGuests] = {"sim": _sim, "qemu": _qemu}
        self._ended: dict[int, asyncio.Event] = {}
        self._background: set[asyncio.Task[None]] = set()

    def soon(self, work: Coroutine[Any, Any, None]) -> None:
        """Let something happen beside the calls and tasks."""
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _boot_time(self) -> float:
        kept = self.store.get("setting", "boot_time")
        if kept is None:
            kept = time.time()
            self.store.put("setting", "boot_time", kept)
        return float(kept)

    def taken(self, vmid: int) -> bool:
        """Whether an id belongs to a VM or a container."""
        return vmid in self.vms or vmid in self.containers

    def guests(self, vm: Vm | GuestKind) -> Guests:
        """The runner of a VM's kind; raises `Die` if this machine cannot run that kind."""
        kind = vm if isinstance(vm, str) else vm.kind
        if kind not in self._guests:
            self._guests[kind] = self._makers[kind](self)
        return self._guests[kind]

    async def adopt(self) -> None:
        """Take hold of the guests that ran when the testbed ended."""
        for kind in {vm.kind for vm in self.vms if vm.guest}:
            running = {vm.vmid: vm.guest for vm in self.vms if vm.guest and vm.kind == kind}
            await self.guests(kind).adopt(running)
        for vm in self.vms:
            if vm.guest and not self.guests(vm).alive(vm.vmid):
                self._stopped(vm)

    async def close(self) -> None:
        """End tasks and guest processes, close the files."""
        for task in self._background:
            task.cancel()
        await self.tasks.close()
        for guests in self._guests.values():
            await guests.close()
        self.store.close()

    # Power, as the task workers use it

    def running(self, vm: Vm) -> bool:
        """Whether the guest's process lives."""
        return vm.guest is not None and self.guests(vm).alive(vm.vmid)

    def paused(self, vm: Vm) -> bool:
        """Whether the guest is halted."""
        return self.running(vm) and self.guests(vm).paused(vm.vmid)

    async def start(self, vm: Vm, state: str | None = None) -> None:
        """Start a guest from its configuration; one whose memory was saved as `state` runs on from there."""
        spec = vms.guest_spec(vm)
        self._ended[vm.vmid] = asyncio.Event()
        vm.guest = spec
        self.vms.save(vm)
        try:
            guests = self.guests(vm)
            await physical(guests.restore(spec, state) if state else guests.start(spec))
        except Die as error:
            self._stopped(vm)
            raise Die(f"start failed: {error.message}") from None

    async def exited(self, vmid: int, reason: ExitReason) -> None:
        """A guest has ended; called by its runner."""
        if vm := self.vms.get(vmid):
            self._stopped(vm)
        if event := self._ended.get(vmid):
            event.set()

    def _stopped(self, vm: Vm) -> None:
        vm.guest = None
        self.vms.save(vm)

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


def _sim(node: Node) -> Guests:
    return SimGuests(node.knobs, lambda vmid: _behaviour(node, vmid), node.exited)


def _behaviour(node: Node, vmid: int) -> dict[str, object]:
    vm = node.vms.get(vmid)
    return vm.behaviour if vm else {}


def _qemu(node: Node) -> Guests:
    try:
        from testbed.proxmox.qemu.guests import QemuGuests
    except ImportError as error:
        raise Die(f"guests of kind qemu are not available: {error}") from None
    return QemuGuests(node.directory / "qemu", node.exited)

"""Guests without a machine: a model of booting, of the agent, and of the power button.

A guest's state follows from its start and the clock, so nothing has to run for it, and a guest that ran
before the testbed was restarted runs on as if nothing had happened.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from testbed.proxmox.formats import IPCONFIG
from testbed.proxmox.guests import GuestError, GuestInfo, GuestSpec, Interface, OnExit
from testbed.proxmox.knobs import Knobs

FIRST_PID = 20_000
#: The properties of one VM that override the knobs: `boot_seconds`, `shutdown_seconds`, `ignore_acpi`, `agent_silent`.
Behaviour = Callable[[int], Mapping[str, Any]]


@dataclass(slots=True)
class _Running:
    spec: GuestSpec
    pid: int
    started: float
    booted: float
    awake: asyncio.Event
    ending: "asyncio.Task[None] | None" = field(default=None, repr=False)


class SimGuests:
    """The boot model, a kind of `Guests`. Volumes are names only."""

    def __init__(self, knobs: Knobs, behaviour: Behaviour, on_exit: OnExit) -> None:
        self._knobs = knobs
        self._behaviour = behaviour
        self._on_exit = on_exit
        self._running: dict[int, _Running] = {}
        self._pid = FIRST_PID

    def _seconds(self, vmid: int, name: str) -> float:
        return float(self._behaviour(vmid).get(name, getattr(self._knobs, name)))

    async def create_disk(self, vmid: int, volume: str, size_bytes: int) -> None:
        """Nothing to do: a volume is its name."""

    async def clone_disk(self, source_volume: str, volume: str, full: bool) -> None:
        """Take the time a copy takes."""
        await asyncio.sleep(self._knobs.full_clone_seconds if full else self._knobs.linked_clone_seconds)

    async def resize_disk(self, volume: str, size_bytes: int) -> None:
        """Nothing to do."""

    async def delete_disk(self, volume: str) -> None:
        """Nothing to do."""

    async def rename_disk(self, volume: str, new_volume: str) -> None:
        """Nothing to do."""

    async def snapshot_disk(self, volume: str, name: str) -> None:
        """Take the time a snapshot takes."""
        await asyncio.sleep(self._knobs.snapshot_seconds)

    async def rollback_disk(self, volume: str, name: str) -> None:
        """Take as long."""
        await asyncio.sleep(self._knobs.snapshot_seconds)

    async def delete_disk_snapshot(self, volume: str, name: str) -> None:
        """Take as long."""
        await asyncio.sleep(self._knobs.snapshot_seconds)

    async def save_state(self, vmid: int, name: str) -> None:
        """Halt; a guest without contents needs no memory."""
        await self.pause(vmid)

    async def restore(self, spec: GuestSpec, name: str) -> None:
        """Power on, booted already."""
        await self.start(spec)
        self._running[spec.vmid].booted = time.time()

    async def start(self, spec: GuestSpec) -> None:
        """Power on."""
        if spec.vmid in self._running:
            raise GuestError(f"guest {spec.vmid} runs already")
        self._pid += 1
        now = time.time()
        booted = now + self._seconds(spec.vmid, "boot_seconds")
        self._running[spec.vmid] = _Running(spec, self._pid, now, booted, _set_event())

    async def stop(self, vmid: int) -> None:
        """Power off."""
        if guest := self._running.pop(vmid, None):
            if guest.ending:
                guest.ending.cancel()
            await self._on_exit(vmid, "stop")

    async def powerdown(self, vmid: int) -> None:
        """Press the button; a guest that still boots reacts when it is up."""
        guest = self._running.get(vmid)
        deaf = guest is None or not guest.spec.acpi or guest.ending
        if guest and not deaf and not self._behaviour(vmid).get("ignore_acpi"):
            guest.ending = asyncio.create_task(self._end(guest))

    async def _end(self, guest: _Running) -> None:
        wait = max(guest.booted - time.time(), 0) + self._seconds(guest.spec.vmid, "shutdown_seconds")
        await asyncio.sleep(wait)
        await guest.awake.wait()
        self._running.pop(guest.spec.vmid, None)
        await self._on_exit(guest.spec.vmid, "shutdown")

    async def crash(self, vmid: int) -> None:
        """End as a guest does whose process dies."""
        if guest := self._running.pop(vmid, None):
            if guest.ending:
                guest.ending.cancel()
            await self._on_exit(vmid, "crash")

    async def reset(self, vmid: int) -> None:
        """Boot again in the same process."""
        if guest := self._running.get(vmid):
            guest.booted = time.time() + self._seconds(vmid, "boot_seconds")

    async def pause(self, vmid: int) -> None:
        """Halt."""
        if guest := self._running.get(vmid):
            guest.awake.clear()

    async def resume(self, vmid: int) -> None:
        """Run on."""
        if guest := self._running.get(vmid):
            guest.awake.set()

    def alive(self, vmid: int) -> bool:
        """Whether it is powered on."""
        return vmid in self._running

    def paused(self, vmid: int) -> bool:
        """Whether it is halted."""
        return vmid in self._running and not self._running[vmid].awake.is_set()

    def info(self, vmid: int) -> GuestInfo | None:
        """Process id and start of a running guest."""
        guest = self._running.get(vmid)
        return GuestInfo(guest.pid, guest.started) if guest else None

    async def agent_ping(self, vmid: int) -> bool:
        """Whether the agent answers within 3 s; a guest that comes up meanwhile does."""
        guest = self._running.get(vmid)
        if guest is None or not guest.spec.agent:
            return False
        silent = not guest.awake.is_set() or self._behaviour(vmid).get("agent_silent")
        patience = self._knobs.agent_patience_seconds
        wait = patience if silent else max(guest.booted - time.time(), 0)
        await asyncio.sleep(min(wait, patience))
        return wait < patience and self._running.get(vmid) is guest

    async def interfaces(self, vmid: int) -> list[Interface]:
        """Loopback, and eth0 with the addresses of the cloud-init drive that the guest was started with."""
        spec = self._answering(vmid).spec
        loopback = Interface("lo", "00:00:00:00:00:00", (("127.0.0.1", 8), ("::1", 128)))
        return [loopback, *([_eth0(spec)] if spec.mac else [])]

    async def osinfo(self, vmid: int) -> dict[str, str]:
        """A Debian 12."""
        self._answering(vmid)
        return {
            "id": "debian",
            "name": "Debian GNU/Linux",
            "pretty-name": "Debian GNU/Linux 12 (bookworm)",
            "version": "12 (bookworm)",
            "version-id": "12",
            "machine": "x86_64",
            "kernel-release": "6.1.0-28-cloud-amd64",
            "kernel-version": "#1 SMP PREEMPT_DYNAMIC Debian 6.1.119-1",
        }

    def _answering(self, vmid: int) -> _Running:
        guest = self._running.get(vmid)
        if guest is None or not guest.awake.is_set() or time.time() < guest.booted:
            raise GuestError("QEMU guest agent is not running")
        return guest

    async def adopt(self, running: Mapping[int, GuestSpec]) -> None:
        """They never stopped."""
        for spec in running.values():
            await self.start(spec)
            self._running[spec.vmid].booted = time.time()

    async def close(self) -> None:
        """Nothing outlives the process anyway."""
        for guest in self._running.values():
            if guest.ending:
                guest.ending.cancel()


def _set_event() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


def _eth0(spec: GuestSpec) -> Interface:
    wanted = IPCONFIG.parse(spec.cloud_init.ip_configs[0]) if spec.cloud_init.ip_configs else {}
    fixed = [wanted[key] for key in ("ip", "ip6") if "/" in wanted.get(key, "")]
    leased = [_lease(spec.mac)] if wanted.get("ip", "dhcp") == "dhcp" else []
    pairs = [value.split("/") for value in (*leased, *fixed)]
    addresses = [(address, int(prefix)) for address, prefix in pairs]
    return Interface("eth0", spec.mac.lower(), (*addresses, (_link_local(spec.mac), 64)))


def _lease(mac: str) -> str:
    number = hashlib.sha256(mac.encode()).digest()
    return f"192.168.{number[0]}.{number[1] % 250 + 2}/16"


def _link_local(mac: str) -> str:
    parts = [int(part, 16) for part in mac.split(":")]
    parts[0] ^= 2
    return f"fe80::{parts[0]:x}{parts[1]:02x}:{parts[2]:x}ff:fe{parts[3]:02x}:{parts[4]:x}{parts[5]:02x}"

"""Guests without a machine: a model of booting, of the agent, and of the power button.

A guest's state follows from its start and the clock, so nothing has to run for it, and a guest that ran
before the testbed was restarted runs on as if nothing had happened.
"""

import asyncio
import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from testbed.proxmox.guests import GuestError, GuestInfo, GuestSpec, OnExit, Streams
from testbed.proxmox.inside.files import Disks
from testbed.proxmox.inside.lines import Lines
from testbed.proxmox.inside.monitor import Monitor
from testbed.proxmox.inside.network import interfaces
from testbed.proxmox.inside.system import System, install
from testbed.proxmox.knobs import Knobs

FIRST_PID = 20_000
#: The properties of one VM that override the knobs: `boot_seconds`, `shutdown_seconds`, `ignore_acpi`, `agent_silent`.
Behaviour = Callable[[int], Mapping[str, Any]]


#: When a VM that runs was switched on, in seconds since 1970.
Since = Callable[[int], float]


def _now(_vmid: int) -> float:
    return time.time()


@dataclass(slots=True)
class _Running:
    spec: GuestSpec
    pid: int
    started: float
    booted: float
    awake: asyncio.Event
    ending: "asyncio.Task[None] | None" = field(default=None, repr=False)
    lines: Lines | None = field(default=None, repr=False)


class SimGuests:
    """The boot model, a kind of `Guests`. Volumes are names, and the few files that somebody wrote."""

    def __init__(self, knobs: Knobs, behaviour: Behaviour, on_exit: OnExit, since: Since = _now) -> None:
        self._knobs = knobs
        self._behaviour = behaviour
        self._on_exit = on_exit
        self._since = since
        self._running: dict[int, _Running] = {}
        self._pid = FIRST_PID
        self._disks = Disks()

    def _seconds(self, vmid: int, name: str) -> float:
        return float(self._behaviour(vmid).get(name, getattr(self._knobs, name)))

    async def create_disk(self, vmid: int, volume: str, size_bytes: int) -> None:
        """Nothing to do: a volume is its name."""

    async def clone_disk(self, source_volume: str, volume: str, full: bool) -> None:
        """Take the time a copy takes."""
        await asyncio.sleep(self._knobs.full_clone_seconds if full else self._knobs.linked_clone_seconds)
        self._disks.clone(source_volume, volume)

    async def import_disk(self, path: Path, volume: str) -> None:
        """Take the time a copy takes."""
        await asyncio.sleep(self._knobs.full_clone_seconds)

    async def resize_disk(self, volume: str, size_bytes: int) -> None:
        """Nothing to do."""

    async def delete_disk(self, volume: str) -> None:
        """Take the time a removal takes."""
        await asyncio.sleep(self._knobs.removal_seconds)
        self._disks.delete(volume)

    async def rename_disk(self, volume: str, new_volume: str) -> None:
        """Take its files along."""
        self._disks.rename(volume, new_volume)

    async def snapshot_disk(self, volume: str, name: str) -> None:
        """Take the time a snapshot takes."""
        await asyncio.sleep(self._knobs.snapshot_seconds)
        self._disks.snapshot(volume, name)

    async def rollback_disk(self, volume: str, name: str) -> None:
        """Take as long."""
        await asyncio.sleep(self._knobs.snapshot_seconds)
        self._disks.roll_back(volume, name)

    async def delete_disk_snapshot(self, volume: str, name: str) -> None:
        """Take as long."""
        await asyncio.sleep(self._knobs.snapshot_seconds)
        self._disks.forget_snapshot(volume, name)

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
        if guest := self._gone(vmid):
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
        self._gone(guest.spec.vmid)
        await self._on_exit(guest.spec.vmid, "shutdown")

    async def crash(self, vmid: int) -> None:
        """End as a guest does whose process dies."""
        if guest := self._gone(vmid):
            if guest.ending:
                guest.ending.cancel()
            await self._on_exit(vmid, "crash")

    async def reset(self, vmid: int) -> None:
        """Boot again in the same process."""
        if guest := self._running.get(vmid):
            self._boot_again(guest)

    def _boot_again(self, guest: _Running) -> None:
        guest.booted = time.time() + self._seconds(guest.spec.vmid, "boot_seconds")
        if guest.lines:
            guest.lines.rebooted(guest.booted)

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

    async def ask_agent(self, vmid: int, command: str, arguments: Mapping[str, Any], timeout: float) -> Any:
        """The answer of a guest that is up, awake and not told to be silent."""
        guest = self._guest(vmid)
        if not guest.spec.agent:
            raise GuestError(f"unable to connect to VM {vmid} qga socket - No such file or directory")
        silent = not guest.awake.is_set() or self._behaviour(vmid).get("agent_silent")
        wait = timeout if silent else max(guest.booted - time.time(), 0)
        await asyncio.sleep(min(wait, timeout))
        if wait >= timeout or self._running.get(vmid) is not guest:
            raise GuestError("got timeout")
        lines = self._lines(guest)
        answer = await lines.ask(command, arguments)
        if command == "guest-shutdown":
            await _until(lines.closed, timeout)
        return answer

    async def monitor(self, vmid: int, command: str) -> str:
        """A few commands of QEMU's monitor."""
        guest = self._guest(vmid)
        return await Monitor(self, guest.spec, self._lines(guest)).execute(command)

    async def screen(self, vmid: int, password: str) -> Streams:
        """A text screen with a shell."""
        return await self._lines(self._guest(vmid)).screen(password)

    def screen_text(self, vmid: int) -> str:
        """What stands on a running guest's screen."""
        return self._lines(self._guest(vmid)).text

    async def serial(self, vmid: int, port: str) -> Streams:
        """A shell."""
        return await self._lines(self._guest(vmid)).serial()

    def _guest(self, vmid: int) -> _Running:
        if vmid not in self._running:
            raise GuestError(f"VM {vmid} not running")
        return self._running[vmid]

    def _lines(self, guest: _Running) -> Lines:
        """The ways into a guest, made when first used: most guests are never looked into."""
        if guest.lines is None:
            files = self._disks.on(guest.spec.volume)
            install(guest.spec, files)
            power = functools.partial(self._from_within, guest.spec.vmid)
            system = System(guest.spec, files, interfaces(guest.spec), guest.booted, power)
            guest.lines = Lines(system, guest.awake)
        return guest.lines

    def _from_within(self, vmid: int, what: str) -> None:
        guest = self._running.get(vmid)
        if guest is None or guest.ending or self._behaviour(vmid).get("ignore_acpi"):
            return
        if what == "reboot":
            self._boot_again(guest)
        else:
            guest.ending = asyncio.create_task(self._end(guest))

    def _gone(self, vmid: int) -> _Running | None:
        guest = self._running.pop(vmid, None)
        if guest and guest.lines:
            guest.lines.close()
        return guest

    async def adopt(self, running: Mapping[int, GuestSpec]) -> None:
        """They never stopped."""
        for spec in running.values():
            await self.start(spec)
            guest = self._running[spec.vmid]
            guest.booted = guest.started = min(self._since(spec.vmid), guest.started)

    async def close(self) -> None:
        """Nothing outlives the process anyway."""
        for guest in self._running.values():
            if guest.ending:
                guest.ending.cancel()
            if guest.lines:
                guest.lines.close()


async def _until(event: asyncio.Event, timeout: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), timeout)
    except TimeoutError:
        raise GuestError("got timeout") from None


def _set_event() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event

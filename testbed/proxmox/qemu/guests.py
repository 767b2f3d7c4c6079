"""Real guests: the `Guests` protocol on QEMU processes."""

import asyncio
import contextlib
import fcntl
import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import IO, Any

from testbed.proxmox.guests import GuestError, GuestInfo, GuestSpec, Interface, OnExit, Streams
from testbed.proxmox.qemu import snapshots
from testbed.proxmox.qemu.accel import accelerator
from testbed.proxmox.qemu.agent import TIMED_OUT, Agent, ChannelClosed, Finished
from testbed.proxmox.qemu.arguments import Host
from testbed.proxmox.qemu.commands import missing_tool
from testbed.proxmox.qemu.disks import Disks
from testbed.proxmox.qemu.image import build
from testbed.proxmox.qemu.machine import QEMU, Machine, Places, kill_leftovers
from testbed.proxmox.qemu.seed import write_seed

log = logging.getLogger(__name__)

#: More boots at once starve each other's timers.
BOOTS_AT_ONCE = 3
BOOT_SECONDS = 60.0
MEMORY_CAP_MIB = 104


class QemuGuests:
    """Guests as QEMU processes of this testbed. They end with it, even if it is killed.

    `state_dir` holds volumes and logs and survives; `run_dir` holds sockets and seeds and must be a short path.
    `on_exit` is told of every guest that ends. A guest gets at most `memory_cap_mib`, whatever it asks for:
    the default lets twenty of them fit beside a demo.
    """

    def __init__(
        self,
        state_dir: Path,
        on_exit: OnExit,
        run_dir: Path | None = None,
        memory_cap_mib: int | None = None,
        cache: Path | None = None,
    ) -> None:
        self._on_exit = on_exit
        self._memory_cap = memory_cap_mib or default_memory_cap()
        self._cache = cache
        self._disks = Disks(state_dir.resolve() / "images")
        self._places = Places(run_dir or default_run_dir(state_dir), state_dir.resolve() / "log")
        self._lock = _claim(self._places)
        self._machines: dict[int, Machine] = {}
        self._watches: dict[int, asyncio.Task[None]] = {}
        self._boots = asyncio.Semaphore(BOOTS_AT_ONCE)
        self._preparing = asyncio.Lock()
        self._host: Host | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    async def create_disk(self, vmid: int, volume: str, size_bytes: int) -> None:
        """Allocate an empty volume."""
        await self._disks.create(volume, size_bytes)

    async def clone_disk(self, source_volume: str, volume: str, full: bool) -> None:
        """Copy `source_volume` (`full`) or put a qcow2 overlay on top of it."""
        await self._disks.clone(source_volume, volume, full)

    async def import_disk(self, path: Path, volume: str) -> None:
        """Convert a disk image that lies elsewhere into a new volume."""
        await self._disks.take_in(path, volume)

    async def resize_disk(self, volume: str, size_bytes: int) -> None:
        """Grow a volume, also under a running guest, which sees the new size at once."""
        machine = self._holder(volume)
        if machine:
            await machine.resize_disk(size_bytes)
        else:
            await self._disks.resize(volume, size_bytes)

    async def delete_disk(self, volume: str) -> None:
        """Remove a volume; one that is already gone is no error."""
        self._disks.delete(volume)

    async def rename_disk(self, volume: str, new_volume: str) -> None:
        """Rename a volume of a stopped guest."""
        self._disks.rename(volume, new_volume)

    async def snapshot_disk(self, volume: str, name: str) -> None:
        """Take a snapshot of a volume; one that `save_state` has taken with the memory is there already."""
        machine = self._holder(volume)
        if machine is None:
            await snapshots.take(self._disks.path(volume), name)
        elif machine.saved != name:
            await snapshots.take_live(machine, name)

    async def rollback_disk(self, volume: str, name: str) -> None:
        """Return a volume of a stopped guest to a snapshot."""
        await snapshots.go_back(self._disks.path(volume), name)

    async def delete_disk_snapshot(self, volume: str, name: str) -> None:
        """Remove a snapshot of a volume, and the memory kept with it."""
        machine = self._holder(volume)
        if machine is None:
            await snapshots.remove(self._disks.path(volume), name)
        else:
            await snapshots.remove_live(machine, name)

    def _holder(self, volume: str) -> Machine | None:
        path = self._disks.path(volume)
        return next((one for one in self._machines.values() if self._disks.path(one.spec.volume) == path), None)

    async def save_state(self, vmid: int, name: str) -> None:
        """Halt a guest and keep its memory beside its boot disk's snapshot."""
        machine = self._running(vmid)
        await machine.pause()
        await snapshots.save(machine, name)
        machine.saved = name

    async def restore(self, spec: GuestSpec, name: str) -> None:
        """Start a guest's process where `save_state` halted it."""
        machine = await self._launch(spec)
        try:
            await snapshots.load(machine, name)
        except GuestError:
            await self.stop(spec.vmid)
            raise
        await machine.boot()

    async def start(self, spec: GuestSpec) -> None:
        """Start a guest's process; its first instruction waits until fewer than three others are booting."""
        self._background(self._boot(await self._launch(spec)))

    async def _launch(self, spec: GuestSpec) -> Machine:
        if self.alive(spec.vmid):
            raise GuestError(f"VM {spec.vmid} already running")
        disk = self._disks.path(spec.volume)
        if not disk.exists():
            raise GuestError(f"volume '{spec.volume}' does not exist")
        host = await self._prepared()
        await write_seed(self._places.run(spec.vmid, "iso"), spec.cloud_init, spec.mac)
        machine = await Machine.launch(spec, host, disk, self._places)
        self._machines[spec.vmid] = machine
        self._watches[spec.vmid] = self._background(self._watch(machine))
        return machine

    async def stop(self, vmid: int) -> None:
        """Cut the power; a guest that does not run is no error."""
        if machine := self._machines.get(vmid):
            watch = self._watches[vmid]
            await machine.stop()
            await asyncio.wait([watch])

    async def powerdown(self, vmid: int) -> None:
        """Press the ACPI power button; returns at once."""
        await self._running(vmid).powerdown()

    async def reset(self, vmid: int) -> None:
        """Press the reset button."""
        await self._running(vmid).reset()

    async def pause(self, vmid: int) -> None:
        """Halt the virtual CPUs."""
        await self._running(vmid).pause()

    async def resume(self, vmid: int) -> None:
        """Let the virtual CPUs run on."""
        await self._running(vmid).resume()

    def alive(self, vmid: int) -> bool:
        """Whether the guest's process runs, also while paused."""
        return vmid in self._machines

    def paused(self, vmid: int) -> bool:
        """Whether the guest's virtual CPUs are halted by `pause`."""
        return self.alive(vmid) and self._machines[vmid].paused

    def info(self, vmid: int) -> GuestInfo | None:
        """Process id and start time of a running guest."""
        return self._machines[vmid].info if self.alive(vmid) else None

    async def screen(self, vmid: int, password: str) -> Streams:
        """A connection to the guest's screen, whose password it sets first; it is good for 30 s."""
        machine = self._running(vmid)
        await machine.execute("set_password", protocol="vnc", password=password)
        await machine.execute("expire_password", protocol="vnc", time="+30")
        return await _connected(self._places.run(vmid, "vnc"))

    async def serial(self, vmid: int, port: str) -> Streams:
        """A connection to the first serial line; whoever comes second waits until the first has gone."""
        self._running(vmid)
        if port != "serial0":
            raise GuestError(f"{port} is not there: guests of this kind have serial0 alone")
        return await _connected(self._places.run(vmid, "serial"))

    async def monitor(self, vmid: int, command: str) -> str:
        """What QEMU's human monitor prints."""
        answer: str = await self._running(vmid).execute("human-monitor-command", **{"command-line": command})
        return answer

    async def ask_agent(self, vmid: int, command: str, arguments: Mapping[str, Any], timeout: float) -> Any:
        """The agent's answer; one that comes up within `timeout` seconds does answer."""
        machine = self._running(vmid)
        if not machine.spec.agent:
            raise GuestError(f"unable to connect to VM {vmid} qga socket - No such file or directory")
        answer = asyncio.create_task(self._asked(machine, command, arguments, timeout))
        await asyncio.wait([answer, machine.ended], return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            answer.cancel()
            return None
        with contextlib.suppress(ChannelClosed):
            return await answer
        await asyncio.wait([machine.ended])

    @staticmethod
    async def _asked(machine: Machine, command: str, arguments: Mapping[str, Any], timeout: float) -> Any:
        try:
            async with asyncio.timeout(timeout):
                await machine.agent.connected.wait()
        except TimeoutError:
            raise GuestError(TIMED_OUT) from None
        return await machine.agent.execute(command, timeout, **arguments)

    async def agent_ping(self, vmid: int) -> bool:
        """Whether the guest agent answers within 3 s; no answer at once when it never came up."""
        try:
            await self._agent(vmid).execute("guest-ping")
        except GuestError:
            return False
        return True

    async def interfaces(self, vmid: int) -> list[Interface]:
        """The agent's view of the network."""
        return await self._agent(vmid).interfaces()

    async def osinfo(self, vmid: int) -> dict[str, str]:
        """The agent's `get-osinfo` result."""
        return await self._agent(vmid).osinfo()

    async def run_in_guest(self, vmid: int, *argv: str) -> Finished:
        """Run a program in the guest through its agent, to its end."""
        return await self._agent(vmid).run(*argv)

    async def await_agent(self, vmid: int, timeout: float = BOOT_SECONDS) -> None:
        """Wait until the agent is there; `GuestError` if the guest ends first or `timeout` seconds pass."""
        machine = self._running(vmid)
        await machine.booted(timeout)
        if not machine.agent.connected.is_set():
            raise GuestError(f"the agent of VM {vmid} did not come up within {timeout:g} s")

    async def await_agent_gone(self, vmid: int, timeout: float = BOOT_SECONDS) -> None:
        """Wait until the agent closed its end, as it does when the guest restarts."""
        await self._running(vmid).agent.gone(timeout)

    async def adopt(self, running: Mapping[int, GuestSpec]) -> None:
        """Start the guests again that ran before; one that cannot be started counts as crashed."""
        for spec in running.values():
            try:
                await self.start(spec)
            except GuestError as error:
                log.warning("VM %d cannot be started again: %s", spec.vmid, error)
                await self._on_exit(spec.vmid, "crash")

    async def close(self) -> None:
        """End every guest process and give the state directory free."""
        self._closing = True
        await asyncio.gather(*(machine.stop() for machine in self._machines.values()))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(OSError):
            self._places.run_dir.rmdir()
        self._lock.close()

    async def _prepared(self) -> Host:
        """The guest image and how to run it; built and probed once."""
        async with self._preparing:
            if self._host is None:
                if shutil.which(QEMU) is None:
                    raise missing_tool(QEMU)
                image = await asyncio.to_thread(build, self._cache)
                self._host = Host(image, await accelerator(image), self._memory_cap)
        return self._host

    async def _boot(self, machine: Machine) -> None:
        async with self._boots:
            with contextlib.suppress(GuestError):
                await machine.boot()
            await machine.booted(BOOT_SECONDS)

    async def _watch(self, machine: Machine) -> None:
        reason = await asyncio.shield(machine.ended)
        # Nothing may run between the two: a guest that is gone and not yet reported could be started again.
        del self._machines[machine.spec.vmid], self._watches[machine.spec.vmid]
        if not self._closing:
            await self._on_exit(machine.spec.vmid, reason)

    def _background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _running(self, vmid: int) -> Machine:
        if not self.alive(vmid):
            raise GuestError(f"VM {vmid} not running")
        return self._machines[vmid]

    def _agent(self, vmid: int) -> Agent:
        return self._running(vmid).agent


def default_memory_cap() -> int:
    """`HOSTLER_TESTBED_GUEST_MEMORY` in MiB, else 104."""
    given = os.environ.get("HOSTLER_TESTBED_GUEST_MEMORY", str(MEMORY_CAP_MIB))
    if not given.isdigit():
        raise GuestError(f"HOSTLER_TESTBED_GUEST_MEMORY is '{given}': set it to a number of MiB")
    return int(given)


def default_run_dir(state_dir: Path) -> Path:
    """One short folder per user and state directory: socket paths end at 107 bytes."""
    digest = hashlib.sha256(os.fsencode(state_dir.resolve())).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"hostler-qemu-{os.getuid()}-{digest}"


async def _connected(path: Path) -> Streams:
    try:
        return await asyncio.open_unix_connection(path)
    except OSError as error:
        raise GuestError(f"unable to connect to socket '{path}' - {error.strerror}") from None


def _claim(places: Places) -> IO[str]:
    """Take the directories for this process alone, and end what a killed testbed left running in them."""
    places.run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if places.run_dir.lstat().st_uid != os.getuid():
        raise GuestError(f"{places.run_dir} belongs to another user: remove it")
    places.log_dir.mkdir(parents=True, exist_ok=True)
    lock = (places.log_dir.parent / ".lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise GuestError(f"another testbed runs guests in {places.log_dir.parent}: stop it first") from error
    kill_leftovers(places.run_dir)
    return lock

"""One running QEMU process: its control channel, its agent, its end."""

import asyncio
import contextlib
import os
import select
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from testbed.proxmox.guests import ExitReason, GuestError, GuestInfo, GuestSpec
from testbed.proxmox.qemu.agent import Agent
from testbed.proxmox.qemu.arguments import TAKEN_BACK_MIB, Files, Host, command_line, granted_memory_mib
from testbed.proxmox.qemu.commands import missing_tool
from testbed.proxmox.qemu.qmp import LINE_LIMIT, Event, Qmp
from testbed.proxmox.qemu.usage import Usage

QEMU = "qemu-system-x86_64"
QUIT_SECONDS = 5.0
RUN_SUFFIXES = ("pid", "vnc", "serial", "iso")


@dataclass(frozen=True, slots=True)
class Places:
    """Where a guest's sockets (short paths: 107 bytes at most), seed and logs go."""

    run_dir: Path
    log_dir: Path

    def run(self, vmid: int, suffix: str) -> Path:
        """A file that exists while the guest runs."""
        return self.run_dir / f"{vmid}.{suffix}"

    def log(self, vmid: int, suffix: str) -> Path:
        """A file that stays after the guest's end."""
        return self.log_dir / f"{vmid}.{suffix}"


class Machine:
    """A guest's process. It begins halted before its first instruction; `boot` lets it go."""

    def __init__(self, spec: GuestSpec, places: Places, process: asyncio.subprocess.Process) -> None:
        self.spec = spec
        self.paused = False
        self.saved: str | None = None
        self._places, self._process = places, process
        self._started = time.time()
        self._usage = Usage(process.pid, spec.cores)
        self._stopping = False
        self._powered_off = False
        self._qmp: Qmp
        self._agent: Agent
        self.ended: asyncio.Task[ExitReason]

    @classmethod
    async def launch(cls, spec: GuestSpec, host: Host, disk: Path, places: Places) -> "Machine":
        """Start the process with its seed already written; `GuestError` if QEMU refuses."""
        for suffix in ("vnc", "serial"):
            places.run(spec.vmid, suffix).unlink(missing_ok=True)
        control, control_end = socket.socketpair()
        channel, channel_end = socket.socketpair()
        with control_end, channel_end:
            files = _files(spec.vmid, disk, places, control_end, channel_end)
            process = await _spawn(command_line(spec, host, files), files, places.log(spec.vmid, "log"))
        places.run(spec.vmid, "pid").write_text(str(process.pid))
        machine = cls(spec, places, process)
        await machine._connect(control, channel)
        memory = granted_memory_mib(spec.memory_mib, host.memory_cap_mib) - TAKEN_BACK_MIB
        await machine.execute("balloon", value=memory << 20)
        return machine

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    @property
    def info(self) -> GuestInfo:
        return GuestInfo(self._process.pid, self._started, self._usage.read())

    @property
    def agent(self) -> Agent:
        return self._agent

    async def boot(self) -> None:
        """Let the guest run its first instruction."""
        if not self.paused:
            await self._qmp.execute("cont")

    async def booted(self, timeout: float) -> None:
        """Wait until the agent answers or the process ended, `timeout` seconds at most."""
        connected = asyncio.create_task(self._agent.connected.wait())
        await asyncio.wait([connected, self.ended], timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        connected.cancel()

    async def stop(self) -> None:
        """Cut the power and wait for the end of the process; one that does not quit is killed."""
        self._stopping = True
        with contextlib.suppress(GuestError):
            await self._qmp.execute("quit", timeout=QUIT_SECONDS)
        done, _ = await asyncio.wait([self.ended], timeout=QUIT_SECONDS)
        if not done:
            self._kill()
            await asyncio.wait([self.ended])

    async def powerdown(self) -> None:
        """Press the ACPI power button."""
        await self._qmp.execute("system_powerdown")

    async def reset(self) -> None:
        """Press the reset button."""
        await self._qmp.execute("system_reset")

    async def pause(self) -> None:
        """Halt the virtual CPUs."""
        self.paused = True
        await self._qmp.execute("stop")

    async def resume(self) -> None:
        """Let the virtual CPUs run on."""
        self.paused, self.saved = False, None
        await self._qmp.execute("cont")

    async def execute(self, command: str, **arguments: Any) -> Any:
        """The answer to a QMP command."""
        return await self._qmp.execute(command, timeout=60.0, **arguments)

    async def resize_disk(self, size_bytes: int) -> None:
        """Grow the boot disk under the running guest, which is told."""
        await self._qmp.execute("block_resize", timeout=60.0, device="drive-scsi0", size=size_bytes)

    async def _connect(self, control: socket.socket, channel: socket.socket) -> None:
        self._qmp = Qmp(*await asyncio.open_connection(sock=control, limit=LINE_LIMIT))
        self._agent = Agent(*await asyncio.open_connection(sock=channel, limit=LINE_LIMIT))
        self.ended = asyncio.create_task(self._end())
        try:
            await self._qmp.open(self._on_event)
        except GuestError as error:
            if self.alive:
                self._kill()
            await asyncio.wait([self.ended])
            raise GuestError(self._refusal()) from error

    def _kill(self) -> None:
        # Not by the process object: that would look first whether it has ended, and take the exit code from asyncio.
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGKILL)

    def _on_event(self, event: Event) -> None:
        if event["event"] == "VSERPORT_CHANGE" and event["data"]["id"] == "agent":
            self._agent.set_connected(event["data"]["open"])
        elif event["event"] == "SHUTDOWN":
            self._powered_off = event["data"]["reason"] == "guest-shutdown"

    async def _end(self) -> ExitReason:
        await self._process.wait()
        await self._qmp.closed()
        self._agent.close()
        for suffix in RUN_SUFFIXES:
            self._places.run(self.spec.vmid, suffix).unlink(missing_ok=True)
        if self._stopping:
            return "stop"
        return "shutdown" if self._powered_off else "crash"

    def _refusal(self) -> str:
        lines = self._places.log(self.spec.vmid, "log").read_text(errors="replace").splitlines()
        reason = f"QEMU exited with code {self._process.returncode}"
        return f"{reason}: {lines[-1]}" if lines else reason


def _files(vmid: int, disk: Path, places: Places, control: socket.socket, channel: socket.socket) -> Files:
    return Files(
        disk=disk,
        seed=places.run(vmid, "iso"),
        vnc=places.run(vmid, "vnc"),
        serial=places.run(vmid, "serial"),
        serial_log=places.log(vmid, "console"),
        qmp_fd=control.fileno(),
        agent_fd=channel.fileno(),
    )


async def _spawn(arguments: list[str], files: Files, log: Path) -> asyncio.subprocess.Process:
    """Start QEMU such that the kernel kills it when this process dies, however that dies."""
    with log.open("wb") as output:
        return await _exec(arguments, (files.qmp_fd, files.agent_fd), output)


async def _exec(arguments: list[str], inherited: tuple[int, ...], output: BinaryIO) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *("setpriv", "--pdeathsig", "KILL", "--", QEMU, *arguments),
            pass_fds=inherited,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise missing_tool("setpriv") from error


def kill_leftovers(run_dir: Path) -> None:
    """Kill guests that a killed testbed left behind, known by their command line, and clear `run_dir`."""
    for record in run_dir.glob("*.pid"):
        pid = int(record.read_text() or 0)
        with contextlib.suppress(OSError):
            if pid and os.fsencode(run_dir) in Path(f"/proc/{pid}/cmdline").read_bytes():
                _kill(pid)
    for suffix in RUN_SUFFIXES:
        for file in run_dir.glob(f"*.{suffix}"):
            file.unlink(missing_ok=True)


def _kill(pid: int) -> None:
    """Kill a process that is not our child and wait for its end: until then it holds the lock of its disk."""
    watch = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(watch, signal.SIGKILL)
        select.select([watch], [], [], QUIT_SECONDS)
    finally:
        os.close(watch)

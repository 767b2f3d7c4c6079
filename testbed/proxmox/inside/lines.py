"""The ways into a simulated guest: its agent's channel, its screen, its serial lines."""

import asyncio
import socket
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from testbed.proxmox.console.vnc import Display
from testbed.proxmox.guests import Streams
from testbed.proxmox.inside.agent import GuestAgent
from testbed.proxmox.inside.screen import Screen
from testbed.proxmox.inside.shell import Shell
from testbed.proxmox.inside.system import System

#: How often a screen that somebody looks at tells the time.
CLOCK_SECONDS = 0.5


class Lines:
    """One running guest as its host sees it. `awake` is unset while its processors are halted."""

    def __init__(self, system: System, awake: asyncio.Event) -> None:
        self._system = system
        self._awake = awake
        self._agent = GuestAgent(system)
        self._screen = Screen()
        self._shell = Shell(system, "tty1", self._screen.write)
        self._greeted = False
        self._keys: asyncio.Queue[str] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._typist: asyncio.Task[None] | None = None
        self.closed = asyncio.Event()

    def rebooted(self, booted: float) -> None:
        """The guest begins anew and will be up at `booted`."""
        self._system.booted = booted
        self._agent.close()
        self._agent = GuestAgent(self._system)
        self._greeted = False

    @property
    def text(self) -> str:
        """What stands on the screen."""
        self._refresh()
        return self._screen.text

    async def ask(self, command: str, arguments: Mapping[str, Any]) -> Any:
        """What the agent answers; raises `AgentError`."""
        return await self._agent.execute(command, arguments)

    async def screen(self, password: str) -> Streams:
        """A connection on which the screen speaks the remote framebuffer protocol."""
        spec = self._system.spec
        display = Display(self._screen, f"QEMU ({spec.name})", self.type)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            clock = self._background(self._tick())
            try:
                await display.serve(reader, writer, password)
            finally:
                clock.cancel()

        self._refresh()
        return await self._joined(serve)

    async def serial(self) -> Streams:
        """A connection to a login shell on a serial line."""
        return await self._joined(self._serve_serial)

    def type(self, text: str) -> None:
        """Press keys; a guest that still boots does not care."""
        if self._system.up:
            self._typist = self._typist or self._background(self._work_off_keys())
            self._keys.put_nowait(text)

    def close(self) -> None:
        """The guest has ended: every connection does too."""
        self._agent.close()
        for task in self._tasks:
            task.cancel()
        self.closed.set()

    def _background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _joined(
        self, serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]
    ) -> Streams:
        near, far = socket.socketpair()
        self._background(serve(*await asyncio.open_connection(sock=far)))
        return await asyncio.open_connection(sock=near)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(CLOCK_SECONDS)
            self._refresh()

    def _refresh(self) -> None:
        up, paused = self._system.up, not self._awake.is_set()
        if up and not self._greeted:
            self._greeted = True
            self._screen.clear()
            self._shell.greet()
        elif not up and not paused:
            self._screen.clear()
            self._screen.write("Booting from Hard Disk...\r\n")
        spec, seconds = self._system.spec, int(self._system.uptime)
        state = "paused" if paused else "running" if up else "starting"
        since = f", up {seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}" if up else ""
        self._screen.title(f"VM {spec.vmid} ({spec.name}) {state}{since}", alarming=paused)

    async def _work_off_keys(self) -> None:
        while True:
            text = await self._keys.get()
            await self._awake.wait()
            self._refresh()
            await self._shell.type(text)

    async def _serve_serial(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        shell = Shell(self._system, "ttyS0", lambda text: writer.write(text.encode()))
        try:
            while data := await reader.read(4096):
                await self._awake.wait()
                if self._system.up:
                    await shell.type(data.decode(errors="replace"))
                    await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

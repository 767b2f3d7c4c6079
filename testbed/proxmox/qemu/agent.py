"""A client of the QEMU guest agent over its virtio-serial channel (QEMU docs/interop/qemu-ga-ref)."""

import asyncio
import base64
import itertools
import json
from dataclasses import dataclass
from typing import Any

from testbed.proxmox.guests import AgentError, GuestError, Interface

NOT_RUNNING = "QEMU guest agent is not running"
TIMED_OUT = "got timeout"
EXEC_POLL_SECONDS = 0.05


class ChannelClosed(GuestError):
    """QEMU closed the channel: the guest's process is ending."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A program that ran in the guest."""

    exit_code: int
    output: str


class Agent:
    """One channel. `connected` follows whether the agent in the guest holds its end open (QEMU tells us)."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._turn = asyncio.Lock()
        self._ids = itertools.count(1)
        self.connected = asyncio.Event()
        self._gone = asyncio.Event()

    async def execute(self, command: str, timeout: float = 3.0, **arguments: Any) -> Any:
        """The command's return value; `AgentError` when the agent refuses, `GuestError` when it is not there.

        One that is there and does not answer in `timeout` s "got timeout".
        """
        if not self.connected.is_set():
            raise GuestError(NOT_RUNNING)
        try:
            async with asyncio.timeout(timeout), self._turn:
                await self._sync()
                self._send(command, arguments)
                answer = json.loads(await self._line())
        except (TimeoutError, OSError) as error:
            raise GuestError(TIMED_OUT) from error
        if "error" in answer:
            raise AgentError(answer["error"]["desc"], answer["error"]["class"])
        return answer["return"]

    async def interfaces(self) -> list[Interface]:
        """`guest-network-get-interfaces`."""
        return [_interface(entry) for entry in await self.execute("guest-network-get-interfaces")]

    async def osinfo(self) -> dict[str, str]:
        """`guest-get-osinfo`."""
        answer: dict[str, str] = await self.execute("guest-get-osinfo")
        return answer

    async def run(self, *argv: str, timeout: float = 30.0) -> Finished:
        """Run a program in the guest to its end (`guest-exec`); `GuestError` after `timeout` s."""
        program: dict[str, Any] = {"path": argv[0], "arg": list(argv[1:]), "capture-output": True}
        pid = (await self.execute("guest-exec", **program))["pid"]
        try:
            status = await asyncio.wait_for(self._exited(pid), timeout)
        except TimeoutError as error:
            raise GuestError(f"{argv[0]} did not end within {timeout:g} s in the guest") from error
        output = base64.b64decode(status.get("out-data", "")) + base64.b64decode(status.get("err-data", ""))
        return Finished(status.get("exitcode", -1), output.decode(errors="replace"))

    async def _exited(self, pid: int) -> dict[str, Any]:
        while True:  # the agent tells of an end only when asked
            status: dict[str, Any] = await self.execute("guest-exec-status", pid=pid)
            if status["exited"]:
                return status
            await asyncio.sleep(EXEC_POLL_SECONDS)

    def set_connected(self, connected: bool) -> None:
        """QEMU says that the agent in the guest opened or closed its end."""
        (self.connected.set if connected else self.connected.clear)()
        (self._gone.clear if connected else self._gone.set)()

    async def gone(self, timeout: float) -> None:
        """Wait until the agent closed its end; `GuestError` after `timeout` s."""
        try:
            await asyncio.wait_for(self._gone.wait(), timeout)
        except TimeoutError as error:
            raise GuestError(f"the agent was still there after {timeout:g} s") from error

    def close(self) -> None:
        """Give up the channel."""
        self.set_connected(False)
        self._writer.close()

    async def _sync(self) -> None:
        """Skip whatever an earlier, abandoned command still sends (`guest-sync-delimited`)."""
        number = next(self._ids)
        self._writer.write(b"\xff")
        self._send("guest-sync-delimited", {"id": number})
        while True:
            line = await self._line()
            if b"\xff" in line and json.loads(line.rpartition(b"\xff")[2]).get("return") == number:
                return

    def _send(self, command: str, arguments: dict[str, Any]) -> None:
        self._writer.write(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")

    async def _line(self) -> bytes:
        line = await self._reader.readline()
        if not line:
            raise ChannelClosed(NOT_RUNNING)
        return line


def _interface(entry: dict[str, Any]) -> Interface:
    addresses = tuple((item["ip-address"], int(item["prefix"])) for item in entry.get("ip-addresses", ()))
    return Interface(entry["name"], entry.get("hardware-address", ""), addresses)

"""A QMP client: QEMU's control channel of JSON lines (QEMU docs/interop/qmp-spec)."""

import asyncio
import itertools
import json
from collections.abc import Callable
from typing import Any

from testbed.proxmox.guests import GuestError

Event = dict[str, Any]
LINE_LIMIT = 1 << 20


class Qmp:
    """One connection. Commands may overlap; each answer finds its caller by id."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Event]] = {}
        self._listener: asyncio.Task[None] | None = None

    async def open(self, on_event: Callable[[Event], None], timeout: float = 30.0) -> None:
        """Read the greeting, leave negotiation mode, then hand every event to `on_event`."""
        try:
            greeting = await asyncio.wait_for(self._reader.readline(), timeout)
        except (TimeoutError, OSError) as error:
            raise GuestError("QEMU's control channel stayed silent") from error
        if not greeting:
            raise GuestError("QEMU closed its control channel")
        self._listener = asyncio.create_task(self._listen(on_event))
        await self.execute("qmp_capabilities")

    async def execute(self, command: str, timeout: float = 5.0, **arguments: Any) -> Any:
        """The command's return value; `GuestError` with QEMU's text, or when no answer comes in `timeout` s."""
        number = next(self._ids)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        request = {"execute": command, "arguments": arguments, "id": number}
        try:
            self._writer.write(json.dumps(request).encode() + b"\n")
            message = await asyncio.wait_for(answer, timeout)
        except TimeoutError as error:
            raise GuestError(f"qmp command '{command}' failed - got timeout") from error
        finally:
            del self._waiting[number]
        if "error" in message:
            raise GuestError(f"qmp command '{command}' failed - {message['error']['desc']}")
        return message["return"]

    async def closed(self) -> None:
        """Wait until QEMU has closed the channel; every event has been handed over by then."""
        if self._listener:
            await asyncio.wait([self._listener])
        self._writer.close()

    async def _listen(self, on_event: Callable[[Event], None]) -> None:
        try:
            while line := await self._reader.readline():
                message = json.loads(line)
                if "event" in message:
                    on_event(message)
                elif (answer := self._waiting.get(message.get("id"))) and not answer.done():
                    answer.set_result(message)
        except OSError:
            pass  # QEMU was killed: the same as the end of the stream
        finally:
            self._fail_waiting()

    def _fail_waiting(self) -> None:
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(GuestError("VM quit before it answered"))

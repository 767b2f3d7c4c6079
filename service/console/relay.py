"""The WebSocket behind a ticket: what a viewer and a guest's screen say to each other is passed on, piece by piece.

Nothing is kept beyond the piece in hand: who reads slowly is written to slowly. It ends when either side does, when the
session or the right to it does, and when nobody has typed or moved for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from domain import ids
from eventstore.database import FAILED
from hypervisor.errors import HypervisorError
from hypervisor.port import Console
from runtime import rfb
from service.console import tickets
from service.console.tickets import Pass
from service.deps import Deps
from service.servers.guest import guest_of
from service.web.problems import Problem

ENTER_SECONDS = 15.0
CHECK_SECONDS = 2.0
IDLE_SECONDS = 600.0
MOST = 10  # per user and process
REFUSED, LEFT, ENDED = 1008, 1000, 1001
AWAY = "The hypervisor does not show the screen now: the server may be off, or try again soon."
log = structlog.get_logger()


async def relay(ws: WebSocket) -> None:
    """Serve one console; a ticket that is worthless is refused before anything else is said."""
    d: Deps = ws.app.state.deps
    given = await _redeemed(ws, d)
    if given is None:
        await ws.close(REFUSED)
        return
    await ws.accept("binary" if "binary" in ws.scope["subprotocols"] else None)
    d.consoles[given.caller.user_id] += 1
    try:
        code, why = await _Relay(ws, d, given).run()
    finally:
        d.consoles[given.caller.user_id] -= 1
    log.info("console closed", **_who(given), why=why)
    if ws.client_state is WebSocketState.CONNECTED and ws.application_state is WebSocketState.CONNECTED:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await ws.close(code, why)


async def _redeemed(ws: WebSocket, d: Deps) -> Pass | None:
    origin, host = ws.headers.get("origin"), ws.headers.get("host", "")
    try:
        return await tickets.redeem(d, ws.path_params["ticket"], origin, host)
    except FAILED:
        return None


def _who(given: Pass) -> dict[str, str]:
    return {"server": ids.show(ids.SERVER, given.server_id), "user": given.caller.user_id.hex}


class _Relay:
    """One console, from its ticket to its end."""

    def __init__(self, ws: WebSocket, d: Deps, given: Pass):
        self._ws, self._d, self._given = ws, d, given
        self._pieces = rfb.Pieces(self._read)
        self._typed_at = time.monotonic()

    async def run(self) -> tuple[int, str]:
        """How it ended, and why in plain words."""
        try:
            async with asyncio.timeout(ENTER_SECONDS):
                await rfb.admit(self._pieces, self._write, self._given.password)
                console = await self._opened()
        except (rfb.NotAdmitted, TimeoutError) as error:
            return REFUSED, str(error) or "no answer in time"
        if isinstance(console, str):
            await self._write(rfb.refusal(console))
            return REFUSED, console
        log.info("console opened", **_who(self._given))
        try:
            await self._write(rfb.welcome())
            return await self._pass_on(console)
        finally:
            await console.close()

    async def _opened(self) -> Console | str:
        """The screen, or in plain words why there is none."""
        if self._d.consoles[self._given.caller.user_id] > MOST:
            return f"You have {MOST} consoles open: close one first."
        try:
            hypervisor, guest = await guest_of(self._d, await tickets.admitted(self._d, self._given))
            return await hypervisor.console(guest.node, guest.vmid)
        except Problem as problem:
            return problem.detail
        except HypervisorError as error:
            log.warning("console not opened", **_who(self._given), error=str(error))
            return AWAY
        except FAILED:
            return "The database does not answer: try again soon."

    async def _pass_on(self, console: Console) -> tuple[int, str]:
        ways = [self._typing(console), self._showing(console), self._watching()]
        tasks = [asyncio.create_task(way) for way in ways]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return next(iter(done)).result()

    async def _typing(self, console: Console) -> tuple[int, str]:
        while data := await self._pieces.more():
            self._typed_at = time.monotonic()
            await console.write(data)
        return LEFT, "the viewer has left"

    async def _showing(self, console: Console) -> tuple[int, str]:
        while data := await console.read():
            await self._write(data)
        return ENDED, "the server has ended it"

    async def _watching(self) -> tuple[int, str]:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            if time.monotonic() - self._typed_at > IDLE_SECONDS:
                return ENDED, "nobody has typed for a while"
            try:
                await tickets.admitted(self._d, self._given)
            except Problem as problem:
                return REFUSED, problem.detail
            except FAILED:
                continue  # asked again; nobody signs out while the database is away

    async def _read(self) -> bytes:
        message = await self._ws.receive()
        if message["type"] != "websocket.receive":
            return b""
        return message.get("bytes") or (message.get("text") or "").encode("latin-1", "replace")

    async def _write(self, data: bytes) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self._ws.send_bytes(data)

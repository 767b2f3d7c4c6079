"""Looking at a guest on Proxmox VE: its screen, and what was measured of it.

A console is two calls that must reach the same node (qemu-server API2/Qemu.pm vncproxy, vncwebsocket): the first opens
a port there and names a ticket, the second carries its bytes, within ten seconds and under the same identity.
"""

from __future__ import annotations

import asyncio
import re

from hypervisor.calls import Caller, Screened, guest_path
from hypervisor.errors import HypervisorError, Unreachable
from hypervisor.port import Console, Sample, Timeframe
from hypervisor.wire_looking import samples_of
from runtime import rfb

ENTER_SECONDS = 10.0
NOTHING_YET = re.compile(r"RRD error: .*No such file or directory")


class Looking(Caller):
    """The verbs of the port that look at guests."""

    async def series(self, node: str, vmid: int, timeframe: Timeframe) -> list[Sample]:
        path = (*guest_path(node, vmid), "rrddata")
        try:
            return await self._read(samples_of, *path, timeframe=timeframe, cf="AVERAGE")
        except HypervisorError as error:
            if NOTHING_YET.match(error.text):
                return []
            raise

    async def console(self, node: str, vmid: int) -> Console:
        path = guest_path(node, vmid)
        endpoint, told = await self._answered("post", (*path, "vncproxy"), {"websocket": 1})
        if not isinstance(endpoint, Screened):
            raise Unreachable("it shows no screens", call="/".join(path))
        ticket = {"port": told["port"], "vncticket": told["ticket"]}
        stream = await endpoint.stream((*path, "vncwebsocket"), ticket)
        password = told.get("password") or told["ticket"]  # the older way: the ticket itself is looked at
        try:
            return await _entered(stream, password, "/".join(path))
        except BaseException:
            await stream.close()
            raise


async def _entered(stream: rfb.Stream, password: str, path: str) -> Console:
    pieces = rfb.Pieces(stream.read)
    try:
        async with asyncio.timeout(ENTER_SECONDS):
            await rfb.enter(pieces, stream.write, password)
    except (rfb.NotAdmitted, TimeoutError) as error:
        raise Unreachable(str(error) or "no answer in time", call=f"GET /{path}/vncwebsocket") from error
    return Entered(stream, pieces)


class Entered:
    """A stream whose beginning is over."""

    def __init__(self, stream: rfb.Stream, pieces: rfb.Pieces) -> None:
        self._stream, self.read = stream, pieces.more
        self.write, self.close = stream.write, stream.close

"""A serial line shown on a screen of its own (Proxmox's vncterm)."""

import asyncio
import re
from contextlib import suppress

from testbed.proxmox.console.consoles import CHUNK, first_of
from testbed.proxmox.console.vnc import Display
from testbed.proxmox.guests import Streams
from testbed.proxmox.inside.screen import Screen

_CONTROL = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|\][^\a]*\a|[()].|.)")


async def show(client: Streams, line: Streams, title: str, password: str) -> None:
    """Serve one client until it goes or the line ends."""
    screen = Screen()
    screen.title(title)
    display = Display(screen, title, lambda text: line[1].write(text.encode()))
    try:
        await first_of(
            asyncio.create_task(display.serve(*client, password)),
            asyncio.create_task(_print(line[0], screen)),
        )
    finally:
        line[1].close()


async def _print(line: asyncio.StreamReader, screen: Screen) -> None:
    with suppress(OSError):
        while data := await line.read(CHUNK):
            screen.write(_CONTROL.sub("", data.decode(errors="replace")))

"""The bytes on the wire, without an HTTP client's opinions."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.testbed_proxmox.bed import PATIENCE, TRUSTING, Bed


@asynccontextmanager
async def connected(bed: Bed, tls: bool = True) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to the API's port, given up after `PATIENCE` seconds."""
    port = int(bed.running.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=TRUSTING if tls else None)
    try:
        async with asyncio.timeout(PATIENCE):
            yield reader, writer
    finally:
        writer.close()


async def spoken(bed: Bed, text: str, tls: bool = True) -> bytes:
    r"""What the server sends until it closes; `\n` stands for CR LF and TOKEN for the authorization header."""
    token = f"Authorization: {bed.headers['Authorization']}"
    async with connected(bed, tls) as (reader, writer):
        writer.write(text.replace("\n", "\r\n").replace("TOKEN", token).encode())
        return await reader.read()

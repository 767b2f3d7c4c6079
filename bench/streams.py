"""What 2,000 open event streams take of one process of the service, and how soon all of them are told of a change."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from bench.measure import report
from bench.storm_place import Storming, email, in_quiet, signed_in

STREAMS, OPENING, CHANGES = 2_000, 50, 5
MOST_MB, MOST_MS = 300.0, 150.0
WAIT_SECONDS = 60.0
ORDER = {"name": "web", "plan": "vps-s", "image": "debian-12", "location": "fra1"}
Reader = asyncio.StreamReader


async def main() -> None:
    """Print the figures."""
    await in_quiet(_figures)


async def _figures(place: Storming) -> None:
    async with signed_in(place, email(0)) as client:
        made = (await client.post("/v1/servers", json=ORDER)).raise_for_status().json()
        before = _megabytes(place)
        async with _streams(place.url, client.headers["Authorization"]) as readers:
            took = [await _told(client, made["server"]["id"], readers, number) for number in range(CHANGES)]
            after = _megabytes(place)
    told = sorted(seconds for round in took for seconds in round)
    report("streams_memory", (after, MOST_MB), f"the most it may take ({before:.0f} before)", "MB", STREAMS)
    p95 = told[math.ceil(len(told) * 0.95) - 1] * 1000
    report("streams_told_p95", (p95, MOST_MS), "the most it may take", "ms after the answer", len(told))


@asynccontextmanager
async def _streams(url: str, authorization: str) -> AsyncIterator[list[Reader]]:
    """Streams that have begun."""
    address = httpx.URL(url)
    head = f"GET /v1/events HTTP/1.1\r\nHost: {address.netloc.decode()}\r\nAuthorization: {authorization}\r\n\r\n"
    gate, writers = asyncio.Semaphore(OPENING), []

    async def opened() -> Reader:
        async with gate:
            reader, writer = await asyncio.open_connection(address.host, address.port)
            writers.append(writer)
            writer.write(head.encode())
            await _until(reader, b": listening")
        return reader

    try:
        yield await asyncio.gather(*(opened() for _ in range(STREAMS)))
    finally:
        for writer in writers:
            writer.close()


async def _until(reader: Reader, text: bytes) -> float:
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            line = await reader.readline()
            if text in line:
                return time.perf_counter()
            if not line:
                raise RuntimeError("a stream ended")


async def _told(client: httpx.AsyncClient, server: str, readers: list[Reader], number: int) -> list[float]:
    """Seconds from the answer to a change until each stream has told of it."""
    mark = f"bench-{number}"
    waiting = [asyncio.create_task(_until(reader, mark.encode())) for reader in readers]
    (await client.patch(f"/v1/servers/{server}", json={"labels": {"bench": mark}})).raise_for_status()
    answered = time.perf_counter()
    return [max(0.0, at - answered) for at in await asyncio.gather(*waiting)]


def _megabytes(place: Storming) -> float:
    """What the service keeps in memory."""
    status = Path(f"/proc/{place.programs['service'].pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) / 1000

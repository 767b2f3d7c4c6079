"""What the API answers in a second, one worker, with 100,000 servers and 5,000 customers in the tables.

By turns with an application of the same framework that answers `{}` to everything, both asked by wrk. Then the same
questions evenly, half as many as were answered: how long the slowest of a hundred takes.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import UUID

import httpx

from bench import crowd
from bench.measure import ROUNDS, by_turns, report
from bench.storm_place import Storming, email, in_quiet, signed_in
from domain.registry import EVENTS
from eventstore.codec import Codec
from eventstore.database import open_pool
from eventstore.store import Entry, EventStore
from testbed.postgres import free_port

CUSTOMERS, SERVERS, OWN, PAGE = 5_000, 100_000, 60, 50
CONNECTIONS, SECONDS, HALF_SECONDS = 16, 3, 10
START_SECONDS = 30.0
MOST_P99_MS = 50.0
REPOSITORY = Path(__file__).resolve().parents[1]
ORDER = {"name": "web", "plan": "vps-s", "image": "debian-12", "location": "fra1"}


@dataclass(frozen=True, slots=True)
class Question:
    """A request that is asked again and again; `token` is who asks."""

    name: str
    url: str
    token: str
    method: str = "GET"
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def script(self, folder: Path) -> Path:
        """How wrk asks it."""
        lines = [f'wrk.method = "{self.method}"', f"wrk.body = {json.dumps(self.body)}"]
        lines += [f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in self._headers().items()]
        path = folder / f"{self.name}.lua"
        path.write_text("\n".join(lines))
        return path

    def bytes(self) -> bytes:
        """The request as it is sent."""
        url = httpx.URL(self.url)
        lines = [f"{self.method} {url.raw_path.decode()} HTTP/1.1", f"Host: {url.netloc.decode()}"]
        lines += [f"{name}: {value}" for name, value in self._headers().items()]
        lines.append(f"Content-Length: {len(self.body)}")
        return ("\r\n".join(lines) + "\r\n\r\n" + self.body).encode()

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **self.headers}


async def main() -> None:
    """Print the figures."""
    await in_quiet(_figures)


async def _figures(place: Storming) -> None:
    await _fill(place)
    async with _empty() as empty:
        for question in await _questions(place):
            await _measure(place, question, empty)


async def _measure(place: Storming, question: Question, empty: str) -> None:
    bare = Question("empty", empty, question.token, question.method, question.body)
    ours, peer = await by_turns(lambda: _rate(question, place.folder), lambda: _rate(bare, place.folder))
    report(f"http_{question.name}", (ours, peer), "an empty Starlette handler", "requests/s", ROUNDS)
    p99 = await _half_load(question, ours / 2)
    report(f"http_{question.name}_p99", (p99, MOST_P99_MS), "the most it may take", "ms at half load", round(ours / 2))


async def _questions(place: Storming) -> list[Question]:
    async with signed_in(place, email(0)) as client:
        token = client.headers["Authorization"].removeprefix("Bearer ")
        servers = (await client.get("/v1/servers")).raise_for_status().json()["data"]
    one, many = f"{place.url}/v1/servers/{servers[0]['id']}", f"{place.url}/v1/servers"
    return [
        Question("server", one, token),
        Question("list", f"{many}?limit={PAGE}", token),
        Question("create", many, token, "POST", json.dumps(ORDER)),
    ]


async def _rate(question: Question, folder: Path) -> float:
    """Answers a second; every one of them must be good."""
    limits = ["-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", str(question.script(folder))]
    process = await asyncio.create_subprocess_exec("wrk", *limits, question.url, stdout=subprocess.PIPE)
    out, _ = await process.communicate()
    text = out.decode()
    if process.returncode or "Non-2xx" in text or "Socket errors" in text:
        raise RuntimeError(f"{question.method} {question.url}: {text}")
    return float(re.findall(r"Requests/sec:\s+([\d.]+)", text)[0])


async def _half_load(question: Question, per_second: float) -> float:
    """Milliseconds from when a request was due to its answer, for the 99th of a hundred."""
    due: asyncio.Queue[float] = asyncio.Queue()
    took: list[float] = []
    asking = [asyncio.create_task(_ask(question, due, took)) for _ in range(CONNECTIONS)]
    began, count = time.perf_counter(), int(per_second * HALF_SECONDS)
    for number in range(count):
        at = began + number / per_second
        await asyncio.sleep(max(0.0, at - time.perf_counter()))
        due.put_nowait(at)
    await due.join()
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    return sorted(took)[math.ceil(len(took) * 0.99) - 1] * 1000


async def _ask(question: Question, due: asyncio.Queue[float], took: list[float]) -> None:
    url, request = httpx.URL(question.url), question.bytes()
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        while True:
            at = await due.get()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if head[9:10] != b"2":
                raise RuntimeError(head.decode())
            await reader.readexactly(int(re.findall(rb"content-length: (\d+)", head)[0]))
            took.append(time.perf_counter() - at)
            due.task_done()
    finally:
        writer.close()


async def _fill(place: Storming) -> None:
    pool = await open_pool(place.database_url)
    try:
        store = EventStore(pool, Codec(EVENTS))
        (own,) = await pool.fetch("SELECT account_id FROM member_view")
        crowd_of = [crowd.customer(number) for number in range(CUSTOMERS)]
        await crowd.append_all(store, len(crowd_of), lambda number: crowd_of[number])
        accounts = [entries[1].stream_id for entries in crowd_of]
        await crowd.append_all(store, SERVERS, partial(_server, own["account_id"], accounts))
        await crowd.until_shown(pool, SERVERS)
        await pool.execute("VACUUM ANALYZE")
    finally:
        await pool.close()


def _server(own: UUID, others: list[UUID], number: int) -> list[Entry]:
    owner = own if number < OWN else others[number % len(others)]
    return crowd.server("demo", number, crowd.mac(number), owner)


@asynccontextmanager
async def _empty() -> AsyncIterator[str]:
    """An application that does nothing, served as ours is."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.http_peer", str(port), cwd=REPOSITORY)
    url = f"http://127.0.0.1:{port}/"
    try:
        async with httpx.AsyncClient() as client, asyncio.timeout(START_SECONDS):
            while not await _answers(client, url):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        yield url
    finally:
        process.terminate()
        await process.wait()


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == 200
    except httpx.TransportError:
        return False

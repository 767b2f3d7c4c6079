"""What the dashboard takes in a browser, with 10,000 servers in its list.

`ui_first_load_PAGE`: the scripts that are asked for, by somebody who was never here, before the page can be used.
`ui_longest_task`: the longest that the page does not answer while all of the list is read, scrolled, searched and
filtered. `ui_commit_to_pixel`: from the call that appends an event to the changed word on the page of its server.
`ui_lighthouse_SCORE_DEVICE_PAGE`: what Lighthouse gives the page, on a slow telephone and on a desk.
"""

from __future__ import annotations

import asyncio
import json
import math
import subprocess
import time
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from bench import crowd
from bench.measure import report
from bench.storm_place import PASSWORD, REPOSITORY, Storming, email, in_quiet
from domain.registry import EVENTS
from domain.server.events import PowerObserved
from eventstore.codec import Codec
from eventstore.database import Pool, open_pool
from eventstore.store import Entry, EventStore

SERVERS, SAMPLES = 10_000, 60
MOST_KB, MOST_TASK_MS, MOST_P95_MS = 150.0, 50.0, 150.0
NODE, PAGES = REPOSITORY / "var" / "tools" / "node", Path(__file__).with_name("ui.mjs")
LIGHTHOUSE = Path(__file__).with_name("lighthouse")
LEAST = {"performance": 95.0, "accessibility": 100.0, "best-practices": 100.0}
POWERS: tuple[tuple[Literal["running", "stopped"], str], ...] = (("stopped", "Stopped"), ("running", "Running"))
LINE_SECONDS, RUN_SECONDS = 180.0, 400.0
LIMIT = "the most it may be"


async def main() -> None:
    """Print the figures."""
    await in_quiet(_figures)


async def _figures(place: Storming) -> None:
    pool = await open_pool(place.database_url)
    try:
        server = await _fill(pool)
        browser = await _browse(place, server)
        load, list = await _told(browser, "load"), await _told(browser, "list")
        for name, first in load.items():
            report(f"ui_first_load_{name}", (first["kb"], MOST_KB), LIMIT, "kB gzip", first["files"])
        report("ui_longest_task", (list["ms"], MOST_TASK_MS), LIMIT, "ms", list["servers"])
        p95 = await _commit_to_pixel(pool, browser, server)
        report("ui_commit_to_pixel", (p95, MOST_P95_MS), LIMIT, "ms p95", SAMPLES)
        await _ended(browser)
        await _lighthouse(place, server)
    finally:
        await pool.close()


async def _fill(pool: Pool) -> UUID:
    """Give the customer many servers; one of them."""
    (member,) = await pool.fetch("SELECT account_id FROM member_view")
    store, account = EventStore(pool, Codec(EVENTS)), member["account_id"]
    await crowd.append_all(store, SERVERS, lambda number: crowd.server("demo", number, crowd.mac(number), account))
    await crowd.until_shown(pool, SERVERS)
    await pool.execute("VACUUM ANALYZE")
    chosen: UUID = await pool.fetchval("SELECT server_id FROM server_view ORDER BY created_at DESC, server_id LIMIT 1")
    return chosen


def _given(place: Storming, server: UUID) -> dict[str, Any]:
    return {"url": place.url, "email": email(0), "password": PASSWORD, "server": f"srv_{server.hex}"}


async def _browse(place: Storming, server: UUID) -> asyncio.subprocess.Process:
    given = _given(place, server) | {"servers": SERVERS}
    return await asyncio.create_subprocess_exec(
        NODE, PAGES, json.dumps(given), stdout=subprocess.PIPE, stdin=subprocess.PIPE
    )


async def _lighthouse(place: Storming, server: UUID) -> None:
    """Report the scores; it is fetched when it is used for the first time."""
    if not (LIGHTHOUSE / "node_modules").exists():
        await _run(NODE.with_name("npm"), "ci", "--prefix", LIGHTHOUSE, "--ignore-scripts")
    pages = json.loads(await _run(NODE, LIGHTHOUSE / "audit.mjs", json.dumps(_given(place, server))))
    for page, told in pages.items():
        for score, least in LEAST.items():
            report(f"ui_lighthouse_{score}_{page}", (told[score], least), "the least it may be", "of 100", 1)


async def _run(*command: str | Path) -> bytes:
    """What a command prints.

    Raises:
        RuntimeError: it failed, or took too long.
    """
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    try:
        printed, _ = await asyncio.wait_for(process.communicate(), RUN_SECONDS)
    except TimeoutError:
        process.kill()
        raise RuntimeError(f"not within {RUN_SECONDS:g} s: {command[1]}") from None
    if process.returncode:
        raise RuntimeError(f"{command[1]} ended with {process.returncode}")
    return printed


async def _told(browser: asyncio.subprocess.Process, chapter: str) -> dict[str, Any]:
    assert browser.stdout is not None
    try:
        line = await asyncio.wait_for(browser.stdout.readline(), LINE_SECONDS)
    except TimeoutError:
        raise RuntimeError(f"not within {LINE_SECONDS:g} s: {chapter}") from None
    told: dict[str, Any] = json.loads(line or '{"chapter": "nothing"}')
    if told.pop("chapter") != chapter:
        raise RuntimeError(f"instead of {chapter}: {told}")
    return told


async def _ended(browser: asyncio.subprocess.Process) -> None:
    assert browser.stdin is not None
    browser.stdin.close()
    await browser.wait()


async def _commit_to_pixel(pool: Pool, browser: asyncio.subprocess.Process, server: UUID) -> float:
    """Milliseconds, for 95 of 100."""
    store = EventStore(pool, Codec(EVENTS))
    took: list[float] = []
    await _told(browser, "watching")
    version = len(await store.read_stream(server))
    for sample in range(SAMPLES):
        power, word = POWERS[sample % 2]
        called = time.time()
        await store.append([Entry(server, version + sample + 1, PowerObserved(power=power), crowd.META)])
        seen = await _told(browser, "seen")
        if seen["text"] != word:
            raise RuntimeError(f"{seen['text']} is shown for {power}")
        took.append(seen["at"] - called * 1000)
    return sorted(took)[math.ceil(SAMPLES * 0.95) - 1]

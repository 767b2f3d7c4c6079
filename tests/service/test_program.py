"""hostler-service as a program: it starts, serves, stops, and says in one line why it cannot."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from runtime.settings import Settings
from testbed.postgres import Postgres, free_port
from tests.service.world import Person, World

WAIT = 40.0


async def started(environment: dict[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "service", env=os.environ | environment, stderr=asyncio.subprocess.PIPE
    )


async def said(process: asyncio.subprocess.Process) -> tuple[int, str]:
    async with asyncio.timeout(WAIT):
        _, err = await process.communicate()
    assert process.returncode is not None
    lines = [line for line in err.decode().splitlines() if '"event":"started"' not in line]
    return process.returncode, "\n".join(lines)


@pytest.fixture
def environment(settings: Settings, tmp_path: Path) -> dict[str, str]:
    """What the program is started with."""
    return {
        "HOSTLER_DATABASE_URL": settings.database_url,
        "HOSTLER_CONFIG": str(tmp_path / "hostler.toml"),
        "HOSTLER_BIND": f"127.0.0.1:{free_port()}",
        "HOSTLER_METRICS_BIND": f"127.0.0.1:{free_port()}",
    }


async def answering(url: str, process: asyncio.subprocess.Process) -> httpx.Response:
    async with asyncio.timeout(WAIT), httpx.AsyncClient() as client:
        while True:
            assert process.returncode is None, "it ended"
            try:
                return await client.get(url)
            except httpx.TransportError:
                await asyncio.sleep(0.05)


async def test_it_serves_until_it_is_told_to_stop(environment: dict[str, str]) -> None:
    process = await started(environment)
    ready = await answering(f"http://{environment['HOSTLER_BIND']}/readyz", process)
    assert ready.json()["status"] == "ready"
    metrics = await answering(f"http://{environment['HOSTLER_METRICS_BIND']}/metrics", process)
    assert "hostler_requests_total" in metrics.text
    process.send_signal(signal.SIGTERM)
    code, _ = await said(process)
    assert code == 0


async def refused(url: str) -> None:
    """Wait until nobody listens there any more."""
    async with asyncio.timeout(WAIT):
        while True:
            try:
                async with httpx.AsyncClient() as client:
                    await client.get(url)
            except httpx.ConnectError:
                return
            except httpx.TransportError:
                continue


async def half_said(address: str, token: str, body: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A request of which the head has arrived, but not the body."""
    host, _, port = address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /v1/servers HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    writer.write(head.encode())
    assert b" 100 " in await reader.readline()
    assert await reader.readline() == b"\r\n"
    return reader, writer


async def test_what_was_begun_is_answered_before_it_stops(
    world: World, ann: Person, environment: dict[str, str], order: Callable[..., dict[str, Any]]
) -> None:
    process, token = await started(environment), await world.token(ann)
    url, body = f"http://{environment['HOSTLER_BIND']}", json.dumps(order(name="late")).encode()
    await answering(f"{url}/readyz", process)
    async with (
        httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=WAIT) as client,
        client.stream("GET", "/v1/events") as stream,
    ):
        lines = stream.aiter_lines()
        reader, writer = await half_said(environment["HOSTLER_BIND"], token, body)
        waits = asyncio.create_task(client.post("/v1/servers", json=order(), headers={"Prefer": "wait=30"}))
        while "server.updated" not in await anext(lines):
            pass  # the order is written down: its answer waits
        process.send_signal(signal.SIGTERM)
        await refused(f"{url}/healthz")
        assert [line async for line in lines if line.startswith(": listening")] == []  # it ends, and is not cut off
        writer.write(body)
        answer = await asyncio.wait_for(reader.read(), WAIT)
        assert answer.startswith(b"HTTP/1.1 202")
        waited = await waits
    assert (waited.status_code, waited.json()["operation"]["status"]) == (202, "queued")
    writer.close()
    code, _ = await said(process)
    assert code == 0
    assert await world.store.pool.fetchval("SELECT count(*) FROM operation_stream") == 2


async def test_a_port_in_use_is_named(environment: dict[str, str]) -> None:
    host, _, port = environment["HOSTLER_BIND"].partition(":")
    with socket.socket() as taken:
        taken.bind((host, int(port)))
        taken.listen()
        code, words = await said(await started(environment))
    assert code == 1
    assert words == f"hostler-service: HOSTLER_BIND={host}:{port}: Address already in use: choose another address"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"HOSTLER_DATABASE_URL": ""}, "HOSTLER_DATABASE_URL is not set"),
        ({"HOSTLER_DATABASE_URL": "postgresql://u:p@127.0.0.1:1/x"}, "PostgreSQL at 127.0.0.1:1/x cannot be used"),
        ({"HOSTLER_CONFIG": "/nowhere.toml"}, "/nowhere.toml"),
        ({"HOSTLER_BIND": "here"}, "HOSTLER_BIND='here' is not host:port"),
    ],
)
async def test_a_wrong_setting_is_named(environment: dict[str, str], change: dict[str, str], words: str) -> None:
    code, said_words = await said(await started(environment | change))
    assert code == 1
    assert words in said_words
    assert "\n" not in said_words


async def test_a_database_that_is_not_migrated_is_named(environment: dict[str, str], postgres: Postgres) -> None:
    code, words = await said(await started(environment | {"HOSTLER_DATABASE_URL": postgres.url("postgres")}))
    assert (code, words) == (1, "hostler-service: the database is not migrated: run `hostler-admin migrate`")


async def test_a_wrong_key_is_named(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "signing.pem").write_text("no key")
    code, words = await said(await started(environment))
    assert code == 1
    assert "auth.signing_key_file" in words
    assert "\n" not in words

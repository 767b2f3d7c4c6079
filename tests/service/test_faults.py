"""What goes wrong around the service is said soon and passes: no database, too many requests, callers who dawdle."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from runtime.settings import Settings
from service.command.declare import apply_catalogue
from service.deps import opened
from service.web import edge, patience
from testbed.postgres import Postgres, free_port
from tests.own_server import own_server
from tests.service.listening import listening
from tests.service.test_program import answering, said, started
from tests.service.world import CONFIG, PASSWORD, SYSTEM, Person, World, write_keys

pytestmark = pytest.mark.pg
ORDER = {"name": "web-1", "plan": "small", "image": "debian-12", "location": "fra1"}


@pytest.fixture
def server() -> Iterator[Postgres]:
    """A server of this test's own, which may be killed."""
    with own_server() as found:
        yield found


async def until(client: httpx.AsyncClient, path: str, status: int, seconds: float) -> httpx.Response:
    """The first answer with a status, within so many seconds."""
    async with asyncio.timeout(seconds):
        while True:
            answer = await client.get(path)
            if answer.status_code == status:
                return answer
            await asyncio.sleep(0.05)


async def test_without_a_database_it_says_so_at_once_and_loses_nothing(server: Postgres, tmp_path: Path) -> None:
    write_keys(tmp_path)
    (tmp_path / "hostler.toml").write_text(CONFIG)
    environment = {
        "HOSTLER_DATABASE_URL": server.url("postgres"),
        "HOSTLER_CONFIG": str(tmp_path / "hostler.toml"),
        "HOSTLER_BIND": f"127.0.0.1:{free_port()}",
    }
    async with opened(Settings(environment)) as deps:
        await apply_catalogue(deps.store, deps.config, SYSTEM)
        ann = await World(deps, server.url("postgres")).person("ann@example.com")
    process, url = await started(environment), f"http://{environment['HOSTLER_BIND']}"
    await answering(f"{url}/healthz", process)
    async with httpx.AsyncClient(base_url=url) as client:
        signed_in = await client.post("/v1/login", json={"email": ann.email, "password": PASSWORD})
        client.headers["Authorization"] = f"Bearer {signed_in.json()['access_token']}"
        made = (await client.post("/v1/servers", json=ORDER)).json()["server"]
        await asyncio.to_thread(server.kill)
        for path in ("/v1/servers", f"/v1/servers/{made['id']}", "/v1/users/me"):
            began = time.monotonic()
            away = await client.get(path)
            assert (away.status_code, away.json()["code"]) == (503, "unavailable"), path
            assert int(away.headers["retry-after"]) > 0
            assert time.monotonic() - began < 4  # it asks nobody twice
        assert (await client.get("/healthz")).status_code == 200
        await asyncio.to_thread(server.start)
        back = await until(client, f"/v1/servers/{made['id']}", 200, seconds=30)
        assert back.json()["version"] >= made["version"]
    process.send_signal(signal.SIGTERM)
    assert (await said(process))[0] == 0


async def test_when_every_connection_is_taken_nobody_waits_for_ever(
    world: World, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge, "LIMIT_SECONDS", 0.2)
    async with await world.signed_in(ann) as client:
        async with every_connection(world):
            answers = await asyncio.gather(*[client.get("/v1/servers") for _ in range(20)])
        assert {(answer.status_code, answer.headers["retry-after"]) for answer in answers} == {(503, "2")}
        assert (await client.get("/v1/servers")).status_code == 200


async def test_more_than_can_be_worked_on_is_sent_away_at_once(
    world: World, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge, "MOST_AT_ONCE", 3)
    async with await world.signed_in(ann) as client:
        async with every_connection(world):
            waiting = [asyncio.create_task(client.get("/v1/users/me")) for _ in range(3)]
            await asyncio.sleep(0)
            shed = await client.get("/v1/users/me")
        assert (shed.status_code, shed.headers["retry-after"]) == (503, "2")
        assert {(await one).status_code for one in waiting} == {200}


async def measured(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with how large the body was."""
    size = len(await Request(scope, receive).body())
    await Response(str(size))(scope, receive, send)


def serving() -> AbstractAsyncContextManager[int]:
    """A server that reads what it is sent."""
    return listening(measured, http=patience.Patient)


@asynccontextmanager
async def every_connection(world: World) -> AsyncIterator[None]:
    """Nothing is left of the pool."""
    async with AsyncExitStack() as taken:
        for _ in range(world.store.pool.get_max_size()):
            await taken.enter_async_context(world.store.pool.acquire())
        yield


@pytest.mark.parametrize("head", [b"", b"GET / HTTP/1.1\r\nX-Slow:"])
async def test_who_dawdles_is_left(monkeypatch: pytest.MonkeyPatch, head: bytes) -> None:
    monkeypatch.setattr(patience, "HEAD_SECONDS", 0.1)
    async with serving() as port:
        assert await _ends(port, head)


async def test_a_head_has_an_end() -> None:
    async with serving() as port:
        assert await _ends(port, b"GET / HTTP/1.1\r\n" + b"X-Long: 1\r\n" * patience.HEAD_BYTES)


async def test_a_body_may_be_longer_than_a_head() -> None:
    async with serving() as port, httpx.AsyncClient() as client:
        for size in (10 * patience.HEAD_BYTES, 5):
            assert (await client.post(f"http://127.0.0.1:{port}", content=b"x" * size)).text == str(size)


async def _ends(port: int, head: bytes) -> bool:
    """Whether a connection that says this is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(head)
        async with asyncio.timeout(10):
            return await reader.read() == b""
    except ConnectionError:
        return True
    finally:
        writer.close()

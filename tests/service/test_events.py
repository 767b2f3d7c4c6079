"""Server-Sent Events over a real connection: complete, in order, resumed without loss, only what one may see."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from domain.server import events as e
from service.live import events, hub
from service.servers import models
from tests.service.listening import listening
from tests.service.test_servers import ordered, running
from tests.service.world import Person, World

Order = Callable[..., dict[str, Any]]
WAIT = 20.0


class Stream:
    """Messages of an open event stream."""

    def __init__(self, response: httpx.Response):
        self.response = response
        self._lines = response.aiter_lines()

    async def begun(self) -> str:
        """The id that a new stream begins with: no event, only where it stands."""
        async with asyncio.timeout(WAIT):
            assert await anext(self._lines) == ": listening"
            name, _, id = (await anext(self._lines)).partition(": ")
            assert (name, await anext(self._lines)) == ("id", "")
        return id

    async def next(self) -> dict[str, Any]:
        """The next message (comments are skipped, as are blocks without data); StopAsyncIteration at the end."""
        async with asyncio.timeout(WAIT):
            fields: dict[str, str] = {}
            async for line in self._lines:
                if line.startswith(":"):
                    continue
                if not line and "data" in fields:
                    return {"id": fields["id"], "event": fields["event"], "data": json.loads(fields["data"])}
                name, _, value = line.partition(": ")
                fields = fields | {name: value} if name else {}
        raise StopAsyncIteration

    async def until(self, enough: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        """Messages up to the first that is enough."""
        messages = [await self.next()]
        while not enough(messages[-1]):
            messages.append(await self.next())
        return messages

    async def ended(self) -> bool:
        """Wait until the service ends it."""
        try:
            while True:
                await self.next()
        except (StopAsyncIteration, httpx.HTTPError):
            return True


Opener = Callable[..., Any]


@pytest.fixture
async def listen(world: World) -> AsyncIterator[Opener]:
    """Open event streams against a real server."""
    async with listening(world.transport.app, timeout_graceful_shutdown=1) as port:

        @asynccontextmanager
        async def opened(token: str, **headers: str) -> AsyncIterator[Stream]:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=WAIT) as client:
                given = {"Authorization": f"Bearer {token}", **headers}
                async with client.stream("GET", "/v1/events", headers=given) as response:
                    yield Stream(response)

        yield opened
        world.deps.hub.end_all()


def of(server: str) -> Callable[[dict[str, Any]], bool]:
    return lambda message: message["data"].get("server_id") == server


async def test_an_order_is_told_as_it_happens(
    world: World, ann: Person, as_ann: httpx.AsyncClient, listen: Opener, order: Order
) -> None:
    async with listen(await world.token(ann)) as stream:
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        await stream.begun()
        accepted = await ordered(as_ann, order())
        first, second = await stream.next(), await stream.next()
    assert (first["event"], second["event"]) == ("server.updated", "operation.updated")
    assert first["data"]["resource"] == accepted["server"]
    assert first["data"]["version"] == accepted["server"]["version"]
    assert second["data"]["resource"] == accepted["operation"]
    assert second["data"]["operation_id"] == accepted["operation"]["id"]
    models.Server.model_validate_json(json.dumps(first["data"]["resource"]))
    assert first["id"] != second["id"]


async def test_who_comes_when_nobody_listened_is_told_of_what_comes_and_not_of_what_was(
    world: World, ann: Person, as_ann: httpx.AsyncClient, listen: Opener, order: Order
) -> None:
    for name in ("first", "second"):
        await ordered(as_ann, order(name=f"{name}-unheard"))
        async with listen(await world.token(ann)) as stream:
            await stream.begun()
            accepted = await ordered(as_ann, order(name=name))
            assert of(accepted["server"]["id"])(await stream.next())
        async with asyncio.timeout(WAIT):
            while world.deps.hub.heard_by:  # noqa: ASYNC110 - there is nothing else to wait for
                await asyncio.sleep(0.01)


async def test_every_event_is_told_once_in_order_with_the_state_it_made(
    world: World, ann: Person, as_ann: httpx.AsyncClient, listen: Opener, order: Order
) -> None:
    async with listen(await world.token(ann)) as stream:
        server = await running(world, as_ann, order())
        messages = await stream.until(lambda m: m["data"].get("resource", {}).get("status") == "succeeded")
    told = [m["data"]["version"] for m in messages if m["event"] == "server.updated"]
    assert told == list(range(1, await world.version(server) + 1))
    assert [m["data"]["resource"]["version"] for m in messages if m["event"] == "server.updated"] == told
    progress = [m["data"]["resource"]["progress"] for m in messages if m["event"] == "operation.updated"]
    assert progress == sorted(progress)
    assert all(of(server)(message) for message in messages)


async def test_resuming_anywhere_misses_nothing_and_repeats_nothing(
    world: World, ann: Person, as_ann: httpx.AsyncClient, listen: Opener, order: Order
) -> None:
    token = await world.token(ann)
    async with listen(token) as stream:
        start = await stream.begun()
        await running(world, as_ann, order())
        messages = await stream.until(lambda m: m["data"].get("resource", {}).get("status") == "succeeded")
    for place, id in enumerate([start, *(message["id"] for message in messages[:-1])]):
        async with listen(token, **{"Last-Event-ID": id}) as resumed:
            assert [await resumed.next() for _ in messages[place:]] == messages[place:]


async def test_nothing_is_said_that_is_no_documented_event(
    world: World, ann: Person, as_ann: httpx.AsyncClient, listen: Opener, order: Order
) -> None:
    async with listen(await world.token(ann)) as stream:
        await ordered(as_ann, order())
        lines: list[str] = []
        while sum(line == "" for line in lines) < 3:
            lines.append(await asyncio.wait_for(anext(stream._lines), WAIT))
    assert lines[0].startswith(":")
    assert [line for line in lines if line.startswith("event")] == ["event: server.updated", "event: operation.updated"]


async def test_a_resumed_stream_goes_on_living(
    world: World, ann: Person, as_ann: httpx.AsyncClient, listen: Opener, order: Order
) -> None:
    token = await world.token(ann)
    async with listen(token) as stream:
        start = await stream.begun()
    missed = (await ordered(as_ann, order(name="missed")))["server"]["id"]
    async with listen(token, **{"Last-Event-ID": start}) as resumed:
        assert of(missed)(await resumed.next())
        assert of(missed)(await resumed.next())
        live = (await ordered(as_ann, order(name="live")))["server"]["id"]
        assert of(live)(await resumed.next())


async def test_other_peoples_servers_are_never_told(
    world: World,
    ann: Person,
    as_ann: httpx.AsyncClient,
    as_bob: httpx.AsyncClient,
    listen: Opener,
    order: Order,
) -> None:
    token = await world.token(ann)
    async with listen(token) as stream:
        start = await stream.begun()
        await ordered(as_bob, order(name="bobs"))
        mine = (await ordered(as_ann, order(name="anns")))["server"]["id"]
        assert of(mine)(await stream.next())
    async with listen(token, **{"Last-Event-ID": start}) as resumed:
        assert of(mine)(await resumed.next())


async def test_staff_are_told_everything_and_more(
    world: World, as_ann: httpx.AsyncClient, listen: Opener, order: Order
) -> None:
    staff = await world.person("root@example.com", role="admin")
    async with listen(await world.token(staff)) as stream:
        await stream.begun()
        await ordered(as_ann, order())
        assert "admin" in (await stream.next())["data"]["resource"]


@pytest.mark.parametrize("id", ["0" * 32 + ":1:1", "rubbish", "1:2"])
async def test_a_position_of_another_log_is_refused(as_ann: httpx.AsyncClient, id: str) -> None:
    answer = await as_ann.get("/v1/events", headers={"Last-Event-ID": id})
    assert (answer.status_code, answer.json()["code"]) == (410, "position_reset")


async def test_the_head_of_a_stream_ends(world: World, as_ann: httpx.AsyncClient) -> None:
    answer = await asyncio.wait_for(as_ann.head("/v1/events"), WAIT)
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, "text/event-stream")
    assert world.deps.hub.heard_by == 0


async def test_signing_out_ends_the_stream(world: World, ann: Person, listen: Opener) -> None:
    token = await world.token(ann)
    async with listen(token) as stream:
        await stream.begun()
        async with world.anonymous(Authorization=f"Bearer {token}") as client:
            assert (await client.post("/v1/logout")).status_code == 204
        assert await stream.ended()


async def test_the_stream_ends_with_its_token(
    world: World, ann: Person, listen: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.deps.tokens.seconds = 2
    token = await world.token(ann)
    async with listen(token) as stream:
        await stream.begun()
        assert await stream.ended()
    assert world.deps.tokens.verify(token, expired=True).expires_at <= time.time()


async def test_silence_is_broken_by_comments_and_a_session_ended_elsewhere_is_noticed(
    world: World, ann: Person, listen: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.1)
    async with listen(await world.token(ann)) as stream:
        await stream.begun()
        async with asyncio.timeout(WAIT):
            async for line in stream._lines:
                if line.startswith(":"):
                    break
        await world.store.pool.execute("UPDATE session SET ended_at = now()")
        assert await stream.ended()


async def test_who_is_too_slow_is_cut_off(
    world: World, ann: Person, as_ann: httpx.AsyncClient, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "QUEUE", 3)
    async with world.deps.hub.listening(world.deps.tokens.verify(await world.token(ann))) as listener:
        server = (await ordered(as_ann, order()))["server"]["id"]
        await world.append(server, *[e.PowerObserved(power="running")] * 5)
        async with asyncio.timeout(WAIT):
            await listener.cut.wait()
        assert listener.queue.get_nowait() is None


async def test_a_cluster_that_ceases_to_answer_is_told(world: World, ann: Person, listen: Opener) -> None:
    pool = world.store.pool
    await pool.execute("INSERT INTO cluster_observation (cluster, reachable, observed_at) VALUES ('demo', true, now())")
    async with listen(await world.token(ann)) as stream:
        start = await stream.begun()
        async with asyncio.timeout(WAIT):
            while not world.deps.hub.watching:  # noqa: ASYNC110 - there is nothing else to wait for
                await asyncio.sleep(0.01)
        await pool.execute("UPDATE cluster_observation SET reachable = false")
        told = await stream.next()
    assert (told["event"], told["data"]) == ("hypervisor.changed", {})
    assert told["id"] == start

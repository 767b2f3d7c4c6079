"""Retries and order, on a clock of the tests' own."""

from __future__ import annotations

import random
from collections import defaultdict
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore.database import Pool
from eventstore.queries import Queries
from runtime.ids import new_id
from service.webhooks.retry import GIVE_UP_SECONDS, LONGEST_PAUSE, Outcome, pause
from service.webhooks.sender import Sender, purpose
from tests.service.world import World

SQL = Queries("service.webhooks")
FAILED = Outcome(500, None, "", 1)


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=100, max_size=100))
def test_it_is_tried_often_at_first_then_seldom_for_three_days(chances: list[float]) -> None:
    clock, pauses = 0.0, []
    for attempts, chance in enumerate(chances):
        wait = pause(attempts, clock, FAILED, chance)
        if wait is None:
            break
        pauses.append(wait)
        clock += wait
    assert GIVE_UP_SECONDS <= clock <= GIVE_UP_SECONDS + LONGEST_PAUSE * 1.25
    assert 20 <= len(pauses) <= 40
    assert pauses[0] <= 10
    assert all(later > earlier for earlier, later in pairwise(pauses[:6]))


@given(st.floats(0, 1e9), st.floats(0, 1, exclude_max=True))
def test_who_asks_for_time_gets_it_within_reason(asked: float, chance: float) -> None:
    wait = pause(0, 0.0, Outcome(429, None, "", 1, asked), chance)
    assert wait is not None
    assert min(asked, LONGEST_PAUSE) <= wait <= LONGEST_PAUSE


class Flaky:
    """Takes what it is sent when chance has it so; remembers what it took."""

    def __init__(self, chance: random.Random):
        self._chance = chance
        self.taken: list[str] = []
        self.reliable = False

    async def post(self, url: str, headers: Any, body: str) -> Outcome:
        if not self.reliable and self._chance.random() < 0.6:
            return self._chance.choice([FAILED, Outcome(None, "The connection failed", "", 1)])
        self.taken.append(body)
        if not self.reliable and self._chance.random() < 0.2:
            return FAILED  # it was taken, but the answer was lost
        return Outcome(204, None, "", 1)


async def endpoint(world: World) -> UUID:
    id = new_id()
    sealed = world.deps.seal.seal(b"secret", purpose(id))
    await world.store.pool.execute(SQL.new_webhook, id, new_id(), "https://a.example/", "", ["*"], sealed, new_id(), 9)
    return id


async def told(pool: Pool, endpoint: UUID, account: UUID, server: UUID, number: int) -> None:
    body = f"{server}:{number}"
    await pool.fetchval(SQL.webhook_lane_again, endpoint, server)
    fields = (account, uuid5(server, str(number)), "server.updated", number, number, 0, body, body)
    await pool.execute(SQL.tell_webhooks, [endpoint], server, *fields)


@pytest.mark.parametrize("seed", range(3))
async def test_each_server_is_told_in_order_whatever_fails_or_dies(world: World, seed: int) -> None:
    chance, pool, id = random.Random(seed), world.store.pool, await endpoint(world)
    flaky = Flaky(chance)
    senders = [Sender(world.store, world.deps.seal, world.deps.post, flaky) for _ in range(3)]
    servers, number, expected = [new_id() for _ in range(4)], 0, defaultdict[str, list[int]](list)
    for round in range(60):
        flaky.reliable = round >= 40
        if round < 40:
            server, number = chance.choice(servers), number + 1
            await told(pool, id, new_id(), server, number)
            expected[str(server)].append(number)
        await passed(pool, 5 * 3600 if flaky.reliable else chance.choice([0, 1, 20]))
        for sender in chance.sample(senders, 3):
            lane = await sender.take()
            if lane is not None and (flaky.reliable or chance.random() < 0.8):  # otherwise it is killed at this moment
                await sender.carry(lane)
    while (lane := await senders[0].take()) is not None:
        await senders[0].carry(lane)
    assert ordered(flaky.taken) == expected
    assert await pool.fetchval("SELECT count(*) FROM webhook_lane") == 0
    assert await pool.fetchval("SELECT count(*) FROM webhook_delivery WHERE state <> 'delivered'") == 0


async def passed(pool: Pool, seconds: float) -> None:
    """Time goes by."""
    await pool.execute(
        "UPDATE webhook_lane SET due_at = due_at - make_interval(secs => $1),"
        " since = since - make_interval(secs => $1)",
        float(seconds),
    )


def ordered(taken: list[str]) -> dict[str, list[int]]:
    """What was heard of each server, without what came again; it comes in order, or is the one before once more."""
    heard = defaultdict[str, list[int]](list)
    for body in taken:
        server, _, number = body.partition(":")
        if not heard[server] or heard[server][-1] != int(number):
            heard[server].append(int(number))
    return heard


async def test_something_that_is_told_while_a_lane_ends_is_not_forgotten(world: World) -> None:
    pool, id, server = world.store.pool, await endpoint(world), new_id()
    flaky = Flaky(random.Random(0))
    flaky.reliable = True
    sender = Sender(world.store, world.deps.seal, world.deps.post, flaky)
    await told(pool, id, new_id(), server, 1)
    lane = await sender.take()
    assert lane is not None
    await told(pool, id, new_id(), server, 2)
    await sender.carry(lane)
    while (lane := await sender.take()) is not None:
        await sender.carry(lane)
    assert ordered(flaky.taken) == {str(server): [1, 2]}


async def test_an_endpoint_that_does_not_answer_leaves_room_for_others(world: World) -> None:
    pool, slow, quick = world.store.pool, await endpoint(world), await endpoint(world)
    sender = Sender(world.store, world.deps.seal, world.deps.post, Flaky(random.Random(0)))
    for number in range(1, 10):
        await told(pool, slow, new_id(), new_id(), number)
    await told(pool, quick, new_id(), new_id(), 1)
    sender._busy[slow] = 4
    lane = await sender.take()
    assert lane is not None
    assert lane["endpoint_id"] == quick

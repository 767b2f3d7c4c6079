"""Connections at hand: used again while they are whole, and never after a statement was left half-way."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import asyncpg
import pytest

from eventstore.at_hand import KEPT, AtHand
from eventstore.database import Pool, open_pool

pytestmark = pytest.mark.pg
WHO = "SELECT pg_backend_pid() AS pid"


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(database_url, size=KEPT + 2)
    yield pool
    pool.terminate()


async def _who(at_hand: AtHand) -> int:
    (row,) = await at_hand.fetch(WHO)
    pid: int = row["pid"]
    return pid


async def test_one_connection_serves_who_comes_one_after_the_other(pool: Pool) -> None:
    at_hand = AtHand(pool)
    assert len({await _who(at_hand) for _ in range(5)}) == 1
    assert pool.get_size() - pool.get_idle_size() == 1


async def test_no_more_are_kept_than_some(pool: Pool) -> None:
    at_hand = AtHand(pool)
    await asyncio.gather(*(at_hand.fetch("SELECT pg_sleep(0.01)") for _ in range(3 * KEPT)))
    assert pool.get_size() - pool.get_idle_size() == KEPT


async def test_a_connection_that_was_lost_is_replaced(pool: Pool) -> None:
    at_hand = AtHand(pool)
    lost = await _who(at_hand)
    await pool.execute("SELECT pg_terminate_backend($1, 10000)", lost)
    with contextlib.suppress(asyncpg.PostgresError):  # who comes before the loop has heard of it
        await _who(at_hand)
    assert await _who(at_hand) != lost
    assert pool.get_size() - pool.get_idle_size() == 1


async def test_who_gives_up_leaves_nothing_half_done(pool: Pool) -> None:
    at_hand = AtHand(pool)
    await _who(at_hand)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await at_hand.fetch("SELECT pg_sleep(60)")
    assert await _who(at_hand)


async def test_a_statement_that_fails_costs_no_connection(pool: Pool) -> None:
    at_hand = AtHand(pool)
    for _ in range(2 * KEPT):
        with pytest.raises(asyncpg.DivisionByZeroError):
            await at_hand.fetch("SELECT 1 / 0")
    assert pool.get_size() - pool.get_idle_size() == 0

"""How much a caller may ask: what the answers say of it, and what becomes of who asks for more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.ids import new_id
from service.app import build
from service.web.limits import Limiter
from service.web.models import Problem
from tests.service.world import Person, World

Order = Callable[..., dict[str, Any]]
SOMEBODY = UUID(int=1)


@pytest.fixture
def limited(world: World) -> World:
    """The service, where everybody may ask three times a minute."""
    deps = replace(world.deps, limiter=Limiter(3))
    world.transport = httpx.ASGITransport(build(deps), raise_app_exceptions=False, client=("127.0.0.1", 5000))
    return world


async def test_answers_say_what_is_left(as_ann: httpx.AsyncClient) -> None:
    answer = await as_ann.get("/v1/plans")
    assert answer.headers["ratelimit-policy"] == '"requests";q=6000;w=60'
    assert answer.headers["ratelimit"] == '"requests";r=5999;t=1'
    assert (await as_ann.get("/v1/servers/x")).headers["ratelimit"].startswith('"requests";r=599')
    assert "ratelimit" not in (await as_ann.get("/healthz")).headers


async def test_who_asks_for_more_is_told_when_to_come_again(limited: World, ann: Person) -> None:
    client = await limited.signed_in(ann)
    assert [(await client.get("/v1/plans")).status_code for _ in range(3)] == [200] * 3
    refused = await client.get("/v1/plans")
    assert refused.status_code == 429
    problem = Problem.model_validate_json(refused.content)
    assert (problem.code, problem.retryable) == ("rate_limited", True)
    assert 1 <= int(refused.headers["retry-after"]) <= 20
    assert refused.headers["ratelimit"].startswith('"requests";r=0;')
    again = await limited.signed_in(ann)  # another session of the same user
    assert (await again.get("/v1/plans")).status_code == 429
    bob = await limited.signed_in(await limited.person("bob@example.com"))
    assert (await bob.get("/v1/plans")).status_code == 200


def test_there_need_be_no_limit() -> None:
    assert Limiter(0).spend(SOMEBODY) is None


def test_a_bucket_fills_evenly_and_no_further() -> None:
    limiter = Limiter(60)
    for _ in range(60):
        assert limiter.spend(SOMEBODY, 0.0).wait == 0  # type: ignore[union-attr]
    assert limiter.spend(SOMEBODY, 0.0).wait == 1  # type: ignore[union-attr]
    assert limiter.spend(SOMEBODY, 0.5).wait == 1  # type: ignore[union-attr]
    assert limiter.spend(SOMEBODY, 1.0).wait == 0  # type: ignore[union-attr]
    assert limiter.spend(SOMEBODY, 1e9).left == 59  # type: ignore[union-attr]


@given(st.lists(st.floats(0, 30), max_size=300), st.integers(1, 100))
def test_never_more_are_taken_than_the_bucket_holds_and_gets(pauses: list[float], limit: int) -> None:
    limiter, now, taken = Limiter(limit), 0.0, 0
    for pause in pauses:
        now += pause
        verdict = limiter.spend(SOMEBODY, now)
        assert verdict is not None
        taken += verdict.wait == 0
        assert 0 <= verdict.left <= limit
    assert taken <= limit + now * limit / 60 + 1e-6


def test_only_so_many_callers_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.web.limits.MOST_CALLERS", 2)
    limiter = Limiter(1)
    for caller in [SOMEBODY, new_id(), new_id()]:
        assert limiter.spend(caller, 0.0).wait == 0  # type: ignore[union-attr]
    assert limiter.spend(SOMEBODY, 0.0).wait == 0  # type: ignore[union-attr]

"""Questions that come at the same moment are one; what is kept for a while; answers that leave in one piece."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from starlette.routing import Match, Route

from service.kept import Kept
from service.together import MOST_AT_ONCE, STATEMENTS, Together
from service.web.addresses import Addresses
from service.web.cork import Corked


class Asked:
    """Doubles numbers, when it is let; remembers with what it was asked."""

    def __init__(self) -> None:
        self.questions: list[list[int]] = []
        self.let = asyncio.Event()
        self.began = asyncio.Event()

    async def __call__(self, questions: Sequence[int]) -> list[int]:
        self.questions.append(list(questions))
        self.began.set()
        await self.let.wait()
        if 13 in questions:
            raise RuntimeError("13")
        return [2 * question for question in questions]


async def test_what_comes_in_one_turn_is_asked_once() -> None:
    asked = Asked()
    asked.let.set()
    together = Together(asked)
    assert await asyncio.gather(*(together.answer(number) for number in (3, 1, 3))) == [6, 2, 6]
    assert asked.questions == [[3, 1, 3]]


async def test_what_comes_while_enough_is_asked_waits_and_goes_together() -> None:
    asked, waiting = Asked(), []
    together = Together(asked)
    for number in range(STATEMENTS):
        waiting.append(asyncio.ensure_future(together.answer(number)))
        asked.began.clear()
        await asked.began.wait()
    later = asyncio.gather(*(together.answer(number) for number in range(10, 10 + MOST_AT_ONCE + 1) if number != 13))
    asked.let.set()
    assert await asyncio.gather(*waiting) == [2 * number for number in range(STATEMENTS)]
    assert len(await later) == MOST_AT_ONCE
    assert [len(questions) for questions in asked.questions] == [1] * STATEMENTS + [MOST_AT_ONCE]


async def test_everybody_who_asked_learns_why_it_failed_and_the_next_are_answered() -> None:
    asked = Asked()
    asked.let.set()
    together = Together(asked)
    failed = await asyncio.gather(together.answer(13), together.answer(1), return_exceptions=True)
    assert [str(error) for error in failed] == ["13", "13"]
    assert await together.answer(2) == 4


async def test_who_no_longer_waits_takes_nothing_from_the_others() -> None:
    asked = Asked()
    together = Together(asked)
    gone, stays = (asyncio.ensure_future(together.answer(number)) for number in (1, 2))
    await asked.began.wait()
    gone.cancel()
    asked.let.set()
    assert await stays == 4
    assert asked.questions == [[1, 2]]


def test_the_newest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("service.kept.time.monotonic", lambda: now)
    kept: Kept[str, int] = Kept(2, 30.0)
    for key, value in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        kept.keep(key, value)
    assert (kept.get("a"), kept.get("b"), kept.some(["a", "b", "c"])) == (3, None, {"a": 3, "c": 4})
    now = 130.0
    assert (kept.get("a"), kept.some(["c"])) == (None, {})


class Wire(asyncio.Transport):
    """A transport that remembers."""

    def __init__(self) -> None:
        super().__init__({"peername": "them"})
        self.sent: list[bytes | str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent.append(bytes(data))

    def is_closing(self) -> bool:
        return "closed" in self.sent

    def close(self) -> None:
        self.sent.append("closed")


async def test_a_head_and_its_body_leave_as_one_packet() -> None:
    wire = Wire()
    corked = Corked(wire, asyncio.get_running_loop())
    corked.write(b"head ")
    corked.write(b"body")
    assert wire.sent == []
    asyncio.get_running_loop().call_soon((turned := asyncio.Event()).set)
    await turned.wait()
    assert wire.sent == [b"head body"]
    assert corked.get_extra_info("peername") == "them"


async def test_nothing_held_is_lost_by_closing() -> None:
    wire = Wire()
    corked = Corked(wire, asyncio.get_running_loop())
    corked.write(b"last words")
    corked.close()
    corked.flush()
    assert wire.sent == [b"last words", "closed"]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/v1/users/me", (Match.FULL, "/v1/users/me")),
        ("GET", "/v1/users/x", (Match.FULL, "/v1/users/{id}")),
        ("DELETE", "/v1/users/me", (Match.FULL, "/v1/users/{id}")),
        ("POST", "/v1/users/me", (Match.PARTIAL, "/v1/users/me")),
        ("GET", "/v1/users", (Match.NONE, None)),
        ("GET", "/v1/users/x/y", (Match.NONE, None)),
        ("GET", "/healthz", (Match.FULL, "/healthz")),
    ],
)
def test_an_address_leads_to_the_first_route_that_takes_it(
    method: str, path: str, expected: tuple[Match, str | None]
) -> None:
    taken = (("/v1/users/me", "GET"), ("/v1/users/{id}", "GET"), ("/v1/users/{id}", "DELETE"), ("/healthz", "GET"))
    addresses = Addresses([Route(path, lambda _: None, methods=[method]) for path, method in taken])
    match, child = addresses.matches({"type": "http", "method": method, "path": path, "headers": []})
    assert (match, child["route"].path if child else None) == expected

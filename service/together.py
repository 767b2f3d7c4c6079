"""Questions that come at the same moment are asked together: a busy service asks the database once for many callers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

MOST_AT_ONCE = 64  # questions of one statement
STATEMENTS = 2  # at a time: those who come meanwhile are the next one's

Q = TypeVar("Q")
A = TypeVar("A")


class Together(Generic[Q, A]):
    """`ask` takes questions and gives as many answers, in their order."""

    def __init__(self, ask: Callable[[Sequence[Q]], Awaitable[Sequence[A]]]):
        self._ask = ask
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._due = False
        self._running: set[asyncio.Task[None]] = set()

    async def answer(self, question: Q) -> A:
        """The answer to one question, by a statement that begins after this call.

        Raises:
            Exception: whatever asking raised.
        """
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[A] = loop.create_future()
        self._waiting.append((question, answered))
        if not self._due and len(self._running) < STATEMENTS:
            self._due = True
            loop.call_soon(self._begin)
        return await answered

    def _begin(self) -> None:
        self._due = False
        asked, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
        task = asyncio.create_task(self._run(asked))
        self._running.add(task)
        task.add_done_callback(self._ended)

    async def _run(self, asked: Sequence[tuple[Q, asyncio.Future[A]]]) -> None:
        try:
            answers = await self._ask([question for question, _ in asked])
        except Exception as error:  # noqa: BLE001 - it is told to everybody who asked
            for _, answered in asked:
                if not answered.done():
                    answered.set_exception(error)
            return
        for (_, answered), answer in zip(asked, answers, strict=True):
            if not answered.done():  # who no longer waits was cancelled
                answered.set_result(answer)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if self._waiting and not self._due:
            self._begin()

"""SIGTERM ends an import wherever it comes."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator

import pytest

from whmcs_import.telling.stopping import awaited


class Deaf:
    """Told to stop where nothing that is raised gets out, as in the callbacks of a library."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        sum(range(1000))


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The handler of the test's own process stays what it was."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_was_raised_where_nobody_hears_it_still_ends_the_import() -> None:
    async def waits() -> None:
        Deaf()
        await asyncio.Event().wait()

    with pytest.raises(KeyboardInterrupt):
        awaited(waits())


def test_what_computes_is_ended_at_once() -> None:
    async def computes() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        while True:
            time.monotonic()

    with pytest.raises(KeyboardInterrupt):
        awaited(computes())


def test_what_ends_by_itself_says_what_it_found() -> None:
    async def finds() -> int:
        return 7

    assert awaited(finds()) == 7

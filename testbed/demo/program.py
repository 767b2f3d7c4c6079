"""The demo from start to end: everything in its order, then watching, then everything in the opposite order."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from types import FrameType

from testbed.demo import options
from testbed.demo.database import servers_by_status
from testbed.demo.place import DemoError
from testbed.demo.processes import POLL_SECONDS
from testbed.demo.screen import Screen
from testbed.demo.stages import Demo
from testbed.postgres import PostgresError

STATUS_SECONDS = 2.0


class Stopped(Exception):
    """Somebody wants the end."""


def main(argv: list[str] | None = None) -> int:
    """Run until SIGTERM, SIGINT or --seconds; 1 with one line when it cannot."""
    try:
        given = options.read(argv)
        with given.place.alone():
            return _run(given)
    except DemoError as error:
        print(f"scripts/demo: {error}", file=sys.stderr)
        return 1


def _run(given: options.Options) -> int:
    screen, ends = Screen(), _Ends()
    demo = Demo(given, screen)
    try:
        demo.start()
        _watch(demo, screen, given.seconds)
    except Stopped:
        pass
    except PostgresError as error:
        raise DemoError(str(error)) from None
    finally:
        ends.ignore()
        screen.close()
        demo.stop()
    return 0


def _watch(demo: Demo, screen: Screen, seconds: float | None) -> None:
    end = time.monotonic() + seconds if seconds is not None else float("inf")
    look = 0.0
    while (now := time.monotonic()) < end:
        demo.supervisor.watch()
        if now >= look:
            screen.status(demo.supervisor, servers_by_status(demo.database_url))
            look = now + STATUS_SECONDS
        time.sleep(POLL_SECONDS)


class _Ends:
    """Turns the first SIGTERM, SIGINT or SIGHUP into `Stopped`; further ones change nothing."""

    NUMBERS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def __init__(self) -> None:
        self._set(self._stop)

    def ignore(self) -> None:
        """The end has begun: nobody may disturb it."""
        self._set(lambda _number, _frame: None)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.ignore()
        raise Stopped

    def _set(self, handler: Callable[[int, FrameType | None], None]) -> None:
        for number in self.NUMBERS:
            signal.signal(number, handler)

"""Whether this worker still holds the wake it works on: a process that was frozen finds out before it acts again."""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass


class LeaseLost(Exception):
    """The time for which the wake was held has passed: another worker may have it now."""


@dataclass(slots=True)
class Fence:
    """Until when a wake is surely held, by the clock of this machine, which goes on while the process is frozen."""

    until: float

    def keep(self, asked_at: float, seconds: float) -> None:
        """It is held for `seconds` from before the database was asked."""
        self.until = asked_at + seconds


_current: ContextVar[Fence | None] = ContextVar("fence", default=None)


def stand_behind(fence: Fence) -> None:
    """From here on, in this task and those it begins, acting needs this fence to hold."""
    _current.set(fence)


def check() -> None:
    """Before anything is done for a wake.

    Raises:
        LeaseLost: it may be somebody else's by now.
    """
    fence = _current.get()
    if fence is not None and time.monotonic() > fence.until:
        raise LeaseLost("the lease ran out while this process stood still")

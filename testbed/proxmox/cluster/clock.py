"""What time a node believes it is: its machine's clock may be wrong.

Who works for a node, in a call, a task or a conversation, asks `now`; how long things take is measured otherwise.
"""

import time
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Clock:
    """The clock of a node, `skew` seconds ahead of the right time."""

    skew: float = 0.0

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time() + self.skew


#: The clock of the node that the running call, task or conversation belongs to.
CLOCK: ContextVar[Clock] = ContextVar("clock", default=Clock())  # noqa: B039 - the right time, which nobody turns


def now() -> float:
    """Seconds since 1970 as the node has it."""
    return CLOCK.get().now()

"""When a message is sent again, and when no more."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_PAUSE, FACTOR, LONGEST_PAUSE = 5.0, 4, 4 * 3600.0
GIVE_UP_SECONDS = 3 * 86400.0
GONE = 410


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of sending a message: the answer's status and beginning, or why there was none."""

    status: int | None
    error: str | None
    answer: str
    duration_ms: int
    retry_after: float = 0.0

    @property
    def accepted(self) -> bool:
        """Whether the receiver took it."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def said(self) -> str:
        """In a sentence, what was wrong."""
        return self.error or f"It answered {self.status}."


def pause(attempts: int, age: float, outcome: Outcome, chance: float) -> float | None:
    """Seconds until the next attempt, None when it is given up. `attempts` were made before this one, the first of
    them `age` seconds ago; `chance` in [0, 1) spreads those who failed together.
    """
    if age >= GIVE_UP_SECONDS:
        return None
    grown: float = min(FIRST_PAUSE * FACTOR ** min(attempts, 20), LONGEST_PAUSE)
    return max(grown * (0.75 + chance / 2), min(outcome.retry_after, LONGEST_PAUSE))

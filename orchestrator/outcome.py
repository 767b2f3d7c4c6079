"""What a step comes to, this time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from eventstore.store import Claims

MAINTENANCE = "The host is under maintenance. This goes on by itself when it is over."
MAINTENANCE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Done:
    """The step's goal is observed; `events` are recorded with it, `claims` in the same transaction."""

    detail: str = ""
    events: list[Any] = field(default_factory=list)
    claims: Claims | None = None


@dataclass(frozen=True, slots=True)
class Later:
    """Look again in `seconds`. With a `code`, people are told what it waits for."""

    seconds: float
    code: str = ""
    detail: str = ""
    debug: str = ""
    settled: bool = False  # nothing of the newest attempt happened or can still happen


@dataclass(frozen=True, slots=True)
class Failed:
    """The operation ends here, for a reason its owner can understand."""

    code: str
    message: str
    debug: str = ""
    retryable: bool = True


@dataclass(frozen=True, slots=True)
class Attention:
    """Going on by itself could do harm: staff must look."""

    code: str
    message: str
    debug: str = ""


Outcome = Done | Later | Failed | Attention

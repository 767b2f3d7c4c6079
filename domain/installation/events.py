"""What staff decided for the whole installation, one stream of it. What holds now stands in tables that are read at
every effect; here it is why, and who. Names on disk stand at the foot; version them, never rename them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.record import EventType, private


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectsPaused:
    """Nothing is changed on any hypervisor from now on. `operator`: who it was at the command line of a machine."""

    reason: str = private(default="")
    operator: str = private(default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectsResumed:
    reason: str = private(default="")
    operator: str = private(default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalsLetThrough:
    """Removals of guests that wait because there are many may go on, and for so many minutes all others."""

    minutes: int
    reason: str = private(default="")
    operator: str = private(default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspensionsLetThrough:
    """Suspensions and terminations of billing that wait because there are many may go on; minutes as above."""

    minutes: int
    reason: str = private(default="")
    operator: str = private(default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationRestored:
    """The log up to here comes from a backup: what happened after that was made is not in it."""

    backup_at: datetime
    events: int
    operator: str = private(default="")


InstallationEvent = EffectsPaused | EffectsResumed | RemovalsLetThrough | SuspensionsLetThrough | InstallationRestored

EVENTS = (
    EventType("installation.effects_paused", 1, EffectsPaused),
    EventType("installation.effects_resumed", 1, EffectsResumed),
    EventType("installation.removals_let_through", 1, RemovalsLetThrough),
    EventType("installation.suspensions_let_through", 1, SuspensionsLetThrough),
    EventType("installation.restored", 1, InstallationRestored),
)

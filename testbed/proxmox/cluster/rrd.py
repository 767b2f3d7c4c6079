"""Graphs' data as the round robin files would hold them, computed when asked for.

Facts from pve-cluster RRD.pm (create_rrd_data) and status.c (the files' columns): rows are the ends of intervals,
values that are not known are left out, DERIVE columns are rates per second.
"""

import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from testbed.proxmox.cluster import load
from testbed.proxmox.errors import Die

Row = dict[str, float]
Consolidation = Literal["AVERAGE", "MAX"]
MINUTE, HOUR, WEEK = 60, 3600, 7 * 86_400
#: Seconds between rows and their number, by time frame.
FRAMES_8 = {
    "hour": (MINUTE, 70),
    "day": (30 * MINUTE, 70),
    "week": (3 * HOUR, 70),
    "month": (12 * HOUR, 70),
    "year": (WEEK, 70),
}
FRAMES_9 = {
    "hour": (MINUTE, 60),
    "day": (MINUTE, 1440),
    "week": (30 * MINUTE, 336),
    "month": (30 * MINUTE, 1440),
    "year": (6 * HOUR, 1440),
    "decade": (WEEK, 570),
}
#: At how many moments an interval is looked at: fewer where there are many intervals.
SAMPLES, SAMPLES_OF_MANY = 6, 2
MANY = 200


@dataclass(frozen=True, slots=True)
class History:
    """Since when something is there, and when it was switched on and off in turn; Unix times."""

    born: float
    switched: Sequence[float] = ()

    def on(self, when: float) -> bool:
        """Whether it was on."""
        return bisect_right(self.switched, when) % 2 == 1


@dataclass(frozen=True, slots=True)
class Source:
    """What is drawn: values that are there whenever the thing is, and values of a moment when it is on."""

    history: History
    steady: Row
    moving: Callable[[float], Row]


def data(source: Source, frame: str, consolidation: str, release: str) -> list[Row]:
    """The rows of a time frame."""
    step, count = (FRAMES_9 if release == "9" else FRAMES_8)[frame]
    end = int(time.time() // step) * step
    samples = SAMPLES if count < MANY else SAMPLES_OF_MANY
    ends = (end - step * back for back in range(count - 1, -1, -1))
    rows = [
        _row(source, at, [at - step * (part + 0.5) / samples for part in range(samples)], consolidation) for at in ends
    ]
    if release == "9" and len(rows[-1]) == 1:
        rows.pop()
    return rows


def _row(source: Source, end: int, moments: list[float], consolidation: str) -> Row:
    there = [moment for moment in moments if moment >= source.history.born]
    if len(there) * 2 < len(moments):
        return {"time": end}
    on = [source.moving(moment) for moment in there if source.history.on(moment)]
    known = on if len(on) * 2 >= len(moments) else []
    return {"time": end} | source.steady | _consolidated(known, consolidation)


def _consolidated(rows: list[Row], consolidation: str) -> Row:
    if not rows:
        return {}
    columns = {key: [row[key] for row in rows] for key in rows[0]}
    if consolidation == "MAX":
        return {key: max(values) for key, values in columns.items()}
    return {key: sum(values) / len(values) for key, values in columns.items()}


def missing(name: str) -> Die:
    """What is said when nothing has been recorded yet."""
    return Die(f"RRD error: opening '/var/lib/rrdcached/db/{name}': No such file or directory")


def scaled(seed: int, now: float, figure: float) -> Callable[[float], float]:
    """A curve through today's figure that follows the load of a seed."""
    reference = load.at(seed, now) or 1.0
    return lambda when: figure * load.at(seed, when) / reference

"""How much each caller may ask of one process: a bucket that fills evenly, of which every request takes one."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

WINDOW = 60
MOST_CALLERS = 10_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a caller has left, and in how many seconds it is whole again; `wait`: seconds until another is taken."""

    limit: int
    left: int
    whole_in: int
    wait: int

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """As the answer says it (draft-ietf-httpapi-ratelimit-headers), in ASGI's own form."""
        return [
            (b"ratelimit-policy", b'"requests";q=%d;w=%d' % (self.limit, WINDOW)),
            (b"ratelimit", b'"requests";r=%d;t=%d' % (self.left, self.whole_in)),
        ]


class Limiter:
    """`per_minute` requests of each caller, all at once or evenly; 0 for any number."""

    def __init__(self, per_minute: int):
        self._limit = per_minute
        self._buckets: OrderedDict[UUID, tuple[float, float]] = OrderedDict()  # what is in it, and when that was so

    def spend(self, caller: UUID, now: float | None = None) -> Verdict | None:
        """Take one for a request; None where there is no limit."""
        if not self._limit:
            return None
        now = time.monotonic() if now is None else now
        rate = self._limit / WINDOW
        held, at = self._buckets.pop(caller, (float(self._limit), now))
        held = min(float(self._limit), held + (now - at) * rate)
        taken = held >= 1
        held -= taken
        self._buckets[caller] = held, now
        if len(self._buckets) > MOST_CALLERS:
            self._buckets.popitem(last=False)
        wait = 0 if taken else math.ceil((1 - held) / rate)
        return Verdict(self._limit, int(held), math.ceil((self._limit - held) / rate), wait)

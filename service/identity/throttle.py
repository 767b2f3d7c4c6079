"""Guesses, slowed down by who is guessed and by network, so that nobody can lock somebody else out from elsewhere."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from starlette.requests import Request

from service.deps import Deps
from service.identity.statements import SQL
from service.web.problems import Problem

FREE_FAILURES, LONGEST_DELAY = 5, 30.0


@dataclass(frozen=True, slots=True)
class Measure:
    """How many failures are free, and the longest wait, in seconds, after another."""

    free: int = FREE_FAILURES
    longest: float = LONGEST_DELAY


ONE, CROWD = Measure(), Measure(1_000, 5.0)  # of a whole network at all names: many may share an address


class Throttle:
    """The failures of one network at one name."""

    def __init__(self, d: Deps, name: str, req: Request, measure: Measure = ONE):
        self._pool, self._measure = d.store.pool, measure
        self._key = _key(name, req.client.host if req.client else "")

    async def check(self) -> None:
        """Refuse an attempt that comes too soon.

        Raises:
            Problem: `rate_limited`, with the seconds to wait.
        """
        seconds = await self._pool.fetchval(SQL.throttled, self._key, self._measure.free, self._measure.longest)
        if seconds is not None:
            raise Problem("rate_limited", headers={"Retry-After": str(max(seconds, 1))})

    async def failed(self) -> None:
        """Count a failure."""
        await self._pool.execute(SQL.failed_attempt, self._key)

    async def forgive(self) -> None:
        """The right answer came: start counting anew."""
        await self._pool.execute(SQL.forgive_attempts, self._key)


def _key(name: str, host: str) -> str:
    try:
        address = ip_address(host)
        network = str(ip_network((address, 24 if address.version == 4 else 56), strict=False))
    except ValueError:
        network = host
    return hashlib.sha256(f"{name}|{network}".encode()).hexdigest()

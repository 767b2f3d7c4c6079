"""What is kept for a while instead of being asked for again: the newest so many, each for so long."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """Values by key, `size` of them at most, each for `seconds`."""

    def __init__(self, size: int, seconds: float):
        self._size, self._seconds = size, seconds
        self._values: OrderedDict[K, tuple[V, float]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """What is kept under a key, or None."""
        value, until = self._values.get(key, (None, 0.0))
        return value if time.monotonic() < until else None

    def some(self, keys: Iterable[K]) -> dict[K, V]:
        """What is kept under each of these keys, without those that are not kept."""
        now, missing = time.monotonic(), (None, 0.0)
        found = {key: self._values.get(key, missing) for key in keys}
        return {key: value for key, (value, until) in found.items() if value is not None and now < until}

    def keep(self, key: K, value: V) -> None:
        """Keep a value from now on."""
        self._values.pop(key, None)
        self._values[key] = value, time.monotonic() + self._seconds
        if len(self._values) > self._size:
            self._values.popitem(last=False)

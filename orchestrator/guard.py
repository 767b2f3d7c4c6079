"""The hypervisor as a server's work sees it: looking is free, changing needs the right to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from hypervisor.port import CHANGES, Hypervisor


class _Guarded:
    def __init__(self, hypervisor: Hypervisor, allow: Callable[[], None]):
        self._hypervisor = hypervisor
        self._allow = allow

    def __getattr__(self, verb: str) -> Any:
        if verb in CHANGES:
            self._allow()
        return getattr(self._hypervisor, verb)


def guarded(hypervisor: Hypervisor, allow: Callable[[], None]) -> Hypervisor:
    """The same hypervisor; `allow` is asked right before each change, and raises where there must be none."""
    return cast("Hypervisor", _Guarded(hypervisor, allow))

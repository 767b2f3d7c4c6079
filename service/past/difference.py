"""How two representations of the same thing differ, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# They change with every event, whatever it was about.
NOISE = frozenset({"/version", "/updated_at"})


def difference(then: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The fields that are not what they were, as JSON pointers with both values; a list is one value.

    Empty when either is missing: there is nothing to compare with.
    """
    if then is None or now is None:
        return []
    return [change for change in _changes("", then, now) if change["field"] not in NOISE]


def _changes(place: str, then: Any, now: Any) -> Iterator[dict[str, Any]]:
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for name in dict.fromkeys((*then, *now)):
            yield from _changes(f"{place}/{_escaped(name)}", then.get(name), now.get(name))
    elif then != now:
        yield {"field": place, "then": then, "now": now}


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")

"""The catalogue as its events make it: an item is what it was last declared to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.catalogue import events as e
from domain.record import Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A plan, an image or a location."""

    id: UUID
    kind: str
    version: int
    declared: dict[str, Any]


KINDS: dict[type, str] = {e.PlanDeclared: "plan", e.ImageDeclared: "image", e.LocationDeclared: "location"}


def evolve(record: Recorded[Any]) -> Item:
    """The item after an event: the newest declaration is all of it."""
    event = record.event
    declared = {name: getattr(event, name) for name in event.__slots__}
    return Item(id=record.stream_id, kind=KINDS[type(event)], version=record.version, declared=declared)

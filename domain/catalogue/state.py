"""The catalogue as its events make it: an item is what it was last declared to be."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from domain.catalogue import events as e
from domain.record import Actor, Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A plan, an image or a location; `actor` is who declared it last."""

    id: UUID
    kind: str
    version: int
    declared: dict[str, Any]
    at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    actor: Actor = Actor(type="system")


KINDS: dict[type, str] = {e.PlanDeclared: "plan", e.ImageDeclared: "image", e.LocationDeclared: "location"}


def evolve(record: Recorded[Any]) -> Item:
    """The item after an event: the newest declaration is all of it."""
    event = record.event
    declared = asdict(event)
    if record.meta.actor.type == "import":
        declared["origin"] = "import"  # imports of old did not say so
    return Item(
        id=record.stream_id,
        kind=KINDS[type(event)],
        version=record.version,
        declared=declared,
        at=record.at,
        actor=record.meta.actor,
    )

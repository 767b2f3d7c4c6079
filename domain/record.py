"""What the log keeps of an event, and how an event class says what is private.

Private fields (names, e-mail addresses, free text) are stored beside the log and can be erased; an erased field
reads as `ERASED`, an empty collection, or None, by its type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

ERASED = "(erased)"
E = TypeVar("E")


def private(**options: Any) -> Any:
    """Mark a dataclass field as personal data or free text: it is kept beside the log, not in it."""
    return field(metadata={"private": True}, **options)


def private_fields(event_class: type) -> frozenset[str]:
    """The names of an event class's private fields."""
    return frozenset(f.name for f in fields(event_class) if f.metadata.get("private"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who caused an event: a person, or a part of the system."""

    type: str  # "user" | "system" | "import"
    id: str = ""  # of staff who act as a customer: their own, " as ", and the customer's

    @property
    def person(self) -> str:
        """The id of who really acts."""
        return self.id.partition(" as ")[0]

    @property
    def acting_as(self) -> str | None:
        """The id of the customer as whom staff act."""
        return self.id.partition(" as ")[2] or None


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """Why an event is there: who, under which request, and what it follows from."""

    actor: Actor
    request_id: str = ""
    causation: str = ""
    correlation: str = ""


class Recorded(NamedTuple, Generic[E]):
    """An event as read back: its place in its stream and in the log, and when it was appended (UTC)."""

    event: E
    stream_id: UUID
    version: int
    tx: int
    pos: int
    at: datetime
    meta: Meta


@dataclass(frozen=True, slots=True)
class EventType:
    """How an event class is named on disk. The name and version are storage: never change them, add a version."""

    name: str
    schema_v: int
    cls: type
    upcast: Mapping[int, Any] = field(default_factory=dict)  # from version n to n + 1, on plain dicts

"""What staff have written down about a customer, folded from the account's events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.account.events import NoteRemoved, NoteWritten
from domain.record import Actor, Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note about a customer, or about one of the servers."""

    id: UUID
    server_id: UUID | None
    text: str
    actor: Actor
    at: datetime


def notes(records: Iterable[Recorded[Any]]) -> list[Note]:
    """Those that are still there, newest first."""
    found: dict[UUID, Note] = {}
    for record in records:
        event = record.event
        if isinstance(event, NoteWritten):
            found[event.note_id] = Note(
                id=event.note_id, server_id=event.server_id, text=event.text, actor=record.meta.actor, at=record.at
            )
        elif isinstance(event, NoteRemoved):
            found.pop(event.note_id, None)
    return list(reversed(found.values()))

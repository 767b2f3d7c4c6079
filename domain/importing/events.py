"""What an import run does. Names on disk stand at the foot; version them, never rename them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.record import EventType


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportStarted:
    source: str
    plan_hash: str
    counts: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkLoaded:
    """One chunk is in the log; the guests of `server_ids` are to be looked for."""

    number: int
    server_ids: list[UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkLinked:
    """Every server of the chunk was adopted or left with a reason."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFinished:
    report: dict[str, Any]


ImportEvent = ImportStarted | ChunkLoaded | ChunkLinked | ImportFinished

EVENTS = (
    EventType("import.started", 1, ImportStarted),
    EventType("import.chunk_loaded", 1, ChunkLoaded),
    EventType("import.chunk_linked", 1, ChunkLinked),
    EventType("import.finished", 1, ImportFinished),
)

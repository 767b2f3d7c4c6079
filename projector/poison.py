"""Events that cannot be projected: which errors mean that, and one clear line that names the event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import structlog

from domain.record import Recorded
from eventstore.codec import Codec, UnknownEvent
from eventstore.store import LogRow, recorded

# What decoding or folding such an event raises, or the database when it refuses the values.
POISON = (
    msgspec.MsgspecError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    StopIteration,
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
)
log = structlog.get_logger()


class Parked(Exception):
    """An event cannot be projected; nothing after it is. The message names the event and why."""


def known(codec: Codec, rows: Iterable[LogRow]) -> list[Recorded[Any]]:
    """Rows of the log as events; types that only a newer version knows are left out, counted and logged.

    Raises:
        Parked: an event cannot be decoded.
    """
    records = []
    skipped: Counter[str] = Counter()
    for row in rows:
        try:
            records.append(recorded(codec, row))
        except UnknownEvent as error:
            skipped[str(error)] += 1
        except POISON as error:
            raise blame(row, error) from error
    for reason, count in skipped.items():
        log.warning("events skipped", reason=reason, count=count)
    return records


def fold_all(fold: Callable[[Recorded[Any]], None], records: list[Recorded[Any]]) -> None:
    """Fold events one by one.

    Raises:
        Parked: an event cannot be folded.
    """
    for record in records:
        try:
            fold(record)
        except POISON as error:
            name = type(record.event).__name__
            raise _parked(name, record.version, record.stream_id, record.tx, record.pos, error) from error


def blame(row: LogRow, error: BaseException) -> Parked:
    """The line for the event in a row of the log."""
    return _parked(row["type"], row["version"], row["stream_id"], row["tx"], row["pos"], error)


def _parked(type_name: str, version: int, stream_id: UUID, tx: int, pos: int, error: BaseException) -> Parked:
    return Parked(
        f"event {type_name!r} version {version} of stream {stream_id} at {tx}:{pos} cannot be projected: "
        f"{type(error).__name__}: {error}"
    )

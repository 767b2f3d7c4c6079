"""Append for importers: many events of many streams in one statement of the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence

from domain.registry import EVENTS
from eventstore.codec import Codec
from eventstore.database import Connection
from eventstore.positions import Position
from eventstore.store import Entry, Row, Wake, append, append_rows, encoded

__all__ = ["Entry", "Row", "Wake", "append_chunk", "append_encoded", "encode_chunk"]

_codec = Codec(EVENTS)


async def append_chunk(connection: Connection, entries: Sequence[Entry], wakes: Sequence[Wake] = ()) -> Position:
    """Append a chunk as the first write of the caller's transaction.

    Raises:
        Conflict: one of the streams has grown.
        NotFirstWrite: the transaction has written already.
    """
    return await append(connection, _codec, entries, wakes)


def encode_chunk(entries: Sequence[Entry]) -> list[Row]:
    """What of appending needs no database, so that it can be done while the database writes something else.

    Raises:
        ValueError: an event holds personal data and does not say whose.
    """
    return encoded(_codec, entries)


async def append_encoded(connection: Connection, rows: Sequence[Row], wakes: Sequence[Wake] = ()) -> Position:
    """`append_chunk` of entries that are encoded already.

    Raises:
        Conflict: one of the streams has grown.
        NotFirstWrite: the transaction has written already.
    """
    return (await append_rows(connection, rows, wakes)).position

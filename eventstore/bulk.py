"""Append for importers: many events of many streams in one statement of the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence

from domain.registry import EVENTS
from eventstore.codec import Codec
from eventstore.database import Connection
from eventstore.positions import Position
from eventstore.store import Entry, Wake, append

__all__ = ["Entry", "Wake", "append_chunk"]

_codec = Codec(EVENTS)


async def append_chunk(connection: Connection, entries: Sequence[Entry], wakes: Sequence[Wake] = ()) -> Position:
    """Append a chunk as the first write of the caller's transaction.

    Raises:
        Conflict: one of the streams has grown.
        NotFirstWrite: the transaction has written already.
    """
    return await append(connection, _codec, entries, wakes)

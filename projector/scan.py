"""Read the whole log in one snapshot, page by page, in constant memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg

from eventstore.database import Connection
from eventstore.positions import START, Position
from eventstore.queries import Queries

SQL = Queries("projector")
PAGE = 20_000


async def scan(
    connection: Connection, upto: Position | None = None, after: Position = START
) -> AsyncIterator[list[asyncpg.Record]]:
    """Pages of the log after a position, up to another or to the end of the transaction's snapshot.

    Needs a transaction: the pages come from one cursor. Without `upto`, what the snapshot sees is read, settled or not.
    """
    if upto is None:
        cursor = await connection.cursor(SQL.scan, *after)
    else:
        cursor = await connection.cursor(SQL.scan_upto, *after, *upto)
    while rows := await cursor.fetch(PAGE):
        yield rows

"""Fold the log into a scratch schema and compare every row with the live views and every claim with its table.

All of it in one snapshot that is rolled back: what is compared belongs together, and nothing stays behind.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from typing import Any

from domain.registry import EVENTS
from eventstore.codec import Codec
from eventstore.database import Connection
from eventstore.positions import START, Position
from eventstore.queries import Queries
from eventstore.tail import end_of_log
from projector import claims, write
from projector.claims import Claims
from projector.poison import fold_all, known
from projector.scan import scan
from projector.tables import LIVE, Table, Target
from projector.views import Views, tables

SQL = Queries("projector")
PATIENCE = 30.0  # seconds the live views get to reach the end of the log
POLL = 0.05


async def check(connection: Connection, patience: float = PATIENCE) -> AsyncIterator[str]:
    """Every difference, one line each; none means that the views and claims are what the log says."""
    late = await _late(connection, patience)
    if late is not None:
        yield late
    transaction = connection.transaction(isolation="repeatable_read")
    await transaction.start()
    try:
        async for line in _compared(connection):
            yield line
    finally:
        await transaction.rollback()


async def _late(connection: Connection, patience: float) -> str | None:
    end = await end_of_log(connection)
    deadline = time.monotonic() + patience
    while (reached := await _reached(connection)) < end:
        if time.monotonic() > deadline:
            return (
                f"the live views stand at {reached.tx}:{reached.pos}, the log at {end.tx}:{end.pos}: "
                "is hostler-projector running?"
            )
        await asyncio.sleep(POLL)
    return None


async def _reached(connection: Connection) -> Position:
    row = await connection.fetchrow(SQL.checkpoint, LIVE.projection)
    return Position(row["tx"], row["pos"]) if row else START


async def _compared(connection: Connection) -> AsyncIterator[str]:
    views, claimed = await _fold(connection, await _reached(connection))
    scratch = Target("", schema=f"hostler_check_{os.getpid()}")
    await connection.execute(SQL.scratch_schema.format(schema=scratch.schema))
    for table in tables():
        await connection.execute(SQL.create_like.format(new=scratch.name(table), table=LIVE.name(table)))
    await write.load(connection, scratch, views.changes())
    for table in tables():
        async for line in _rows(connection, table, scratch):
            yield line
    for line in await claims.differences(connection, claimed):
        yield line


async def _fold(connection: Connection, reached: Position) -> tuple[Views, Claims]:
    """Views up to where the live ones stand; claims to the end, since they are written with the events."""
    views, claimed, codec = Views(), Claims(), Codec(EVENTS)
    async for rows in scan(connection):
        records = known(codec, rows)
        fold_all(claimed.fold, records)
        fold_all(views.fold, [record for record in records if (record.tx, record.pos) <= reached])
    return views, claimed


async def _rows(connection: Connection, table: Table, scratch: Target) -> AsyncIterator[str]:
    statement = SQL.differences.format(table=LIVE.name(table), folded=scratch.name(table), key=", ".join(table.key))
    async for row in connection.cursor(statement):
        yield _line(table, row["live"], row["folded"])


def _line(table: Table, live_text: str | None, folded_text: str | None) -> str:
    live, folded = _parsed(live_text), _parsed(folded_text)
    key = " ".join(str((live or folded)[column]) for column in table.key)
    if not live:
        return f"{table.name} {key}: missing, the log says {folded_text}"
    if not folded:
        return f"{table.name} {key}: nothing in the log makes this row"
    names = [name for name in live | folded if live.get(name) != folded.get(name)]
    found = [f"{name} is {_short(live.get(name))}, the log says {_short(folded.get(name))}" for name in names]
    return f"{table.name} {key}: " + ("; ".join(found) or "the stored state is written differently")


def _parsed(text: str | None) -> dict[str, Any]:
    """Columns and, as `state.…`, the fields of the state."""
    columns = {} if text is None else dict(json.loads(text))
    state = columns.pop("state", {})
    return columns | {f"state.{name}": value for name, value in state.items()}


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:200]}…"

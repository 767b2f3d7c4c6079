"""Write rows of views: small pages by arrays, large ones by COPY into a stage that is merged."""

from __future__ import annotations

from collections.abc import Iterable

from eventstore.database import Connection
from eventstore.queries import Queries
from projector.tables import Change, Table, Target

SQL = Queries("projector")
SMALL = 200  # rows; from here on COPY is faster


async def merge(connection: Connection, target: Target, changes: Iterable[Change]) -> None:
    """Write changes in the caller's transaction; a row never replaces one of a newer version."""
    for change in changes:
        if change.owners:
            owner = change.table.key[0]
            await connection.execute(SQL.clear.format(table=target.name(change.table), owner=owner), change.owners)
        if change.rows:
            await _merge_rows(connection, target, change)


async def load(connection: Connection, target: Target, changes: Iterable[Change]) -> None:
    """Write changes to empty tables."""
    for change in changes:
        await _copy(connection, target.relation(change.table), target.schema, change)


async def _merge_rows(connection: Connection, target: Target, change: Change) -> None:
    table = change.table
    if len(change.rows) < SMALL:
        columns = [list(column) for column in zip(*change.rows, strict=True)]
        await connection.execute(_statement(target, table, _arrays(table)), *columns)
        return
    stage = f"{table.name}__stage"
    await connection.execute(SQL.stage.format(stage=stage, table=target.name(table)))
    await _copy(connection, stage, None, change)
    await connection.execute(_statement(target, table, stage))


async def _copy(connection: Connection, relation: str, schema: str | None, change: Change) -> None:
    columns = list(change.table.columns)
    await connection.copy_records_to_table(relation, schema_name=schema, columns=columns, records=change.rows)


def _statement(target: Target, table: Table, source: str) -> str:
    updates = ", ".join(f"{column} = EXCLUDED.{column}" for column in table.columns if column not in table.key)
    return SQL.merge.format(
        table=target.name(table),
        columns=", ".join(table.columns),
        source=source,
        key=", ".join(table.key),
        updates=updates,
        condition="WHERE t.version <= EXCLUDED.version" if table.versioned else "",
    )


def _arrays(table: Table) -> str:
    arrays = ", ".join(f"${n}::{type}[]" for n, type in enumerate(table.columns.values(), start=1))
    return f"unnest({arrays})"

"""Rows on their way to empty tables: kept in files, in the form COPY takes, until a connection is free for them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO
from uuid import UUID

from eventstore.database import Connection
from projector.tables import Change, Row, Table, Target

_ESCAPES = (("\\", r"\\"), ("\t", r"\t"), ("\n", r"\n"), ("\r", r"\r"))


class Spool:
    """Writes rows of any number of tables to files in a folder, one for each table."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[Table, BinaryIO] = {}

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            file.close()

    def add(self, changes: Iterable[Change]) -> None:
        """Keep more rows."""
        for change in changes:
            self._file(change.table).write("".join(map(_line, change.rows)).encode())

    def _file(self, table: Table) -> BinaryIO:
        if table not in self._files:
            self._files[table] = (self._folder / table.name).open("wb")
        return self._files[table]


async def load(connection: Connection, target: Target, tables: Iterable[Table], folder: Path) -> None:
    """Write every row of a folder to the target's tables, which must be empty."""
    for table in tables:
        path = folder / table.name
        if path.exists():
            await connection.copy_to_table(
                target.relation(table), schema_name=target.schema, columns=list(table.columns), source=path
            )


def _line(row: Row) -> str:
    return "\t".join(map(_field, row)) + "\n"


def _field(value: Any) -> str:
    match value:
        case None:
            return r"\N"
        case str():
            return _escaped(value)
        case UUID():
            return value.hex  # a third of the time of the usual form
        case _:
            return str(value)


def _escaped(text: str) -> str:
    for character, escape in _ESCAPES:
        if character in text:
            text = text.replace(character, escape)
    return text

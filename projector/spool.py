"""Rows on their way to empty tables: kept in files, in the form COPY takes, until the connection is free for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, BinaryIO
from uuid import UUID

from eventstore.database import Connection
from projector.tables import Change, Row, Table, Target

_ESCAPES = (("\\", r"\\"), ("\t", r"\t"), ("\n", r"\n"), ("\r", r"\r"))


class Spool:
    """Rows of any number of tables, in constant memory; gone when it is left or the process dies."""

    def __init__(self) -> None:
        self._files: defaultdict[Table, BinaryIO] = defaultdict(TemporaryFile)

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
            self._files[change.table].write("".join(map(_line, change.rows)).encode())

    async def load(self, connection: Connection, target: Target) -> None:
        """Write every row to the target's tables, which must be empty."""
        for table, file in self._files.items():
            file.seek(0)
            await connection.copy_to_table(
                target.relation(table), schema_name=target.schema, columns=list(table.columns), source=file
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

"""The file of a backup: gzip of text, written and read in one pass.

Its first line says what it is, as JSON. Each table is a line of JSON that names its columns, its rows as PostgreSQL's
COPY writes them, and a line that ends them. The last line says how many rows of each there are: a file that was cut off
has none.
"""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FORMAT = "hostler-backup"
VERSION = 1
END_OF_ROWS = b"\\.\n"  # no row looks like this: COPY doubles every backslash
LEVEL = 3
CHUNK = 1 << 18


class BadArchive(Exception):
    """The file is no backup, or not a whole one; the message says which."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a backup is of: the newest change of the schema, the log, and when it was made."""

    schema: str
    log_id: str
    at: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table and its columns, in the order of the rows' fields."""

    name: str
    columns: list[str]


class Writer:
    """Writes a backup beside its place, for its owner's eyes only; it is there once it is whole."""

    def __init__(self, path: Path, header: Header):
        """Begin the file.

        Raises:
            FileExistsError: there is one already, or another backup is being written there.
        """
        if path.exists():
            raise FileExistsError(f"{path} is there already")
        self._path, self._part = path, path.with_name(f"{path.name}.part")
        self._raw = os.fdopen(os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._file = gzip.GzipFile("", "wb", LEVEL, self._raw, mtime=0)
        self._rows: dict[str, int] = {}
        self._line({"format": FORMAT, "version": VERSION, **asdict(header)})

    def begin(self, table: Table) -> None:
        """From now on rows of this table are written."""
        self._line(asdict(table))

    def write(self, rows: bytes) -> None:
        """Some bytes of rows, not always whole ones."""
        self._file.write(rows)

    def end(self, table: Table, rows: int) -> None:
        """The table is complete."""
        self._file.write(END_OF_ROWS)
        self._rows[table.name] = rows

    def finish(self) -> int:
        """The backup is whole and on the disk; its size in bytes."""
        self._line({"rows": self._rows})
        self._file.close()
        self._raw.flush()
        os.fsync(self._raw.fileno())
        self._raw.close()
        self._part.rename(self._path)
        return self._path.stat().st_size

    def abandon(self) -> None:
        """Nothing is left of it."""
        self._raw.close()
        self._part.unlink(missing_ok=True)

    def _line(self, content: dict[str, Any]) -> None:
        self._file.write(json.dumps(content).encode() + b"\n")


@dataclass
class Reader:
    """Reads a backup, table by table; each table's rows must be read before the next one."""

    path: Path
    rows: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open it, and read it once to see that it is whole.

        Raises:
            BadArchive: it is no whole backup of a version that is known.
            OSError: it cannot be read.
        """
        self._file = gzip.GzipFile(self.path, "rb")
        self._check()
        first = self._read_line()
        if first.get("format") != FORMAT:
            raise BadArchive(f"{self.path} is no backup of Hostler")
        if first.get("version") != VERSION:
            raise BadArchive(f"{self.path} was made by a newer version of Hostler: restore it with that one")
        self.header = Header(first["schema"], first["log_id"], first["at"])

    def tables(self) -> Iterator[Table]:
        """Every table, in the order in which they can be filled.

        Raises:
            BadArchive: the file is not whole.
        """
        while "rows" not in (line := self._read_line()):
            if "columns" not in line:
                raise BadArchive(f"{self.path} is damaged")
            yield Table(line["name"], line["columns"])
        if line["rows"] != self.rows:
            raise BadArchive(f"{self.path} is damaged: rows are missing")

    def contents(self, table: Table) -> Iterator[bytes]:
        """The rows of the table that was named last, in chunks.

        Raises:
            BadArchive: the file is not whole.
        """
        count, chunk = 0, bytearray()
        while (row := self._next()) != END_OF_ROWS:
            count += 1
            chunk += row
            if len(chunk) >= CHUNK:
                yield bytes(chunk)
                chunk.clear()
        yield bytes(chunk)
        self.rows[table.name] = count

    def close(self) -> None:
        """Done with it."""
        self._file.close()

    def _read_line(self) -> dict[str, Any]:
        try:
            line = json.loads(self._next())
        except ValueError:
            raise BadArchive(f"{self.path} is no backup of Hostler, or damaged") from None
        if not isinstance(line, dict):
            raise BadArchive(f"{self.path} is no backup of Hostler")
        return line

    def _next(self) -> bytes:
        line = self._file.readline()
        if not line.endswith(b"\n"):
            raise BadArchive(f"{self.path} is cut off")
        return line

    def _check(self) -> None:
        """Compare gzip's checksum, which stands at the end."""
        try:
            while self._file.read(CHUNK):
                pass
            self._file.rewind()
        except gzip.BadGzipFile:
            raise BadArchive(f"{self.path} is no backup of Hostler, or damaged") from None
        except (EOFError, zlib.error):
            raise BadArchive(f"{self.path} is cut off or damaged") from None

"""The file of a backup is read whole or not at all."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.command.archive import BadArchive, Header, Reader, Table, Writer

HEADER = Header("event", "a log", "2026-03-03")
ROWS = {"log": [b"1\t\\N\n"], "event": [b'1\t{"name": "a\\\\."}\n', b"2\t{}\n"], "empty": []}
Harm = Callable[[Path], object]


def write(path: Path) -> Path:
    """A backup with a few rows."""
    writer = Writer(path, HEADER)
    for name, rows in ROWS.items():
        table = Table(name, ["id", "data"])
        writer.begin(table)
        writer.write(b"".join(rows))
        writer.end(table, len(rows))
    writer.finish()
    return path


def read(path: Path) -> dict[str, bytes]:
    """All its rows."""
    reader = Reader(path)
    try:
        return {table.name: b"".join(reader.contents(table)) for table in reader.tables()}
    finally:
        reader.close()


def lose_a_row(path: Path) -> None:
    """One event is not there."""
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if b'"event"' in line and b'"columns"' in line)
    path.write_bytes(gzip.compress(b"".join(lines[: at + 1] + lines[at + 2 :])))


def write_otherwise(**changes: Any) -> Harm:
    """It says something else of itself."""

    def harm(path: Path) -> None:
        first, rest = gzip.decompress(path.read_bytes()).split(b"\n", 1)
        path.write_bytes(gzip.compress(json.dumps(json.loads(first) | changes).encode() + b"\n" + rest))

    return harm


def _forget_the_end(path: Path) -> None:
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(b"".join(lines[:-1])))


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "backup")
    assert read(path) == {name: b"".join(rows) for name, rows in ROWS.items()}
    assert Reader(path).header == HEADER
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lose_a_row, "rows are missing"),
        (_forget_the_end, "cut off"),
        (write_otherwise(version=2), "newer version"),
        (write_otherwise(format="something"), "no backup"),
        (lambda path: path.write_bytes(b"PGDMP"), "no backup"),
        (lambda path: path.write_bytes(b""), "cut off"),
        (lambda path: path.write_bytes(gzip.compress(b"[]\n")), "no backup"),
    ],
)
def test_what_is_no_backup_is_said_to_be_none(tmp_path: Path, harm: Harm, said: str) -> None:
    path = write(tmp_path / "backup")
    harm(path)
    with pytest.raises(BadArchive, match=said):
        read(path)


@given(st.data())
def test_what_was_cut_off_or_damaged_is_never_read_as_if_it_were_whole(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = write(tmp_path_factory.mktemp("cut") / "backup")
    whole = path.read_bytes()
    at = data.draw(st.integers(10, len(whole) - 1))  # gzip's own header holds nothing of ours
    flip = data.draw(st.booleans())
    path.write_bytes(whole[:at] + (bytes([whole[at] ^ 0xFF]) + whole[at + 1 :] if flip else b""))
    with pytest.raises(BadArchive):
        read(path)


def test_nothing_is_left_of_a_backup_that_failed(tmp_path: Path) -> None:
    Writer(tmp_path / "backup", HEADER).abandon()
    assert list(tmp_path.iterdir()) == []


def test_a_backup_is_never_written_over_another(tmp_path: Path) -> None:
    whole = write(tmp_path / "backup").read_bytes()
    with pytest.raises(FileExistsError):
        Writer(tmp_path / "backup", HEADER)
    assert (tmp_path / "backup").read_bytes() == whole

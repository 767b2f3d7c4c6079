"""What survives: VMs, volumes, tasks and access data in one SQLite file.

Every change is written before it is acknowledged. Without fsync a power cut may lose the last changes,
the end of this process cannot: the pages are the kernel's by then.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
TABLES = """
CREATE TABLE IF NOT EXISTS vm (vmid INTEGER PRIMARY KEY, record TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS volume (name TEXT PRIMARY KEY, record TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS task (upid TEXT PRIMARY KEY, record TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS task_line (upid TEXT NOT NULL, n INTEGER NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (upid, n)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS setting (key TEXT PRIMARY KEY, record TEXT NOT NULL);
"""
KEYS = {"vm": "vmid", "volume": "name", "task": "upid", "setting": "key"}


class Store:
    """Records by table and key, as JSON."""

    def __init__(self, directory: Path) -> None:
        self._db = sqlite3.connect(directory / "state.db", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.executescript(TABLES)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make all writes within one transaction."""
        self._db.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def put(self, table: str, key: str | int, record: object) -> None:
        """Write one record: a dataclass, or anything of JSON."""
        sql = f"INSERT OR REPLACE INTO {table} ({KEYS[table]}, record) VALUES (?, ?)"
        self._db.execute(sql, (key, msgspec.json.encode(record).decode()))

    def get(self, table: str, key: str | int) -> Any:
        """One record, or None."""
        row = self._db.execute(f"SELECT record FROM {table} WHERE {KEYS[table]} = ?", (key,)).fetchone()
        return None if row is None else msgspec.json.decode(row[0])

    def all(self, table: str) -> list[tuple[Any, Any]]:
        """Every key with its record, in the order of writing."""
        return self.all_as(table, object)

    def all_as(self, table: str, kind: type[T]) -> list[tuple[Any, T]]:
        """The same, with each record made a dataclass."""
        rows = self._db.execute(f"SELECT {KEYS[table]}, record FROM {table} ORDER BY rowid").fetchall()
        text = f"[{','.join(record for _, record in rows)}]"
        records: list[T] = msgspec.json.decode(text, type=list[kind])  # type: ignore[valid-type]
        return [(key, record) for (key, _), record in zip(rows, records, strict=True)]

    def tasks_of(self, node: str) -> list[tuple[str, Any]]:
        """Every task of a node by UPID, in the order of writing."""
        sql = "SELECT upid, record FROM task WHERE upid >= ? AND upid < ? ORDER BY rowid"
        rows = self._db.execute(sql, (f"UPID:{node}:", f"UPID:{node};"))
        return [(upid, msgspec.json.decode(record)) for upid, record in rows]

    def delete(self, table: str, key: str | int) -> None:
        """Remove one record."""
        self._db.execute(f"DELETE FROM {table} WHERE {KEYS[table]} = ?", (key,))

    def add_line(self, upid: str, n: int, text: str) -> None:
        """Append to a task's log."""
        self._db.execute("INSERT OR REPLACE INTO task_line VALUES (?, ?, ?)", (upid, n, text))

    def lines(self, upid: str) -> list[str]:
        """A task's log."""
        rows = self._db.execute("SELECT text FROM task_line WHERE upid = ? ORDER BY n", (upid,))
        return [text for (text,) in rows]

    def drop_task(self, upid: str) -> None:
        """Forget a task and its log."""
        self._db.execute("DELETE FROM task_line WHERE upid = ?", (upid,))
        self.delete("task", upid)

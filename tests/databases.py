"""Databases for tests: migrated and empty, and used again as long as nobody has changed more than their rows.

Copying the template is most of what a short test costs, so a database that comes back is emptied instead. One whose
catalogue differs from that of a fresh copy (a table swapped, a trigger added, statistics gathered) is dropped, and so
is one that has grown: nobody inherits anything but an empty schema.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql

from testbed.postgres import Postgres

REPOSITORY = Path(__file__).resolve().parents[1]
TEMPLATE = "hostler_template"
MOST_BYTES = 4 << 20
TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
"""
# A row of the catalogue that is added, changed or removed changes one of these sums.
CATALOGUE = """
SELECT (SELECT array[count(*), sum(xmin::text::bigint)] FROM pg_class)
    || (SELECT array[count(*), sum(xmin::text::bigint)] FROM pg_attribute)
    || (SELECT array[count(*), sum(xmin::text::bigint)] FROM pg_constraint)
    || (SELECT array[count(*), sum(xmin::text::bigint)] FROM pg_trigger)
    || (SELECT array[count(*), sum(xmin::text::bigint)] FROM pg_proc)
    || (SELECT array[count(*), sum(xmin::text::bigint)] FROM pg_statistic)
    || (SELECT array[count(*), 0] FROM pg_db_role_setting)
"""
BYTES = "SELECT sum(pg_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
END_OTHERS = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
RESTART_SEQUENCES = "SELECT setval(seqrelid, seqstart, false) FROM pg_sequence"


def deploy(connection: psycopg.Connection) -> None:
    """Run every change of the plan: what sqitch makes of them, without its processes for each."""
    plan = (REPOSITORY / "sqitch.plan").read_text().splitlines()
    for name in [line.split()[0] for line in plan if line and not line.startswith("%")]:
        connection.execute((REPOSITORY / "deploy" / f"{name}.sql").read_bytes())


class Databases:
    """The databases of one server: `lease()` lends one."""

    def __init__(self, server: Postgres):
        self._server = server
        self._free: list[str] = []
        self._run("postgres", sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
        with self._connect(TEMPLATE) as connection:
            deploy(connection)
            self._tables = [name for (name,) in connection.execute(TABLES)]
            self._rows = {name: rows for name in self._tables if (rows := _copied(connection, name))}
            self._catalogue = connection.execute(CATALOGUE).fetchone()

    @contextmanager
    def lease(self) -> Iterator[str]:
        """A migrated, empty database of one's own: its address."""
        name = self._free.pop() if self._free else self._copy()
        try:
            yield self._server.url(name)
        finally:
            if self._emptied(name):
                self._free.append(name)
            else:
                self._run("postgres", sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    @contextmanager
    def bare(self) -> Iterator[str]:
        """A database without tables: its address."""
        name = sql.Identifier(database := f"bare_{uuid4().hex}")
        self._run("postgres", sql.SQL("CREATE DATABASE {}").format(name))
        try:
            yield self._server.url(database)
        finally:
            self._run("postgres", sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))

    def _copy(self) -> str:
        name = f"test_{uuid4().hex}"
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        self._run("postgres", copy.format(sql.Identifier(name), sql.Identifier(TEMPLATE)))
        return name

    def _emptied(self, name: str) -> bool:
        """Whether the database is as a fresh copy now; False: it cannot be."""
        with self._connect(name) as connection:
            connection.execute(END_OTHERS)
            grown = connection.execute(BYTES).fetchone()
            if connection.execute(CATALOGUE).fetchone() != self._catalogue or grown is None or grown[0] > MOST_BYTES:
                return False
            # Neither triggers nor foreign keys have a say in it.
            connection.execute("SET session_replication_role = replica")
            for table in self._filled(connection):
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
            for table, rows in self._rows.items():
                with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))) as copy:
                    copy.write(rows)
            connection.execute(RESTART_SEQUENCES)
        return True

    def _filled(self, connection: psycopg.Connection) -> list[str]:
        asked = sql.SQL(" UNION ALL ").join(
            sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(name, sql.Identifier(name))
            for name in self._tables
        )
        return [name for (name,) in connection.execute(asked)]

    def _run(self, database: str, statement: sql.Composed) -> None:
        with self._connect(database, autocommit=True) as connection:
            connection.execute(statement)

    def _connect(self, database: str, *, autocommit: bool = False) -> psycopg.Connection:
        return psycopg.connect(self._server.url(database), autocommit=autocommit)


def _copied(connection: psycopg.Connection, table: str) -> bytes:
    rows = io.BytesIO()
    with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as copy:
        for part in copy:
            rows.write(part)
    return rows.getvalue()

"""Read the source once, in one consistent snapshot, into staging; then let it go.

The recipe is what MariaDB and MySQL guarantee: START TRANSACTION WITH CONSISTENT SNAPSHOT freezes InnoDB tables and
nothing else, so other engines are refused; dates come as the text that is stored, since zero dates are no dates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

import pymysql
from pymysql.constants import ER, FIELD_TYPE
from pymysql.converters import conversions
from pymysql.cursors import Cursor, SSCursor

from whmcs_import.staging import TABLES, Staging, Table
from whmcs_import.values import is_secret_name

BATCH = 5000
TABLE_CHANGED = 1412  # ER_TABLE_DEF_CHANGED: the snapshot cannot be read any more
MAY_HAVE = {
    *("USAGE", "SELECT", "SHOW VIEW", "SHOW DATABASES", "LOCK TABLES", "PROCESS"),
    *("REPLICATION CLIENT", "BINLOG MONITOR", "REPLICATION SLAVE", "SLAVE MONITOR"),
}

Connection: TypeAlias = "pymysql.connections.Connection[Any]"
Progress = Callable[[str, int], None]


class SourceError(Exception):
    """The source cannot be read; the message is one line that names the mend."""


class InvalidSource(SourceError):
    """The address of the source is not one."""


@dataclass(frozen=True, slots=True)
class Dsn:
    """Where the source is. `shown` leaves the password out."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str

    @property
    def shown(self) -> str:
        return f"mysql://{self.user}@{self.host}:{self.port}/{self.database}"


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What was read: the WHMCS version, the server, and how many rows of each table."""

    address: str
    version: str
    server: str
    snapshot_at: str
    method: str
    engines: dict[str, int]
    collations: dict[str, int]
    rows: dict[str, int]


def parse_dsn(text: str) -> Dsn:
    """Read `mysql://user:password@host:port/database`.

    Raises:
        InvalidSource: it is something else.
    """
    wanted = "--source must be mysql://user:password@host:port/database"
    try:
        url = urlsplit(text)
        port = url.port or 3306
    except ValueError as error:
        raise InvalidSource(f"{wanted}: {error}") from None
    database = url.path.strip("/")
    if url.scheme not in ("mysql", "mariadb") or not url.hostname or not url.username or not database or url.query:
        raise InvalidSource(wanted)
    return Dsn(url.hostname, port, unquote(url.username), unquote(url.password or ""), unquote(database))


def extract(
    dsn: Dsn, staging: Staging, progress: Progress, *, allow_writer: bool = False, allow_inconsistent: bool = False
) -> SourceInfo:
    """Copy the tables of WHMCS into `staging` and close the source.

    `allow_writer` accepts a database user who could write, `allow_inconsistent` tables without snapshots.

    Raises:
        SourceError: it cannot be reached or read, or is no WHMCS this program knows.
    """
    with _said_plainly(dsn):
        for attempt in range(3):
            with closing(_connect(dsn)) as connection:
                try:
                    return _copy(connection, dsn, staging, progress, allow_writer, allow_inconsistent)
                except pymysql.err.MySQLError as error:
                    if error.args[0] != TABLE_CHANGED or attempt == 2:
                        raise
                    staging.clear()
    raise AssertionError("unreachable")


def _copy(
    connection: Connection, dsn: Dsn, staging: Staging, progress: Progress, allow_writer: bool, inconsistent: bool
) -> SourceInfo:
    if not allow_writer:
        _refuse_writers(connection)
    schema = _Schema.read(connection, dsn.database)
    schema.require()
    if not inconsistent:
        schema.refuse_without_snapshot()
    with connection.cursor(Cursor) as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        at = datetime.now(UTC).isoformat(timespec="seconds")
        version = _setting(cursor, schema, "Version") or "unknown"
        cursor.execute("SELECT VERSION()")
        server = str(cursor.fetchall()[0][0])
    for table in TABLES:
        if table.name in schema.tables:
            _copy_table(connection, schema, table, staging, progress)
    staging.index()
    present = [schema.tables[table.name] for table in TABLES if table.name in schema.tables]
    return SourceInfo(
        address=dsn.shown,
        version=version,
        server=server,
        snapshot_at=at,
        method="snapshot" if all(t.engine == "InnoDB" for t in present) else "inconsistent",
        engines=_tally(t.engine for t in present),
        collations=_tally(t.collation for t in present),
        rows={table.name: staging.count(table.name) for table in TABLES},
    )


@dataclass(frozen=True, slots=True)
class _Present:
    """A table as the source has it."""

    name: str
    engine: str
    collation: str
    columns: dict[str, str]  # lower case -> as it is written there


@dataclass(frozen=True, slots=True)
class _Schema:
    """What of `TABLES` the source has. Names are compared in lower case: some servers keep them so."""

    tables: dict[str, _Present]

    @classmethod
    def read(cls, connection: Connection, database: str) -> _Schema:
        wanted = {table.name for table in TABLES} | {"tblconfiguration"}
        with connection.cursor(Cursor) as cursor:
            cursor.execute(
                "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s", (database,)
            )
            columns: dict[str, dict[str, str]] = {}
            for table, column in cursor.fetchall():
                columns.setdefault(str(table), {})[str(column).lower()] = str(column)
            cursor.execute(
                "SELECT table_name, engine, table_collation FROM information_schema.tables WHERE table_schema = %s",
                (database,),
            )
            found = [_Present(str(n), str(e), str(c), columns.get(str(n), {})) for n, e, c in cursor.fetchall()]
        return cls({table.name.lower(): table for table in found if table.name.lower() in wanted})

    def require(self) -> None:
        if "tblclients" in self.tables and "tblusers" not in self.tables:
            raise SourceError("this is WHMCS before 8.0 (it has no tblusers): update WHMCS to 8 or later first")
        missing = [
            table.name if table.name not in self.tables else f"{table.name}.{column}"
            for table in TABLES
            for column in table.required
            if (table.needed or table.name in self.tables)
            and column not in (self.tables[table.name].columns if table.name in self.tables else ())
        ]
        if missing:
            names = ", ".join(dict.fromkeys(missing))
            raise SourceError(f"this database is no WHMCS that can be read: it has no {names}: check --source")

    def refuse_without_snapshot(self) -> None:
        loose = [table.name for table in self.tables.values() if table.engine != "InnoDB"]
        if loose:
            raise SourceError(
                f"{', '.join(sorted(loose))}: not InnoDB, so no snapshot is possible: import from a restored dump, "
                "or accept rows that do not fit together with --allow-inconsistent"
            )


def _copy_table(connection: Connection, schema: _Schema, table: Table, staging: Staging, progress: Progress) -> None:
    present = schema.tables[table.name]
    columns = [
        f"`{present.columns[column]}`" if column in present.columns else f"NULL AS `{column}`"
        for column in table.columns
    ]
    with connection.cursor(SSCursor) as cursor:
        cursor.execute(f"SELECT {', '.join(columns)} FROM `{present.name}`{_without_secrets(table, staging)}")
        done = 0
        while rows := cursor.fetchmany(BATCH):
            staging.add(table, rows)
            done += len(rows)
            progress(table.name, done)


def _without_secrets(table: Table, staging: Staging) -> str:
    """Passwords kept in custom fields are never read, neither the encrypted ones nor those in plain text."""
    if table.name != "tblcustomfieldsvalues":
        return ""
    fields = staging.rows("SELECT id, fieldname, fieldtype FROM tblcustomfields")
    ids = [str(int(id)) for id, name, kind in fields if kind == "password" or is_secret_name(str(name))]
    return f" WHERE fieldid NOT IN ({', '.join(ids)})" if ids else ""


def _setting(cursor: Any, schema: _Schema, name: str) -> str | None:
    if "tblconfiguration" not in schema.tables:
        return None
    cursor.execute(f"SELECT value FROM `{schema.tables['tblconfiguration'].name}` WHERE setting = %s", (name,))
    rows = cursor.fetchall()
    return str(rows[0][0]) if rows else None


def _refuse_writers(connection: Connection) -> None:
    with connection.cursor(Cursor) as cursor:
        cursor.execute("SHOW GRANTS FOR CURRENT_USER()")
        grants = [str(row[0]) for row in cursor.fetchall()]
    if dangerous := sorted({right for grant in grants for right in _rights(grant)} - MAY_HAVE):
        raise SourceError(
            f"the source user may do more than read ({', '.join(dangerous[:4])}): make one with GRANT SELECT alone, "
            "or insist with --i-know"
        )


def _rights(grant: str) -> list[str]:
    match = re.match(r"GRANT (.+?) ON ", grant)
    listed = re.sub(r"\([^)]*\)", "", match[1]) if match else ""
    return [right.strip().upper() for right in listed.split(",") if right.strip()]


def _connect(dsn: Dsn) -> Connection:
    plain: dict[Any, Any] = {
        **conversions,
        FIELD_TYPE.DATE: str,
        FIELD_TYPE.DATETIME: str,
        FIELD_TYPE.TIMESTAMP: str,
        # SQLite has no decimals; amounts stay exact as text.
        FIELD_TYPE.DECIMAL: str,
        FIELD_TYPE.NEWDECIMAL: str,
    }
    return pymysql.connect(
        host=dsn.host,
        port=dsn.port,
        user=dsn.user,
        password=dsn.password,
        database=dsn.database,
        charset="utf8mb4",
        autocommit=False,
        connect_timeout=10,
        read_timeout=600,
        conv=plain,
        init_command="SET SESSION sql_mode='', time_zone='+00:00', net_write_timeout=600",
    )


@contextmanager
def _said_plainly(dsn: Dsn) -> Iterator[None]:
    try:
        yield
    except pymysql.err.OperationalError as error:
        number, text = error.args[0], str(error.args[-1]).strip()
        mends = {
            ER.ACCESS_DENIED_ERROR: "check user and password in --source",
            ER.DBACCESS_DENIED_ERROR: "grant the user SELECT on the database",
            ER.BAD_DB_ERROR: "check the database name in --source",
            2003: "check host and port in --source and that MariaDB runs",
        }
        raise SourceError(f"{dsn.shown} cannot be read: {text}: {mends.get(number, 'run again')}") from None
    except (pymysql.err.MySQLError, OSError, RuntimeError) as error:
        raise SourceError(f"{dsn.shown} cannot be read: {str(error.args[-1]).strip() or error}: run again") from None


def _tally(values: Iterator[str]) -> dict[str, int]:
    tally: dict[str, int] = {}
    for value in values:
        tally[value] = tally.get(value, 0) + 1
    return dict(sorted(tally.items()))

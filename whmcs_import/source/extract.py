"""Read the source once, in one consistent snapshot, into staging; then let it go.

The recipe is what MariaDB and MySQL guarantee: START TRANSACTION WITH CONSISTENT SNAPSHOT freezes InnoDB tables and
nothing else. Tables of other engines are read twice, once before the snapshot begins and once after: when both passes
are equal, nothing changed in between and they fit the snapshot. Or all tables are locked while they are read. Dates
come as the text that is stored, since zero dates are no dates.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Literal, TypeAlias
from urllib.parse import unquote, urlsplit

import pymysql
from pymysql.constants import ER, FIELD_TYPE
from pymysql.converters import conversions, through
from pymysql.cursors import Cursor, SSCursor

from whmcs_import.source import wire
from whmcs_import.source.staging import (
    AMOUNTS,
    ANYTHING,
    MEANINGS,
    NUMBERS,
    READERS,
    TABLES,
    TABLES_BEFORE_8,
    Staging,
    Table,
    as_number,
)
from whmcs_import.source.values import is_secret_name, storable

BATCH = 5000
TABLE_CHANGED = 1412  # ER_TABLE_DEF_CHANGED: the snapshot cannot be read any more
MAY_HAVE = {
    *("USAGE", "SELECT", "SHOW VIEW", "SHOW DATABASES", "LOCK TABLES", "PROCESS"),
    *("REPLICATION CLIENT", "BINLOG MONITOR", "REPLICATION SLAVE", "SLAVE MONITOR"),
}

WHOLE = {FIELD_TYPE.TINY, FIELD_TYPE.SHORT, FIELD_TYPE.INT24, FIELD_TYPE.LONG, FIELD_TYPE.YEAR}
PASSES = 3
WHOLE_TYPES = ("tinyint", "smallint", "mediumint", "int")
CATALOGUE = (
    *("tblcurrencies", "tblclientgroups", "tblservers", "tblproducts", "tblproductconfigoptions"),
    *("tblproductconfigoptionssub", "tblcustomfields", "tbladdons", "mod_pvewhmcs_plans"),
)

# Names by which modules that drive Proxmox call their tables.
OF_MODULES = re.compile(r"(mod_|mg_)?(proxmox|puq|pve)", re.IGNORECASE)

Looseness = Literal["prove", "lock", "accept"]
Connection: TypeAlias = "pymysql.connections.Connection[Any]"
Progress = Callable[[str, int, int | None], None]  # table, rows read, rows there are, about


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
    digests: dict[str, str]  # of everything that was read of each table
    unread: list[str] = field(default_factory=list)  # what modules may keep of VMs in a form that is not known here
    grants: list[str] = field(default_factory=list)  # what the database user may do


@dataclass(frozen=True, slots=True)
class Known:
    """What was read earlier: digest and number of rows of each table."""

    digests: Mapping[str, str]
    rows: Mapping[str, int]


def parse_dsn(text: str) -> Dsn:
    """Read `mysql://user:password@host:port/database`.

    Raises:
        InvalidSource: it is something else.
    """
    wanted = "--source must be mysql://user:password@host:port/database, with @ / : # % in names as %40 %2F %3A %23 %25"
    try:
        url = urlsplit(text)
        port = url.port or 3306
    except ValueError:  # its text may hold a part of the password
        raise InvalidSource(f"{wanted}; the port is a number up to 65535") from None
    database = url.path.strip("/")
    # What follows the database is the rest of a password that held one of these.
    split = url.query or url.fragment or "/" in database or "@" in database or url.netloc.count("@") > 1
    if url.scheme not in ("mysql", "mariadb") or not url.hostname or not url.username or not database or split:
        raise InvalidSource(wanted)
    return Dsn(url.hostname, port, unquote(url.username), unquote(url.password or ""), unquote(database))


def extract(
    dsn: Dsn,
    staging: Staging,
    progress: Progress,
    *,
    allow_writer: bool = False,
    loose: Looseness = "prove",
    known: Known | None = None,
) -> SourceInfo:
    """Copy the tables of WHMCS into `staging` and close the source; where they are as `known`, nothing is copied.

    `allow_writer` accepts a database user who could write. `loose` says what to do with tables that have no snapshots:
    read them twice and refuse when they differ, lock all tables meanwhile, or accept what comes.

    Raises:
        SourceError: it cannot be reached or read, changes too fast, or is no WHMCS this program knows.
    """
    with _said_plainly(dsn):
        for attempt in range(PASSES):
            with closing(_connect(dsn)) as connection:
                try:
                    return _copy(connection, dsn, staging, progress, allow_writer, loose, known)
                except _ChangedMeanwhile as changed:
                    if attempt == PASSES - 1:
                        raise SourceError(str(changed)) from None
                except pymysql.err.MySQLError as error:
                    if error.args[0] != TABLE_CHANGED or attempt == PASSES - 1:
                        raise
            staging.clear()
    raise AssertionError("unreachable")


@contextmanager
def reading(dsn: Dsn) -> Iterator[Connection]:
    """A connection to the source in one snapshot, for who asks it questions of their own.

    Raises:
        SourceError: it cannot be reached or read.
    """
    with _said_plainly(dsn), closing(_connect(dsn)) as connection:
        with connection.cursor(Cursor) as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        yield connection


class _ChangedMeanwhile(Exception):
    """Two passes over a table differ."""


def _copy(
    connection: Connection,
    dsn: Dsn,
    staging: Staging,
    progress: Progress,
    allow_writer: bool,
    loose: Looseness,
    known: Known | None,
) -> SourceInfo:
    grants = _grants(connection)
    if not allow_writer:
        _refuse_writers(grants)
    schema = _Schema.read(connection, dsn.database)
    schema.require()
    method = (
        "snapshot" if not schema.loose else {"prove": "two_passes", "lock": "lock", "accept": "inconsistent"}[loose]
    )
    first = _first_pass(connection, schema) if method == "two_passes" else {}
    at = _freeze(connection, schema, locked=method == "lock")
    with connection.cursor(Cursor) as cursor:
        version = _setting(cursor, schema, "Version") or "unknown"
        cursor.execute("SELECT VERSION()")
        server = str(cursor.fetchall()[0][0])
    if known is not None and _is_known(connection, schema, known, first, progress):
        digests, rows = dict(known.digests), dict(known.rows)
    else:
        digests = _fill(connection, schema, staging, first, progress)
        rows = {table.name: staging.count(table.name) for table in TABLES}
    present = [schema.tables[table.origin.lower()] for table in schema.wanted]
    return SourceInfo(
        address=dsn.shown,
        version=version,
        server=server,
        snapshot_at=at,
        method=method,
        engines=_tally(t.engine for t in present),
        collations=_tally(t.collation for t in present),
        rows=rows,
        digests=digests,
        unread=schema.unread,
        grants=grants,
    )


def _is_known(
    connection: Connection, schema: _Schema, known: Known, first: Mapping[str, str], progress: Progress
) -> bool:
    """Whether every table is as it was; the first that is not ends the comparing."""
    if [table.name for table in schema.wanted] != list(known.digests):
        return False
    for table in schema.wanted:
        digest, count = _glance(connection, schema, table)
        _refuse_changed(table, first, digest)
        if digest != known.digests[table.name]:
            return False
        progress(table.origin, count, count)
    return True


def _fill(
    connection: Connection, schema: _Schema, staging: Staging, first: Mapping[str, str], progress: Progress
) -> dict[str, str]:
    """Stage every table; answers with their digests."""
    digests = {}
    for table in schema.wanted:
        digests[table.name] = _copy_table(connection, schema, table, staging, progress)
        _refuse_changed(table, first, digests[table.name])
    if schema.before_8:
        staging.users_before_8()
    staging.index()
    _refuse_twins(staging)
    return digests


def _refuse_changed(table: Table, first: Mapping[str, str], digest: str) -> None:
    if first.get(table.name, digest) != digest:
        raise _ChangedMeanwhile(
            f"{table.origin} is not InnoDB and changed while it was read: stop WHMCS and its cron, import from a "
            "restored dump, or lock the tables meanwhile with --lock-source"
        )


def _refuse_twins(staging: Staging) -> None:
    """The catalogue is what everything refers to: an id that means two things there means nothing."""
    for table in CATALOGUE:
        if twins := staging.twins(table):
            raise SourceError(
                f"{table} has several rows with the id {twins[0]}: the table is damaged and has lost its key: repair it"
            )


def _first_pass(connection: Connection, schema: _Schema) -> dict[str, str]:
    """A digest of each table that has no snapshots, from before the snapshot begins."""
    return {
        table.name: _glance(connection, schema, table)[0]
        for table in schema.wanted
        if schema.tables[table.origin.lower()].engine != "InnoDB"
    }


def _glance(connection: Connection, schema: _Schema, table: Table) -> tuple[str, int]:
    """Digest and number of a table's rows, read and not kept."""
    query = _query(connection, schema, table)
    digest = hashlib.blake2b(query.encode(), digest_size=16)
    with connection.cursor(SSCursor) as cursor:
        cursor.execute(query)
        count = sum(map(len, wire.packets(cursor, digest)))
    return digest.hexdigest(), count


def _freeze(connection: Connection, schema: _Schema, *, locked: bool) -> str:
    """Let nothing change any more in what is read; answers with the time."""
    connection.rollback()  # a first pass may have begun a snapshot of its own
    with connection.cursor(Cursor) as cursor:
        if locked:
            names = sorted({schema.tables[table.origin.lower()].name for table in schema.wanted} | schema.settings)
            try:
                cursor.execute(f"LOCK TABLES {', '.join(f'`{name}` READ' for name in names)}")
            except pymysql.err.OperationalError as error:
                raise SourceError(f"{error.args[-1]}: --lock-source needs GRANT LOCK TABLES besides SELECT") from None
        else:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class _Present:
    """A table as the source has it."""

    name: str
    engine: str
    collation: str
    rows: int  # about
    columns: dict[str, tuple[str, str]]  # lower case -> as it is written there, and its type


@dataclass(frozen=True, slots=True)
class _Schema:
    """What of `TABLES` the source has. Names are compared in lower case: some servers keep them so."""

    tables: dict[str, _Present]
    unread: list[str]

    @classmethod
    def read(cls, connection: Connection, database: str) -> _Schema:
        wanted = {table.origin.lower() for table in (*TABLES, *TABLES_BEFORE_8)} | {"tblconfiguration"}
        with connection.cursor(Cursor) as cursor:
            cursor.execute(
                "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = %s",
                (database,),
            )
            columns: dict[str, dict[str, tuple[str, str]]] = {}
            for table, column, kind in cursor.fetchall():
                columns.setdefault(str(table), {})[str(column).lower()] = str(column), str(kind)
            cursor.execute(
                "SELECT table_name, engine, table_collation, table_rows"
                " FROM information_schema.tables WHERE table_schema = %s",
                (database,),
            )
            found = [
                _Present(str(name), str(engine), str(collation), int(rows or 0), columns.get(str(name), {}))
                for name, engine, collation, rows in cursor.fetchall()
            ]
        known = {table.name.lower(): table for table in found if table.name.lower() in wanted}
        odd = {
            table.origin.lower()
            for table in TABLES
            if table.of_module and table.origin.lower() in known and _lacks(table, known[table.origin.lower()])
        }
        unread = [name for name in columns if OF_MODULES.match(name) and name.lower() not in known.keys() - odd]
        return cls({name: table for name, table in known.items() if name not in odd}, sorted(unread))

    @property
    def before_8(self) -> bool:
        """Whether clients sign in themselves: users are an invention of 8.0."""
        return "tblusers" not in self.tables

    @property
    def known(self) -> tuple[Table, ...]:
        """What this generation of WHMCS may have."""
        return (*TABLES, *TABLES_BEFORE_8) if self.before_8 else TABLES

    @property
    def wanted(self) -> list[Table]:
        """What there is to read."""
        return [table for table in self.known if table.origin.lower() in self.tables]

    @property
    def loose(self) -> list[str]:
        """The tables of which no snapshot can be taken."""
        return sorted(
            self.tables[t.origin.lower()].name for t in self.wanted if self.tables[t.origin.lower()].engine != "InnoDB"
        )

    @property
    def settings(self) -> set[str]:
        return {table.name for name, table in self.tables.items() if name == "tblconfiguration"}

    def require(self) -> None:
        """Refuse a database without what every WHMCS has."""
        missing = [
            table.origin if table.origin.lower() not in self.tables else f"{table.origin}.{column}"
            for table in self.known
            for column in table.required
            if (table.needed or table.origin.lower() in self.tables)
            and (table.origin.lower() not in self.tables or column in _lacks(table, self.tables[table.origin.lower()]))
        ]
        if self.before_8 == ("tblusers_clients" in self.tables):
            missing.append("tblusers" if self.before_8 else "tblusers_clients")
        if missing:
            names = ", ".join(dict.fromkeys(missing))
            raise SourceError(f"this database is no WHMCS that can be read: it has no {names}: check --source")


def _lacks(table: Table, present: _Present) -> list[str]:
    return [column for column in table.required if column not in present.columns]


def _copy_table(connection: Connection, schema: _Schema, table: Table, staging: Staging, progress: Progress) -> str:
    """Stage a table; answers with its digest."""
    query = _query(connection, schema, table)
    digest = hashlib.blake2b(query.encode(), digest_size=16)
    meanings = _meanings(schema.tables[table.origin.lower()], table)
    done, about = 0, schema.tables[table.origin.lower()].rows
    with connection.cursor(SSCursor) as cursor:
        cursor.execute(query)
        for count in (_heap if table.heaped else _stage)(table, cursor, digest, meanings, staging):
            done += count
            progress(table.origin, done, about if about > done else None)
    progress(table.origin, done, done)
    return digest.hexdigest()


def _stage(
    table: Table, cursor: SSCursor, digest: hashlib.blake2b, meanings: dict[int, str], staging: Staging
) -> Iterator[int]:
    """Stage the rows one by one; answers with how many, again and again."""
    found = wire.rows(cursor, digest)
    readers = {place: MEANINGS[meaning] for place, meaning in meanings.items()}
    while rows := list(islice(found, BATCH)):
        staging.add(table, [_read(row, readers) for row in rows] if readers else rows)
        yield len(rows)


def _heap(
    table: Table, cursor: SSCursor, digest: hashlib.blake2b, meanings: dict[int, str], staging: Staging
) -> Iterator[int]:
    """Stage the rows as they come; answers with how many, again and again."""
    names = {read: name for name, read in READERS.items()}
    columns = [names[read] for read in wire.readers_of(cursor)]
    columns = [f"{name}>{meanings[n]}" if n in meanings else name for n, name in enumerate(columns)]
    with staging.heap(table, columns) as sorter:
        for packets in wire.packets(cursor, digest):
            sorter.add(packets)
            yield len(packets)


def _query(connection: Connection, schema: _Schema, table: Table) -> str:
    present = schema.tables[table.origin.lower()]
    columns = [_asked(present, column) for column in table.columns]
    where = f" WHERE {_of_products(connection, schema)}" if table.name == "tblcustomfieldsvalues" else ""
    return f"SELECT {', '.join(columns)} FROM `{present.name}`{where}"


def _asked(present: _Present, column: str) -> str:
    """How a column is read; bits come as a number instead of as bytes."""
    if column not in present.columns:
        return f"NULL AS `{column}`"
    name, kind = present.columns[column]
    return f"`{name}` + 0 AS `{name}`" if kind.lower() == "bit" else f"`{name}`"


def _meanings(present: _Present, table: Table) -> dict[int, str]:
    """What is made of columns that are of another type than WHMCS gives them, by their place."""
    found: dict[int, str] = {}
    for place, column in enumerate(table.columns):
        whole = present.columns.get(column, ("", ""))[1].lower() in WHOLE_TYPES
        if column in present.columns and column not in ANYTHING and whole != (column in NUMBERS | AMOUNTS):
            found[place] = "number" if column in NUMBERS else "amount" if column in AMOUNTS else "text"
    return found


def _read(row: tuple[Any, ...], readers: dict[int, Callable[[Any], Any]]) -> tuple[Any, ...]:
    read = list(row)
    for place, reader in readers.items():
        read[place] = reader(read[place])
    return tuple(read)


def _of_products(connection: Connection, schema: _Schema) -> str:
    """Which values of custom fields are read: those of products. Of clients and tickets there may be millions, and they
    say nothing about a service; passwords are never read, neither the encrypted ones nor those in plain text.
    """
    with connection.cursor(Cursor) as cursor:
        cursor.execute(f"SELECT id, type, fieldname, fieldtype FROM `{schema.tables['tblcustomfields'].name}`")
        fields = [
            as_number(id)
            for id, of, name, kind in cursor.fetchall()
            if str(of).strip().lower() == "product" and not _is_secret(str(name), str(kind))
        ]
    known = sorted({str(id) for id in fields if id is not None})
    return f"fieldid IN ({', '.join(known)})" if known else "FALSE"


def _is_secret(name: str, kind: str) -> bool:
    return kind.strip().casefold() == "password" or is_secret_name(name)


def _setting(cursor: Any, schema: _Schema, name: str) -> str | None:
    if "tblconfiguration" not in schema.tables:
        return None
    cursor.execute(f"SELECT value FROM `{schema.tables['tblconfiguration'].name}` WHERE setting = %s", (name,))
    rows = cursor.fetchall()
    return storable(str(rows[0][0])) if rows else None


def _grants(connection: Connection) -> list[str]:
    """What the user may do, of all databases together."""
    with connection.cursor(Cursor) as cursor:
        cursor.execute("SHOW GRANTS")  # with those of the current role
        return sorted({right for row in cursor.fetchall() for right in _rights(str(row[0]))})


def _refuse_writers(grants: list[str]) -> None:
    if dangerous := sorted(set(grants) - MAY_HAVE):
        raise SourceError(
            f"the source user may do more than read ({', '.join(dangerous[:4])}): make one with GRANT SELECT alone, "
            "or insist with --i-know"
        )


def _rights(grant: str) -> list[str]:
    match = re.match(r"GRANT (.+?) ON ", grant)
    listed = re.sub(r"\([^)]*\)", "", match[1]) if match else ""
    return [right.strip().upper() for right in listed.split(",") if right.strip()]


def _connect(dsn: Dsn) -> Connection:
    # SQLite has no decimals: amounts stay exact as text, and dates as they are written.
    every = {number for name, number in vars(FIELD_TYPE).items() if name.isupper()}
    plain: dict[Any, Any] = {name: read for name, read in conversions.items() if not isinstance(name, int)}
    plain |= dict.fromkeys(every, through) | dict.fromkeys(WHOLE, int) | {FIELD_TYPE.LONGLONG: wire.long}
    return wire.Connection(
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

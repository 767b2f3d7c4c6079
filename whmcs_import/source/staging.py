"""The private local copy of the source: a SQLite file that only this run sees and that is gone when it ends.

`TABLES` names what is read, and nothing else is: a required column that is missing stops the import, an optional one
reads as null.
"""

from __future__ import annotations

import re
import sqlite3
import tempfile
from bisect import bisect_left
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from whmcs_import.source import heaps, wire
from whmcs_import.source.heaps import Sorter
from whmcs_import.source.wire import Read

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A source table: the columns that must be there, those that may, and how its rows are found later."""

    name: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    index: tuple[str, ...] = ()
    needed: bool = True  # False: a module's or a newer version's table, which may be missing as a whole
    source: str = ""  # what it is called there, when that is not `name`
    heaped: bool = False  # rows of services, by the id that is the first column and ordered by the last

    @property
    def columns(self) -> tuple[str, ...]:
        return self.required + self.optional

    @property
    def of_module(self) -> bool:
        """Whether another program than WHMCS makes it, in a form of which nobody can be sure."""
        return not self.origin.startswith("tbl")

    @property
    def origin(self) -> str:
        """The table of the source."""
        return self.source or self.name


_OPTIONS_OF_MODULES = tuple(f"configoption{n}" for n in range(1, 25))
_OF_ADDRESSES = ("id", "subnet_mask", "gateway", "cidr")
_PROFILE = "address1 address2 city state postcode country phonenumber tax_id language datecreated taxexempt"

TABLES = (
    Table("tblcurrencies", ("id", "code")),
    Table("tblclientgroups", ("id", "groupname"), ("discountpercent",), needed=False),
    Table("tblservers", ("id", "name", "type"), ("disabled",)),
    Table("tblproducts", ("id", "gid", "name", "servertype", *_OPTIONS_OF_MODULES), ("type", "paytype")),
    Table("tblproductconfiglinks", ("gid", "pid")),
    Table("tblproductconfigoptions", ("id", "gid", "optionname", "optiontype"), ("qtyminimum", "qtymaximum")),
    Table("tblproductconfigoptionssub", ("id", "configid", "optionname")),
    Table("tblcustomfields", ("id", "type", "relid", "fieldname", "fieldtype")),
    Table("tbladdons", ("id", "name"), needed=False),
    Table("ProxmoxAddon_ProductConfiguration", ("product_id", "setting", "value"), needed=False),
    Table("mod_pvewhmcs_plans", ("id", "cpus", "cores", "memory", "disk"), ("vmtype",), needed=False),
    Table(
        "tblclients",
        ("id", "firstname", "lastname", "companyname", "email", "currency", "groupid", "status"),
        tuple(_PROFILE.split()),
        ("id",),
    ),
    Table("tblusers", ("id", "first_name", "last_name", "email", "password"), ("second_factor",), ("id",), False),
    Table("tblusers_clients", ("auth_user_id", "client_id", "owner"), ("permissions",), ("client_id",), False),
    Table(
        "tblhosting",
        (
            *("id", "userid", "packageid", "server", "domain", "amount", "billingcycle", "nextduedate"),
            *("domainstatus", "username", "dedicatedip", "assignedips"),
        ),
        ("regdate", "qty", "suspendreason", "overideautosuspend", "overidesuspenduntil", "notes"),
        ("id",),
    ),
    Table("tblhostingconfigoptions", ("relid", "configid", "optionid", "qty"), ("id",), heaped=True),
    Table("tblcustomfieldsvalues", ("relid", "fieldid", "value"), ("id",), heaped=True),
    Table(
        "tblhostingaddons", ("id", "hostingid", "addonid", "status"), ("name", "qty"), ("hostingid", "id"), needed=False
    ),
    Table("tblupgrades", ("id", "relid", "type"), ("status",), needed=False),
    Table("tblcancelrequests", ("id", "relid", "type"), needed=False),
    Table("tblmodulequeue", ("id", "service_type", "service_id", "module_action"), ("completed",), needed=False),
    Table("mod_pvewhmcs_vms", ("id", "vmid"), ("vtype", "ipaddress", "subnetmask", "gateway"), ("id",), needed=False),
    Table("mod_proxmoxvm", ("service_id", "vmid"), ("node",), ("service_id",), needed=False),
    Table("ProxmoxAddon_VmIpAddress", ("hosting_id", "ip"), _OF_ADDRESSES, ("hosting_id",), needed=False),
    Table("mg_proxmox_addon_ip", ("hosting_id", "ip"), (*_OF_ADDRESSES, "node"), ("hosting_id",), needed=False),
)
# Before 8.0 there are no users: clients sign in themselves, and so do their contacts that are sub-accounts.
TABLES_BEFORE_8 = (
    Table(
        "client_logins",
        ("id", "firstname", "lastname", "email", "password"),
        ("authmodule",),
        source="tblclients",
    ),
    Table(
        "tblcontacts",
        ("id", "userid", "email", "subaccount", "password"),
        ("firstname", "lastname", "permissions"),
        needed=False,
    ),
)
HEAPED = {table.name for table in TABLES if table.heaped}
ROWS, PLAN = "rows.sqlite", "plan.sqlite"
HIGHEST_ID = (1 << 40) - 1
CLIENT_LOGINS, CONTACT_LOGINS = 1 << 40, 1 << 41  # above every id of tblusers, so that nobody becomes somebody else
# Columns that hold numbers; those of amounts keep what is none, since nothing else may stand for it.
AMOUNTS = {"qty"}
NUMBERS = {
    *("id", "gid", "pid", "relid", "configid", "optionid", "userid", "packageid", "server", "currency", "groupid"),
    *(
        "hosting_id",
        "hostingid",
        "addonid",
        "fieldid",
        "auth_user_id",
        "client_id",
        "service_id",
        "product_id",
        "subaccount",
    ),
    *("owner", "disabled", "overideautosuspend", "completed", "qtyminimum", "qtymaximum"),
}
ANYTHING = {"vmid"}
SPAN = 500  # services that are held in memory at a time
Span: TypeAlias = tuple[int, int]  # the ids above the first, up to the second
LOWEST, HIGHEST = -(1 << 63), (1 << 63) - 1
_WHOLE = re.compile(r"\s*([0-9]{1,13})(\.0+)?\s*")


def as_number(value: Any) -> int | None:
    """An id or a flag, however the source keeps it; None when it is none."""
    if isinstance(value, str) and (match := _WHOLE.fullmatch(value)):
        value = int(match[1])
    return value if isinstance(value, int) and 0 <= value <= HIGHEST_ID else None


def as_amount(value: Any) -> int | str | None:
    """How many, however the source keeps it; what is no number stays what it is."""
    if isinstance(value, int):
        return value if abs(value) <= HIGHEST_ID else str(value)
    number = as_number(value)
    return value if value is None else str(value) if number is None else number


def as_text(value: Any) -> str | None:
    """Text, however the source keeps it."""
    return value if value is None else str(value)


READERS: dict[str, Read] = {"whole": int, "long": wire.long, "text": wire.text}
MEANINGS: dict[str, Callable[[Any], Any]] = {"number": as_number, "amount": as_amount, "text": as_text}


def reader(how: str) -> Read:
    """How a value of a heap is read: the name of a reader, with `>` and the name of a meaning where it has one."""
    first, _, then = how.partition(">")
    read = READERS[first]
    if not then:
        return read
    meaning = MEANINGS[then]
    return lambda raw: meaning(read(raw))


class Copy:
    """The copied rows, to be read in any order."""

    def __init__(self, folder: Path):
        self._db = _opened(folder / ROWS)

    def unreadable(self, table: str) -> int:
        """How many rows of a table have no id."""
        return int(self._db.execute(f"SELECT count(*) FROM {table} WHERE id IS NULL").fetchone()[0])

    def twins(self, table: str) -> list[int]:
        """The ids that more than one row of a table has; where the source has its keys, none."""
        query = f"SELECT id FROM {table} WHERE id IS NOT NULL GROUP BY id HAVING count(*) > 1 ORDER BY id"
        return [id for (id,) in self._db.execute(query)]

    def rows(self, query: str, *parameters: Any) -> Iterator[Row]:
        """The rows of a query, one at a time."""
        return self._db.execute(query, parameters)

    def spans(self) -> list[Span]:
        """All services there are, in pieces of about as many."""
        ids = self._ids()
        ends = [*ids[SPAN:-1:SPAN], HIGHEST]
        return list(zip([LOWEST, *ends], ends, strict=False))

    def _ids(self) -> list[int]:
        return [id for (id,) in self._db.execute("SELECT id FROM tblhosting WHERE id IS NOT NULL ORDER BY id")]

    def owned(self, table: str, span: Span, only: Container[Any] | None = None) -> dict[int, list[Row]]:
        """The rows of a heaped table by the service of one of the `spans` that they hang on; `only` names those whose
        second column counts.
        """
        columns = self._db.execute("SELECT columns FROM heaped WHERE name = ?", (table,)).fetchone()
        if columns is None:
            return {}
        found = self._db.execute("SELECT packets FROM heap WHERE name = ? AND ending = ?", (table, span[1]))
        return heaps.by_owner((packets for (packets,) in found), [reader(how) for how in columns[0].split()], only)

    def nobodys(self, table: str) -> int:
        """How many rows of a heaped table name no service that is there."""
        query = "SELECT coalesce(sum(count), 0) FROM heap WHERE name = ? AND ending IS NULL"
        return int(self._db.execute(query, (table,)).fetchone()[0])

    def count(self, table: str) -> int:
        """How many rows a table holds."""
        if table in HEAPED:
            return int(
                self._db.execute("SELECT coalesce(sum(count), 0) FROM heap WHERE name = ?", (table,)).fetchone()[0]
            )
        return int(self._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

    def passwords(self, users: Sequence[int]) -> dict[int, str]:
        """The password hashes of users, as the source has them."""
        marks = ", ".join("?" * len(users))
        rows = self._db.execute(f"SELECT id, password FROM tblusers WHERE id IN ({marks})", tuple(users))
        return {id: str(password or "") for id, password in rows}

    def close(self) -> None:
        self._db.close()


class Staging(Copy):
    """The copy: filled table by table, then read in any order. What is planned lies in a file of its own, so that
    nobody who reads the rows meanwhile has to wait for its writer.
    """

    def __init__(self, folder: Path):
        super().__init__(folder)
        self._plan = _opened(folder / PLAN)
        for table in (*TABLES, *TABLES_BEFORE_8):
            if not table.heaped:
                self._db.execute(f"CREATE TABLE {table.name} ({', '.join(table.columns)})")
        self._db.execute("CREATE TABLE heaped (name, columns)")
        self._db.execute("CREATE TABLE heap (name, ending, count, packets)")
        self._db.execute("CREATE INDEX heap_key ON heap (name, ending, count)")
        self._declined = False  # whether anything ever was
        self._plan.execute("CREATE TABLE found (packed)")
        self._plan.execute("CREATE TABLE planned (entity, source_id, action, content_hash, payload)")

    def clear(self) -> None:
        """Forget every source row, to read the source again from the start."""
        for name in (*(t.name for t in (*TABLES, *TABLES_BEFORE_8) if not t.heaped), "heaped", "heap"):
            self._db.execute(f"DELETE FROM {name}")

    def add(self, table: Table, rows: Sequence[Row]) -> None:
        """Keep rows whose columns are in the order of `table.columns`."""
        marks = ", ".join("?" * len(table.columns))
        with _writing(self._db):
            self._db.executemany(f"INSERT INTO {table.name} VALUES ({marks})", rows)

    @contextmanager
    def heap(self, table: Table, columns: Sequence[str]) -> Iterator[Sorter]:
        """Where to put the rows of a heaped table, once the services are there; `columns` say how each is read."""
        spans = [end for _, end in self.spans()]
        ends = {id: spans[bisect_left(spans, id)] for id in self._ids()}
        self._db.execute("INSERT INTO heaped VALUES (?, ?)", (table.name, " ".join(columns)))
        sorter = Sorter(ends, None if columns[0] == "whole" else reader(columns[0]), partial(self._put, table.name))
        yield sorter
        sorter.end()

    def _put(self, table: str, ending: int | None, count: int, packets: bytes) -> None:
        self._db.execute("INSERT INTO heap VALUES (?, ?, ?, ?)", (table, ending, count, packets))

    def users_before_8(self) -> None:
        """Make users and memberships of who signed in before there were any: clients own themselves."""
        self._db.executescript(
            f"""
            INSERT INTO tblusers SELECT {CLIENT_LOGINS} + id, firstname, lastname, email, password, authmodule
              FROM client_logins ORDER BY id;
            INSERT INTO tblusers SELECT {CONTACT_LOGINS} + id, firstname, lastname, email, password, ''
              FROM tblcontacts WHERE subaccount = 1 ORDER BY id;
            INSERT INTO tblusers_clients SELECT {CLIENT_LOGINS} + id, id, 1, '' FROM client_logins ORDER BY id;
            INSERT INTO tblusers_clients SELECT {CONTACT_LOGINS} + id, userid, 0, permissions
              FROM tblcontacts WHERE subaccount = 1 ORDER BY id;
            """
        )

    def index(self) -> None:
        """Make the rows fast to find; to be called once when all are there."""
        for table in TABLES:
            if table.index:
                self._db.execute(
                    f"CREATE INDEX IF NOT EXISTS {table.name}_key ON {table.name} ({', '.join(table.index)})"
                )

    def keep_found(self, packed: bytes) -> None:
        """Put away what was found out of a span until all of them are known."""
        self._plan.execute("INSERT INTO found VALUES (?)", (packed,))

    def found(self) -> Iterator[bytes]:
        """What was put away, in that order; then it is forgotten."""
        for (packed,) in self._plan.execute("SELECT packed FROM found ORDER BY rowid"):
            yield packed
        self._plan.execute("DELETE FROM found")

    def plan(self, rows: Iterable[tuple[str, str, str, bytes, bytes]]) -> None:
        """Keep what is to be loaded: entity, source id, action, content hash, payload."""
        with _writing(self._plan):
            self._plan.executemany("INSERT INTO planned VALUES (?, ?, ?, ?, ?)", rows)

    def planned(self, entity: str, size: int) -> Iterator[list[Row]]:
        """What is to be loaded of an entity, in chunks: source id, action, content hash, payload."""
        cursor = self._plan.execute(
            "SELECT source_id, action, content_hash, payload FROM planned"
            " WHERE entity = ? AND action IN ('create', 'update') ORDER BY rowid",
            (entity,),
        )
        while chunk := cursor.fetchmany(size):
            yield chunk

    def planned_as(self, entity: str, action: str) -> list[Row]:
        """Source id and payload of everything to be loaded of an entity by one action."""
        query = "SELECT source_id, payload FROM planned WHERE entity = ? AND action = ?"
        return self._plan.execute(query, (entity, action)).fetchall()

    def unplan(self, entity: str, source_id: str) -> None:
        """Take a row out of what is to be loaded."""
        self._declined = True
        self._plan.execute(
            "UPDATE planned SET action = 'declined' WHERE entity = ? AND source_id = ?", (entity, source_id)
        )

    def declined(self) -> list[Row]:
        """What was taken out of what is to be loaded: entity, source id, payload."""
        if not self._declined:
            return []
        return self._plan.execute("SELECT entity, source_id, payload FROM planned WHERE action = 'declined'").fetchall()

    def plan_nothing(self) -> None:
        """Forget what was to be loaded."""
        self._plan.execute("DELETE FROM planned")

    def replan(self, entity: str, source_id: str, payload: bytes) -> None:
        """Write something else than was planned; what the source said stays as its content hash."""
        self._plan.execute(
            "UPDATE planned SET payload = ? WHERE entity = ? AND source_id = ?", (payload, entity, source_id)
        )

    def plan_only(self, stay: Collection[tuple[str, str]]) -> list[Row]:
        """Take out everything to be loaded but these (entity, source id); answers with entity, source id, action."""
        with _writing(self._plan):
            self._plan.execute("CREATE TEMP TABLE stay (entity, source_id, PRIMARY KEY (entity, source_id))")
            self._plan.executemany("INSERT INTO stay VALUES (?, ?)", stay)
            gone = self._plan.execute(
                "DELETE FROM planned WHERE action IN ('create', 'update')"
                " AND (entity, source_id) NOT IN (SELECT entity, source_id FROM stay)"
                " RETURNING entity, source_id, action"
            ).fetchall()
            self._plan.execute("DROP TABLE stay")
        return gone

    def close(self) -> None:
        super().close()
        self._plan.close()


def _opened(path: Path) -> sqlite3.Connection:
    # Who reads while something else is awaited does so in another thread; never two at once.
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.executescript(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;"
        # Heaps and payloads are long: in small pages they would be chains of many.
        "PRAGMA page_size = 32768;"
    )
    return db


@contextmanager
def _writing(db: sqlite3.Connection) -> Iterator[None]:
    """Many writes as one."""
    db.execute("BEGIN")
    yield
    db.execute("COMMIT")


@contextmanager
def private_folder() -> Iterator[Path]:
    """A place for a copy that nobody else can enter, gone as soon as who needs it has its files open.

    Once open they need no names any more: the kernel frees them with the last process that reads them.
    """
    with tempfile.TemporaryDirectory(prefix="whmcs-import-") as folder:
        Path(folder).chmod(0o700)
        yield Path(folder)


@contextmanager
def private_copy() -> Iterator[Staging]:
    """A staging area nobody else can enter, and which no kind of death leaves behind."""
    with private_folder() as folder:
        staging = Staging(folder)
    try:
        yield staging
    finally:
        staging.close()

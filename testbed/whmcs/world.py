"""The rows to be, table by table, while the sample is made up; nothing here knows a database."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import count
from random import Random

from testbed.whmcs.truth import Truth
from testbed.whmcs.vms import Vms

Value = str | int | Decimal | date | None
Row = dict[str, Value]

# The day on which the sample was taken: everything in it is as old as the seed, not as the clock.
TODAY = date(2026, 11, 1)

# Ids given by hand (a service and a client with the same number, say) lie below these.
FIRST_IDS = {"tblclients": 201, "tblusers": 301, "tblhosting": 1001, "tblproducts": 101}


@dataclass(slots=True)
class World:
    """Rows, VMs and what importing them must give, all drawn from one seeded source of chance.

    `other_vms` are on a second cluster. `alterations` are statements that change empty tables; `charsets` and
    `engines` are those of tables which differ from the rest.
    """

    chance: Random
    tables: dict[str, list[Row]] = field(default_factory=dict)
    vms: Vms = field(default_factory=Vms)
    other_vms: Vms = field(default_factory=Vms)
    truth: Truth = field(default_factory=Truth)
    alterations: list[str] = field(default_factory=list)
    charsets: dict[str, str] = field(default_factory=dict)
    engines: dict[str, str] = field(default_factory=dict)
    _ids: dict[str, Iterator[int]] = field(default_factory=dict)

    def add(self, table: str, **columns: Value) -> Row:
        """Put one row into *table*, with the next free id unless one is given; later changes to the row count."""
        given = columns.pop("id", None)
        row: Row = {"id": self._next_id(table) if given is None else given, **columns}
        self.tables.setdefault(table, []).append(row)
        return row

    def drop(self, table: str, row: Row) -> None:
        """Take back a row which `add` returned."""
        self.tables[table] = [other for other in self.tables[table] if other is not row]

    def alter(self, statement: str) -> None:
        """Change a table before any row is in it."""
        self.alterations.append(statement)

    def add_without_id(self, table: str, **columns: Value) -> None:
        """Put one row into a table that has no id column."""
        self.tables.setdefault(table, []).append(dict(columns))

    def _next_id(self, table: str) -> int:
        return next(self._ids.setdefault(table, count(FIRST_IDS.get(table, 1))))


def at(day: date, hour: int, minute: int = 0) -> str:
    """A moment as WHMCS stores it: the wall clock of its own time zone, without saying which."""
    return f"{day} {hour:02d}:{minute:02d}:00"


def number(row: Row, column: str = "id") -> int:
    """The integer in *column* of *row*."""
    value = row[column]
    assert isinstance(value, int), f"{column} is {value!r}"
    return value

"""What a view table looks like, and what a fold changes in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A view: its name, its key, and its columns with their types, in order."""

    name: str
    key: tuple[str, ...]
    columns: dict[str, str] = field(hash=False)

    @property
    def versioned(self) -> bool:
        """Whether an older row must never replace a newer one; otherwise all rows of an owner are replaced."""
        return "version" in self.columns


@dataclass(frozen=True, slots=True)
class Change:
    """Rows to write to a table; of the `owners`, rows that are not among them go."""

    table: Table
    rows: list[Row]
    owners: list[UUID] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Target:
    """Where views are written: the live tables, or others of the same shape beside them."""

    projection: str
    schema: str = "public"
    suffix: str = ""

    def relation(self, table: Table) -> str:
        """The table's name without its schema."""
        return f"{table.name}{self.suffix}"

    def name(self, table: Table) -> str:
        """The table's name as SQL."""
        return f"{self.schema}.{self.relation(table)}"


LIVE = Target("views")
NEW = Target("views__new", suffix="__new")  # what a rebuild fills

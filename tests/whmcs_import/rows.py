"""The sample as it lies in staging, without a database that it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import strategies as st

from testbed.whmcs import sample
from tests.whmcs_import.shops import MAPPING
from whmcs_import.mapping import mapping_file
from whmcs_import.source.staging import (
    AMOUNTS,
    ANYTHING,
    NUMBERS,
    TABLES,
    Staging,
    Table,
    as_amount,
    as_number,
    as_text,
)

Rows = dict[str, list[list[Any]]]
DEFAULTS: dict[str, dict[str, Any]] = {
    "tblhosting": {"qty": 1},
    "tblhostingaddons": {"qty": 1},
    "tblclients": {"status": "Active"},
}
MEANING = dict.fromkeys(NUMBERS, "number") | dict.fromkeys(AMOUNTS, "amount")
ROWS_OF_SERVICES = ("tblhosting", "tblhostingconfigoptions", "tblcustomfieldsvalues", "tblhostingaddons")
ROWS_OF_PEOPLE = ("tblclients", "tblusers", "tblusers_clients")

ODD = st.one_of(
    st.sampled_from(
        [
            *(None, "", " ", 0, -1, 1, 2**31, 2**63 - 1, -(2**63), 2**64, 1.5, "0", "-1", "1e9", "NaN", "Infinity"),
            *("0000-00-00", "2024-02-30", "9999-12-31", "'; DROP TABLE event; --", "a|b|c", "|", "\x00", "\ufffd"),
            *("JosÃ© MÃ¼ller", "&amp;amp;", "&#0;", "&#xD800;", "\u202e", "٤", "½", "1,5,0", "x" * 70_000, "a" * 300),
            *("[", "[1", "{}", "md5", "0" * 32 + ":\x00", "[[1]]", "999999999999999999999999", "1" * 5000, "²"),
            *("::1", "1.2.3.4/99", "256.1.1.1", "fe80::1%eth0", "&lt;b&gt;", "http://[", "0x10", "1_000", "١٢"),
        ]
    ),
    st.integers(),
    st.text(max_size=12),
    st.floats(),
)


@cache
def rows() -> dict[str, list[tuple[Any, ...]]]:
    """The sample as it lies in staging."""
    world = sample.make(1, 3)
    kept = {row["id"] for row in world.tables["tblhosting"][::4]}
    world.tables["tblhosting"] = [row for row in world.tables["tblhosting"] if row["id"] in kept]
    return {table.name: [_row(table, row) for row in world.tables.get(table.name, [])] for table in TABLES}


def _row(table: Table, row: dict[str, Any]) -> tuple[Any, ...]:
    def staged(value: Any) -> Any:
        return str(value) if isinstance(value, Decimal | date) else value

    usual = DEFAULTS.get(table.name, {})
    return tuple(staged({**usual, **row}.get(column)) for column in table.columns)


def read(table: Table, row: Sequence[Any]) -> tuple[Any, ...]:
    """A row as the extraction hands it on, whatever type its columns were of."""
    return tuple(
        as_number(value)
        if column in NUMBERS
        else as_amount(value)
        if column in AMOUNTS
        else value
        if column in ANYTHING and isinstance(value, int) and abs(value) < 1 << 63
        else as_text(value)
        for column, value in zip(table.columns, row, strict=True)
    )


@cache
def mapping() -> mapping_file.MappingFile:
    return mapping_file.load(MAPPING)


def fill(staging: Staging, changed: Rows | None = None) -> None:
    """Stage the sample, with other rows in some of its tables."""
    for table in TABLES:
        staged = [read(table, row) for row in (changed or {}).get(table.name, rows()[table.name])]
        if table.heaped:
            heap(staging, table, staged)
        else:
            staging.add(table, staged)
    staging.index()


def heap(staging: Staging, table: Table, staged: list[tuple[Any, ...]]) -> None:
    """Stage rows as they come off the wire, in a form that is read as they are."""
    columns = [f"text>{MEANING[column]}" if column in MEANING else "text" for column in table.columns]
    with staging.heap(table, columns) as sorter:
        sorter.add(b"".join(map(packed, row)) for row in staged)


def packed(value: Any) -> bytes:
    """A value as MariaDB sends it."""
    if value is None:
        return b"\xfb"
    text = str(value).encode()
    return (bytes([len(text)]) if len(text) < 251 else b"\xfd" + len(text).to_bytes(3, "little")) + text

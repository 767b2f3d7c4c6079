"""What hangs on services lies on heaps, and comes back by service as it was written."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from tests.whmcs_import.rows import packed
from whmcs_import.source import heaps
from whmcs_import.source.staging import TABLES, Staging, private_copy

HOSTING, VALUES = (
    next(table for table in TABLES if table.name == name) for name in ("tblhosting", "tblcustomfieldsvalues")
)
WHOLE = ("whole", "whole", "text", "whole")
LONG = "é" * 40_000


@pytest.fixture
def staging(monkeypatch: pytest.MonkeyPatch) -> Iterator[Staging]:
    monkeypatch.setattr("whmcs_import.source.staging.SPAN", 2)
    with private_copy() as staging:
        staging.add(HOSTING, [(id, *[None] * (len(HOSTING.columns) - 1)) for id in (1, 2, 5, 9, 12)])
        yield staging


def put(staging: Staging, columns: tuple[str, ...], *rows: tuple[Any, ...]) -> None:
    with staging.heap(VALUES, columns) as sorter:
        for row in rows:
            sorter.add([b"".join(map(packed, row))])


def owned(staging: Staging, only: set[int] | None = None) -> list[dict[int, list[Any]]]:
    return [staging.owned(VALUES.name, span, only) for span in staging.spans()]


@pytest.mark.parametrize("most_bytes", [1, 1 << 20])
def test_the_rows_of_a_service_come_in_the_order_of_their_ids(
    staging: Staging, most_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heaps, "MOST_BYTES", most_bytes)
    rows = [(5, 7, "c", 30), (2, 7, "", 10), (5, 8, LONG, 20), (5, 7, "first", None), (99, 7, "of nobody here", 40)]
    put(staging, WHOLE, *rows)
    assert staging.spans()[0][0] < 1 < 5 <= staging.spans()[0][1]
    by_service = {owner: rows for heap in owned(staging) for owner, rows in heap.items()}
    assert by_service == {
        2: [(2, 7, "", 10)],
        5: [(5, 7, "first", None), (5, 8, LONG, 20), (5, 7, "c", 30)],
    }
    assert [sorted(heap) for heap in owned(staging, {8})] == [[5], []]
    assert (staging.count(VALUES.name), staging.nobodys(VALUES.name)) == (5, 1)


def test_what_names_no_service_is_counted_and_on_no_heap(staging: Staging) -> None:
    columns = ("text>number", "whole", "text", "long>number")
    rows = [(" 12 ", 1, "a", 2), ("12.0", 1, "b", 1), ("twelve", 1, "c", 3), (None, 1, "d", 4), ("-12", 1, "e", 5)]
    put(staging, columns, *rows)
    assert [heap for heap in owned(staging) if heap] == [{12: [(12, 1, "b", 1), (12, 1, "a", 2)]}]
    assert (staging.count(VALUES.name), staging.nobodys(VALUES.name)) == (5, 3)


def test_a_copy_that_is_read_again_begins_empty(staging: Staging) -> None:
    put(staging, WHOLE, (1, 1, "before", 1))
    staging.clear()
    staging.add(HOSTING, [(1, *[None] * (len(HOSTING.columns) - 1))])
    assert owned(staging) == [{}]
    put(staging, ("text>number", "whole", "text", "whole"), (1, 1, "after", 1))
    assert owned(staging) == [{1: [(1, 1, "after", 1)]}]


def test_rows_of_deleted_services_are_counted_and_need_no_memory(staging: Staging) -> None:
    gone, there = (packed(3), packed(7), packed("left over"), packed(1)), (packed(5), packed(7), packed("a"), packed(2))
    with staging.heap(VALUES, WHOLE) as sorter:
        for _ in range(60):
            sorter.add([b"".join(gone)] * 5000)
        sorter.add([b"".join(there)])
    tracemalloc.start()
    assert [heap for heap in owned(staging) if heap] == [{5: [(5, 7, "a", 2)]}]
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()
    assert (staging.count(VALUES.name), staging.nobodys(VALUES.name)) == (300_001, 300_000)


def test_many_rows_of_one_service_are_read_piece_by_piece(staging: Staging, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heaps, "MOST_ROWS", 10)
    put(staging, WHOLE, *((5, 7, str(n), n) for n in range(25)))
    sizes = [count for (count,) in staging.rows("SELECT count FROM heap WHERE name = ? ORDER BY count", VALUES.name)]
    assert sizes == [5, 10, 10]
    assert [heap[5] for heap in owned(staging) if heap] == [[(5, 7, str(n), n) for n in range(25)]]

"""Rows that hang on services, by far the most there are: kept as they came off the wire, in a heap for each span of
services, and read as values by whoever maps that span.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, TypeAlias

from whmcs_import.source import wire
from whmcs_import.source.wire import Read

MOST_BYTES = 1 << 23  # that wait for being put away
MOST_ROWS = 10_000  # that are read as values at a time
LOWEST = -(1 << 63)  # below every id
Put = Callable[[int | None, int, bytes], None]  # the end of a span, how many rows, and these
Row: TypeAlias = tuple[Any, ...]


class Sorter:
    """Puts the rows of a table on heaps. Whose they are stands first in them: `owner` reads it, unless it is always a
    whole number. What is nobody's is counted and not kept: millions of rows of deleted services may be there.

    `ends` are those of the spans by the ids of all services.
    """

    def __init__(self, ends: Mapping[int, int], owner: Read | None, put: Put):
        self._ends = ends
        self._owner = int if owner is None else owner
        self._is_whole = owner is None
        self._put = put
        self._waiting: defaultdict[int, list[bytes]] = defaultdict(list)
        self._bytes = 0
        self._nobodys = 0

    def add(self, packets: Iterable[bytes]) -> None:
        """Keep rows."""
        end_of, waiting, whole, size = self._ends.get, self._waiting, self._is_whole, 0
        for packet in packets:
            owner = int(packet[1 : 1 + packet[0]]) if whole and packet[0] < wire.NULL else self._odd(packet)
            if owner is None or (end := end_of(owner)) is None:
                self._nobodys += 1
            else:
                waiting[end].append(packet)
                size += len(packet)
        self._bytes += size
        if self._bytes >= MOST_BYTES:
            self._put_away()

    def end(self) -> None:
        """Keep no row in memory any more."""
        self._put_away()
        if self._nobodys:
            self._put(None, self._nobodys, b"")
        self._nobodys = 0

    def _put_away(self) -> None:
        for end, packets in self._waiting.items():
            for some in range(0, len(packets), MOST_ROWS):
                piece = packets[some : some + MOST_ROWS]
                self._put(end, len(piece), b"".join(piece))
        self._waiting.clear()
        self._bytes = 0

    def _odd(self, packet: bytes) -> int | None:
        owner: int | None = next(wire.values(packet, (self._owner,)))[0]
        return owner


def by_owner(
    heaps: Iterable[bytes], readers: Sequence[Read], only: Container[Any] | None = None
) -> dict[int, list[Row]]:
    """The rows of heaps by the id that stands first in each, those of each in the order of the id that stands last;
    `only` names those whose second value counts.
    """
    owned: defaultdict[int, list[Row]] = defaultdict(list)
    for heap in heaps:
        for row in wire.values(heap, readers):
            if only is None or row[1] in only:
                owned[row[0]].append(row)
    for rows in owned.values():
        try:
            rows.sort(key=_last)
        except TypeError:  # one of them has none
            rows.sort(key=_place)
    return owned


_last = itemgetter(-1)


def _place(row: Row) -> int:
    return LOWEST if row[-1] is None else row[-1]

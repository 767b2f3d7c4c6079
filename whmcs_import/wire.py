"""Rows off MariaDB's wire: what PyMySQL does, in one loop instead of three calls a value, and lenient with text.

Most of the time of an import passes here. One damaged row must not end the reading of a million, so bytes that are no
UTF-8 are replaced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pymysql import connections
from pymysql.connections import MySQLResult

if TYPE_CHECKING:
    _Usual = connections.Connection[Any]
else:
    _Usual = connections.Connection

_NULL, _TWO, _THREE, _EIGHT = 251, 252, 253, 254  # first byte of a value: what is below is the length itself
_LENGTHS = {_TWO: 2, _THREE: 3, _EIGHT: 8}


class Connection(_Usual):
    """A connection whose results are read by `read_row`."""

    def _read_query_result(self, unbuffered: bool = False) -> int:
        self._result: MySQLResult | None = None
        result = _Result(self)
        if unbuffered:
            result.init_unbuffered_query()
        else:
            result.read()
        self._result = result
        if result.server_status is not None:
            self.server_status = result.server_status
        return int(result.affected_rows or 0)


class _Result(MySQLResult):
    converters: list[tuple[str | None, Any]]

    def _read_row_from_packet(self, packet: Any) -> tuple[Any, ...]:
        return read_row(packet.get_all_data(), self.converters)


def read_row(data: bytes, converters: list[tuple[str | None, Any]]) -> tuple[Any, ...]:
    """The values of a row, each length-encoded: text as text, others as their converter reads their bytes."""
    row: list[Any] = []
    at = 0
    for _, converter in converters:
        length = data[at]
        at += 1
        if length == _NULL:
            row.append(None)
            continue
        if length > _NULL:
            size = _LENGTHS[length]
            length = int.from_bytes(data[at : at + size], "little")
            at += size
        value = data[at : at + length]
        at += length
        row.append(value.decode("utf-8", "replace") if converter is None else converter(value))
    return tuple(row)

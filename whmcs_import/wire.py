"""Rows off MariaDB's wire: what PyMySQL does, in one loop instead of three calls a value, and lenient with text.

Most of the time of an import passes here. One damaged row must not end the reading of a million, so bytes that are no
UTF-8 are replaced. The rows of a table are taken from the socket by the block, and every byte of them is digested on
the way: two readings with the same digest have read the same.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pymysql import connections, err
from pymysql.connections import MySQLResult
from pymysql.constants import CR

if TYPE_CHECKING:
    _Usual = connections.Connection[Any]
else:
    _Usual = connections.Connection

_NULL, _TWO, _THREE, _EIGHT = 251, 252, 253, 254  # first byte of a value: what is below is the length itself
_LONGEST_END, _CONTINUED = 8, 0xFFFFFF  # lengths of packets
_BLOCK = 1 << 18
_LENGTHS = {_TWO: 2, _THREE: 3, _EIGHT: 8}
_NO_ROW, _ERROR = b"\xfe", 255  # first bytes of packets
_head = struct.Struct("<I").unpack_from  # the length of a packet in three bytes, and its number in the fourth


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


def packets(cursor: Any, digest: hashlib.blake2b) -> Iterator[list[bytes]]:
    """The rows of the unbuffered query that `cursor` has sent, as they came, by the block; `digest` takes in all.

    Raises:
        OperationalError: the connection broke, or the server gave up.
    """
    result = cursor._result
    digest.update(repr([(column.name, column.type_code) for column in result.fields]).encode())
    receive = result.connection._rfile.read1
    result.unbuffered_active, result.connection = False, None  # from here on nobody else reads them
    block, parts, ended = b"", b"", False
    while not ended:
        block += _received(receive)
        found, at, size = [], 0, len(block)
        while at + 4 <= size and (end := at + 4 + (_head(block, at)[0] & _CONTINUED)) <= size:
            packet = block[at + 4 : end]
            if packet[:1] >= _NO_ROW and not parts and _is_end(packet):
                ended = True
                break
            at = end
            if len(packet) == _CONTINUED:
                parts += packet
            else:
                found.append(parts + packet if parts else packet)
                parts = b""
        digest.update(block[:at])
        block = block[at:]
        yield found


def _is_end(packet: bytes) -> bool:
    """Whether what is no row ends them; what begins like it may be one with a very long first value.

    Raises:
        OperationalError: the server gave up.
    """
    if packet[0] == _ERROR:
        err.raise_mysql_exception(packet)
    return len(packet) <= _LONGEST_END


def rows(cursor: Any, digest: hashlib.blake2b) -> Iterator[tuple[Any, ...]]:
    """What `packets` yields, as values."""
    converters = cursor._result.converters
    for block in packets(cursor, digest):
        for packet in block:
            yield read_row(packet, converters)


def _received(receive: Any) -> bytes:
    lost = "Lost connection to MySQL server during query"
    try:
        block: bytes = receive(_BLOCK)
    except OSError as error:
        raise err.OperationalError(CR.CR_SERVER_LOST, f"{lost} ({error})") from None
    if not block:
        raise err.OperationalError(CR.CR_SERVER_LOST, lost)
    return block


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
        row.append(str(value, "utf-8", "replace") if converter is None else converter(value))
    return tuple(row)

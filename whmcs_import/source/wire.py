"""Rows off MariaDB's wire: what PyMySQL does, in one loop instead of three calls a value, and lenient with text.

Most of the time of an import passes here. One damaged row must not end the reading of a million, so bytes that are no
UTF-8 are replaced. The rows of a table are taken from the socket by the block, and every byte of them is digested on
the way: two readings with the same digest have read the same.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from pymysql import connections, err
from pymysql.connections import MySQLResult
from pymysql.constants import CR

if TYPE_CHECKING:
    _Usual = connections.Connection[Any]
else:
    _Usual = connections.Connection

NULL, _TWO, _THREE, _EIGHT = 251, 252, 253, 254  # first byte of a value: what is below is the length itself
_LONGEST_END, _CONTINUED = 8, 0xFFFFFF  # lengths of packets
_BLOCK = 1 << 18
Read: TypeAlias = Callable[[bytes], Any]
_LENGTHS = {_TWO: 2, _THREE: 3, _EIGHT: 8}
_NO_ROW, _ERROR = b"\xfe", 255  # first bytes of packets
_head = struct.Struct("<I").unpack_from  # the length of a packet in three bytes, and its number in the fourth


class Connection(_Usual):
    """A connection whose results are read by `values`."""

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
    readers = readers_of(cursor)
    for block in packets(cursor, digest):
        yield from values(b"".join(block), readers)


def readers_of(cursor: Any) -> list[Read]:
    """How the columns of the query that `cursor` has sent are read."""
    return _readers(cursor._result.converters)


def _readers(converters: list[tuple[str | None, Any]]) -> list[Read]:
    return [text if converter is None else converter for _, converter in converters]


def text(raw: bytes) -> str:
    """Text, with a sign for every byte that is none."""
    return str(raw, "utf-8", "replace")


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
        return next(values(packet.get_all_data(), _readers(self.converters)))


def long(raw: bytes) -> int | str:
    """A whole number, as text where it is beyond 64 bits with a sign."""
    number = int(raw)
    return number if abs(number) < 1 << 63 else str(number)


def values(data: bytes, readers: Sequence[Read]) -> Iterator[tuple[Any, ...]]:
    """The values of rows that follow each other, as the readers of their columns read them."""
    raw = raw_values(data)
    width = len(readers)
    columns = [_read(raw[place::width], read) for place, read in enumerate(readers)]
    return zip(*columns, strict=True)


def _read(column: list[bytes | None], read: Read) -> list[Any]:
    try:
        return list(map(bytes.decode if read is text else read, column))  # type: ignore[arg-type]
    except (TypeError, UnicodeDecodeError):  # a null is among them, or what is no text
        return [None if value is None else read(value) for value in column]


def raw_values(data: bytes) -> list[bytes | None]:
    """The values of rows that follow each other, each length-encoded."""
    found: list[bytes | None] = []
    put = found.append
    at, size = 0, len(data)
    while at < size:
        length = data[at]
        at += 1
        if length < NULL:
            end = at + length
            put(data[at:end])
            at = end
        elif length == NULL:
            put(None)
        else:
            more = _LENGTHS[length]
            length = int.from_bytes(data[at : at + more], "little")
            put(data[at + more : at + more + length])
            at += more + length
    return found

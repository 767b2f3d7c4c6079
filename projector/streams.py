"""Read the log stream by stream, each whole and in its order, by COPY: half the work of rows, and constant memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from eventstore.database import Connection
from eventstore.positions import Position
from eventstore.queries import Queries
from eventstore.store import LogRow

SQL = Queries("projector")
FIRST, LAST = UUID(int=0), UUID(int=2**128 - 1)  # ids that no stream has, and what lies between
_stream_of = itemgetter(slice(36))  # a line begins with the id of its stream
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


async def streams(
    connection: Connection,
    upto: Position,
    take: Callable[[list[LogRow]], None],
    after: UUID = FIRST,
    last: UUID = LAST,
) -> None:
    """Give `take` all events up to a settled position, the rows of a few whole streams at a time.

    Of all streams, those with ids above `after` up to `last`. Needs a transaction. While `take` works, PostgreSQL
    already sends what comes next.
    """
    await connection.execute(SQL.plain_times)
    cutter = Cutter(take)
    await connection.copy_from_query(SQL.by_stream.removesuffix(";"), *upto, after, last, output=cutter.feed, null="")
    cutter.finish()


class Cutter:
    """Cuts the text COPY sends into lines, and the lines into streams."""

    def __init__(self, take: Callable[[list[LogRow]], None]):
        self._take = take
        self._rest = b""  # the line that has begun
        self._begun: list[str] = []  # the stream that has begun

    async def feed(self, chunk: bytes) -> None:
        lines, _, self._rest = (self._rest + chunk).rpartition(b"\n")
        if lines:
            *whole, self._begun = _by_stream([*self._begun, *lines.decode().split("\n")])
            self._give(whole)

    def finish(self) -> None:
        self._give([self._begun])

    def _give(self, whole: list[list[str]]) -> None:
        rows = [row for lines in whole for row in _rows(lines)]
        if rows:
            self._take(rows)


def _by_stream(lines: list[str]) -> list[list[str]]:
    return [list(stream) for _, stream in groupby(lines, _stream_of)]


def _rows(lines: list[str]) -> Iterator[LogRow]:
    """The lines of one stream as rows of the log."""
    stream_id = UUID(_stream_of(lines[0])) if lines else None
    for line in lines:
        fields = line.split("\t")
        if "\\" in line:
            fields = [_unescaped(field) for field in fields]
        _, version, tx, pos, type, schema_v, at, data, meta, private = fields
        yield {
            "stream_id": stream_id,
            "version": int(version),
            "tx": int(tx),
            "pos": int(pos),
            "type": type,
            "schema_v": int(schema_v),
            "at": datetime.fromisoformat(at),
            "data": data,
            "meta": meta,
            "private": private or None,
        }


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), text)

"""Servers as lists show them, kept for a while: most lists show what the last one showed."""

from __future__ import annotations

import time
from collections import OrderedDict
from uuid import UUID

import asyncpg
import msgspec

from domain.server import represent
from domain.server.represent import Sights
from domain.server.state import Server
from eventstore import snapshot
from service.web.reply import encode

SIZE = 10_000
# A version never changes its contents, except that erased personal data must be gone from here soon as well.
SECONDS = 30.0


class Shown:
    """Representations by server, version and audience."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[UUID, int, bool], tuple[msgspec.Raw, float]] = OrderedDict()

    def server(self, row: asyncpg.Record, sights: Sights, *, staff: bool) -> msgspec.Raw:
        """A row of `server_view` as JSON. What depends on whether its cluster answers is not kept."""
        sight = sights.get(row["cluster"] or "")
        if sight is not None and not sight.reachable:
            return _represented(row, sights, staff)
        key = (row["server_id"], row["version"], staff)
        kept, until = self._kept.get(key, (None, 0.0))
        if kept is None or time.monotonic() >= until:
            kept = _represented(row, sights, staff)
            self._keep(key, kept)
        return kept

    def _keep(self, key: tuple[UUID, int, bool], represented: msgspec.Raw) -> None:
        self._kept[key] = represented, time.monotonic() + SECONDS
        if len(self._kept) > SIZE:
            self._kept.popitem(last=False)


def _represented(row: asyncpg.Record, sights: Sights, staff: bool) -> msgspec.Raw:
    state = snapshot.decode(Server, row["state"])
    return msgspec.Raw(encode(represent.server(state, sights, staff=staff)))

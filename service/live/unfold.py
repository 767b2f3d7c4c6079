"""Each event of a page of the log with its server's state before and after it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.record import Recorded
from domain.server.events import EVENTS
from domain.server.evolve import evolve, fold
from domain.server.state import Server
from eventstore.store import EventStore

OF_SERVERS = frozenset(kind.cls for kind in EVENTS)
REMEMBERED = 2_000


@dataclass(frozen=True, slots=True)
class Turn:
    """One event and what it made of its server."""

    record: Recorded[Any]
    before: Server | None
    after: Server


class Unfolder:
    """Folds forward; a server it does not remember at the right version is read from its stream."""

    def __init__(self, store: EventStore):
        self._store = store
        self._states: OrderedDict[UUID, Server] = OrderedDict()

    async def turns(self, records: Iterable[Recorded[Any]]) -> list[Turn]:
        """The events of servers among `records`, in their order."""
        return [await self._turn(record) for record in records if type(record.event) in OF_SERVERS]

    async def _turn(self, record: Recorded[Any]) -> Turn:
        before = await self._before(record)
        after = evolve(before, record)
        self._states[record.stream_id] = after
        self._states.move_to_end(record.stream_id)
        if len(self._states) > REMEMBERED:
            self._states.popitem(last=False)
        return Turn(record, before, after)

    async def _before(self, record: Recorded[Any]) -> Server | None:
        known = self._states.get(record.stream_id)
        if known is not None and known.version == record.version - 1:
            return known
        if record.version == 1:
            return None
        earlier = await self._store.read_stream(record.stream_id)
        return fold(None, [past for past in earlier if past.version < record.version])

"""All views of one projection: events in, rows out. Pure but for `load`, which reads what was folded before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from domain.account.events import AccountErased, UserErased
from domain.record import Recorded
from domain.registry import EVENTS
from domain.server.events import OwnerErased
from eventstore.codec import Codec
from eventstore.database import Connection
from eventstore.queries import Queries
from eventstore.store import SQL as LOG
from projector.accounts import Accounts, Users
from projector.catalogue import Catalogue
from projector.family import Family
from projector.poison import known
from projector.servers import Servers
from projector.tables import Change, Table, Target

SQL = Queries("projector")
# Raise it when views built by older code are no longer right; they must then be rebuilt before they are written again.
CODE_VERSION = 4
ERASING = (OwnerErased, AccountErased, UserErased)
_CODEC = Codec(EVENTS)


class Views:
    """The views a page of the log touches."""

    def __init__(self) -> None:
        self.servers = Servers()
        self._families: tuple[Family[Any], ...] = (self.servers, Accounts(), Users(), Catalogue())
        self._by_event = {event: family for family in self._families for event in family.events}

    async def load(self, connection: Connection, target: Target, records: Sequence[Recorded[Any]]) -> None:
        """Read the states of all streams these events belong to.

        A stream whose personal data was erased is folded anew from its beginning, so that no row of it keeps any.
        """
        erased = {record.stream_id for record in records if isinstance(record.event, ERASING)}
        for family in self._families:
            ids = {record.stream_id for record in records if self._by_event.get(type(record.event)) is family} - erased
            if ids:
                family.load(await self._stored(connection, target, family.table, ids))
        first = {record.stream_id: record.version for record in reversed(records) if record.stream_id in erased}
        for stream, version in first.items():
            await self._fold_before(connection, stream, version)

    async def _fold_before(self, connection: Connection, stream: UUID, version: int) -> None:
        rows = await connection.fetch(LOG.read_stream, stream, 0)
        for record in known(_CODEC, [row for row in rows if row["version"] < version]):
            self.fold(record)

    @staticmethod
    async def _stored(connection: Connection, target: Target, table: Table, ids: set[UUID]) -> list[tuple[UUID, str]]:
        statement = SQL.states.format(table=target.name(table), id=table.key[0])
        return [(row["id"], row["state"]) for row in await connection.fetch(statement, list(ids))]

    def fold(self, record: Recorded[Any]) -> None:
        """One more event; one that no view is about changes nothing."""
        family = self._by_event.get(type(record.event))
        if family is not None:
            family.fold(record)

    def changes(self) -> list[Change]:
        """The rows to write, table by table."""
        return [change for family in self._families for change in family.changes()]


def tables() -> list[Table]:
    """Every view table."""
    return [change.table for change in Views().changes()]

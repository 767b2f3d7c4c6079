"""What the log says of a cluster's guests, kept small in memory: only what the bulk read can be compared with.

A hundred thousand guests are compared every few seconds, so what changed is read anew, not everything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from sys import intern
from typing import Any
from uuid import UUID

from eventstore.database import Pool
from hypervisor.port import GuestRow
from orchestrator.work import SQL

# An event's time is older than the moment its row is seen by others: so far the reading overlaps. What is missed all
# the same only costs closer looks, which ask the log itself.
OVERLAP = timedelta(minutes=2)
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
PREFETCH = 1000


@dataclass(slots=True)
class Known:
    """A guest as the log has it; without `name` its name is not compared."""

    server_id: UUID
    node: str | None
    power: str | None
    name: str | None
    drifted: bool


class Picture:
    """The guests of one cluster by VMID."""

    def __init__(self, cluster: str):
        self._cluster = cluster
        self._since = BEGINNING
        self._guests: dict[int, Known] = {}
        self.drifted: set[int] = set()  # VMIDs of guests that are known to differ

    async def refresh(self, pool: Pool) -> None:
        """Take in what has changed since the last time."""
        async with pool.acquire() as connection, connection.transaction(readonly=True):
            now = await connection.fetchval(SQL.now)
            async for row in connection.cursor(SQL.guests_in_views, self._cluster, self._since, prefetch=PREFETCH):
                self._take(row)
        self._since = now - OVERLAP

    def _take(self, row: Any) -> None:
        vmid, known = row["vmid"], self._guests.get(row["vmid"])
        (self.drifted.add if row["there"] and row["drifted"] else self.drifted.discard)(vmid)
        if row["there"]:
            node, power = row["node"] and intern(row["node"]), row["power"] and intern(row["power"])
            self._guests[vmid] = Known(row["server_id"], node, power, row["name"], row["drifted"])
        elif known is not None and known.server_id == row["server_id"]:
            del self._guests[vmid]

    def get(self, vmid: int) -> Known | None:
        """The guest that the log has under a VMID."""
        return self._guests.get(vmid)

    def vmids(self) -> Collection[int]:
        """The VMIDs under which the log has a guest."""
        return self._guests.keys()

    def differing(self, rows: Iterable[GuestRow]) -> Iterator[tuple[Known, GuestRow]]:
        """Guests that are not where, or as, the log has them; only a closer look tells whether that is so."""
        guests = self._guests
        for row in rows:
            known = guests.get(row.vmid)
            if known is not None and _differs(known, row):
                yield known, row

    def missing(self, vmids: Iterable[int]) -> set[int]:
        """VMIDs of the log that the bulk read has not got."""
        return self._guests.keys() - vmids


def _differs(known: Known, row: GuestRow) -> bool:
    if row.node != known.node or (row.status != known.power and row.status != "unknown"):
        return True
    # What is known to differ is looked at in turn, not every time.
    return known.name not in (None, row.name) and row.name is not None and not known.drifted

"""A decision is written down with what it changes: both, or neither."""

from __future__ import annotations

from domain import ids
from domain.installation.events import InstallationEvent
from domain.record import Meta
from eventstore.positions import Position
from eventstore.store import Claims, Conflict, Entry, EventStore
from service.reads import SQL

ATTEMPTS = 5


async def decide(store: EventStore, meta: Meta, event: InstallationEvent, claims: Claims | None = None) -> Position:
    """Record a decision; `claims` makes it hold.

    Raises:
        Conflict: others decided something at the same moment, every time.
    """
    for left in reversed(range(ATTEMPTS)):
        rows = await store.pool.fetch(SQL.versions, [ids.INSTALLATION])
        version = rows[0]["version"] + 1 if rows else 1
        entry = Entry(ids.INSTALLATION, version, event, meta, ids.INSTALLATION)
        try:
            return await store.append([entry], claims=claims)
        except Conflict:
            if not left:
                raise
    raise AssertionError("there is a last attempt")

"""A service whose operation has ended is looked at again at once."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from domain.server import events as e
from eventstore.database import Connection
from runtime.ring import Ring
from service.billing.statements import SQL
from service.follow.follower import Teller, Write
from service.live.unfold import Turn

ENDS = (e.OperationSucceeded, e.OperationFailed, e.OperationCancelled, e.AttentionRaised)


class Waking(Teller):
    """Makes services due. `ring` wakes whoever settles them."""

    def __init__(self, ring: Ring):
        self._ring = ring

    def wants(self, event: object) -> bool:
        """Ends of operations."""
        return isinstance(event, ENDS)

    async def tell(self, turn: Turn) -> Sequence[Write]:
        """Its service, if billing knows one, is looked at now."""
        return [_due(turn.after.id)]

    def told(self) -> None:
        """Something may be due."""
        self._ring.ring()


def _due(server_id: UUID) -> Write:
    async def write(connection: Connection) -> None:
        await connection.execute(SQL.wake_billing, server_id)

    return write

"""Messages are written down for every endpoint that wants them, in the transaction in which the log is followed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from uuid import UUID

from domain.record import Recorded
from eventstore.database import Connection, Pool
from eventstore.queries import Queries
from runtime.ring import Ring
from service.follow.follower import Teller, Write
from service.live.unfold import OF_SERVERS, Turn
from service.webhooks.messages import Message, messages

SQL = Queries("service.webhooks")


class Webhooks(Teller):
    """Tells the endpoints that listen. `ring` wakes whoever sends."""

    def __init__(self, pool: Pool, log_id: UUID, ring: Ring):
        self._pool, self._log_id, self._ring = pool, log_id, ring

    def wants(self, event: object) -> bool:
        """Whatever happens to a server."""
        return type(event) in OF_SERVERS

    async def is_heard(self) -> bool:
        """Whether there is an endpoint at all; one that is made later is told of what happens later."""
        heard: bool = await self._pool.fetchval(SQL.webhooks_are_heard)
        return heard

    async def tell(self, turn: Turn) -> Sequence[Write]:
        """The messages about an event."""
        return [partial(tell, message) for message in messages(self._log_id, turn)]

    def told(self) -> None:
        """There is something to send."""
        self._ring.ring()


async def tell(message: Message, connection: Connection) -> None:
    """Write a message down for those who listen."""
    about = (message.account_id, message.resource_id, message.type)
    rows = await connection.fetch(SQL.webhook_listeners, *about)
    if rows:
        await write(connection, [row["endpoint_id"] for row in rows], message)


async def write(connection: Connection, endpoints: Sequence[UUID], message: Message) -> None:
    """Write a message down for endpoints whose lanes are there; one that was sent before is sent again."""
    await connection.execute(
        SQL.tell_webhooks,
        endpoints,
        message.resource_id,
        message.account_id,
        message.id,
        message.type,
        *message.place,
        message.part,
        message.body(staff=False),
        message.body(staff=True),
    )


def told_of(record: Recorded[object]) -> bool:
    """What an import brings, and what it corrects, is told to nobody."""
    return type(record.event) in OF_SERVERS and record.meta.actor.type != "import"


def wanted(found: Iterator[Message], events: Sequence[str]) -> list[Message]:
    """Those messages that an endpoint listens to."""
    return [message for message in found if "*" in events or message.type in events]

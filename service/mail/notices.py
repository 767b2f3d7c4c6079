"""Letters about servers: from what the log says happened, to those who own them; alarms to staff."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from domain import ids
from domain.server import events as e
from domain.server.state import Operation, Server
from eventstore.database import Connection
from eventstore.queries import Queries
from eventstore.store import EventStore
from runtime.settings import Letters
from service.follow.follower import Teller, Write
from service.live.unfold import Turn
from service.mail import letters
from service.mail.letters import Letter
from service.mail.post import Post

SQL = Queries("service.mail")


class Notices(Teller):
    """Writes letters about servers, those kinds that are switched on."""

    def __init__(self, store: EventStore, post: Post, kinds: Letters):
        self._pool, self._post, self._kinds = store.pool, post, kinds

    def wants(self, event: object) -> bool:
        """Outcomes are written about, not intentions."""
        return self._post.open and isinstance(event, e.OperationSucceeded | e.AttentionRaised)

    async def tell(self, turn: Turn) -> Sequence[Write]:
        """A letter to each who must hear of it."""
        operation = turn.after.touched
        kind = _kind(turn, operation)
        if operation is None or kind is None or not getattr(self._kinds, kind):
            return []
        staff = kind == "attention"
        to = await (self._staff() if staff else self._owners(turn.after.account_id))
        return [partial(_keep, self._post, self._letter(kind, address, turn.after, operation)) for address in to]

    def _letter(self, kind: str, to: str, server: Server, operation: Operation) -> Letter:
        link = self._post.link(f"/servers/{ids.show(ids.SERVER, server.id)}")
        match kind:
            case "server_ready":
                return letters.server_ready(to, server.name, [a.address for a in server.addresses], link)
            case "server_suspended":
                return letters.server_suspended(to, server.name, server.holds[0].reason, link)
            case "server_unsuspended":
                return letters.server_unsuspended(to, server.name, link)
            case "server_terminated":
                assert server.purge_at is not None
                return letters.server_terminated(to, server.name, server.purge_at, link)
        message = operation.error.message if operation.error is not None else ""
        return letters.attention(to, server.name, operation.type, message, link)

    async def _owners(self, account_id: UUID) -> list[str]:
        rows = await self._pool.fetch(SQL.owners_addresses, account_id)
        return [row["email"] for row in rows if "@" in row["email"]]

    async def _staff(self) -> list[str]:
        return [row["email"] for row in await self._pool.fetch(SQL.staff_addresses) if "@" in row["email"]]


async def _keep(post: Post, letter: Letter, connection: Connection) -> None:
    await post.keep(connection, letter)


def _kind(turn: Turn, operation: Operation | None) -> str | None:
    """What kind of letter an event asks for."""
    after = turn.after
    if operation is None:
        return None
    if isinstance(turn.record.event, e.AttentionRaised):
        return "attention"
    match operation.type:
        case "create":
            return "server_ready"
        case "suspend" if len(after.holds) == 1:
            return "server_suspended"
        case "unsuspend" if not after.holds:
            return "server_unsuspended"
        case "terminate" if after.purge_at is not None and after.provisioned:
            return "server_terminated"
    return None

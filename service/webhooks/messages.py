"""What endpoints are told: which of an event's changes are worth a message, and what the message says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

import msgspec

from domain import ids
from domain.server import represent
from domain.server.state import Operation, Server
from eventstore.positions import Position, show
from service.live.hub import OPERATION_PART, SERVER_PART
from service.live.unfold import Turn

EVENTS = {
    "server.created": "A server was ordered.",
    "server.ready": "An ordered server runs for the first time.",
    "server.updated": "Anything else that the API shows of a server has changed, such as its status, name or plan.",
    "server.suspended": "A server was taken from its owner for a while.",
    "server.unsuspended": "The last suspension of a server is over.",
    "server.terminating": "A server is going to be removed at `purge_at`.",
    "server.restored": "The removal of a server was called off.",
    "server.terminated": "A server is gone for good.",
    "operation.created": "Something was asked of a server.",
    "operation.updated": "An operation has begun, or come a step further.",
    "operation.succeeded": "An operation has done what was asked.",
    "operation.failed": "An operation could not do it, and has ended.",
    "operation.cancelled": "An operation was called off.",
    "operation.needs_attention": "An operation waits for the people who run the service.",
}
PING = "webhook.ping"
ENDED = ("succeeded", "failed", "cancelled", "needs_attention")
UNTOLD = {"version", "updated_at", "current_operation", "observed_at"}  # of no interest when nothing else has changed


@dataclass(frozen=True, slots=True)
class Message:
    """One message about one event. `body(staff)` is what is sent: the same bytes however often."""

    id: UUID
    type: str
    place: Position
    part: int
    turn: Turn
    log_id: UUID

    @property
    def account_id(self) -> UUID:
        """Whose server it is about."""
        return self.turn.after.account_id

    @property
    def resource_id(self) -> UUID:
        """The server within whose messages it keeps its order."""
        return self.turn.after.id

    def body(self, *, staff: bool) -> str:
        """The message as JSON."""
        server = self.turn.after
        operation = server.touched if self.part == OPERATION_PART else server.current
        data = {
            "position": show(self.log_id, self.place, self.part),
            "sequence": server.version,
            "account_id": ids.show(ids.ACCOUNT, server.account_id),
            "server_id": ids.show(ids.SERVER, server.id),
            "operation_id": ids.show(ids.OPERATION, operation.id) if operation else None,
            "resource": self._resource(staff),
        }
        return text(self.type, represent.time(self.turn.record.at), data)

    def _resource(self, staff: bool) -> dict[str, Any]:
        server = self.turn.after
        if self.part == SERVER_PART:
            return represent.server(server, {}, staff=staff)
        assert server.touched is not None
        return represent.operation(server.touched, staff=staff)


def text(type: str, timestamp: str | None, data: Any) -> str:
    """A message in the form of Standard Webhooks."""
    return msgspec.json.encode({"type": type, "timestamp": timestamp, "data": data}).decode()


def messages(log_id: UUID, turn: Turn) -> Iterator[Message]:
    """The messages about an event, in the order in which they are sent."""
    place = Position(turn.record.tx, turn.record.pos)
    told: list[tuple[int, Callable[[Turn], str | None]]] = [(SERVER_PART, _of_server), (OPERATION_PART, _of_operation)]
    for part, kind in told:
        type = kind(turn)
        if type is not None:
            # The same event is the same message, to whomever and however often it is sent.
            id = uuid5(log_id, f"{place.tx}:{place.pos}:{part}")
            yield Message(id, type, place, part, turn, log_id)


def _of_server(turn: Turn) -> str | None:
    before, after = turn.before, turn.after
    if before is None:
        return "server.created"
    if (purge := bool(after.purge_at)) != bool(before.purge_at) and after.status != "terminated":
        return "server.terminating" if purge else "server.restored"
    if after.status == "terminated" != before.status:
        return "server.terminated"
    if (held := bool(after.holds)) != bool(before.holds):
        return "server.suspended" if held else "server.unsuspended"
    if after.provisioned and not before.provisioned:
        return "server.ready"
    return "server.updated" if _seen(before) != _seen(after) else None


def _seen(server: Server) -> dict[str, Any]:
    return {name: value for name, value in represent.server(server, {}, staff=True).items() if name not in UNTOLD}


def _of_operation(turn: Turn) -> str | None:
    after = turn.after.touched
    if after is None:
        return None
    before = _earlier(turn.before, after.id)
    if before is None:
        return "operation.created"
    if after.status != before.status and after.status in ENDED:
        return f"operation.{after.status}"
    changed = represent.operation(before, staff=True) != represent.operation(after, staff=True)
    return "operation.updated" if changed else None


def _earlier(server: Server | None, operation_id: UUID) -> Operation | None:
    known = (server.operation, server.queued) if server is not None else ()
    return next((one for one in known if one is not None and one.id == operation_id), None)

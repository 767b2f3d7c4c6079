"""Events of servers → `server_view` and `operation_view`."""

from __future__ import annotations

from typing import Any, get_args
from uuid import UUID

from domain.copying import revised
from domain.record import Recorded
from domain.server.events import DriftEnded, DriftFound, ServerEvent
from domain.server.evolve import evolve
from domain.server.state import Operation, Server
from eventstore import snapshot
from projector.family import Family
from projector.tables import Change, Row, Table

SERVER_VIEW = Table(
    "server_view",
    ("server_id",),
    {
        "server_id": "uuid",
        "account_id": "uuid",
        "version": "integer",
        "name": "text",
        "status": "text",
        "cluster": "text",
        "vmid": "integer",
        "power": "text",
        "search": "text",
        "created_at": "timestamptz",
        "updated_at": "timestamptz",
        "state": "json",
    },
)
OPERATION_VIEW = Table(
    "operation_view",
    ("operation_id",),
    {
        "operation_id": "uuid",
        "server_id": "uuid",
        "account_id": "uuid",
        "version": "integer",
        "type": "text",
        "status": "text",
        "created_at": "timestamptz",
        "state": "json",
    },
)
DRIFT_VIEW = Table(
    "drift_view",
    ("server_id", "kind"),
    {
        "server_id": "uuid",
        "kind": "text",
        "cluster": "text",
        "vmid": "integer",
        "detail": "text",
        "since": "timestamptz",
        "ignored": "boolean",
        "facts": "json",
    },
)


DRIFT = (DriftFound, DriftEnded)


class Servers(Family[Server]):
    """A server's newest state, every operation it has had, and how its guest is not as it should be."""

    table = SERVER_VIEW
    state = Server
    events = get_args(ServerEvent)

    def __init__(self) -> None:
        super().__init__()
        self.operations: dict[UUID, tuple[Operation, UUID]] = {}  # with the account at the operation's last event
        self._newest: tuple[Operation | None, UUID | None] = (None, None)
        self.drifting: set[UUID] = set()  # of whose drift there are news

    def evolve(self, before: Server | None, record: Recorded[Any]) -> Server:
        after = evolve(before, record, revised)  # the states of a fold are its own
        if (operation := after.touched) is not None:
            self._keep(operation, after.account_id)
        if type(record.event) in DRIFT:
            self.drifting.add(after.id)
        return after

    def _keep(self, operation: Operation, account_id: UUID) -> None:
        kept, owner = self._newest  # mostly the same object as after the event before: then it is kept already
        if operation is not kept or account_id != owner:
            self._newest = self.operations[operation.id] = (operation, account_id)

    def changes(self) -> list[Change]:
        servers = [server_row(state) for state in self.in_order()]
        operations = [operation_row(*self.operations[id]) for id in sorted(self.operations)]
        drifting = sorted(self.drifting)
        drift = [row for id in drifting for row in drift_rows(self.states[id])]
        return [
            Change(SERVER_VIEW, servers),
            Change(OPERATION_VIEW, operations),
            Change(DRIFT_VIEW, drift, owners=drifting),
        ]


def server_row(state: Server) -> Row:
    """A row of `server_view`."""
    return (
        state.id,
        state.account_id,
        state.version,
        state.name,
        state.status,
        state.cluster,
        state.vmid,
        state.power,
        " ".join([state.name, *(address.address for address in state.addresses)]).lower(),
        state.created_at,
        state.updated_at,
        snapshot.encode(state),
    )


def operation_row(state: Operation, account_id: UUID) -> Row:
    """A row of `operation_view`."""
    return (
        state.id,
        state.server_id,
        account_id,
        state.version,
        state.type,
        state.status,
        state.created_at,
        snapshot.encode(state),
    )


def drift_rows(state: Server) -> list[Row]:
    """The rows of `drift_view` of a server."""
    place = (state.cluster, state.vmid)
    return [
        (state.id, d.kind, *place, d.detail, d.since, d.ignored, snapshot.encode(d.facts))
        for d in sorted(state.drift, key=lambda d: d.kind)
    ]

"""Commands and what they lead to: `decide` takes a command and the state, and returns events or refuses.

Ids, times and everything looked up elsewhere enter with the command.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.errors import Invalid, NotAllowed, OperationInProgress, Protected
from domain.server import events as e
from domain.server.allowed import ALLOWED, WHY
from domain.server.state import STEPS, Server

HOST_NAME = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateServer:
    """Ask for a new server; plan, image and location are already looked up."""

    operation_id: UUID
    account_id: UUID
    name: str
    plan: e.Plan
    image: e.Image
    location: e.Location
    min_disk_gib: int = 0
    labels: dict[str, str] = field(default_factory=dict)
    ssh_keys: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOperation:
    """Ask for an operation on a server that exists; `system` may ask for what people may not."""

    operation_id: UUID
    type: str
    now: datetime
    params: dict[str, Any] = field(default_factory=dict)
    system: bool = False


def create(state: Server | None, command: CreateServer) -> list[e.ServerEvent]:
    """A new server, or nothing when it is there already.

    Raises:
        Invalid: the name is no host name, or the plan's disk is smaller than the image.
    """
    if state is not None:
        return []
    if not HOST_NAME.fullmatch(command.name):
        raise Invalid("/name", "Use letters, digits, hyphens and dots: a host name such as web-1 or web-1.example.com.")
    if command.plan.disk_gib < command.min_disk_gib:
        raise Invalid("/plan", f"{command.image.name} needs a disk of at least {command.min_disk_gib} GiB.")
    return [
        e.ServerRequested(
            operation_id=command.operation_id,
            account_id=command.account_id,
            plan=command.plan,
            image=command.image,
            location=command.location,
            name=command.name.lower(),
            labels=command.labels,
            ssh_keys=command.ssh_keys,
        )
    ]


def request(state: Server, command: RequestOperation) -> list[e.ServerEvent]:
    """An operation on a server.

    Raises:
        Invalid: there is no such operation.
        OperationInProgress: another one goes on.
        Protected: delete protection is on.
        NotAllowed: the status does not allow it, or the guest is only observed.
    """
    if command.type not in STEPS or (command.type not in ALLOWED and not command.system):
        raise Invalid("/type", f"There is no action {command.type!r}.")
    _not_busy(state)
    if command.type == "terminate" and state.protected:
        raise Protected("Delete protection is on: turn it off first.")
    if not command.system:
        _allowed(state, command)
    return [e.OperationRequested(operation_id=command.operation_id, type=command.type, params=command.params)]


def _not_busy(state: Server) -> None:
    current = state.current
    if current is not None:
        what = "waits for staff" if current.status == "needs_attention" else "is running"
        raise OperationInProgress(f"Another operation ({current.type}) {what}.", current.id)


def _allowed(state: Server, command: RequestOperation) -> None:
    if state.status not in ALLOWED[command.type]:
        raise NotAllowed(f"This is not possible now: {WHY.get(state.status, state.status)}.")
    if state.mode == "observe":
        raise NotAllowed("This server is only observed: it is still managed by the system it came from.")
    if command.type == "restore" and state.purge_at is not None and command.now >= state.purge_at:
        raise NotAllowed("The time to undo the termination has passed.")

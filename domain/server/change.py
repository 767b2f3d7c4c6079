"""What people change of a server that touches no guest: its labels, and whether it is protected."""

from __future__ import annotations

from dataclasses import dataclass

from domain.errors import NotAllowed
from domain.server import events as e
from domain.server.state import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeServer:
    """Change a server's labels, all of them at once, and its protection; None leaves either alone."""

    labels: dict[str, str] | None = None
    protected: bool | None = None


def change(state: Server, command: ChangeServer) -> list[e.ServerEvent]:
    """What becomes different by it, in whatever state the server is.

    Raises:
        NotAllowed: the server no longer exists.
    """
    if state.destroyed:
        raise NotAllowed("This is not possible now: the server no longer exists.")
    events: list[e.ServerEvent] = []
    if command.labels is not None and command.labels != state.labels:
        events.append(e.LabelsChanged(labels=command.labels))
    if command.protected is not None and command.protected != state.protected:
        events.append(e.ProtectionChanged(protected=command.protected))
    return events

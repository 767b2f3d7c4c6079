"""A cluster as its events make it; `evolve` folds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domain.cluster import events as e
from domain.copying import changed
from domain.record import Recorded


@dataclass(frozen=True, kw_only=True)
class Maintenance:
    """Of one node, or with `node` None of the whole cluster."""

    node: str | None
    reason: str
    since: datetime


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """What was said of a cluster."""

    maintenance: list[Maintenance] = field(default_factory=list)
    version: int = 0

    def maintained(self, node: str | None) -> Maintenance | None:
        """The maintenance of exactly this node, or of the cluster as a whole."""
        return next((one for one in self.maintenance if one.node == node), None)


def evolve(state: Cluster, record: Recorded[Any]) -> Cluster:
    """The cluster after one more event."""
    event, rest = record.event, state.maintenance
    match event:
        case e.MaintenanceBegun():
            begun = Maintenance(node=event.node, reason=event.reason, since=record.at)
            rest = [*(one for one in rest if one.node != event.node), begun]
        case e.MaintenanceEnded():
            rest = [one for one in rest if one.node != event.node]
    return changed(state, maintenance=rest, version=record.version)


def fold(records: Iterable[Recorded[Any]]) -> Cluster:
    """The cluster that these events make; nothing was said of it without any."""
    state = Cluster()
    for record in records:
        state = evolve(state, record)
    return state

"""A cluster as its events make it; `evolve` folds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

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
class Stray:
    """What belongs to no server. One that staff know of stays until it is gone, so as not to be found again."""

    kind: str
    vmid: int
    detail: str
    facts: dict[str, Any]
    since: datetime
    ignored: bool = False
    removal: UUID | None = None  # goes on
    removing: list[str] = field(default_factory=list)  # the volumes that are deleted
    refused: str = ""  # why the newest removal was not done


Strays = dict[tuple[str, int], Stray]  # by kind and VMID
Removal = e.RemovalRequested | e.RemovalIntended | e.RemovalRefused


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """What was said of a cluster."""

    maintenance: list[Maintenance] = field(default_factory=list)
    strays: Strays = field(default_factory=dict)
    mode: e.Mode | None = None  # as staff switched it; None: as the settings say
    version: int = 0

    def maintained(self, node: str | None) -> Maintenance | None:
        """The maintenance of exactly this node, or of the cluster as a whole."""
        return next((one for one in self.maintenance if one.node == node), None)


def evolve(state: Cluster, record: Recorded[Any]) -> Cluster:
    """The cluster after one more event."""
    event, rest, strays, mode = record.event, state.maintenance, state.strays, state.mode
    match event:
        case e.MaintenanceBegun():
            begun = Maintenance(node=event.node, reason=event.reason, since=record.at)
            rest = [*(one for one in rest if one.node != event.node), begun]
        case e.MaintenanceEnded():
            rest = [one for one in rest if one.node != event.node]
        case e.ClusterModeChanged():
            mode = event.mode
        case e.StrayFound():
            strays = strays | {(event.kind, event.vmid): _stray(event, record.at, strays)}
        case e.StrayEnded():
            strays = _ended(strays, event)
        case e.RemovalRequested():
            strays = _changed(strays, event, removal=event.removal_id, removing=[], refused="", ignored=False)
        case e.RemovalIntended():
            strays = _changed(strays, event, removing=event.volumes)
        case e.RemovalRefused():
            strays = _changed(strays, event, removal=None, refused=event.detail)
    return changed(state, maintenance=rest, strays=strays, mode=mode, version=record.version)


def _stray(event: e.StrayFound, at: datetime, strays: Strays) -> Stray:
    """Found anew, with what goes on with it."""
    found = Stray(kind=event.kind, vmid=event.vmid, detail=event.detail, facts=event.facts | event.personal, since=at)
    known = strays.get((event.kind, event.vmid))
    return changed(found, removal=known.removal, removing=known.removing) if known is not None else found


def _changed(strays: Strays, event: Removal, **values: Any) -> Strays:
    key = (event.kind, event.vmid)
    return strays | {key: changed(strays[key], **values)} if key in strays else strays


def _ended(strays: Strays, event: e.StrayEnded) -> Strays:
    key = (event.kind, event.vmid)
    if event.how in ("gone", "repaired") or key not in strays:
        return {known: stray for known, stray in strays.items() if known != key}
    return strays | {key: changed(strays[key], ignored=True)}


def fold(records: Iterable[Recorded[Any]], state: Cluster | None = None) -> Cluster:
    """The cluster that these events make; nothing was said of it without any."""
    state = state or Cluster()
    for record in records:
        state = evolve(state, record)
    return state

"""What staff decided, over HTTP: who, why, when, and about what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.account.state import User
from domain.cluster import events as c
from domain.installation import events as i
from domain.record import ERASED, Recorded
from domain.server import represent
from domain.server.events import DriftEnded
from eventstore.queries import Queries
from service.deps import deps
from service.staff.clusters import staff_only
from service.web import paging
from service.web.body import query
from service.web.models import PageQuery
from service.web.reply import reply

SQL = Queries("service.decisions")
ORDER = "decisions"
KINDS: dict[type, str] = {
    i.EffectsPaused: "effects_paused",
    i.EffectsResumed: "effects_resumed",
    i.RemovalsLetThrough: "removals_let_through",
    i.SuspensionsLetThrough: "suspensions_let_through",
    i.InstallationRestored: "restored",
    c.MaintenanceBegun: "maintenance_begun",
    c.MaintenanceEnded: "maintenance_ended",
    c.ClusterModeChanged: "cluster_mode_changed",
    c.RemovalRequested: "leftovers_removed",
}
ABOUT = ("cluster", "node", "mode", "vmid", "minutes", "backup_at")


async def list_decisions(req: Request) -> Response:
    """What staff decided beside single servers, newest first: pauses, guards that were opened, maintenance, drift."""
    staff_only(req)
    asked, d = query(req, PageQuery), deps(req)
    after, _ = paging.parse(asked.cursor, ORDER, paging.place)
    rows = await d.store.pool.fetch(SQL.decisions, *(after or (None, None)), asked.limit + 1)
    records = [d.store.recorded(row) for row in rows]
    people = await d.reads.people(_deciders(records))
    return reply(
        paging.page(records, asked.limit, lambda r: _shown(r, people), lambda r: paging.cursor(ORDER, [r.tx, r.pos]))
    )


def _deciders(records: Iterable[Recorded[Any]]) -> set[Any]:
    found = {ids.parse(ids.USER, record.meta.actor.person) for record in records}
    return {id for id in found if id is not None}


def _shown(record: Recorded[Any], people: dict[Any, User]) -> dict[str, Any]:
    event = record.event
    return {
        "id": ids.show(ids.DECISION, ids.decision(record.stream_id, record.version)),
        "object": "decision",
        "kind": KINDS.get(type(event)) or f"drift_{event.how}",
        "by": _by(record, people),
        "reason": getattr(event, "reason", "") or None,
        "about": {name: getattr(event, name, None) or None for name in ABOUT}
        | {
            "server": ids.show(ids.SERVER, record.stream_id) if isinstance(event, DriftEnded) else None,
            "drift": event.kind if isinstance(event, DriftEnded | c.StrayEnded | c.RemovalRequested) else None,
        },
        "request_id": record.meta.request_id or None,
        "at": represent.time(record.at),
    }


def _by(record: Recorded[Any], people: dict[Any, User]) -> dict[str, str | None]:
    person = record.meta.actor.person
    id = ids.parse(ids.USER, person)
    if id is None:
        return {"id": None, "name": getattr(record.event, "operator", "") or person}
    user = people.get(id)
    return {"id": person, "name": (user.name or user.email) if user is not None else ERASED}

"""Clusters for staff: whether they answer, and what of them is under maintenance."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.cluster import decide
from domain.cluster.events import ClusterEvent, MaintenanceBegun, MaintenanceEnded
from domain.cluster.state import fold
from domain.record import Meta
from eventstore.database import Connection
from eventstore.store import Conflict, Entry, EventStore
from service.deps import caller, deps, meta
from service.reads import SQL
from service.staff.models import MaintenanceChange
from service.web import paging
from service.web.body import body, query
from service.web.models import PageQuery
from service.web.problems import Problem
from service.web.reply import reply

ATTEMPTS = 5


def staff_only(req: Request) -> None:
    """What only staff may do.

    Raises:
        Problem: the caller is no staff.
    """
    if not caller(req).staff:
        raise Problem("forbidden", "Only staff may do this.")


async def list_clusters(req: Request) -> Response:
    """The clusters of the settings, and what of them is under maintenance."""
    staff_only(req)
    asked, shown = query(req, PageQuery), await _clusters(req)
    _, after = paging.parse(asked.cursor, "clusters", paging.name)
    names = [cluster["name"] for cluster in shown]
    start = next((n for n, name in enumerate(names, start=1) if ids.cluster(name) == after), 0)
    rows = shown[start : start + asked.limit + 1]
    return reply(
        paging.page(rows, asked.limit, lambda c: c, lambda c: paging.cursor("clusters", "", ids.cluster(c["name"])))
    )


async def change_maintenance(req: Request) -> Response:
    """Begin or end the maintenance of a cluster or one of its nodes: meanwhile operations on it wait."""
    staff_only(req)
    name, asked = req.path_params["name"], await body(req, MaintenanceChange)
    if name not in {cluster.name for cluster in deps(req).config.cluster}:
        raise Problem("not_found")
    try:
        await set_maintenance(deps(req).store, meta(req), name, asked.node, asked.reason if asked.on else None)
    except Conflict:
        raise Problem("busy", headers={"Retry-After": "1"}) from None
    return reply(next(cluster for cluster in await _clusters(req) if cluster["name"] == name))


async def set_maintenance(store: EventStore, meta: Meta, cluster: str, node: str | None, reason: str | None) -> bool:
    """Begin the maintenance of a node, or of the whole cluster, for a reason; or end it (None). False: it was so.

    Raises:
        Conflict: others changed the cluster at the same moment, every time.
    """
    for _ in range(ATTEMPTS - 1):
        with contextlib.suppress(Conflict):
            return await _set_maintenance(store, meta, cluster, node, reason)
    return await _set_maintenance(store, meta, cluster, node, reason)


async def _set_maintenance(store: EventStore, meta: Meta, cluster: str, node: str | None, reason: str | None) -> bool:
    stream = ids.cluster(cluster)
    state = fold(await store.read_stream(stream))
    if reason is None:
        events = decide.end_maintenance(state, cluster, node)
    else:
        events = decide.begin_maintenance(state, cluster, node, reason)
    entries = [Entry(stream, state.version + n, event, meta, stream) for n, event in enumerate(events, start=1)]
    if entries:
        await store.append(entries, claims=partial(_claim, events))
    return bool(entries)


async def _claim(events: list[ClusterEvent], connection: Connection) -> None:
    for event in events:
        if isinstance(event, MaintenanceBegun):
            await connection.execute(SQL.begin_maintenance, event.cluster, event.node or "", event.reason)
        elif isinstance(event, MaintenanceEnded):
            await connection.execute(SQL.end_maintenance, event.cluster, event.node or "")


async def _clusters(req: Request) -> list[dict[str, Any]]:
    d = deps(req)
    rows, sights = await d.store.pool.fetch(SQL.clusters_maintained), await d.reads.sights()
    return [
        {
            "name": cluster.name,
            "object": "cluster",
            "reachable": sights[cluster.name].reachable if cluster.name in sights else None,
            "observed_at": sights[cluster.name].observed_at if cluster.name in sights else None,
            "maintenance": [
                {"node": row["node"] or None, "reason": row["reason"]} for row in rows if row["cluster"] == cluster.name
            ],
        }
        for cluster in d.config.cluster
    ]

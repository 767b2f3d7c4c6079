"""Clusters for staff: whether they answer, whether they are managed, and what of them is under maintenance."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.cluster import decide
from domain.cluster.events import ClusterEvent, ClusterModeChanged, MaintenanceBegun, MaintenanceEnded
from domain.cluster.state import Cluster, fold
from domain.record import Meta
from eventstore.database import Connection, Pool
from eventstore.store import Conflict, Entry, EventStore
from runtime.settings import Config
from service.deps import caller, deps, meta
from service.reads import SQL
from service.staff.models import ClusterModeChange, MaintenanceChange
from service.web import paging
from service.web.body import body, query
from service.web.models import PageQuery
from service.web.problems import Problem
from service.web.reply import reply

ATTEMPTS = 5
Wish = Callable[[Cluster], list[ClusterEvent]]


def staff_only(req: Request) -> None:
    """What only staff may do.

    Raises:
        Problem: the caller is no staff.
    """
    if not caller(req).staff:
        raise Problem("forbidden", "Only staff may do this.")


async def list_clusters(req: Request) -> Response:
    """The clusters of the settings, whether they are managed, and what of them is under maintenance."""
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
    name, asked = _named(req), await body(req, MaintenanceChange)
    reason = asked.reason if asked.on else None
    return await _changed(req, name, set_maintenance(deps(req).store, meta(req), name, asked.node, reason))


async def change_mode(req: Request) -> Response:
    """Have a whole cluster observed or managed, whatever the settings say; it holds from the next effect on."""
    staff_only(req)
    name, asked = _named(req), await body(req, ClusterModeChange)
    change = _change(deps(req).store, meta(req), name, lambda state: decide.change_mode(state, name, asked.mode))
    return await _changed(req, name, change)


def _named(req: Request) -> str:
    name: str = req.path_params["name"]
    if deps(req).config.known_cluster(name) is None:
        raise Problem("not_found")
    return name


async def _changed(req: Request, name: str, change: Awaitable[bool]) -> Response:
    try:
        await change
    except Conflict:
        raise Problem("busy", headers={"Retry-After": "1"}) from None
    return reply(next(cluster for cluster in await _clusters(req) if cluster["name"] == name))


async def set_maintenance(store: EventStore, meta: Meta, cluster: str, node: str | None, reason: str | None) -> bool:
    """Begin the maintenance of a node, or of the whole cluster, for a reason; or end it (None). False: it was so.

    Raises:
        Conflict: others changed the cluster at the same moment, every time.
    """
    if reason is None:
        return await _change(store, meta, cluster, lambda state: decide.end_maintenance(state, cluster, node))
    return await _change(store, meta, cluster, lambda state: decide.begin_maintenance(state, cluster, node, reason))


async def _change(store: EventStore, meta: Meta, cluster: str, wish: Wish) -> bool:
    for _ in range(ATTEMPTS - 1):
        with contextlib.suppress(Conflict):
            return await _try_to_change(store, meta, cluster, wish)
    return await _try_to_change(store, meta, cluster, wish)


async def _try_to_change(store: EventStore, meta: Meta, cluster: str, wish: Wish) -> bool:
    stream = ids.cluster(cluster)
    state = fold(await store.read_stream(stream))
    events = wish(state)
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
        elif isinstance(event, ClusterModeChanged):
            await connection.execute(SQL.switch_cluster, event.cluster, event.mode)


async def is_observed(pool: Pool, config: Config, cluster: str | None) -> bool:
    """Whether nothing is ever changed in a cluster: as staff have switched it, otherwise as the settings say."""
    known = config.known_cluster(cluster)
    switched = await pool.fetchval(SQL.cluster_mode, cluster)
    return bool((switched or (known.mode if known is not None else "manage")) == "observe")


def modes(config: Config, switched: Mapping[str, str]) -> dict[str, str]:
    """The mode of each cluster of the settings: as staff have switched it, otherwise as the settings say."""
    return {cluster.name: switched.get(cluster.name, cluster.mode) for cluster in config.cluster}


async def _clusters(req: Request) -> list[dict[str, Any]]:
    d = deps(req)
    rows, sights = await d.store.pool.fetch(SQL.clusters_maintained), await d.reads.sights()
    mode_of = modes(d.config, await d.reads.switched())
    return [
        {
            "name": cluster.name,
            "object": "cluster",
            "reachable": sights[cluster.name].reachable if cluster.name in sights else None,
            "observed_at": sights[cluster.name].observed_at if cluster.name in sights else None,
            "mode": mode_of[cluster.name],
            "maintenance": [
                {"node": row["node"] or None, "reason": row["reason"]} for row in rows if row["cluster"] == cluster.name
            ],
        }
        for cluster in d.config.cluster
    ]

"""Drift for staff: guests that are not as the log says, and what belongs to no server; adopt, repair or ignore."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.cluster import decide
from domain.cluster import state as clusters
from domain.cluster.events import ClusterEvent
from domain.errors import NotAllowed, Refused
from domain.server import drift, represent
from domain.server.events import DriftEnded, OperationRequested
from domain.server.evolve import fold
from eventstore.database import Connection
from eventstore.positions import Position
from eventstore.store import Conflict, Entry, Name, Wake
from runtime.ids import new_id
from service.deps import Deps, caller, deps, meta
from service.reads import SQL
from service.staff.clusters import is_observed, staff_only
from service.staff.models import DriftAction, DriftQuery
from service.web import paging, problems
from service.web.body import body, query
from service.web.problems import Problem
from service.web.reply import reply

ORDER, ATTEMPTS = "drift", 3
_ID = re.compile(r"(srv|clu)_([0-9a-f]{32})\.([a-z]{1,20})(?:\.(\d{1,9}))?")
Place = tuple[datetime, str]


async def list_drift(req: Request) -> Response:
    """Every difference, newest first; those that are ignored only when they are asked for."""
    staff_only(req)
    asked, d = query(req, DriftQuery), deps(req)
    after, _ = paging.parse(asked.cursor, ORDER, _place)
    await d.reads.caught_up(caller(req).user_id)
    since, last = after or (None, None)
    rows = await d.store.pool.fetch(SQL.drift, since, last, asked.ignored, asked.limit + 1)
    found = [_of_server(row) for row in rows] + [
        stray for stray in await _strays(d) if (asked.ignored or not stray["ignored"]) and _is_after(stray, after)
    ]
    found.sort(key=lambda one: (one["since"], one["id"]), reverse=True)
    return reply(paging.page(found[: asked.limit + 1], asked.limit, _shown, _cursor))


def _place(value: Any) -> Place:
    since, id = value
    return paging.moment(since), paging.name(id)


def _is_after(one: dict[str, Any], place: Place | None) -> bool:
    return place is None or (one["since"], one["id"]) < place


def _cursor(one: dict[str, Any]) -> str:
    return paging.cursor(ORDER, [one["since"].isoformat(), one["id"]])


def _shown(one: dict[str, Any]) -> dict[str, Any]:
    return one | {"since": represent.time(one["since"])}


def _of_server(row: Any) -> dict[str, Any]:
    return {
        "id": row["id"],
        "object": "drift",
        "kind": row["kind"],
        "server": ids.show(ids.SERVER, row["server_id"]),
        "name": row["name"],
        "cluster": row["cluster"],
        "vmid": row["vmid"],
        "detail": row["detail"],
        "facts": json.loads(row["facts"]),
        "since": row["since"],
        "ignored": row["ignored"],
        "actions": _actions(row["kind"]),
    }


def _actions(kind: str) -> list[str]:
    sets = (("adopt", drift.ADOPTABLE), ("repair", drift.REPAIRABLE), ("ignore", (kind,)))
    return [action for action, kinds in sets if kind in kinds]


async def _strays(d: Deps) -> list[dict[str, Any]]:
    found = []
    for cluster in d.config.cluster:
        stream = ids.cluster(cluster.name)
        state = clusters.fold(await d.store.read_stream(stream))
        found += [_of_cluster(cluster.name, stream, stray) for stray in state.strays.values()]
    return found


def _of_cluster(cluster: str, stream: UUID, stray: clusters.Stray) -> dict[str, Any]:
    return {
        "id": f"{ids.show(ids.CLUSTER, stream)}.{stray.kind}.{stray.vmid}",
        "object": "drift",
        "kind": stray.kind,
        "server": None,
        "name": None,
        "cluster": cluster,
        "vmid": stray.vmid or None,
        "detail": stray.detail,
        "facts": stray.facts | _fate(stray),
        "since": stray.since,
        "ignored": stray.ignored,
        "actions": ["repair", "ignore"] if stray.kind == decide.REMOVABLE else ["adopt", "ignore"],
    }


def _fate(stray: clusters.Stray) -> dict[str, str]:
    """What has become of the wish to remove it."""
    if stray.removal is not None:
        return {"removal": "It is being removed."}
    return {"removal": stray.refused} if stray.refused else {}


async def settle_drift(req: Request) -> Response:
    """Say what to make of a difference: `adopt` what was found, `repair` the guest, or `ignore` it."""
    staff_only(req)
    asked, match = await body(req, DriftAction), _ID.fullmatch(req.path_params["id"])
    if match is None or (match[1] == ids.CLUSTER) != (match[4] is not None):
        raise Problem("not_found")
    for _ in range(ATTEMPTS):
        try:
            return await _settle(req, match, asked.action)
        except Conflict:
            continue
        except Refused as refused:
            raise problems.of(refused) from None
    raise Problem("busy", headers={"Retry-After": "1"})


async def _settle(req: Request, match: re.Match[str], action: drift.Action) -> Response:
    stream = UUID(match[2])
    if match[1] == ids.CLUSTER:
        await _settle_stray(req, stream, match[3], int(match[4]), action)
        operation = None
    else:
        operation = await _settle_server(req, stream, match[3], action)
    shown = ids.show(ids.OPERATION, operation) if operation is not None else None
    return reply({"id": match[0], "object": "drift_settlement", "action": action, "operation": shown})


async def _settle_server(req: Request, id: UUID, kind: str, action: drift.Action) -> UUID | None:
    d = deps(req)
    state = fold(None, await d.store.read_stream(id))
    if state is None or state.drifted(kind) is None:
        raise Problem("not_found")
    observed = await is_observed(d.store.pool, d.config, state.cluster)
    repair = replace(drift.repair_of(state, kind, new_id(), state.updated_at), observed=observed)
    events = drift.settle(state, kind, action, repair)
    asked = [event.operation_id for event in events if isinstance(event, OperationRequested)]
    entries = [
        Entry(id, state.version + n, event, meta(req), state.account_id) for n, event in enumerate(events, start=1)
    ]
    if entries:
        sizes = [event.size for event in events if isinstance(event, DriftEnded) and event.size]
        names, claims = [Name(operation, id) for operation in asked], partial(_promise, id, sizes) if sizes else None
        _wrote(req, await d.store.append(entries, [Wake(id, "server")], names=names, claims=claims))
    return asked[0] if asked else None


async def _promise(server: UUID, sizes: Iterable[dict[str, int]], connection: Connection) -> None:
    for size in sizes:
        await connection.execute(SQL.promise_exactly, server, size["memory_mib"], size["vcpus"], size["disk_gib"])


async def _settle_stray(req: Request, stream: UUID, kind: str, vmid: int, action: drift.Action) -> None:
    d = deps(req)
    state = clusters.fold(await d.store.read_stream(stream))
    cluster = next((c.name for c in d.config.cluster if ids.cluster(c.name) == stream), None)
    if cluster is None or (kind, vmid) not in state.strays:
        raise Problem("not_found")
    if action == "repair":
        observed = await is_observed(d.store.pool, d.config, cluster)
        events = _removal(state, cluster, kind, vmid, observed=observed)
    else:
        events = decide.end_stray(state, cluster, kind, vmid, {"adopt": "adopted", "ignore": "ignored"}[action])
    entries = [Entry(stream, state.version + n, event, meta(req), stream) for n, event in enumerate(events, start=1)]
    if entries:
        wakes = [Wake(stream, "cluster")] if action == "repair" else []
        _wrote(req, await d.store.append(entries, wakes))


def _removal(state: clusters.Cluster, cluster: str, kind: str, vmid: int, *, observed: bool) -> list[ClusterEvent]:
    events = decide.remove_stray(state, cluster, kind, vmid, new_id())
    if observed:
        raise NotAllowed("This cluster is only observed: nothing is changed there.")
    return events


def _wrote(req: Request, position: Position) -> None:
    deps(req).reads.wrote(caller(req).user_id, position)

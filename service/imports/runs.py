"""Runs of the importer for staff: the list, and one with what it brought, set aside and adopted."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import asyncpg
from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.importing.events import ChunkLinked, ChunkLoaded, ImportFinished, ImportStarted
from domain.record import Recorded
from domain.server import represent
from eventstore.queries import Queries
from service.deps import caller, deps
from service.staff.clusters import staff_only
from service.web import paging
from service.web.body import query
from service.web.models import PageQuery
from service.web.problems import Problem
from service.web.reply import reply

SQL = Queries("service.imports")
ORDER, EXAMPLES = "imports", 20


async def list_imports(req: Request) -> Response:
    """The importer's runs, newest first."""
    staff_only(req)
    asked = query(req, PageQuery)
    after, _ = paging.parse(asked.cursor, ORDER, paging.place)
    tx, pos = after or (None, None)
    rows = await deps(req).store.pool.fetch(SQL.import_runs, tx, pos, asked.limit + 1)
    return reply(paging.page(rows, asked.limit, _listed, lambda r: paging.cursor(ORDER, [r["tx"], r["pos"]])))


def _listed(row: asyncpg.Record) -> dict[str, Any]:
    return _run(row["stream_id"], json.loads(row["data"])) | {
        "loaded": row["loaded"],
        "linked": row["linked"],
        "started_at": represent.time(row["at"]),
        "finished_at": represent.time(row["finished_at"]),
    }


def _run(id: UUID, started: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": ids.show(ids.RUN, id),
        "object": "import_run",
        "source": started["source"],
        "plan_hash": started["plan_hash"],
        # A login comes and goes with its user: it is no row of its own, though earlier runs counted it as one.
        "counts": {name: count for name, count in started["counts"].items() if name != "logins"},
    }


async def show_import(req: Request) -> Response:
    """One run: what it reported, and what became of its servers since."""
    staff_only(req)
    d, id = deps(req), ids.parse(ids.RUN, req.path_params["id"])
    records = await d.store.read_stream(id) if id is not None else []
    if not records or not isinstance(records[0].event, ImportStarted):
        raise Problem("not_found")
    await d.reads.caught_up(caller(req).user_id)
    loaded = [record.event for record in records if isinstance(record.event, ChunkLoaded)]
    servers = [server for chunk in loaded for server in chunk.server_ids]
    rows = await d.store.pool.fetch(SQL.servers_of_run, servers, EXAMPLES)
    return reply(_reported(records, records[0].event, len(loaded)) | {"adoption": list(_adoption(rows))})


def _reported(records: list[Recorded[Any]], started: ImportStarted, loaded: int) -> dict[str, Any]:
    finished = next((record for record in records if isinstance(record.event, ImportFinished)), None)
    told = {"source": started.source, "plan_hash": started.plan_hash, "counts": started.counts}
    return _run(records[0].stream_id, told) | {
        "loaded": loaded,
        "linked": sum(isinstance(record.event, ChunkLinked) for record in records),
        "started_at": represent.time(records[0].at),
        "finished_at": represent.time(finished.at) if finished else None,
        "report": finished.event.report if finished else None,
    }


def _adoption(rows: Iterable[asyncpg.Record]) -> Iterable[dict[str, Any]]:
    for (became, code), found in itertools.groupby(rows, lambda row: (row["became"], row["code"])):
        servers = list(found)
        yield {
            "became": became,
            "code": code,
            "detail": servers[0]["detail"],
            "count": servers[0]["total"],
            "servers": [_server(row) for row in servers],
        }


def _server(row: asyncpg.Record) -> dict[str, Any]:
    return {
        "id": ids.show(ids.SERVER, row["server_id"]),
        "name": row["name"],
        "source_id": row["source_id"],
        "cluster": row["cluster"],
        "vmid": row["vmid"],
    }

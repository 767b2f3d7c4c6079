"""Operations over HTTP: all of one's own, and one by its id."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.server import represent
from domain.server.state import Operation
from eventstore import snapshot
from service.deps import caller, deps
from service.reads import SQL
from service.servers.models import OperationsQuery
from service.web import paging
from service.web.body import query
from service.web.problems import Problem, invalid
from service.web.reply import reply

ORDER = "all_operations"


async def list_operations(req: Request) -> Response:
    """What was done to the caller's servers, newest first; staff see everybody's with `scope=all`."""
    asked, who, d = query(req, OperationsQuery), caller(req), deps(req)
    if asked.scope == "all" and not who.staff:
        raise Problem("forbidden", "Only staff see the operations of all accounts.")
    server = None if asked.server is None else ids.parse(ids.SERVER, asked.server)
    if asked.server is not None and server is None:
        raise invalid("/server", "This is no id of a server.", "unknown")
    at, id = paging.parse(asked.cursor, ORDER, paging.moment)
    await d.reads.caught_up(who.user_id)
    fields = (asked.status, asked.type, server, at, id, asked.limit + 1)
    if asked.scope == "all":
        rows = await d.store.pool.fetch(SQL.all_operations, *fields)
    else:
        rows = await d.store.pool.fetch(SQL.operations_of_user, *fields, who.user_id)
    shown = paging.page(
        rows,
        asked.limit,
        lambda row: represent.operation(snapshot.decode(Operation, row["state"]), staff=who.staff),
        lambda row: paging.cursor(ORDER, row["created_at"], row["operation_id"]),
    )
    return reply(shown)


async def show_operation(req: Request) -> Response:
    """One operation with its steps."""
    id, who = ids.parse(ids.OPERATION, req.path_params["id"]), caller(req)
    found = await deps(req).reads.operation(id, who) if id is not None else None
    if found is None or not found[0].visible(who):
        raise Problem("not_found")
    shown = represent.operation(found[1], staff=who.staff)
    waiting = {"Retry-After": "1"} if found[1].status in ("queued", "running") else {}
    return reply(shown, headers=waiting)

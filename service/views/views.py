"""Saved views over HTTP: how each user wants to see the list of servers again. Nobody else sees them."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import asyncpg
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.server import represent
from eventstore.queries import Queries
from runtime.ids import new_id
from service.deps import caller, deps
from service.servers.models import ServersQuery
from service.views.models import SavedViewPut
from service.web import paging
from service.web.body import body
from service.web.problems import Problem, invalid
from service.web.reply import reply

SQL = Queries("service.views")
MOST = 50
ASKED = frozenset(ServersQuery.model_fields) - {"limit", "cursor", "scope"}
FORM = "Give it as behind the question mark of an address, each parameter once: status=running&sort=name"


async def list_views(req: Request) -> Response:
    """The caller's saved views of the list of servers, by name."""
    return reply(paging.whole(await deps(req).store.pool.fetch(SQL.views, caller(req).user_id), _shown))


async def show_view(req: Request) -> Response:
    """One of the caller's saved views."""
    return reply(_shown(await _mine(req)))


async def keep_view(req: Request) -> Response:
    """Save a view of the list of servers under a name."""
    asked, me, pool = await _asked(req), caller(req).user_id, deps(req).store.pool
    row = await pool.fetchrow(SQL.keep_view, new_id(), me, asked.name, asked.query, asked.scope, MOST)
    if row is None:
        raise await _why_not(req, asked.name)
    return reply(_shown(row), 201, {"Location": f"/v1/users/me/views/{ids.show(ids.VIEW, row['view_id'])}"})


async def replace_view(req: Request) -> Response:
    """Make a saved view another one, or call it something else."""
    id, pool = (await _mine(req))["view_id"], deps(req).store.pool
    asked = await _asked(req)
    try:
        row = await pool.fetchrow(SQL.replace_view, caller(req).user_id, id, asked.name, asked.query, asked.scope)
    except asyncpg.UniqueViolationError:
        raise await _why_not(req, asked.name) from None
    if row is None:
        raise Problem("not_found")
    return reply(_shown(row))


async def drop_view(req: Request) -> Response:
    """Forget a saved view."""
    if await deps(req).store.pool.fetchval(SQL.drop_view, caller(req).user_id, _id(req)) is None:
        raise Problem("not_found")
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


async def _asked(req: Request) -> SavedViewPut:
    """The view in the body, which the list of servers would understand.

    Raises:
        Problem: it would not, or the scope is for staff only.
    """
    asked = await body(req, SavedViewPut)
    if asked.scope == "all" and not caller(req).staff:
        raise Problem("forbidden", "Only staff see the servers of others.")
    _check(asked.query)
    return asked


def _check(query: str) -> None:
    """Refuse what the list of servers would not understand.

    Raises:
        Problem: naming the query and what is wrong in it.
    """
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, max_num_fields=20) if query else []
    except ValueError:
        raise invalid("/query", FORM) from None
    given = dict(pairs)
    if len(given) < len(pairs):
        raise invalid("/query", FORM)
    if strange := sorted(set(given) - ASKED):
        raise invalid("/query", f"The list has no such parameter here: {strange[0]}", "unknown")
    try:
        ServersQuery.model_validate(given)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False)[0]
        raise invalid("/query", f"{fault['loc'][0]}: {fault['msg']}.", fault["type"]) from None


async def _mine(req: Request) -> asyncpg.Record:
    row = await deps(req).store.pool.fetchrow(SQL.view, caller(req).user_id, _id(req))
    if row is None:
        raise Problem("not_found")
    return row


async def _why_not(req: Request, name: str) -> Problem:
    known = await deps(req).store.pool.fetchval(SQL.view_named, caller(req).user_id, name)
    if known is None:
        return Problem("not_allowed", f"There is room for {MOST} views: forget one first.")
    return Problem("already_exists", f"You have a view of this name already ({ids.show(ids.VIEW, known)}).")


def _id(req: Request) -> UUID:
    id = ids.parse(ids.VIEW, req.path_params["id"])
    if id is None:
        raise Problem("not_found")
    return id


def _shown(row: asyncpg.Record) -> dict[str, Any]:
    return {
        "id": ids.show(ids.VIEW, row["view_id"]),
        "object": "saved_view",
        "name": row["name"],
        "query": row["query"],
        "scope": row["scope"],
        "created_at": represent.time(row["created_at"]),
        "updated_at": represent.time(row["updated_at"]),
    }

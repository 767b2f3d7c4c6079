"""Servers over HTTP: list, show, create, and the operations of one."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.errors import Refused
from domain.placement import Choice, NoChoice
from domain.server import represent
from domain.server.decide import CreateServer, create
from domain.server.state import Operation
from eventstore import snapshot
from runtime.ids import new_id
from service.deps import caller, deps
from service.reads import SQL
from service.servers import ordering
from service.servers.listing import ORDERS
from service.servers.models import CreateQuery, ServerCreate, ServersQuery
from service.servers.waiting import answered
from service.servers.writing import commit, sealed_with, seen
from service.web import idempotency, paging, problems
from service.web.body import body, query
from service.web.models import PageQuery
from service.web.problems import Problem, invalid
from service.web.reply import reply, tagged, written

WAITS = "It would wait: the place is under maintenance or cannot be reached just now."


async def list_servers(req: Request) -> Response:
    """The caller's servers; staff see everybody's with `scope=all`."""
    asked, who, d = query(req, ServersQuery), caller(req), deps(req)
    if asked.scope == "all" and not who.staff:
        raise Problem("forbidden", "Only staff see the servers of all accounts.")
    order = ORDERS[asked.sort]
    value, id = paging.parse(asked.cursor, asked.sort, order.read)
    await d.reads.caught_up(who.user_id)
    sights = await d.reads.sights()
    away = [cluster for cluster, sight in sights.items() if not sight.reachable]
    fields = (asked.status, pattern(asked.q), away, value, id, asked.limit + 1, *_label(asked.label))
    account = _account(asked.account)
    if asked.scope == "own":
        rows = await d.reads.at_hand.fetch(order.of_user, *fields, who.user_id, account)
    elif account is None:
        rows = await d.reads.at_hand.fetch(order.of_everybody, *fields)
    else:
        rows = await d.reads.at_hand.fetch(order.of_account, *fields, account)
    return written(await d.shown.page(rows, asked.limit, asked.sort, order.column, sights, staff=who.staff))


async def show_server(req: Request) -> Response:
    """One server, with every write that was acknowledged before."""
    found = await seen(req)
    sights = await deps(req).reads.sights()
    return tagged(req, represent.server(found.server, sights, staff=caller(req).staff))


async def create_server(req: Request) -> Response:
    """Order a server; `dry_run=true` only says whether it fits."""
    order, asked = await _order(req)
    key = idempotency.key_of(req, order)
    command = await ordering.command(req, order, new_id())
    if asked.dry_run:
        return await _try(req, command)
    sealed = _sealed(req, order, command.operation_id)
    stored = await commit(
        req,
        new_id(),
        command.operation_id,
        lambda state: create(state, command),
        key,
        sealed=sealed,
        new=True,
        created=True,
    )
    return await answered(req, stored)


async def _order(req: Request) -> tuple[ServerCreate, CreateQuery]:
    try:
        return await body(req, ServerCreate), query(req, CreateQuery)
    except Problem:
        await ordering.accounts(req)  # who may not order at all is told that, not what is wrong with the order
        raise


async def list_operations(req: Request) -> Response:
    """A server's operations, newest first."""
    found, asked, who, d = await seen(req), query(req, PageQuery), caller(req), deps(req)
    at, id = paging.parse(asked.cursor, "operations", paging.moment)
    await d.reads.caught_up(who.user_id)
    rows = await d.store.pool.fetch(SQL.operations, found.server.id, at, id, asked.limit + 1)
    viewed = {row["operation_id"]: snapshot.decode(Operation, row["state"]) for row in rows}
    newer = found.operations if asked.cursor is None else {k: o for k, o in found.operations.items() if k in viewed}
    operations = sorted({**viewed, **newer}.values(), key=lambda o: (o.created_at, o.id), reverse=True)
    shown = paging.page(
        operations,
        asked.limit,
        lambda operation: represent.operation(operation, staff=who.staff),
        lambda operation: paging.cursor("operations", operation.created_at, operation.id),
    )
    return reply(shown)


async def _try(req: Request, command: CreateServer) -> Response:
    try:
        create(None, command)
    except Refused as refused:
        raise problems.of(refused) from None
    return reply({"fits": True, "dry_run": True, **_place(req, await ordering.where(req, command))})


def _place(req: Request, found: Choice | NoChoice | None) -> dict[str, Any]:
    """What staff see of where it would go, and what everybody does of that it would wait."""
    if isinstance(found, NoChoice):
        return {"notes": [WAITS], **({"placement": {"not": found.reasons}} if caller(req).staff else {})}
    if found is None or not caller(req).staff:
        return {"notes": []}
    told = {name: found.explanation[name] for name in ("cluster", "because", "not")}
    return {"notes": [], "placement": {"node": found.candidate.node, **told}}


def _sealed(req: Request, order: ServerCreate, operation_id: UUID) -> bytes | None:
    return sealed_with(req, operation_id, password=order.password, user_data=order.user_data)


def _account(text: str | None) -> UUID | None:
    id = ids.parse(ids.ACCOUNT, text) if text is not None else None
    if text is not None and id is None:
        raise invalid("/account", "This is no id of an account.", "unknown")
    return id


def _label(text: str | None) -> tuple[str | None, str | None]:
    """The key that a filter names, and the value it must have; None where any will do."""
    key, colon, value = (text or "").partition(":")
    return key or None, value if colon else None


def pattern(text: str | None) -> str | None:
    """A LIKE pattern for a search in names and addresses."""
    if not text:
        return None
    return "%" + re.sub(r"([\\%_])", r"\\\1", text.lower()) + "%"

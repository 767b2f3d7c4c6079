"""Servers over HTTP: list, show, create, act, terminate."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.errors import Refused
from domain.server import represent
from domain.server.decide import CreateServer, RequestOperation, create, request
from domain.server.events import ServerEvent
from domain.server.operations import Who
from domain.server.represent import Sights
from domain.server.state import Operation, Server
from eventstore import snapshot
from runtime.ids import new_id
from service import idempotency, ordering, paging, problems
from service.body import body, query
from service.deps import caller, deps, meta
from service.idempotency import Stored
from service.models import CreateQuery, PageQuery, ServerAction, ServerCreate, ServersQuery
from service.problems import Problem
from service.reads import SQL, Found
from service.reply import encode, reply, tagged
from service.transact import Intent, carry_out

ORDERS = {
    "-created_at": (SQL.servers_newest, "created_at", paging.moment),
    "created_at": (SQL.servers_oldest, "created_at", paging.moment),
    "name": (SQL.servers_by_name, "name", paging.name),
    "-name": (SQL.servers_by_name_backwards, "name", paging.name),
}
_VERSION = re.compile(r'(?:W/)?"?(\d{1,9})(?:-[0-9a-f]*)?"?')


async def list_servers(req: Request) -> Response:
    """The caller's servers; staff see everybody's with `scope=all`."""
    asked, who, d = query(req, ServersQuery), caller(req), deps(req)
    if asked.scope == "all" and not who.staff:
        raise Problem("forbidden", "Only staff see the servers of all accounts.")
    statement, column, read = ORDERS[asked.sort]
    value, id = paging.parse(asked.cursor, asked.sort, read)
    await d.reads.caught_up(who.user_id)
    sights = await d.reads.sights()
    away = [cluster for cluster, sight in sights.items() if not sight.reachable]
    owner = None if asked.scope == "all" else who.user_id
    fields = (owner, asked.status, _pattern(asked.q), away, value, id, asked.limit + 1)
    rows = await d.store.pool.fetch(statement, *fields)
    shown = paging.page(
        rows,
        asked.limit,
        lambda row: d.shown.server(row, sights, staff=who.staff),
        lambda row: paging.cursor(asked.sort, row[column], row["server_id"]),
    )
    return reply(shown)


async def show_server(req: Request) -> Response:
    """One server, with every write that was acknowledged before."""
    found = await seen(req)
    sights = await deps(req).reads.sights()
    return tagged(req, represent.server(found.server, sights, staff=caller(req).staff))


async def create_server(req: Request) -> Response:
    """Order a server; `dry_run=true` only says whether it fits."""
    accounts = await ordering.accounts(req)
    order, asked = await body(req, ServerCreate), query(req, CreateQuery)
    key = idempotency.key_of(req, order)
    command = await ordering.command(req, order, accounts, new_id())
    if asked.dry_run:
        return await _try(req, command)
    return await _carry_out(req, new_id(), command, key, sealed=_sealed(req, order, command.operation_id))


async def act_on_server(req: Request) -> Response:
    """Ask for an operation on a server."""
    found = await writable(req)
    action = await body(req, ServerAction)
    return await _operate(req, found, action.type, idempotency.key_of(req, action))


async def terminate_server(req: Request) -> Response:
    """Ask for a server's end; it can be undone until it is purged."""
    found = await writable(req)
    return await _operate(req, found, "terminate", idempotency.key_of(req, None))


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


async def seen(req: Request) -> Found:
    """The server that the address names.

    Raises:
        Problem: there is none that the caller may see.
    """
    id = ids.parse(ids.SERVER, req.path_params["id"])
    found = await deps(req).reads.server(id, caller(req)) if id is not None else None
    if found is None or not found.visible(caller(req)):
        raise Problem("not_found")
    return found


async def writable(req: Request) -> Found:
    """The server that the address names, for who may act on it.

    Raises:
        Problem: there is none that the caller may see, or the caller may only look at it.
    """
    found = await seen(req)
    if not found.writable(caller(req)):
        raise Problem("forbidden", "You may look at this server, but not act on it.")
    return found


async def _try(req: Request, command: CreateServer) -> Response:
    try:
        create(None, command)
    except Refused as refused:
        raise problems.of(refused) from None
    await ordering.check_capacity(req, command)
    return reply({"fits": True, "dry_run": True})


async def _operate(req: Request, found: Found, type: str, key: idempotency.Key | None) -> Response:
    by: Who = "staff" if caller(req).staff else "customer"
    command = RequestOperation(operation_id=new_id(), type=type, now=found.now, by=by)
    wanted = _wanted_version(req)

    def decide(state: Server | None) -> list[ServerEvent]:
        assert state is not None
        if wanted is not None and wanted != state.version:
            raise Problem("version_mismatch", f"The current version is {state.version}.")
        return request(state, command)

    return await _commit(req, found.server.id, command.operation_id, decide, key, known=found.server)


async def _carry_out(
    req: Request, id: UUID, command: CreateServer, key: idempotency.Key | None, *, sealed: bytes | None
) -> Response:
    def decide(state: Server | None) -> list[ServerEvent]:
        return create(state, command)

    return await _commit(req, id, command.operation_id, decide, key, sealed=sealed, created=True)


async def _commit(
    req: Request,
    id: UUID,
    operation_id: UUID,
    decide: Any,
    key: idempotency.Key | None,
    *,
    known: Server | None = None,
    sealed: bytes | None = None,
    created: bool = False,
) -> Response:
    d, who = deps(req), caller(req)
    sights = await d.reads.sights()
    intent = Intent(
        caller=who,
        server_id=id,
        operation_id=operation_id,
        decide=decide,
        answer=lambda state: _accepted(state, sights, staff=who.staff, created=created),
        meta=meta(req),
        known=known,
        sealed=sealed,
        key=key,
    )
    return (await carry_out(d, intent)).response()


def _accepted(state: Server, sights: Sights, *, staff: bool, created: bool) -> Stored:
    assert state.operation is not None
    shown = {"operation": represent.operation(state.operation, staff=staff)}
    if created:
        shown = {"server": represent.server(state, sights, staff=staff), **shown}
    headers = {"Location": f"/v1/operations/{shown['operation']['id']}", "Retry-After": "1"}
    return Stored(202, headers, encode(shown).decode())


def _sealed(req: Request, order: ServerCreate, operation_id: UUID) -> bytes | None:
    if order.password is None:
        return None
    return deps(req).seal.seal(msgspec.json.encode({"password": order.password}), operation_id.bytes)


def _wanted_version(req: Request) -> int | None:
    given = req.headers.get("if-match", "").strip()
    if given in ("", "*"):
        return None
    match = _VERSION.fullmatch(given)
    if match is None:
        raise Problem("version_mismatch", "If-Match takes a server's version or its ETag.")
    return int(match[1])


def _pattern(text: str | None) -> str | None:
    """A LIKE pattern for a search in names and addresses."""
    if not text:
        return None
    return "%" + re.sub(r"([\\%_])", r"\\\1", text.lower()) + "%"

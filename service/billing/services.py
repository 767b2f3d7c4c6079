"""Services over HTTP, for billing systems: what is wanted of them is put, what is so is shown beside it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.errors import Invalid, Refused
from domain.server import represent
from domain.server.decide import create as create_server
from domain.server.decide import request
from domain.server.state import Server
from eventstore import snapshot
from runtime.ids import new_id
from service.accounts.accounts import state_of
from service.billing.desire import Ask, Desire, Done, Make, create, next_step
from service.billing.models import BillingQuery, ServiceWanted
from service.billing.settle import command_of, settle_one, wanted
from service.billing.statements import SQL
from service.deps import caller, deps, request_id
from service.identity.statements import SQL as PEOPLE
from service.servers import ordering
from service.servers.models import ServerCreate
from service.staff.clusters import staff_only
from service.web import paging, problems
from service.web.body import body, query
from service.web.problems import Problem, invalid
from service.web.reply import reply

ORDER = "services"
EXTERNAL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:~-]{0,199}")
IMPORTED = re.compile(r"(.+):service:([^:]+)")
SEVERAL = "This user owns several accounts: give the account's id."
NOBODY = "No such user owns an account that is open: make the customer first, with POST /v1/billing/customers."
NO_ACCOUNT = "There is no such account, or it is closed: make the customer first, with POST /v1/billing/customers."
STAFF = "This is one of the staff: servers are customers'."
NEEDED = ("owner", "name", "plan", "image", "location")


async def list_services(req: Request) -> Response:
    """The services that a billing system asked for, by external id."""
    staff_only(req)
    asked, d = query(req, BillingQuery), deps(req)
    after, _ = paging.parse(asked.cursor, ORDER, paging.name)
    await d.reads.caught_up(caller(req).user_id)
    rows = await d.store.pool.fetch(SQL.billings, after, asked.problem, asked.limit + 1)
    page = paging.page(
        rows,
        asked.limit,
        lambda row: _shown(row["external_id"], row, _viewed(row)),
        lambda row: paging.cursor(ORDER, row["external_id"]),
    )
    return reply(page)


async def show_service(req: Request) -> Response:
    """What is wanted of a service, what is so, and the operation between them."""
    staff_only(req)
    shown = await _service(req, external_id(req))
    if shown["desired"] is None and shown["observed"] is None:
        raise Problem("not_found", "There is no such service.")
    return reply(shown)


async def put_service(req: Request) -> Response:
    """Say what is wanted of a service; it becomes so, step by step. The same again changes nothing."""
    staff_only(req)
    name, asked, d = external_id(req), await body(req, ServiceWanted), deps(req)
    server_id, server = await _server(req, name)
    desire = await _desire(req, asked, server)
    await _check(req, name, desire, server)
    row = (name, server_id, snapshot.encode(desire), asked.effective_at, float(asked.grace_seconds))
    await d.store.pool.execute(SQL.put_billing, *row, caller(req).user_id, request_id(req))
    await settle_one(d, name)
    shown = await _service(req, name)
    return reply(shown, 202 if shown["operation"] is not None else 200)


def external_id(req: Request) -> str:
    """The external id that the address names.

    Raises:
        Problem: it has a form that none has.
    """
    text: str = req.path_params["external_id"]
    if EXTERNAL_ID.fullmatch(text) is None:
        raise invalid("/external_id", "An external id has 1 to 200 letters, digits and . _ : ~ -")
    return text


async def _server(req: Request, name: str) -> tuple[UUID, Server | None]:
    """The server of a service, or the id it will have.

    Raises:
        Problem: it is named like an imported one, and none was imported.
    """
    match = IMPORTED.fullmatch(name)
    id = ids.imported(match[1], "service", match[2]) if match else ids.billed(name)
    found = await deps(req).reads.server(id, caller(req))
    if found is None and match:
        raise Problem("not_found", "There is no such imported service.")
    return id, found.server if found is not None else None


async def _service(req: Request, name: str) -> dict[str, Any]:
    row = await deps(req).store.pool.fetchrow(SQL.billing, name)
    _, server = await _server(req, name)
    return _shown(name, row, server)


async def _desire(req: Request, asked: ServiceWanted, server: Server | None) -> Desire:
    """What is asked for, with everything it names looked up.

    Raises:
        Problem: it names what is not there, or a server that is not there yet needs more.
    """
    account = await _account(req, asked.owner, server) if asked.owner is not None else None
    if server is not None and account not in (None, server.account_id):
        raise invalid("/owner", "A server stays its owner's: this one is somebody else's.", "other_owner")
    desire = Desire(
        state=asked.state,
        account_id=account,
        name=asked.name,
        reason=asked.reason,
        note=asked.note,
        grace_seconds=asked.grace_seconds,
    )
    if server is not None or asked.state != "active":
        return replace(desire, plan=await ordering.plan(req, asked.plan) if asked.plan is not None else None)
    given = asked.model_dump(include=set(NEEDED))
    if missing := [name for name in NEEDED if given[name] is None]:
        raise invalid(f"/{missing[0]}", "There is no server yet: this is needed to create it.", "missing")
    assert account is not None
    order = ServerCreate(**{name: given[name] for name in NEEDED[1:]}, account=ids.show(ids.ACCOUNT, account))
    made = await ordering.command(req, order, new_id(), owned=[account])
    return replace(desire, plan=made.plan, image=made.image, location=made.location, min_disk_gib=made.min_disk_gib)


async def _account(req: Request, owner: str, server: Server | None) -> UUID:
    """The account that a customer owns, or that is named itself.

    Raises:
        Problem: there is none, it is closed, the user is no customer, or they own several.
    """
    d = deps(req)
    if (named := ids.parse(ids.ACCOUNT, owner)) is not None:
        found = await state_of(d, named)
        if found is None or (found.status == "closed" and not (server and server.account_id == named)):
            raise invalid("/owner", NO_ACCOUNT, "unknown")
        return named
    user_id = ids.parse(ids.USER, owner) or await d.store.pool.fetchval(PEOPLE.user_of_login, owner.lower())
    user = await d.reads.user(user_id) if user_id is not None else None
    if user is not None and user.role != "customer":
        raise invalid("/owner", STAFF, "staff")
    await d.reads.caught_up(caller(req).user_id)
    memberships = await d.reads.memberships(user.id) if user is not None else []
    owned = [m.account_id for m in memberships if m.role == "owner" and m.status != "closed"]
    if user is not None and not owned:  # made a moment ago, the views may not have them yet
        row = await d.store.pool.fetchrow(SQL.billing_customer_of, user.id, None)
        account = await state_of(d, row["account_id"]) if row is not None else None
        owned = [account.id] if account is not None and account.status != "closed" else []
    if len(owned) == 1:
        return owned[0]
    raise invalid("/owner", SEVERAL if owned else NOBODY, "several" if owned else "unknown")


async def _check(req: Request, name: str, desire: Desire, server: Server | None) -> None:
    """Refuse what can never become so; what cannot be so now waits.

    Raises:
        Problem: naming the field.
    """
    done = Done(asked_at=await deps(req).store.pool.fetchval(SQL.billing_clock))
    step = next_step(server, desire, done)
    try:
        if isinstance(step, Make):
            create_server(None, create(name, desire, new_id()))
        elif isinstance(step, Ask) and server is not None and step.type == "resize":
            request(server, await command_of(deps(req), server, step, new_id()))
    except Invalid as refused:
        raise problems.of(refused) from None
    except Refused:
        pass


def _viewed(row: asyncpg.Record) -> Server | None:
    return snapshot.decode(Server, row["state"]) if row["state"] is not None else None


def _shown(name: str, row: asyncpg.Record | None, server: Server | None) -> dict[str, Any]:
    current = server.current if server is not None else None
    problem = {"code": row["problem_code"], "message": row["problem"]} if row and row["problem_code"] else None
    return {
        "external_id": name,
        "object": "billing_service",
        "desired": _desired(row) if row is not None else None,
        "observed": _observed(server) if server is not None else None,
        "operation": represent.operation(current, staff=True) if current is not None else None,
        "in_sync": row is not None and current is None and next_step(server, *wanted(row)) is None,
        "problem": problem,
        "billing": _facts(server) if server is not None else None,
        "updated_at": represent.time(row["updated_at"]) if row is not None else None,
    }


def _desired(row: asyncpg.Record) -> dict[str, Any]:
    desire, _ = wanted(row)
    return {
        "state": desire.state,
        "account": ids.show(ids.ACCOUNT, desire.account_id) if desire.account_id is not None else None,
        "name": desire.name,
        "plan": _named(ids.PLAN, desire.plan),
        "image": _named(ids.IMAGE, desire.image),
        "location": _named(ids.LOCATION, desire.location),
        "reason": desire.reason,
        "note": desire.note,
        "effective_at": represent.time(row["effective_at"]),
        "grace_seconds": desire.grace_seconds,
        "begins_at": represent.time(row["begins_at"]),
    }


def _named(prefix: str, item: Any) -> dict[str, str] | None:
    return {"id": ids.show(prefix, item.id), "name": item.name} if item is not None else None


def _observed(server: Server) -> dict[str, Any]:
    return {
        "state": _state(server),
        "server": ids.show(ids.SERVER, server.id),
        "status": server.status,
        "account": ids.show(ids.ACCOUNT, server.account_id),
        "name": server.name,
        "plan": _named(ids.PLAN, server.plan),
        "suspended_for": [hold.reason for hold in server.holds],
        "purge_at": represent.time(server.purge_at),
        "mode": server.mode,
    }


def _state(server: Server) -> str:
    if server.destroyed or server.purge_at is not None:
        return "terminated"
    if not server.provisioned and server.source is None:
        return "pending"
    return "suspended" if server.holds else "active"


def _facts(server: Server) -> dict[str, Any] | None:
    facts = server.billing
    return {name: getattr(facts, name) for name in facts.__slots__} if facts is not None else None

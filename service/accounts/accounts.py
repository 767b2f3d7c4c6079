"""Accounts over HTTP: those one acts for, their members, and what these may do."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.account.decide import ChangeMember, change_member, role_of
from domain.account.events import MemberRole
from domain.account.roles import may
from domain.account.state import Account, User, evolve_account
from domain.errors import Refused
from domain.server import represent
from eventstore import snapshot
from eventstore.queries import Queries
from eventstore.store import Claims, Conflict, Entry
from service.accounts.models import AccountsQuery, MemberChange
from service.deps import Deps, caller, deps, meta
from service.web import paging, problems
from service.web.body import body, query
from service.web.models import PageQuery
from service.web.problems import Problem
from service.web.reply import reply

SQL = Queries("service.accounts")
ORDER, MEMBERS, ATTEMPTS = "accounts", "members", 5


async def list_accounts(req: Request) -> Response:
    """The accounts the caller acts for; staff see all of them with `scope=all`."""
    asked, who, d = query(req, AccountsQuery), caller(req), deps(req)
    if asked.scope == "all" and not who.staff:
        raise Problem("forbidden", "Only staff see all accounts.")
    at, id = paging.parse(asked.cursor, ORDER, paging.moment)
    await d.reads.caught_up(who.user_id)
    everything = asked.scope == "all"
    rows = await d.store.pool.fetch(SQL.accounts, who.user_id, everything, at, id, asked.limit + 1)
    return reply(paging.page(rows, asked.limit, lambda row: shown(row, row["role"]), _cursor))


async def show_account(req: Request) -> Response:
    """One account."""
    account = await seen(req)
    row = {"account_id": account.id, "name": account.name, "status": account.status, "created_at": account.created_at}
    return reply(shown(row, role_of(account, caller(req).user_id)))


async def list_members(req: Request) -> Response:
    """Who may act for an account, and as what."""
    account, asked, d = await seen(req), query(req, PageQuery), deps(req)
    _, after = paging.parse(asked.cursor, MEMBERS, paging.name)
    roles = {member.user_id: member.role for member in account.members}
    wanted = [id for id in sorted(roles) if after is None or id > after][: asked.limit + 1]
    people = await d.reads.people(wanted)
    page = paging.page(
        wanted,
        asked.limit,
        lambda id: _member(id, people.get(id), roles[id]),
        lambda id: paging.cursor(MEMBERS, MEMBERS, id),
    )
    return reply(page)


async def put_member(req: Request) -> Response:
    """Give a member another role; staff may also add a user."""
    account = await seen(req)
    asked, id, d = await body(req, MemberChange), _user_id(req), deps(req)
    user = await d.reads.user(id)
    if user is None or (role_of(account, id) is None and not caller(req).staff):
        raise Problem("not_found", "The account has no such member.")
    await _change(req, account, id, asked.role)
    return reply(_member(id, user, asked.role))


async def drop_member(req: Request) -> Response:
    """Let a member go; everybody may go themselves."""
    account, id = await seen(req), _user_id(req)
    if role_of(account, id) is None:
        raise Problem("not_found", "The account has no such member.")
    await _change(req, account, id, None)
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


async def _change(req: Request, account: Account, user_id: UUID, role: MemberRole | None) -> None:
    d, who, state = deps(req), caller(req), account
    for _ in range(ATTEMPTS):
        by = None if who.staff else role_of(state, who.user_id) or "none"
        command = ChangeMember(user_id=user_id, role=role, by=by, themselves=user_id == who.user_id)
        try:
            events = change_member(state, command)
        except Refused as refused:
            raise problems.of(refused) from None
        if not events:
            return
        entries = [Entry(state.id, state.version + n, event, meta(req)) for n, event in enumerate(events, start=1)]
        try:
            d.reads.wrote(who.user_id, await d.store.append(entries))
        except Conflict:
            state = await state_of(d, account.id) or account
            continue
        return
    raise Problem("busy", headers={"Retry-After": "1"})


async def seen(req: Request) -> Account:
    """The account that the address names.

    Raises:
        Problem: there is none that the caller may see.
    """
    id, who = ids.parse(ids.ACCOUNT, req.path_params["id"]), caller(req)
    account = await state_of(deps(req), id) if id is not None else None
    if account is None or not (who.staff or role_of(account, who.user_id) is not None):
        raise Problem("not_found")
    return account


async def managed(req: Request) -> Account:
    """The account that the address names, for who manages it.

    Raises:
        Problem: there is none that the caller may see, or their role does not allow it.
    """
    account, who = await seen(req), caller(req)
    if not who.staff and not may(role_of(account, who.user_id), "manage"):
        raise Problem("forbidden", "Your role in this account does not allow this.")
    return account


async def account_event(req: Request, account: Account, event: Any, claims: Claims | None = None) -> None:
    """Append an event to an account; `claims` writes beside it.

    Raises:
        Problem: others keep changing it.
    """
    d, state = deps(req), account
    for _ in range(ATTEMPTS):
        try:
            position = await d.store.append(
                [Entry(state.id, state.version + 1, event, meta(req), state.id)], claims=claims
            )
        except Conflict:
            state = await state_of(d, account.id) or account
            continue
        d.reads.wrote(caller(req).user_id, position)
        return
    raise Problem("busy", headers={"Retry-After": "1"})


async def state_of(d: Deps, id: UUID) -> Account | None:
    """An account, never older than what was appended before this call."""
    rows = await d.store.pool.fetch(SQL.account_stream, id)
    state = snapshot.decode(Account, rows[0]["state"]) if rows[0]["state"] is not None else None
    for row in rows:
        if row["type"] is not None:
            state = evolve_account(state, d.store.recorded(row))
    return state


def _user_id(req: Request) -> UUID:
    id = ids.parse(ids.USER, req.path_params["user"])
    if id is None:
        raise Problem("not_found")
    return id


def shown(row: Any, role: str | None) -> dict[str, Any]:
    """An account to who has a role in it."""
    return {
        "id": ids.show(ids.ACCOUNT, row["account_id"]),
        "object": "account",
        "name": row["name"],
        "status": row["status"],
        "role": role,
        "created_at": represent.time(row["created_at"]),
    }


def _cursor(row: Any) -> str:
    return paging.cursor(ORDER, row["created_at"], row["account_id"])


def _member(id: UUID, user: User | None, role: str) -> dict[str, Any]:
    return {
        "id": ids.show(ids.USER, id),
        "object": "member",
        "name": (user.name or None) if user else None,
        "email": user.email if user else "",
        "role": role,
    }

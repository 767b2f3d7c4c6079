"""What the letter of an invitation opens: what is offered, and accepting it, by who signs in here already or is new."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
from starlette.requests import Request
from starlette.responses import Response

from domain.account.decide import ChangeMember, change_member, role_of
from domain.account.events import UserRegistered
from domain.account.state import Account
from domain.errors import Refused
from domain.server import represent
from eventstore.database import Connection
from eventstore.store import ClaimLost, Conflict, Entry
from runtime import passwords
from runtime.ids import new_id
from service.accounts.accounts import SQL, shown, state_of
from service.accounts.models import InvitationAccept, InvitationToken
from service.deps import deps, meta_of
from service.identity.auth import bearer, caller_of
from service.identity.me import check_new_password
from service.identity.people import claim_login
from service.identity.secret_hash import secret_hash
from service.web.body import body
from service.web.problems import Problem, invalid
from service.web.reply import reply

ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who accepts. Who is new has a name and a hashed password."""

    user_id: UUID
    email: str
    name: str | None = None
    hashed: str | None = None


async def open_invitation(req: Request) -> Response:
    """What an invitation offers, for who has the letter."""
    asked = await body(req, InvitationToken)
    row, account = await _opened(req, asked.token)
    return reply(
        {
            "object": "opened_invitation",
            "account": account.name,
            "email": row["email"],
            "role": row["role"],
            "expires_at": represent.time(row["expires_at"]),
            "signs_in": await deps(req).store.pool.fetchval(SQL.signs_in, row["email"]),
        }
    )


async def accept_invitation(req: Request) -> Response:
    """Accept an invitation: signed in, as who one is; otherwise as a new user of the letter's address."""
    asked, d = await body(req, InvitationAccept), deps(req)
    row, account = await _opened(req, asked.token)
    who = await (_signed_in(req) if bearer(req.scope) is not None else _new(req, asked, row["email"]))
    for _ in range(ATTEMPTS):
        if role_of(account, who.user_id) is not None:
            raise Problem("already_exists", "You act for this account already.")
        try:
            position = await d.store.append(_entries(req, account, row, who), claims=_claims(who, row, account))
        except Conflict:
            row, account = await _opened(req, asked.token)
            continue
        except ClaimLost:
            raise _sign_in_first(row["email"]) from None
        d.reads.wrote(who.user_id, position)
        answer = {"account_id": account.id, "name": account.name, "status": account.status}
        answer |= {"created_at": account.created_at}
        return reply({"object": "accepted_invitation", "account": shown(answer, row["role"]), "email": who.email})
    raise Problem("busy", headers={"Retry-After": "1"})


async def _opened(req: Request, token: str) -> tuple[asyncpg.Record, Account]:
    """The invitation that a token opens, and its account.

    Raises:
        Problem: it opens none (any more).
    """
    row = await deps(req).store.pool.fetchrow(SQL.opened_invitation, secret_hash(token))
    account = await state_of(deps(req), row["account_id"]) if row is not None else None
    if row is None or account is None or account.status == "closed":
        raise Problem("link_expired", "The invitation was accepted, withdrawn, or is too old: ask for a new one.")
    return row, account


async def _signed_in(req: Request) -> Newcomer:
    who = await caller_of(deps(req), req.scope)
    if who.scopes is not None:
        raise Problem("session_required")
    user = await deps(req).reads.user(who.user_id)
    if user is None or not user.may_sign_in:
        raise Problem("unauthorized", headers={"WWW-Authenticate": "Bearer"})
    return Newcomer(user.id, user.email)


async def _new(req: Request, asked: InvitationAccept, email: str) -> Newcomer:
    d = deps(req)
    if await d.store.pool.fetchval(SQL.signs_in, email):
        raise _sign_in_first(email)
    if asked.name is None or asked.password is None:
        missing = "/name" if asked.name is None else "/password"
        raise invalid(missing, "Choose a name and a password, or sign in first.", "missing")
    check_new_password(asked.password, email, "/password")
    async with d.hashing:
        hashed = await asyncio.to_thread(passwords.hash_password, asked.password)
    return Newcomer(new_id(), email, asked.name, hashed)


def _sign_in_first(email: str) -> Problem:
    return Problem("already_exists", f"{email} signs in here already: sign in, then accept the invitation.")


def _entries(req: Request, account: Account, row: asyncpg.Record, who: Newcomer) -> list[Entry]:
    """The events; an invitation is worth what the one who sent it may still do.

    Raises:
        Problem: who invited may not invite any more.
    """
    by = None if row["by_staff"] else role_of(account, row["invited_by"]) or "none"
    try:
        events = change_member(account, ChangeMember(user_id=who.user_id, role=row["role"], by=by))
    except Refused:
        raise Problem("link_expired", "Whoever invited you may not invite any more: ask for a new one.") from None
    why = meta_of(req, who.user_id)
    entries: list[Entry] = []
    if who.hashed is not None:
        registered = UserRegistered(role="customer", email=who.email, name=who.name or "")
        entries = [Entry(who.user_id, 1, registered, why, who.user_id)]
    return [*entries, *(Entry(account.id, account.version + n, event, why) for n, event in enumerate(events, 1))]


def _claims(who: Newcomer, row: asyncpg.Record, account: Account) -> Any:
    async def write(connection: Connection) -> None:
        if await connection.fetchval(SQL.end_invitation, row["invitation_id"], account.id) is None:
            raise Problem("link_expired", "The invitation was accepted or withdrawn at this moment.")
        if who.hashed is not None:
            await claim_login(connection, who.email, who.user_id, "argon2id", who.hashed)

    return write

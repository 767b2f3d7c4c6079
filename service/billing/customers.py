"""Customers over HTTP, for billing systems: made with an account and a user who is invited, each once."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from asyncpg import UniqueViolationError
from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.account.events import AccountOpened, MemberAdded, UserRegistered
from domain.account.state import Account, User
from domain.server import represent
from eventstore.database import Connection
from eventstore.store import ClaimLost, Claims, Entry
from runtime import passwords
from runtime.ids import new_id
from service.accounts.accounts import state_of
from service.billing.models import CustomerWanted
from service.billing.services import EXTERNAL_ID, SEVERAL, STAFF, external_id
from service.billing.statements import SQL
from service.deps import Deps, caller, deps, meta, request_id
from service.identity import reset
from service.identity.people import claim_login
from service.identity.secret_hash import secret_hash
from service.identity.statements import SQL as PEOPLE
from service.mail import letters
from service.staff.clusters import staff_only
from service.web.body import body
from service.web.problems import Problem, invalid
from service.web.reply import reply

ATTEMPTS, DAYS = 3, 7
OTHER_NAME = "A customer with this address is there, whom billing calls {name}."
OTHER_ADDRESS = "This external id is another customer's, who signs in with another address."


@dataclass(frozen=True, slots=True)
class Customer:
    """Whom a billing system means."""

    account: Account
    user: User
    external_id: str | None


async def show_customer(req: Request) -> Response:
    """The customer whom a billing system calls so."""
    staff_only(req)
    found = await _named(req, external_id(req))
    if found is None:
        raise Problem("not_found", "There is no such customer.")
    return reply(_shown(found, invited=False))


async def make_customer(req: Request) -> Response:
    """Make a customer, unless they are there: an account, and a user who owns it and is invited by letter."""
    staff_only(req)
    asked = await body(req, CustomerWanted)
    if asked.external_id is not None and EXTERNAL_ID.fullmatch(asked.external_id) is None:
        raise invalid("/external_id", "An external id has 1 to 200 letters, digits and . _ : ~ -")
    for _ in range(ATTEMPTS):
        try:
            found = await _known(req, asked)
            if found is not None:
                return reply(_shown(found, invited=False), 200, _place(found))
            made, invited = await _made(req, asked)
        except (ClaimLost, UniqueViolationError):
            continue  # somebody made them at this moment: then they are known
        return reply(_shown(made, invited=invited), 201, _place(made))
    raise Problem("busy", headers={"Retry-After": "1"})


async def _known(req: Request, asked: CustomerWanted) -> Customer | None:
    """The customer who is there already, from now on with the external id that is asked for.

    Raises:
        Problem: the external id and the address are two different customers', or the address is none's.
    """
    named = await _named(req, asked.external_id) if asked.external_id is not None else None
    if named is not None:
        if named.user.email.lower() != asked.email.lower():
            raise Problem("already_exists", OTHER_ADDRESS)
        return named
    found = await _by_address(req, asked.email)
    if found is None or asked.external_id in (None, found.external_id):
        return found
    if found.external_id is not None:
        raise Problem("already_exists", OTHER_NAME.format(name=found.external_id))
    row = _row(req, found.account.id, found.user.id, asked.external_id)
    if await deps(req).store.pool.fetchval(SQL.name_customer, *row) is None:
        raise Problem("busy", headers={"Retry-After": "1"})  # named otherwise at this moment
    return Customer(found.account, found.user, asked.external_id)


async def _named(req: Request, name: str) -> Customer | None:
    d = deps(req)
    row = await d.store.pool.fetchrow(SQL.billing_customer, name)
    user = await d.reads.user(row["user_id"]) if row is not None else None
    return await _whose(d, row["account_id"], user, name) if row is not None and user is not None else None


async def _whose(d: Deps, account_id: UUID, user: User, name: str | None) -> Customer | None:
    account = await state_of(d, account_id)
    return Customer(account, user, name) if account is not None else None


async def _by_address(req: Request, email: str) -> Customer | None:
    """The customer who signs in with an address, by the account that they own.

    Raises:
        Problem: staff do, or they own several.
    """
    d = deps(req)
    user_id = await d.store.pool.fetchval(PEOPLE.user_of_login, email.lower())
    user = await d.reads.user(user_id) if user_id is not None else None
    if user is None:
        return None
    if user.role != "customer":
        raise invalid("/email", STAFF, "staff")
    await d.reads.caught_up(caller(req).user_id)
    owned = [m for m in await d.reads.memberships(user.id) if m.role == "owner" and m.status != "closed"]
    row = await d.store.pool.fetchrow(SQL.billing_customer_of, user.id, owned[0].account_id if owned else None)
    if row is not None:  # made a moment ago, the views may not have them yet
        return await _whose(d, row["account_id"], user, row["external_id"])
    if len(owned) > 1:
        raise invalid("/email", SEVERAL, "several")
    return await _whose(d, owned[0].account_id, user, None) if owned else None


async def _made(req: Request, asked: CustomerWanted) -> tuple[Customer, bool]:
    """A customer who was not there, and whether a letter was written.

    Raises:
        ClaimLost: somebody has the address, or the external id, at this moment.
    """
    d, why = deps(req), meta(req)
    user_id = await d.store.pool.fetchval(PEOPLE.user_of_login, asked.email.lower())  # who acts for others so far
    known, account_id, user_id = user_id is not None, new_id(), user_id or new_id()
    entries = [
        Entry(account_id, 1, AccountOpened(name=asked.name), why, account_id),
        Entry(account_id, 2, MemberAdded(user_id=user_id, role="owner"), why),
    ]
    invited = asked.invite and d.post.open and not known
    if not known:
        entries.append(
            Entry(user_id, 1, UserRegistered(role="customer", email=asked.email, name=asked.name), why, user_id)
        )
    position = await d.store.append(entries, claims=await _claims(req, asked, account_id, user_id, known, invited))
    d.reads.wrote(caller(req).user_id, position)
    d.reads.wrote(user_id, position)
    account, user = await state_of(d, account_id), await d.reads.user(user_id)
    assert account is not None
    assert user is not None
    return Customer(account, user, asked.external_id), invited


async def _claims(
    req: Request, asked: CustomerWanted, account_id: UUID, user_id: UUID, known: bool, invited: bool
) -> Claims:
    """What is written beside the events. Until they choose a password, one that nobody knows keeps them out."""
    d = deps(req)
    hashed = "" if known else await asyncio.to_thread(passwords.hash_password, secrets.token_urlsafe(32))
    token = secrets.token_urlsafe(32)

    async def write(connection: Connection) -> None:
        if not known:
            await claim_login(connection, asked.email, user_id, "argon2id", hashed)
        await connection.execute(SQL.name_customer, *_row(req, account_id, user_id, asked.external_id))
        if invited:
            link = (secret_hash(token), reset.PURPOSE, user_id, DAYS * 86400.0)
            await connection.execute(PEOPLE.new_link, *link)
            opened = d.post.link(f"{reset.PAGE}#{token}")
            await d.post.keep(connection, letters.welcome(asked.email, asked.name, opened, DAYS))

    return write


def _row(req: Request, account_id: UUID, user_id: UUID, name: str | None) -> tuple[object, ...]:
    return account_id, user_id, name, caller(req).user_id, request_id(req)


def _place(found: Customer) -> dict[str, str]:
    return {} if found.external_id is None else {"Location": f"/v1/billing/customers/{found.external_id}"}


def _shown(found: Customer, *, invited: bool) -> dict[str, Any]:
    return {
        "object": "billing_customer",
        "external_id": found.external_id,
        "account": ids.show(ids.ACCOUNT, found.account.id),
        "user": ids.show(ids.USER, found.user.id),
        "email": found.user.email,
        "name": found.account.name,
        "status": found.account.status,
        "invited": invited,
        "created_at": represent.time(found.account.created_at),
    }

"""New people: a user with a way to sign in, and for customers an account of their own, all in one append."""

from __future__ import annotations

from uuid import UUID

from domain.account.events import AccountOpened, MemberAdded, UserRegistered
from domain.record import Meta
from eventstore.database import Connection
from eventstore.store import ClaimLost, Entry, EventStore
from runtime import passwords
from runtime.ids import new_id
from service.identity.statements import SQL


class EmailTaken(Exception):
    """Somebody signs in with this address already; the message names it."""


async def register_admin(store: EventStore, *, email: str, name: str, password: str, meta: Meta) -> UUID:
    """A new administrator; returns the user's id.

    Raises:
        EmailTaken: somebody signs in with this address already.
    """
    user_id = new_id()
    registered = UserRegistered(role="admin", email=email, name=name)
    return await _register(store, user_id, email, password, [Entry(user_id, 1, registered, meta, user_id)])


async def register_customer(store: EventStore, *, email: str, name: str, password: str, meta: Meta) -> UUID:
    """A new customer who owns a new account; returns the user's id.

    Raises:
        EmailTaken: somebody signs in with this address already.
    """
    user_id, account_id = new_id(), new_id()
    registered = UserRegistered(role="customer", email=email, name=name)
    entries = [
        Entry(user_id, 1, registered, meta, user_id),
        Entry(account_id, 1, AccountOpened(name=name), meta, account_id),
        Entry(account_id, 2, MemberAdded(user_id=user_id, role="owner"), meta),
    ]
    return await _register(store, user_id, email, password, entries)


async def claim_login(connection: Connection, email: str, user_id: UUID, scheme: str, stored: str) -> None:
    """Claim an address and keep how its user proves who they are, in the transaction that registers them."""
    await connection.execute(SQL.claim_login_name, email.lower(), user_id)
    await connection.execute(SQL.new_credential, user_id, scheme, stored)


async def _register(store: EventStore, user_id: UUID, email: str, password: str, entries: list[Entry]) -> UUID:
    hashed = passwords.hash_password(password)
    try:
        await store.append(entries, claims=lambda c: claim_login(c, email, user_id, "argon2id", hashed))
    except ClaimLost:
        raise EmailTaken(f"somebody signs in as {email} already") from None
    return user_id

"""A forgotten password: a link by letter, good once for half an hour."""

from __future__ import annotations

import asyncio
import secrets
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from domain.account.events import PasswordChanged
from eventstore.database import Connection
from eventstore.store import Conflict, Entry
from runtime import passwords
from service.deps import Deps, deps, meta_of
from service.identity.me import check_new_password
from service.identity.models import Forgotten, PasswordReset
from service.identity.secret_hash import secret_hash
from service.identity.sessions import end_all
from service.identity.statements import SQL
from service.identity.throttle import Throttle
from service.mail import letters
from service.web.body import body
from service.web.problems import Problem

PURPOSE, MINUTES = "password_reset", 30
PAGE = "/password/reset"
_letters: set[asyncio.Task[None]] = set()


async def forgot(req: Request) -> Response:
    """Ask for a letter with a link to choose a new password.

    The answer is the same whether or not anybody has the address.
    """
    given, d = await body(req, Forgotten), deps(req)
    if not d.post.open:
        raise Problem("no_mail")
    email = given.email.strip().lower()
    throttle = Throttle(d, f"forgot {email}", req)
    await throttle.check()
    await throttle.failed()  # every letter counts: nobody's box is filled from here
    # Beside the answer, so that its time does not tell either.
    task = asyncio.create_task(_write(d, email))
    _letters.add(task)
    task.add_done_callback(_letters.discard)
    return Response(status_code=202)


async def _write(d: Deps, email: str) -> None:
    user_id = await d.store.pool.fetchval(SQL.user_of_login, email)
    user = await d.reads.user(user_id) if user_id is not None else None
    if user is None or not user.may_sign_in:
        return
    token = secrets.token_urlsafe(32)
    link = d.post.link(f"{PAGE}#{token}")
    async with d.store.pool.acquire() as connection, connection.transaction():
        await connection.execute(SQL.new_link, secret_hash(token), PURPOSE, user.id, MINUTES * 60.0)
        await d.post.keep(connection, letters.password_reset(user.email, link, MINUTES))


async def reset(req: Request) -> Response:
    """Choose a new password with the token of a letter; the user is signed out everywhere."""
    given, d = await body(req, PasswordReset), deps(req)
    user_id = await d.store.pool.fetchval(SQL.user_of_link, secret_hash(given.token), PURPOSE)
    user = await d.reads.user(user_id) if user_id is not None else None
    if user is None or not user.may_sign_in:
        raise Problem("link_expired")
    check_new_password(given.password, user.email, "/password")
    async with d.hashing:
        hashed = await asyncio.to_thread(passwords.hash_password, given.password)
    await _changed(req, user.id, user.email, user.version, hashed, given.token)
    await end_all(req, user.id)
    return Response(status_code=204)


async def _changed(req: Request, user_id: UUID, email: str, version: int, hashed: str, token: str) -> None:
    d = deps(req)

    async def claims(connection: Connection) -> None:
        if await connection.fetchval(SQL.use_link, secret_hash(token), PURPOSE) is None:
            raise Problem("link_expired")
        await connection.execute(SQL.put_credential, user_id, "argon2id", hashed)
        await d.post.keep(connection, letters.password_changed(email))

    try:
        await d.store.append([Entry(user_id, version + 1, PasswordChanged(), meta_of(req, user_id))], claims=claims)
    except Conflict:
        raise Problem("busy") from None

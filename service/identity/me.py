"""The signed-in user: who they are, and the password they chose."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.account.events import PasswordChanged, UserRenamed
from domain.account.state import User
from domain.server import represent
from eventstore.database import Connection
from runtime import passwords
from service.deps import caller, deps
from service.identity.models import PasswordChange, UserChange
from service.identity.proof import right_password
from service.identity.sessions import end_all
from service.identity.statements import SQL
from service.identity.writing import user_event
from service.mail import letters
from service.web.body import body
from service.web.problems import Problem, invalid
from service.web.reply import reply


async def show_me(req: Request) -> Response:
    """The signed-in user."""
    return reply(represent_user(await _me(req)))


async def change_me(req: Request) -> Response:
    """Change the user's name."""
    asked, me = await body(req, UserChange), await _me(req)
    if asked.name is not None and asked.name != me.name:
        await user_event(req, UserRenamed(name=asked.name), _nothing_more)
    return reply(represent_user(await _me(req)))


async def change_password(req: Request) -> Response:
    """Choose another password; the user is signed out everywhere but here."""
    asked, me, d = await body(req, PasswordChange), caller(req), deps(req)
    await right_password(req, asked.current_password)
    user = await _me(req)
    check_new_password(asked.password, user.email, "/password")
    async with d.hashing:
        hashed = await asyncio.to_thread(passwords.hash_password, asked.password)

    async def claims(connection: Connection) -> None:
        await connection.execute(SQL.put_credential, me.user_id, "argon2id", hashed)
        await d.post.keep(connection, letters.password_changed(user.email))

    await user_event(req, PasswordChanged(), claims)
    await end_all(req, me.user_id, me.session_id)
    await d.store.pool.execute(SQL.proved, me.session_id)
    return Response(status_code=204)


def check_new_password(password: str, email: str, pointer: str) -> None:
    """Refuse a password that everybody tries first.

    Raises:
        Problem: naming the field.
    """
    folded = password.casefold()
    if folded in (email.casefold(), email.partition("@")[0].casefold()) or len(set(password)) < 4:
        raise invalid(pointer, "This is too easy to guess.")


def represent_user(user: User) -> dict[str, Any]:
    """A user for themselves."""
    return {
        "id": ids.show(ids.USER, user.id),
        "object": "user",
        "email": user.email,
        "name": user.name or None,
        "role": user.role,
        "created_at": represent.time(user.created_at),
    }


async def _me(req: Request) -> User:
    user = await deps(req).reads.user(caller(req).user_id)
    if user is None:
        raise Problem("not_found")
    return user


async def _nothing_more(connection: Connection) -> None:
    """The event says it all."""

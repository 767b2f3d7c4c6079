"""Users for staff: found, shown, kept from signing in, signed out, and helped when a second factor is lost."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.account.events import TwoFactorDisabled, UserDisabled, UserEnabled
from domain.account.state import User
from eventstore import snapshot
from eventstore.database import Connection
from service.deps import caller, deps
from service.identity import me
from service.identity.sessions import end_all
from service.identity.statements import SQL as IDENTITY
from service.identity.step_up import recently_proved
from service.identity.writing import user_event
from service.mail import letters
from service.people.models import UsersQuery, Why
from service.people.statements import SQL
from service.servers.resource import pattern
from service.staff.clusters import staff_only
from service.web import paging
from service.web.body import body, query
from service.web.problems import Problem
from service.web.reply import reply

ORDER = "staff_users"


async def list_users(req: Request) -> Response:
    """Everybody who signs in, newest first."""
    staff_only(req)
    asked, d = query(req, UsersQuery), deps(req)
    at, id = paging.parse(asked.cursor, ORDER, paging.moment)
    await d.reads.caught_up(caller(req).user_id)
    rows = await d.store.pool.fetch(SQL.staff_users, pattern(asked.q), asked.role, at, id, asked.limit + 1)
    shown = paging.page(
        rows,
        asked.limit,
        lambda row: represent_user(snapshot.decode(User, row["state"])),
        lambda row: paging.cursor(ORDER, row["created_at"], row["user_id"]),
    )
    return reply(shown)


async def show_user(req: Request) -> Response:
    """A user with their accounts, and by what means they sign in."""
    return reply(await _detail(req, await named_user(req)))


async def disable_user(req: Request) -> Response:
    """Keep a user from signing in; they are signed out everywhere at once, their API tokens open nothing."""
    user = await _other(req)
    why = await body(req, Why)
    await recently_proved(req)
    if not user.disabled:
        await user_event(req, UserDisabled(reason=why.reason), _nothing_more, user.id)
    await _shut_out(req, user.id)
    return reply(await _detail(req, user))


async def enable_user(req: Request) -> Response:
    """Let a user sign in again."""
    user = await _other(req)
    await recently_proved(req)
    if user.disabled:
        await user_event(req, UserEnabled(), _nothing_more, user.id)
    return reply(await _detail(req, user))


async def end_sessions(req: Request) -> Response:
    """Sign a user out everywhere, at once."""
    user = await named_user(req)
    await end_all(req, user.id, caller(req).session_id)
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


async def reset_two_factor(req: Request) -> Response:
    """Turn off the second factor of a user who has lost it; a letter tells them."""
    user, d = await _other(req), deps(req)
    await recently_proved(req)

    async def claims(connection: Connection) -> None:
        if await connection.fetchval(IDENTITY.drop_second_factor, user.id) is None:
            raise Problem("not_found", "The user has no second factor.")
        await d.post.keep(connection, letters.two_factor_reset(user.email))

    await user_event(req, TwoFactorDisabled(), claims, user.id)
    await end_all(req, user.id)
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


async def named_user(req: Request) -> User:
    """The user that the address names, for staff.

    Raises:
        Problem: the caller is no staff, or there is no such user.
    """
    staff_only(req)
    id = ids.parse(ids.USER, req.path_params["id"])
    user = await deps(req).reads.user(id) if id is not None else None
    if user is None:
        raise Problem("not_found")
    return user


async def _other(req: Request) -> User:
    user = await named_user(req)
    if user.id == caller(req).user_id:
        raise Problem("not_allowed", "This is you: have another administrator do it.")
    return user


async def _shut_out(req: Request, user_id: UUID) -> None:
    await end_all(req, user_id)
    await end_impersonations(req, user_id)
    for row in await deps(req).store.pool.fetch(SQL.shut_out, user_id):
        deps(req).hub.end_session(row["token_id"])


async def end_impersonations(req: Request, staff: UUID, user_id: UUID | None = None) -> None:
    """Nobody acts as a user any more of whom staff did, or as anybody."""
    for row in await deps(req).store.pool.fetch(SQL.end_impersonations, staff, user_id):
        deps(req).hub.end_session(row["session_id"])


async def _detail(req: Request, user: User) -> dict[str, Any]:
    d = deps(req)
    now = await d.reads.user(user.id) or user
    ways = await d.store.pool.fetchrow(SQL.ways_in, user.id)
    assert ways is not None
    accounts = await d.store.pool.fetch(SQL.accounts_of_user, user.id)
    return represent_user(now) | {
        "accounts": [
            {
                "id": ids.show(ids.ACCOUNT, row["account_id"]),
                "name": row["name"],
                "status": row["status"] or "active",
                "role": row["role"],
            }
            for row in accounts
        ],
        "password_scheme": ways["scheme"],
        "two_factor": ways["two_factor"],
        "sessions": ways["sessions"],
        "api_tokens": ways["api_tokens"],
        "last_seen_at": ways["last_seen_at"],
    }


def represent_user(user: User) -> dict[str, Any]:
    """A user for staff."""
    return me.represent_user(user) | {
        "object": "staff_user",
        "login": user.login,
        "disabled": user.disabled,
        "external_id": f"{user.source}:user:{user.source_id}" if user.source else None,
    }


async def _nothing_more(connection: Connection) -> None:
    """The event says it all."""

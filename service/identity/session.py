"""Signing in and out, and staying signed in: access token in the answer, refresh token in a cookie."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
import time
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from domain.account.events import PasswordRehashed
from domain.account.state import User
from eventstore.store import AppendError, Entry
from runtime import passwords
from runtime.ids import new_id
from service.deps import Deps, deps, meta_of, request_id
from service.identity import cookies, two_factor
from service.identity.auth import bearer, host, verified
from service.identity.me import represent_user
from service.identity.models import Credentials
from service.identity.own_site import own_site_only
from service.identity.secret_hash import secret_hash
from service.identity.statements import SQL
from service.identity.throttle import CROWD, Throttle
from service.identity.tokens import InvalidToken
from service.web import problems
from service.web.body import body
from service.web.problems import Problem
from service.web.reply import reply

GRACE_SECONDS = 10.0
# Before this a wrong password is not told to be one: hashes that were imported take longer or shorter than ours.
LEAST_SECONDS = 0.4
LONGEST_AGENT = 300
_DUMMY = passwords.hash_password("nobody has this password")


async def login(req: Request) -> Response:
    """Sign in with e-mail address and password."""
    given, d = await body(req, Credentials), deps(req)
    began, email = time.monotonic(), given.email.strip().lower()
    throttle, crowd = Throttle(d, email, req), Throttle(d, "anybody", req, CROWD)
    async with d.hashing:
        await throttle.check()
        await crowd.check()
        user_id = await _proven(req, email, given.password)
        if user_id is None:
            await throttle.failed()
            await crowd.failed()
    user = await d.reads.user(user_id) if user_id is not None else None
    if user_id is not None:
        await throttle.forgive()
    if user_id is None or user is None or not user.may_sign_in:
        await asyncio.sleep(began + LEAST_SECONDS - time.monotonic())
        raise Problem("invalid_credentials")
    if await two_factor.confirmed(d, user_id):
        await two_factor.check(req, user_id, given.otp)
    session_id, token, seconds = await open_session(req, user)
    return _signed_in(req, user, session_id, token, seconds)


async def refresh(req: Request) -> Response:
    """A new access token for the refresh cookie, which is replaced."""
    own_site_only(req)
    d, token = deps(req), req.cookies.get(cookies.COOKIE, "")
    rotated = await _rotate(d, token) if token else None
    if rotated is None:
        return _signed_out(req, Problem("invalid_refresh_token"))
    session_id, user_id, successor, seconds = rotated
    user = await d.reads.user(user_id)
    if user is None or not user.may_sign_in:
        return _signed_out(req, Problem("invalid_refresh_token"))
    return _signed_in(req, user, session_id, successor, seconds)


async def logout(req: Request) -> Response:
    """End the session of the access token, even of one that has just expired."""
    own_site_only(req)
    d, token = deps(req), bearer(req.scope)
    if token is not None:
        try:
            session_id = (await verified(d, token, expired=True)).session_id
        except InvalidToken:
            raise Problem("unauthorized", headers={"WWW-Authenticate": "Bearer"}) from None
        await d.store.pool.execute(SQL.end_session, session_id)
        d.hub.end_session(session_id)
    answer = Response(status_code=204, headers={"Cache-Control": "no-store"})
    cookies.drop(req, answer)
    return answer


async def open_session(req: Request, user: User) -> tuple[UUID, str, int]:
    """A new session of somebody who has proved who they are: its id, its first refresh token, seconds it may last."""
    d, session_id, token = deps(req), new_id(), secrets.token_urlsafe(32)
    seconds, agent = d.config.auth.refresh_seconds, req.headers.get("user-agent", "")[:LONGEST_AGENT]
    await d.store.pool.execute(
        SQL.open_session, session_id, user.id, float(seconds), secret_hash(token), host(req.scope), agent
    )
    return session_id, token, seconds


async def _proven(req: Request, email: str, password: str) -> UUID | None:
    """The user whose password this is. An address nobody has, and one of whom an import brought an older hash, take as
    much work as any.
    """
    row = await deps(req).store.pool.fetchrow(SQL.credential_of, email)
    scheme, stored = (row["scheme"], row["hash"]) if row else ("argon2id", _DUMMY)
    right = await asyncio.to_thread(passwords.verify, scheme, stored, password)
    if not right and scheme != "argon2id":
        await asyncio.to_thread(passwords.verify, "argon2id", _DUMMY, password)
    if row is None or not right:
        return None
    user_id: UUID = row["user_id"]
    if passwords.needs_rehash(scheme, stored):
        await _rehash(req, user_id, scheme, stored, password)
    return user_id


async def _rehash(req: Request, user_id: UUID, scheme: str, stored: str, password: str) -> None:
    """Keep a password that proved right under argon2id. When somebody else is faster, theirs stays."""
    d, hashed = deps(req), await asyncio.to_thread(passwords.hash_password, password)
    user = await d.reads.user(user_id)
    if user is None:
        return
    event = PasswordRehashed(scheme="argon2id", previous=scheme)
    entry = Entry(user_id, user.version + 1, event, meta_of(req, user_id))
    replaced = (user_id, "argon2id", hashed, stored)
    try:
        await d.store.append([entry], claims=lambda connection: connection.execute(SQL.replace_credential, *replaced))
    except AppendError:
        return


async def _rotate(d: Deps, token: str) -> tuple[UUID, UUID, str, int] | None:
    """The successor of a refresh token: always the same one. None when it is worthless; late reuse ends its session."""
    successor = _successor(d, token)
    async with d.store.pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(SQL.refresh_token, secret_hash(token), GRACE_SECONDS)
        if row is None or not row["open"]:
            return None
        if row["late"]:
            await connection.execute(SQL.end_session, row["session_id"])
            d.hub.end_session(row["session_id"])
            return None
        if not row["replaced"]:
            await connection.execute(
                SQL.replace_refresh_token, secret_hash(token), secret_hash(successor), row["session_id"]
            )
    return row["session_id"], row["user_id"], successor, row["seconds"]


def _signed_in(req: Request, user: User, session_id: UUID, token: str, seconds: int) -> Response:
    d = deps(req)
    answer = reply(
        {
            "access_token": d.tokens.sign(user.id, user.role, session_id),
            "token_type": "Bearer",
            "expires_in": d.tokens.seconds,
            "user": represent_user(user),
        }
    )
    cookies.put(req, answer, token, seconds)
    return answer


def _signed_out(req: Request, problem: Problem) -> Response:
    """A refusal that also takes the worthless cookies away."""
    answer = problems.response(problem, path=req.url.path, request_id=request_id(req))
    cookies.drop(req, answer)
    return answer


def _successor(d: Deps, token: str) -> str:
    digest = hmac.new(d.refresh_key, token.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

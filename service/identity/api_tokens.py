"""API tokens: how a program acts for a user, within scopes, networks and a time."""

from __future__ import annotations

import math
import secrets
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

import asyncpg
from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.account.events import ApiTokenCreated, ApiTokenRevoked
from domain.server import represent
from eventstore.database import Connection
from runtime.ids import new_id
from service.deps import Deps, caller, deps
from service.identity.models import ApiTokenCreate
from service.identity.secret_hash import secret_hash
from service.identity.statements import SQL
from service.identity.step_up import recently_proved
from service.identity.tokens import Caller
from service.identity.writing import user_event
from service.web import paging
from service.web.body import body
from service.web.problems import Problem, invalid
from service.web.reply import reply

PREFIX = "hst_"
LONGEST = 100
MOST = 100


async def check(d: Deps, token: str, address: str | None) -> Caller:
    """Whose token it is, and what it may be used for.

    Raises:
        Problem: it is none, was revoked, or its time is over.
    """
    row = await d.store.pool.fetchrow(SQL.api_token, secret_hash(token)) if len(token) <= LONGEST else None
    user = await d.reads.user(row["user_id"]) if row is not None else None
    if row is None or user is None or not user.may_sign_in:
        raise Problem("unauthorized", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
    await d.store.pool.execute(SQL.used_api_token, row["token_id"], address)
    until = row["expires_at"].timestamp() if row["expires_at"] else math.inf
    return Caller(user.id, user.role, row["token_id"], until, frozenset(row["scopes"]), tuple(row["networks"]))


async def list_tokens(req: Request) -> Response:
    """The user's API tokens, the newest first."""
    rows = await deps(req).store.pool.fetch(SQL.api_tokens_of, caller(req).user_id)
    return reply(paging.whole(rows, _shown))


async def create_token(req: Request) -> Response:
    """A new API token; the token itself is shown in this answer only."""
    asked, me, d = await body(req, ApiTokenCreate), caller(req), deps(req)
    await recently_proved(req)
    _check(asked, me)
    if len(await d.store.pool.fetch(SQL.api_tokens_of, me.user_id)) >= MOST:
        raise Problem("not_allowed", f"There are {MOST} tokens already: revoke one first.")
    id, token = new_id(), PREFIX + secrets.token_urlsafe(32)
    networks = [ip_network(text, strict=False) for text in asked.networks]
    scopes: list[str] = sorted(set(asked.scopes))
    shown = [str(network) for network in networks]
    row = (id, me.user_id, secret_hash(token), asked.name, scopes, networks, asked.expires_at)

    async def claims(connection: Connection) -> None:
        await connection.execute(SQL.new_api_token, *row)

    await user_event(req, ApiTokenCreated(token_id=id, scopes=scopes, networks=shown, name=asked.name), claims)
    found = next(r for r in await d.store.pool.fetch(SQL.api_tokens_of, me.user_id) if r["token_id"] == id)
    return reply({**_shown(found), "token": token}, 201)


async def revoke_token(req: Request) -> Response:
    """Revoke an API token; it opens nothing from now on."""
    id, me = ids.parse(ids.TOKEN, req.path_params["id"]), caller(req)
    if id is None:
        raise Problem("not_found")

    async def claims(connection: Connection) -> None:
        if await connection.fetchval(SQL.revoke_api_token, id, me.user_id) is None:
            raise Problem("not_found")

    await user_event(req, ApiTokenRevoked(token_id=id), claims)
    deps(req).hub.end_session(id)
    return Response(status_code=204)


def _check(asked: ApiTokenCreate, me: Caller) -> None:
    for scope in ("staff", "billing"):
        if scope in asked.scopes and not me.staff:
            raise invalid("/scopes", f"Only staff may have tokens with the scope {scope}.")
    if asked.expires_at is not None and asked.expires_at <= datetime.now(UTC):
        raise invalid("/expires_at", "This time is over.")
    for place, text in enumerate(asked.networks):
        try:
            ip_network(text, strict=False)
        except ValueError:
            raise invalid(f"/networks/{place}", "This is no network such as 198.51.100.0/24.") from None


def _shown(row: asyncpg.Record) -> dict[str, Any]:
    return {
        "id": ids.show(ids.TOKEN, row["token_id"]),
        "object": "api_token",
        "name": row["name"],
        "scopes": row["scopes"],
        "networks": [str(network) for network in row["networks"]],
        "created_at": represent.time(row["created_at"]),
        "expires_at": represent.time(row["expires_at"]) if row["expires_at"] else None,
        "last_used_at": represent.time(row["last_used_at"]) if row["last_used_at"] else None,
        "last_used_from": row["last_used_from"],
    }

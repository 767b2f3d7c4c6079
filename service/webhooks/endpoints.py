"""Webhooks over HTTP: an account's for who manages it, and those of staff, which hear of every account."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.account.state import Account
from domain.server import represent
from eventstore.database import Connection
from eventstore.positions import START, Position, PositionReset, parse
from eventstore.queries import Queries
from eventstore.tail import end_of_log
from runtime.ids import new_id
from service.accounts.accounts import managed
from service.deps import Deps, caller, deps
from service.follow.follower import NAME
from service.follow.follower import SQL as FOLLOW
from service.identity.step_up import recently_proved
from service.staff.clusters import staff_only
from service.web import paging
from service.web.body import body
from service.web.problems import Problem, invalid
from service.web.reply import reply
from service.webhooks import audit, signing
from service.webhooks.models import Replay, SecretRotation, WebhookChange, WebhookCreate
from service.webhooks.reach import Unreachable
from service.webhooks.sender import purpose

SQL = Queries("service.webhooks")
MOST = 20
OFF = "It is turned off: turn it on first."


async def list_webhooks(req: Request) -> Response:
    """The endpoints that are told of what happens, newest first."""
    rows = await deps(req).store.pool.fetch(SQL.webhooks, _id_of(await owner(req)), None)
    return reply(paging.whole(rows, shown))


async def create_webhook(req: Request) -> Response:
    """A new endpoint; the secret that proves who sends is shown in this answer only."""
    account, asked, d = await owner(req), await body(req, WebhookCreate), deps(req)
    await _proved(req)
    await _reachable(d, asked.url)
    id, secret, events = new_id(), signing.new_secret(), _events(asked.events)
    sealed = d.seal.seal(secret, purpose(id))
    row = (id, _id_of(account), asked.url, asked.description, events, sealed, caller(req).user_id, MOST)

    async def claims(connection: Connection) -> None:
        if await connection.fetchval(SQL.new_webhook, *row) is None:
            raise Problem("not_allowed", f"There is room for {MOST} webhooks: delete one first.")

    await audit.changed(req, account, claims, webhook_id=id, change="made", events=events, url=asked.url)
    made = shown(await _row(d, _id_of(account), id))
    return reply({**made, "secret": signing.show_secret(secret)}, 201, {"Location": f"{req.url.path}/{made['id']}"})


async def show_webhook(req: Request) -> Response:
    """One endpoint."""
    return reply(shown(await found(req)))


async def change_webhook(req: Request) -> Response:
    """Change an endpoint, or turn it on or off."""
    account = await owner(req)
    row, d = await _row(deps(req), _id_of(account), _id(req)), deps(req)
    asked, id = await body(req, WebhookChange), row["endpoint_id"]
    if asked.url not in (None, row["url"]):
        await _proved(req)
        await _reachable(d, asked.url)
    events = _events(asked.events) if asked.events is not None else None

    async def claims(connection: Connection) -> None:
        await connection.execute(SQL.change_webhook, id, asked.url, asked.description, events)
        if asked.enabled is False:
            await connection.execute(SQL.stop_webhook, id, None)
        elif asked.enabled and not row["enabled"]:
            await connection.execute(SQL.start_webhook, id)

    told = {"events": events or [], "enabled": asked.enabled, "url": asked.url}
    await audit.changed(req, account, claims, webhook_id=id, change="changed", **told)
    d.sender.ring.ring()
    return reply(shown(await _row(d, row["account_id"], id)))


async def drop_webhook(req: Request) -> Response:
    """Forget an endpoint, and all that waits for it."""
    account, id = await owner(req), _id(req)

    async def claims(connection: Connection) -> None:
        if await connection.fetchval(SQL.drop_webhook, _id_of(account), id) is None:
            raise Problem("not_found")

    await audit.changed(req, account, claims, webhook_id=id, change="deleted")
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


async def rotate_secret(req: Request) -> Response:
    """A new secret, shown in this answer only; for some time messages are signed with the previous one too."""
    account, id, d = await owner(req), _id(req), deps(req)
    await _row(d, _id_of(account), id)
    asked, secret = await body(req, SecretRotation), signing.new_secret()
    await _proved(req)

    async def claims(connection: Connection) -> None:
        sealed = d.seal.seal(secret, purpose(id))
        await connection.execute(SQL.rotate_webhook_secret, id, sealed, asked.overlap_hours)

    await audit.changed(req, account, claims, webhook_id=id, change="secret_changed")
    return reply({**shown(await _row(d, _id_of(account), id)), "secret": signing.show_secret(secret)})


async def replay(req: Request) -> Response:
    """Tell an endpoint again what happened after a position, in order, under the same message ids."""
    row, asked, d = await found(req), await body(req, Replay), deps(req)
    if not row["enabled"]:
        raise Problem("not_allowed", OFF)
    place = await d.store.pool.fetchrow(FOLLOW.follower, NAME)
    until = Position(place["tx"], place["pos"]) if place is not None else await end_of_log(d.store.pool)
    after = _position(d, asked.after)
    await d.store.pool.execute(SQL.begin_webhook_replay, row["endpoint_id"], *after, *until)
    d.replayer.ring.ring()
    return reply(shown(await _row(d, row["account_id"], row["endpoint_id"])), 202)


async def owner(req: Request) -> Account | None:
    """Whose endpoints an address is about: an account's, or (None) those of staff.

    Raises:
        Problem: the caller may not see them.
    """
    if "id" in req.path_params:
        return await managed(req)
    staff_only(req)
    return None


async def found(req: Request) -> asyncpg.Record:
    """The endpoint that an address names.

    Raises:
        Problem: there is none that the caller may see.
    """
    return await _row(deps(req), _id_of(await owner(req)), _id(req))


def _id_of(account: Account | None) -> UUID | None:
    return account.id if account is not None else None


async def _proved(req: Request) -> None:
    """Who is shown a secret, or has others told, proves first who they are. A program did when its token was made."""
    if caller(req).scopes is None:
        await recently_proved(req)


async def _row(d: Deps, account: UUID | None, id: UUID) -> asyncpg.Record:
    row = await d.store.pool.fetchrow(SQL.webhooks, account, id)
    if row is None:
        raise Problem("not_found")
    return row


def _id(req: Request) -> UUID:
    id = ids.parse(ids.WEBHOOK, req.path_params["webhook"])
    if id is None:
        raise Problem("not_found")
    return id


async def _reachable(d: Deps, url: str) -> None:
    try:
        await d.wire.find(url)
    except Unreachable as error:
        raise invalid("/url", str(error)) from None


def _events(asked: Any) -> list[str]:
    return ["*"] if "*" in asked else sorted(set(asked))


def _position(d: Deps, text: str | None) -> Position:
    if text is None:
        return START
    try:
        position, _ = parse(d.log_id, text)
        paging.place(list(position))
    except PositionReset:
        raise Problem("position_reset") from None
    except ValueError:
        raise invalid("/after", "This is no position of the log.") from None
    return position


def shown(row: asyncpg.Record) -> dict[str, Any]:
    """An endpoint to who may manage it."""
    overlaps = row["old_until"] is not None and row["old_until"] > datetime.now(UTC)
    return {
        "id": ids.show(ids.WEBHOOK, row["endpoint_id"]),
        "object": "webhook",
        "url": row["url"],
        "description": row["description"],
        "events": row["events"],
        "enabled": row["enabled"],
        "disabled_reason": row["disabled_why"],
        "failing_since": represent.time(row["failing_since"]),
        "waiting": row["waiting"],
        "replaying": row["replaying"],
        "previous_secret_until": represent.time(row["old_until"]) if overlaps else None,
        "created_at": represent.time(row["created_at"]),
    }

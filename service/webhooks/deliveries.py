"""What was sent to an endpoint, over HTTP: looked at, sent again, and tried out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.server import represent
from eventstore.positions import Position, show
from runtime.ids import new_id
from service.deps import Deps, deps
from service.web import paging
from service.web.body import query
from service.web.problems import Problem
from service.web.reply import reply
from service.webhooks.endpoints import OFF, SQL, found
from service.webhooks.messages import PING, text
from service.webhooks.models import DeliveriesQuery
from service.webhooks.sender import record

ORDER, MOST_TRIES, PING_SECONDS = "webhook_deliveries", 100, 2.0


async def list_deliveries(req: Request) -> Response:
    """What an endpoint was sent, and what waits for it, newest first."""
    row, asked, d = await found(req), query(req, DeliveriesQuery), deps(req)
    at, id = paging.parse(asked.cursor, ORDER, paging.moment)
    fields = (row["endpoint_id"], asked.state, asked.type, at, id, asked.limit + 1)
    rows = await d.store.pool.fetch(SQL.webhook_deliveries, *fields)
    after = lambda row: paging.cursor(ORDER, row["created_at"], row["delivery_id"])  # noqa: E731
    return reply(paging.page(rows, asked.limit, lambda row: _shown(d, row), after))


async def show_delivery(req: Request) -> Response:
    """One message with what it says, and each time it was sent."""
    row = await _found(req, await found(req))
    return reply(await _details(deps(req), row))


async def redeliver(req: Request) -> Response:
    """Send a message again, under the same id."""
    endpoint, d = await found(req), deps(req)
    row = await _found(req, endpoint)
    if not endpoint["enabled"]:
        raise Problem("not_allowed", OFF)
    async with d.store.pool.acquire() as connection, connection.transaction():
        await connection.execute(SQL.webhook_lane_again, row["endpoint_id"], row["resource_id"])
        await connection.execute(SQL.redeliver_webhook, row["delivery_id"])
    d.sender.ring.ring()
    return reply(_shown(d, await _found(req, endpoint)), 202)


async def ping(req: Request) -> Response:
    """Send a message for trying out, now and once, and say what came of it."""
    endpoint, d, id = await found(req), deps(req), new_id()
    now = represent.time(datetime.now(UTC).replace(microsecond=0))
    sent = text(PING, now, {"webhook_id": ids.show(ids.WEBHOOK, endpoint["endpoint_id"])})
    if await d.store.pool.fetchval(SQL.new_webhook_ping, id, endpoint["endpoint_id"], PING, sent, PING_SECONDS) is None:
        raise Problem("rate_limited", headers={"Retry-After": str(round(PING_SECONDS))})
    row = await d.store.pool.fetchrow(SQL.webhook_delivery, endpoint["endpoint_id"], id)
    assert row is not None
    outcome = await d.sender.send({**endpoint, **row})
    async with d.store.pool.acquire() as connection:
        await record(connection, id, outcome, "delivered" if outcome.accepted else "failed")
    row = await d.store.pool.fetchrow(SQL.webhook_delivery, endpoint["endpoint_id"], id)
    if row is None:
        raise Problem("not_found")  # the endpoint was deleted meanwhile
    return reply(await _details(d, row))


async def _found(req: Request, endpoint: asyncpg.Record) -> asyncpg.Record:
    id = ids.parse(ids.DELIVERY, req.path_params["delivery"])
    row = await deps(req).store.pool.fetchrow(SQL.webhook_delivery, endpoint["endpoint_id"], id) if id else None
    if row is None:
        raise Problem("not_found")
    return row


async def _details(d: Deps, row: asyncpg.Record) -> dict[str, Any]:
    tries = await d.store.pool.fetch(SQL.webhook_attempts, row["delivery_id"], MOST_TRIES)
    return {**_shown(d, row), "body": row["body"], "tries": [_tried(one) for one in tries]}


def _tried(row: asyncpg.Record) -> dict[str, Any]:
    return {**row, "at": represent.time(row["at"])}


def _shown(d: Deps, row: asyncpg.Record) -> dict[str, Any]:
    told = row["tx"] is not None
    message_id: UUID = row["message_id"]
    return {
        "id": ids.show(ids.DELIVERY, row["delivery_id"]),
        "object": "webhook_delivery",
        "message_id": f"msg_{message_id.hex}",
        "type": row["type"],
        "server_id": ids.show(ids.SERVER, row["resource_id"]) if told else None,
        "position": show(d.log_id, Position(row["tx"], row["pos"]), row["part"]) if told else None,
        "state": row["state"],
        "attempts": row["attempts"],
        "status": row["status"],
        "created_at": represent.time(row["created_at"]),
        "ended_at": represent.time(row["ended_at"]),
    }

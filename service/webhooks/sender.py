"""Messages on their way: in any number of processes, one at a time for each endpoint and server, in the log's order.

A process that is killed while it sends holds its lane for a minute; then the same message goes again, under the same
id, by which the receiver knows it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

import asyncpg
import structlog

from domain import ids
from domain.account.events import HookEnd, StaffWebhookTurnedOff, WebhookTurnedOff
from domain.record import Actor, Meta
from eventstore.database import FAILED, Connection
from eventstore.queries import Queries
from eventstore.store import Conflict, Entry, EventStore
from runtime.ring import Ring
from runtime.sealing import Seal, Unsealable
from service.mail import letters
from service.mail.post import SQL as MAIL
from service.mail.post import Post
from service.webhooks.retry import GIVE_UP_SECONDS, GONE, Outcome, pause
from service.webhooks.signing import headers

SQL = Queries("service.webhooks")
META = Meta(actor=Actor(type="system", id="webhooks"))
HELD_SECONDS, POLL_SECONDS = 60.0, 2.0
AT_ONCE, AT_ONCE_PER_ENDPOINT = 16, 4
Row = asyncpg.Record | Mapping[str, Any]
log = structlog.get_logger()


class _NotOurs(Exception):
    """Another process sends this by now, or nobody does: nothing is recorded."""


class Carrier(Protocol):
    """Takes a message to its endpoint."""

    async def post(self, url: str, headers: dict[str, str], body: str) -> Outcome:
        """Send it; whatever goes wrong is an outcome."""


class Sender:
    """Sends what waits."""

    def __init__(self, store: EventStore, seal: Seal, post: Post, carrier: Carrier):
        self._store, self._pool = store, store.pool
        self._seal, self._post, self._carrier = seal, post, carrier
        self.ring = Ring()
        self._busy: Counter[UUID] = Counter()
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Send for ever."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._slots.acquire()
                lane = await self._taken()
                if lane is None:
                    self._slots.release()
                    await self.ring.wait(POLL_SECONDS)
                else:
                    self._busy[lane["endpoint_id"]] += 1
                    tasks.create_task(self._freed(lane))

    async def _taken(self) -> asyncpg.Record | None:
        try:
            return await self.take()
        except FAILED as error:
            log.warning("webhooks wait", error=str(error) or type(error).__name__)
            return None

    async def _freed(self, lane: asyncpg.Record) -> None:
        try:
            await self.carry(lane)
        except FAILED as error:
            log.warning("webhook not recorded, sent again later", error=str(error) or type(error).__name__)
        except Exception as error:  # one message that is not understood must not stop the others
            log.error("webhook failed", exc_info=error)
        finally:
            self._busy[lane["endpoint_id"]] -= 1
            self._slots.release()
            self.ring.ring()

    async def take(self) -> asyncpg.Record | None:
        """A lane whose time has come, this process's for a minute; None when there is none."""
        full = [endpoint for endpoint, count in self._busy.items() if count >= AT_ONCE_PER_ENDPOINT]
        return await self._pool.fetchrow(SQL.take_webhook_lane, HELD_SECONDS, full)

    async def carry(self, lane: asyncpg.Record) -> None:
        """Send the first message of a lane that was taken, and record what came of it."""
        head = await self._pool.fetchrow(SQL.webhook_head, lane["endpoint_id"], lane["resource_id"])
        outcome = await self.send(head) if head is not None else None
        with contextlib.suppress(_NotOurs):
            if head is not None and outcome is not None and (why := _end(lane, head, outcome)) is not None:
                await self._turn_off(lane, head, outcome, why)
                return
            async with self._pool.acquire() as connection, connection.transaction():
                await self._hold(connection, lane)
                if head is None or outcome is None:
                    await self._go_on(connection, lane)
                else:
                    await self._record(connection, lane, head, outcome)

    async def _hold(self, connection: Connection, lane: asyncpg.Record) -> None:
        """The endpoint is off or gone, or this process took so long that another one sends, when it is not ours."""
        place = (lane["endpoint_id"], lane["resource_id"])
        if await connection.fetchval(SQL.hold_webhook_lane, *place, lane["token"]) is None:
            raise _NotOurs

    async def _turn_off(self, lane: asyncpg.Record, head: asyncpg.Record, outcome: Outcome, why: HookEnd) -> None:
        """What came of the attempt, and that it was the last: in the log as well, beside who made the endpoint."""
        told = {"webhook_id": head["endpoint_id"], "why": why, "url": head["url"]}
        stream = head["account_id"] or head["created_by"]
        event = WebhookTurnedOff(**told) if head["account_id"] is not None else StaffWebhookTurnedOff(**told)

        async def claims(connection: Connection) -> None:
            await self._hold(connection, lane)
            await self._record(connection, lane, head, outcome)
            await self._stop(connection, head, outcome, why)

        length = await self._pool.fetchval(SQL.stream_length, stream)
        with contextlib.suppress(Conflict):  # the lane is free in a minute, and the message sent once more
            await self._store.append([Entry(stream, length + 1, event, META, stream)], claims=claims)

    async def send(self, row: Row) -> Outcome:
        """Sign a message and send it."""
        try:
            signed = headers(self._secrets(row), f"msg_{row['message_id'].hex}", int(time.time()), row["body"])
        except Unsealable:
            return Outcome(None, "Its secret cannot be read here: give it a new one.", "", 0)
        return await self._carrier.post(row["url"], signed, row["body"])

    def _secrets(self, row: Row) -> list[bytes]:
        sealed = [row["secret"]]
        if row["old_secret"] is not None and row["old_until"] > datetime.now(UTC):
            sealed.append(row["old_secret"])
        return [self._seal.open(secret, purpose(row["endpoint_id"])) for secret in sealed]

    async def _record(
        self, connection: Connection, lane: asyncpg.Record, head: asyncpg.Record, outcome: Outcome
    ) -> None:
        place = (lane["endpoint_id"], lane["resource_id"])
        wait = pause(lane["attempts"], lane["age"], outcome, random.random())
        over = not outcome.accepted and wait is None and outcome.status != GONE
        state = "delivered" if outcome.accepted else "failed" if over else "pending"
        await record(connection, head["delivery_id"], outcome, state)
        if outcome.accepted:
            await connection.execute(SQL.webhook_heard, place[0])
            await self._go_on(connection, lane)
            return
        await connection.execute(SQL.webhook_fails, place[0])
        if over:
            await self._go_on(connection, lane)
        else:
            await connection.execute(SQL.webhook_lane_waits, *place, wait or 0.0)

    async def _go_on(self, connection: Connection, lane: asyncpg.Record) -> None:
        place = (lane["endpoint_id"], lane["resource_id"])
        if await connection.fetchval(SQL.end_webhook_lane, *place, lane["told"]) is None:
            await connection.execute(SQL.webhook_lane_goes_on, *place)

    async def _stop(self, connection: Connection, head: asyncpg.Record, outcome: Outcome, why: HookEnd) -> None:
        """Nothing is sent to an endpoint that is gone, or took nothing for three days; its people are told."""
        said = {
            "gone": "It answered 410 Gone.",
            "failing": f"It took no message for three days. The last time: {outcome.said}",
        }[why]
        if await connection.fetchval(SQL.stop_webhook, head["endpoint_id"], said) is None:
            raise _NotOurs
        if not self._post.open:
            return
        if head["account_id"] is None:
            rows, page = await connection.fetch(MAIL.staff_addresses), "/admin/webhooks"
        else:
            rows, page = await connection.fetch(MAIL.owners_addresses, head["account_id"]), "/account/webhooks"
        for address in (row["email"] for row in rows if "@" in row["email"]):
            letter = letters.webhook_disabled(address, head["url"], said, self._post.link(page))
            await self._post.keep(connection, letter)


def _end(lane: asyncpg.Record, head: asyncpg.Record, outcome: Outcome) -> HookEnd | None:
    """Why nothing more is sent to the endpoint; None when it goes on."""
    if outcome.status == GONE:
        return "gone"
    failed = not outcome.accepted and lane["age"] >= GIVE_UP_SECONDS
    return "failing" if failed and head["failing"] >= GIVE_UP_SECONDS else None


async def record(connection: Connection, delivery_id: UUID, outcome: Outcome, state: str) -> None:
    """Keep what came of an attempt."""
    fields = (outcome.status, outcome.duration_ms, outcome.error, outcome.answer)
    await connection.execute(SQL.webhook_attempted, delivery_id, *fields, state)


def purpose(endpoint_id: UUID) -> bytes:
    """What a secret is sealed for."""
    return b"webhook " + endpoint_id.bytes


def shown_id(delivery_id: UUID) -> str:
    """The outside form of a delivery's id."""
    return ids.show(ids.DELIVERY, delivery_id)

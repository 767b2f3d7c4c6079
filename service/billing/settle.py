"""Services become as they are wanted: step by step, by any process, each step once.

A step is decided from the server's own stream and appended at its next version, so that two processes, or one that was
killed and looks again, cannot take it twice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import structlog

from domain import ids
from domain.record import Actor, Meta
from domain.server.decide import CreateServer, RequestOperation, request
from domain.server.decide import create as create_server
from domain.server.events import ServerEvent
from domain.server.state import Server
from eventstore import snapshot
from eventstore.database import FAILED, Connection
from runtime.ids import new_id
from runtime.ring import Ring
from service.billing.desire import Ask, Desire, Done, Make, Step, Stuck, Wait, create, next_step
from service.billing.statements import SQL
from service.deps import Deps
from service.identity.tokens import Caller
from service.servers.transact import Ending, Intent, carry_out
from service.staff.clusters import is_observed
from service.web.idempotency import Stored
from service.web.problems import Problem

LEASE_SECONDS, POLL_SECONDS = 30.0, 2.0
SOON, STUCK, HELD = 3.0, 60.0, 10.0
GUARDED = ("suspend", "terminate")
PASSING = ("operation_in_progress", "busy")
WAITS = (
    "Many servers are being suspended or terminated at once, so staff are asked first. Nothing was done to this one."
)
log = structlog.get_logger()


class HeldBack(Exception):
    """There were too many of late: staff must agree."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """When to look again, in seconds (None: when more is asked), and what keeps it from being so."""

    seconds: float | None
    code: str | None = None
    problem: str | None = None


async def settle(d: Deps, ring: Ring) -> None:
    """Have services become as they are wanted, for ever. `ring` is rung when one may be due."""
    while True:
        try:
            while await settle_one(d):
                pass
        except FAILED as error:
            log.warning("billing waits", error=str(error) or type(error).__name__)
        except Exception as error:  # one service that is not understood must not stop the others
            log.error("billing failed", exc_info=error)
        await ring.wait(POLL_SECONDS)


async def settle_one(d: Deps, external_id: str | None = None) -> bool:
    """Take the next step of a service whose time has come, or of this one; False when none is due."""
    row = await d.store.pool.fetchrow(SQL.take_billing, LEASE_SECONDS, external_id)
    if row is None:
        return False
    verdict = await _settle(d, row)
    await d.store.pool.execute(
        SQL.billing_looked_at, row["external_id"], row["token"], verdict.seconds, verdict.code, verdict.problem
    )
    return True


def wanted(row: asyncpg.Record) -> tuple[Desire, Done]:
    """What a row says is wanted, and what billing did so far."""
    done = Done(placed=frozenset(row["placed"]), ended=row["ended"], asked_at=row["updated_at"])
    return snapshot.decode(Desire, row["desired"]), done


async def _settle(d: Deps, row: asyncpg.Record) -> Verdict:
    found = await d.reads.server(row["server_id"], _caller(row))
    server = found.server if found is not None else None
    desire, done = wanted(row)
    step = next_step(server, desire, done)
    try:
        match step:
            case None:
                return Verdict(None)
            case Wait():
                return Verdict(SOON)
            case Stuck():
                return Verdict(STUCK, step.code, step.message)
            case Make() | Ask():
                await _take(d, row, desire, server, step)
    except HeldBack:
        await d.store.pool.execute(SQL.trip_billing_guard)
        log.warning("billing waits for staff", external_id=row["external_id"])
        return Verdict(HELD, "held", WAITS)
    except Problem as problem:
        return Verdict(SOON) if problem.code in PASSING else Verdict(STUCK, problem.code, problem.detail)
    return Verdict(SOON)


async def _take(d: Deps, row: asyncpg.Record, desire: Desire, server: Server | None, step: Step) -> None:
    operation_id = new_id()
    actor = Actor(type="user", id=ids.show(ids.USER, row["asked_by"]))
    why = Meta(actor=actor, request_id=row["request_id"], correlation=row["request_id"])
    if isinstance(step, Make):
        order = create(row["external_id"], desire, operation_id)
        decide, claims = (lambda state: _ordered(state, order)), None
    else:
        assert isinstance(step, Ask)
        assert server is not None
        command = await command_of(d, server, step, operation_id)
        decide, claims = (lambda state: _asked(state, command)), _claims(d, row["external_id"], step, operation_id)
    intent = Intent(
        caller=_caller(row),
        server_id=row["server_id"],
        operation_id=operation_id,
        decide=decide,
        answer=lambda _: Stored(202, {}, ""),
        meta=why,
        known=server,
        claims=claims,
    )
    await carry_out(d, intent)


def _ordered(state: Server | None, order: CreateServer) -> list[ServerEvent]:
    if state is not None:
        raise Problem("busy")  # somebody was faster: look again
    return create_server(None, order)


def _asked(state: Server | None, command: RequestOperation) -> list[ServerEvent]:
    assert state is not None
    return request(state, command)


async def command_of(d: Deps, server: Server, step: Ask, operation_id: UUID) -> RequestOperation:
    """The command that a step means."""
    found = await d.store.pool.fetchval(SQL.billing_clock)
    return RequestOperation(
        operation_id=operation_id,
        type=step.type,
        now=found,
        params=step.params,
        personal=step.personal,
        by="staff",
        observed=await is_observed(d.store.pool, d.config, server.cluster),
    )


def _claims(d: Deps, external_id: str, step: Ask, operation_id: UUID) -> Ending:
    """What billing did is kept with the events; what there is much of is counted first."""

    async def write(_: Server, connection: Connection) -> None:
        if step.type in GUARDED:
            await _let_through(d, connection, operation_id)
        match step.type:
            case "suspend":
                await connection.execute(SQL.billing_suspended, external_id, step.params["reason"])
            case "unsuspend":
                await connection.execute(SQL.billing_unsuspended, external_id, step.params["reason"])
            case "terminate" | "restore":
                await connection.execute(SQL.billing_ended, external_id, step.type == "terminate")

    return write


async def _let_through(d: Deps, connection: Connection, operation_id: UUID) -> None:
    policy = d.config.policy
    await connection.execute(SQL.lock_billing_guard)
    limits = (policy.billing_window, policy.billing_limit, policy.billing_share, policy.billing_least)
    if not await connection.fetchval(SQL.let_billing_step, operation_id, *limits):
        raise HeldBack


def _caller(row: asyncpg.Record) -> Caller:
    return Caller(row["asked_by"], "admin", row["asked_by"], math.inf)

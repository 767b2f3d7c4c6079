"""Slots: how many heavy tasks may run at once on a node, a storage, a template. Shared by all orchestrators.

Who wants to begin such a task asks first and is granted a slot, or waits in a queue that is fair between customers and
is woken when its turn comes. A slot is leased: it is kept by looking at the task and frees itself when nobody looks any
more. Limits are learned: a task that fails because a lock was held too long lowers them, each that succeeds raises them
a little, up to what the settings allow.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from domain.server.state import Server
from eventstore.database import Connection
from orchestrator.work import SQL, Work
from runtime.settings import Cluster

LEASE_SECONDS = 30.0  # how long a slot outlives the last look at its task
KEEP_SECONDS = 10.0  # between two times that a worker tells that it still looks
QUEUE_SECONDS = 60.0  # how long a place in the queue outlives the last question
ASK_AGAIN_SECONDS = 10.0
QUEUED = "Waiting for its turn: the hypervisor is busy with other servers. This goes on by itself."


@dataclass(frozen=True, slots=True)
class Ticket:
    """An operation that waits for slots."""

    operation_id: UUID
    account_id: UUID
    resources: tuple[str, ...]
    asked_at: datetime


def disks(server: Server, node: str, storage: str) -> str:
    """A storage as its tasks are counted: where each node has its own, each is counted apart."""
    placed = server.placement
    own = placed is not None and f"disk/{placed.cluster}/{storage}/{placed.node}" in placed.promises
    return f"{storage}/{node}" if own else storage


def needed(cluster: str, *, node: str, storage: str | None = None, template: int | None = None) -> tuple[str, ...]:
    """What a task occupies, by the names that limits are counted under."""
    names = [("node", node), ("storage", storage), ("template", template)]
    return tuple(f"{kind}/{cluster}/{name}" for kind, name in names if name is not None)


def grant(
    waiting: Iterable[Ticket], held: Mapping[str, int], served: Mapping[UUID, int], limits: Mapping[str, int]
) -> list[UUID]:
    """Whose turn it is: of all that fit, first who holds least, then who has waited longest."""
    left = Counter({resource: limit - held.get(resource, 0) for resource, limit in limits.items()})
    turns, granted, rest = Counter(served), list[UUID](), list(waiting)
    while fit := [ticket for ticket in rest if all(left[resource] > 0 for resource in ticket.resources)]:
        ticket = min(fit, key=lambda t: (turns[t.account_id], t.asked_at, t.operation_id))
        granted.append(ticket.operation_id)
        rest.remove(ticket)
        turns[ticket.account_id] += 1
        left.subtract(ticket.resources)
    return granted


async def take(work: Work, resources: tuple[str, ...]) -> bool:
    """Whether the operation may begin a task that occupies these; otherwise it has a place in the queue."""
    pool, operation, known = work.tools.store.pool, work.operation, None
    if work.step.status == "waiting":  # perhaps in the queue: who asks again holds up nobody
        known = await pool.fetchrow(SQL.queue_again, operation.id, LEASE_SECONDS, QUEUE_SECONDS)
    if known is not None and (known["granted"] or not known["turn"]):
        return bool(known["granted"])
    cluster = _cluster(work)
    ticket = (operation.id, work.state.id, work.state.account_id, cluster.name, list(resources))
    ceilings = [_ceiling(cluster, resource) for resource in resources]
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(SQL.lock_slots, cluster.name)
        if known is None and await connection.fetchval(SQL.take_free_slot, *ticket, ceilings, LEASE_SECONDS):
            work.kept_slot = asyncio.get_running_loop().time()
            return True
        known = await connection.fetchrow(SQL.queue_again, operation.id, LEASE_SECONDS, QUEUE_SECONDS)
        await connection.execute(SQL.queue, *ticket, QUEUE_SECONDS)
        return bool(known and known["granted"]) or operation.id in await _grant_all(connection, cluster)


async def keep(work: Work, resources: tuple[str, ...]) -> None:
    """Somebody still looks at the task. A slot that was lost while nobody did is taken back, limit or not."""
    now = asyncio.get_running_loop().time()
    if now - work.kept_slot < KEEP_SECONDS:
        return
    work.kept_slot = now
    await work.tools.store.pool.execute(
        SQL.keep_slot,
        work.operation.id,
        work.state.id,
        work.state.account_id,
        work.state.cluster,
        list(resources),
        LEASE_SECONDS,
    )


async def free(work: Work, resources: tuple[str, ...], *, crowded: bool) -> None:
    """The task has ended; `crowded`: it failed because too much went on at once. Whoever is next is woken."""
    cluster = _cluster(work)
    learned = (list(resources), [_ceiling(cluster, resource) for resource in resources])
    async with work.tools.store.pool.acquire() as connection, connection.transaction():
        row = await _given_back(connection, cluster, work.operation.id)
        if row["had"]:
            await connection.execute(SQL.lower_limits if crowded else SQL.raise_limits, *learned)
        if row["waiting"]:
            await _grant_all(connection, cluster)


async def leave(work: Work, operation_id: UUID) -> None:
    """An operation was cancelled: the slot it has, or its place in the queue, is another's at once."""
    cluster = work.tools.config.known_cluster(work.state.cluster)
    if cluster is None:
        return
    async with work.tools.store.pool.acquire() as connection, connection.transaction():
        if (await _given_back(connection, cluster, operation_id))["waiting"]:
            await _grant_all(connection, cluster)


async def _given_back(connection: Connection, cluster: Cluster, operation_id: UUID) -> Record:
    """Whether the operation had a slot or a place in the queue, and whether somebody waits."""
    await connection.execute(SQL.lock_slots, cluster.name)
    row = await connection.fetchrow(SQL.give_back_slot, operation_id, cluster.name)
    assert row is not None
    return row


async def _grant_all(connection: Connection, cluster: Cluster) -> set[UUID]:
    """Grant what can be granted and wake who was; the operations."""
    await connection.execute(SQL.drop_expired_slots, cluster.name)
    granted: set[UUID] = set()
    while turn := await _turn(connection, cluster):
        await connection.execute(SQL.grant_slots, turn, LEASE_SECONDS)
        granted.update(turn)
    if granted:
        await connection.execute(SQL.wake_granted, list(granted))
    return granted


async def _turn(connection: Connection, cluster: Cluster) -> list[UUID]:
    """One pass over the heads of the queue: the first of each customer for each set of resources."""
    heads = [Ticket(row[0], row[1], tuple(row[2]), row[3]) for row in await connection.fetch(SQL.heads, cluster.name)]
    if not heads:
        return []
    resources = sorted({resource for ticket in heads for resource in ticket.resources})
    rows = await connection.fetch(SQL.slot_counts, cluster.name, resources)
    held = {row["resource"]: row["held"] for row in rows}
    learned = {row["resource"]: row["allowed"] for row in rows}
    limits = {resource: int(min(_ceiling(cluster, resource), learned[resource])) for resource in resources}
    served = {row["account_id"]: row["held"] for row in await connection.fetch(SQL.served, cluster.name)}
    return grant(heads, held, served, limits)


def _cluster(work: Work) -> Cluster:
    return work.tools.config.cluster_named(work.state.cluster or "")


def _ceiling(cluster: Cluster, resource: str) -> int:
    ceiling: int = getattr(cluster.slots, resource.partition("/")[0])
    return ceiling

"""Resize to another plan: room is promised first, then the guest gets it; a running one has it after a restart."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any
from uuid import UUID

from domain.server import events as e
from eventstore.database import Connection
from eventstore.store import ClaimLost
from hypervisor.errors import Unreachable
from hypervisor.port import GuestConfig, GuestSettings
from orchestrator import placement
from orchestrator.effect import pursue, told
from orchestrator.outcome import Done, Failed, Later, Outcome
from orchestrator.steps import power
from orchestrator.work import SQL, Work

NO_ROOM = "There is no room for the plan {plan} where the server is now: it stays as it was."
AS_BEFORE = "The server has its new plan; what it runs with changes when it is restarted."


def wanted(work: Work) -> e.Plan:
    """The plan that was asked for."""
    asked: dict[str, Any] = work.operation.params["plan"]
    return e.Plan(**asked | {"id": UUID(str(asked["id"]))})


async def reserve(work: Work) -> Outcome:
    """Done with `CapacityReserved`: memory for the larger plan is promised where the guest is."""
    plan, server = wanted(work), work.state.id
    promise = await work.tools.store.pool.fetchrow(SQL.promise_of, server)
    node = promise["node"] if promise is not None else work.state.node
    more = plan.memory_mib - (promise["memory_mib"] if promise is not None else work.state.plan.memory_mib)
    room = await _room(work, node)
    full = Failed("no_capacity", NO_ROOM.format(plan=plan.name))
    if more > 0 and (room is None or room.free_mib < more):
        return full
    limit = room.limit_mib if room is not None else 0
    reserved = e.CapacityReserved(operation_id=work.operation.id, plan=plan)
    done = e.StepCompleted(operation_id=work.operation.id, step="reserve")

    async def claims(connection: Connection) -> None:
        await connection.execute(SQL.promise_more, server, plan.memory_mib, limit)

    try:
        await work.record(reserved, done, claims=claims)
    except ClaimLost:
        return Later(0.0)  # somebody was faster: count again
    return Later(0.0)


async def _room(work: Work, node: str | None) -> placement.Room | None:
    cluster = work.tools.config.known_cluster(work.state.cluster)
    if cluster is None:
        return None
    nodes, guests = await asyncio.gather(work.hypervisor.nodes(), work.hypervisor.guests())
    if not any(one.online for one in nodes if one.name == node):
        raise Unreachable("a node that is away has neither room nor none", call=f"room on {node}")
    pool = work.tools.store.pool
    owned = frozenset(row["vmid"] for row in await pool.fetch(SQL.owned_vmids, cluster.name))
    promised = {row["node"]: row["promised_mib"] for row in await pool.fetch(SQL.promises, cluster.name)}
    rooms = placement.rooms(cluster, nodes, guests, owned, promised)
    return next((room for room in rooms if room.node == node), None)


async def scale(work: Work) -> Outcome:
    """Done with `PlanChanged` once the guest is configured for it."""
    guest = await power.ours(work)
    if not isinstance(guest, GuestConfig):
        return guest
    plan = wanted(work)

    async def tell() -> None:
        settings = GuestSettings(cores=plan.vcpus, memory_mib=plan.memory_mib)
        await work.hypervisor.configure(guest.node, guest.vmid, settings, guest.digest)

    async def seen() -> bool:
        found = await work.guest()
        return found is not None and (found.cores, found.memory_mib) == (plan.vcpus, plan.memory_mib)

    outcome = await pursue(work, told("configure", guest.node, tell, seen))
    if not isinstance(outcome, Done):
        return outcome
    waits = await _waits_for_restart(work, guest)
    changed = e.PlanChanged(operation_id=work.operation.id, plan=plan, restart_needed=waits)
    return Done(outcome.detail, [changed], claims=partial(promise_exactly, work.state.id, plan))


async def promise_exactly(server: UUID, plan: e.Plan, connection: Connection) -> None:
    """What was promised beyond the plan is free again."""
    await connection.execute(SQL.promise_exactly, server, plan.memory_mib)


async def _waits_for_restart(work: Work, guest: GuestConfig) -> bool:
    if (await work.hypervisor.status(guest.node, guest.vmid)).power == "stopped":
        return False
    return bool(await work.hypervisor.pending(guest.node, guest.vmid) & {"cores", "memory", "sockets", "vcpus"})


async def restart(work: Work) -> Outcome:
    """Done once it runs with the new plan, or at once where that needs no restart or none was asked for."""
    asked = work.operation.params.get("restart") and work.state.power == "running" and work.state.restart_needed
    if not asked:
        return Done()
    outcome = await power.reboot(work)
    if isinstance(outcome, Failed) and outcome.code == "shutdown_timeout":
        return Done(AS_BEFORE)
    return outcome

"""Resize to another plan: room is promised first, then the guest gets it; a running one has it after a restart."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Any
from uuid import UUID

from domain.placement import Candidate, Need, short
from domain.server import events as e
from eventstore.database import Connection
from eventstore.store import ClaimLost
from hypervisor.errors import Unreachable
from hypervisor.port import GuestConfig, GuestSettings
from orchestrator import surroundings
from orchestrator.effect import pursue, told
from orchestrator.outcome import Done, Failed, Later, Outcome
from orchestrator.promises import promise_exactly
from orchestrator.steps import power
from orchestrator.work import SQL, Work

NO_ROOM = "There is no room for the plan {plan} where the server is now: it stays as it was."
AS_BEFORE = "The server has its new plan; what it runs with changes when it is restarted."


def wanted(work: Work) -> e.Plan:
    """The plan that was asked for."""
    asked: dict[str, Any] = work.operation.params["plan"]
    return e.Plan(**asked | {"id": UUID(str(asked["id"]))})


async def reserve(work: Work) -> Outcome:
    """Done with `CapacityReserved`: what the larger plan takes is promised where the guest is."""
    plan, was, server = wanted(work), work.state.size, work.state.id
    promise = await work.tools.store.pool.fetchrow(SQL.promise_of, server)
    there = await _there(work, promise["node"] if promise is not None else work.state.node)
    held = promise["memory_mib"] if promise is not None else was["memory_mib"]
    more = Need(plan.memory_mib - held, plan.vcpus - was["vcpus"], plan.disk_gib - was["disk_gib"])
    if (lacking := _lacking(there, more)) is not None:
        return Failed("no_capacity", NO_ROOM.format(plan=plan.name), lacking)
    reserved = e.CapacityReserved(operation_id=work.operation.id, plan=plan)
    done = e.StepCompleted(operation_id=work.operation.id, step="reserve")

    async def claims(connection: Connection) -> None:
        await connection.execute(SQL.promise_more, server, plan.memory_mib, there.memory.limit if there else 0)
        cpus, disk = (share.limit if share else 0 for share in (there and there.vcpus, there and there.disk))
        await connection.execute(SQL.promise_more_capacity, server, plan.vcpus, plan.disk_gib, cpus, disk)

    try:
        await work.record(reserved, done, claims=claims)
    except ClaimLost:
        return Later(0.0)  # somebody was faster: count again
    return Later(0.0)


def _lacking(there: Candidate | None, more: Need) -> str | None:
    """Why it does not fit where it is, None when it does."""
    if there is not None:
        lacking = short(there, more)
        return lacking and f"{there.node}: {lacking}"
    more_of_anything = max(more.memory_mib, more.vcpus, more.disk_gib) > 0
    return "its node is not one that is known" if more_of_anything else None


async def _there(work: Work, node: str | None) -> Candidate | None:
    """The node where it is, as placement would see it; None when there is none of this name."""
    cluster = work.tools.config.known_cluster(work.state.cluster)
    if cluster is None:
        return None
    sights, away = await surroundings.look(work, [cluster])
    candidates = (await surroundings.inputs(work, sights, away)).candidates
    there = next((one for one in candidates if one.node == node), None)
    if there is not None and not there.online:
        raise Unreachable("a node that is away has neither room nor none", call=f"room on {node}")
    return there


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
    return Done(outcome.detail, [changed], claims=partial(promise_exactly, work.state.id, asdict(plan)))


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

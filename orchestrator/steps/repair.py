"""Repair: what somebody changed of a guest is set to what the log says again."""

from __future__ import annotations

from domain.server import events as e
from hypervisor.port import GuestConfig, GuestSettings
from orchestrator.effect import Plan, no_task, pursue
from orchestrator.outcome import Done, Failed, Outcome
from orchestrator.steps.guard import guard
from orchestrator.steps.power import ours
from orchestrator.work import Work


async def repair(work: Work) -> Outcome:
    """Done with `DriftEnded` once the guest is as the log says."""
    kind = str(work.operation.params["kind"])
    outcome = await guard(work) if kind == "firewall" else await _configure(work, kind)
    if not isinstance(outcome, Done):
        return outcome
    return Done(outcome.detail, [e.DriftEnded(kind=kind, how="repaired")])


async def _configure(work: Work, kind: str) -> Outcome:
    guest = await ours(work)
    if not isinstance(guest, GuestConfig):
        return guest
    settings = _settings(work, kind)
    if settings is None:
        return Failed("not_repairable", "This has to be set right on the hypervisor.", kind, retryable=False)

    async def issue() -> None:
        await work.hypervisor.configure(guest.node, guest.vmid, settings, guest.digest)

    async def reached() -> str | None:
        seen = await work.guest()
        return "" if seen is not None and _as_wished(seen, settings) else None

    plan = Plan(verb="configure", node=guest.node, reached=reached, issue=issue, find=no_task, grace=0.0)
    return await pursue(work, plan)


def _settings(work: Work, kind: str) -> GuestSettings | None:
    state = work.state
    if kind == "renamed":
        return GuestSettings(name=state.name)
    if kind == "reconfigured":
        size = state.actual or {"vcpus": state.plan.vcpus, "memory_mib": state.plan.memory_mib}
        return GuestSettings(cores=size["vcpus"], memory_mib=size["memory_mib"])
    return None


def _as_wished(guest: GuestConfig, wished: GuestSettings) -> bool:
    pairs = ((wished.name, guest.name), (wished.cores, guest.cores), (wished.memory_mib, guest.memory_mib))
    return all(wish in (None, found) for wish, found in pairs)

"""Repair: what somebody changed of a guest is set to what the log says again."""

from __future__ import annotations

from domain.server import events as e
from domain.server.state import Effect
from hypervisor.port import GuestConfig, GuestSettings, Task
from orchestrator.effect import Plan, pursue
from orchestrator.outcome import Done, Failed, Outcome
from orchestrator.steps.power import ours
from orchestrator.work import Work


async def repair(work: Work) -> Outcome:
    """Done with `DriftEnded` once the guest is as the log says."""
    kind, guest = str(work.operation.params["kind"]), await ours(work)
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

    plan = Plan(verb="configure", node=guest.node, reached=reached, issue=issue, find=_no_task, grace=0.0)
    outcome = await pursue(work, plan)
    if not isinstance(outcome, Done):
        return outcome
    return Done(outcome.detail, [e.DriftEnded(kind=kind, how="repaired")])


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


async def _no_task(effect: Effect) -> Task | None:
    return None

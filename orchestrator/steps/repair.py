"""Repair: what somebody changed of a guest is set to what the log says again."""

from __future__ import annotations

from domain.server import events as e
from hypervisor.port import GuestConfig, GuestSettings, Uplink
from orchestrator.effect import Plan, no_task, pursue
from orchestrator.outcome import Done, Failed, Outcome
from orchestrator.steps.configure import size_of
from orchestrator.steps.guard import guard
from orchestrator.steps.power import ours
from orchestrator.work import Work

GROWN = "Set right, but for the disk: it has grown, and a disk cannot shrink. Its size can be taken over."


async def repair(work: Work) -> Outcome:
    """Done with `DriftEnded` once the guest is as the log says."""
    kind = str(work.operation.params["kind"])
    outcome = await guard(work) if kind == "firewall" else await _configure(work, kind)
    if not isinstance(outcome, Done):
        return outcome
    known = work.state.drifted(kind)
    if known is not None and "disk_gib" in known.facts:
        return Done(GROWN)  # the next look tells what is left of the difference
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
        size, placed = size_of(work), state.placement
        known = state.drifted(kind)
        moved = known is not None and bool(known.facts.get("bridge"))
        uplinks = {"net0": Uplink(placed.bridge, placed.vlan)} if placed is not None and moved else {}
        return GuestSettings(cores=size["vcpus"], memory_mib=size["memory_mib"], uplinks=uplinks)
    return None


def _as_wished(guest: GuestConfig, wished: GuestSettings) -> bool:
    pairs = ((wished.name, guest.name), (wished.cores, guest.cores), (wished.memory_mib, guest.memory_mib))
    plugged = all(card in guest.nics and guest.nics[card].bridge == up.bridge for card, up in wished.uplinks.items())
    return plugged and all(wish in (None, found) for wish, found in pairs)

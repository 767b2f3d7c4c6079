"""Suspend and unsuspend: a server that is kept from its owner is stopped, and stays so when its node restarts."""

from __future__ import annotations

from domain.server import events as e
from domain.server.events import Power
from hypervisor.port import GuestConfig, GuestSettings
from orchestrator.effect import Plan, pursue_all, told
from orchestrator.outcome import Done, Outcome
from orchestrator.steps import power
from orchestrator.work import Work


async def suspend(work: Work) -> Outcome:
    """Done once it is stopped: gracefully if it does so in time."""
    guest = await power.ours(work)
    if not isinstance(guest, GuestConfig):
        return guest
    plans = [power.shutdown_plan(work, guest, force=True), _at_boot(work, guest, starts=False)]
    return _ended(await pursue_all(work, plans), "stopped")


async def unsuspend(work: Work) -> Outcome:
    """Done once it runs again, if it ran before and nothing else keeps it from its owner."""
    if work.state.holds:
        reasons = ", ".join(hold.reason for hold in work.state.holds)
        return Done(f"The server stays suspended for another reason ({reasons}).")
    guest = await power.ours(work)
    if not isinstance(guest, GuestConfig):
        return guest
    at_boot = _at_boot(work, guest, starts=True)
    if work.state.power_held == "stopped":
        return await pursue_all(work, [at_boot])
    return _ended(await pursue_all(work, [power.start_plan(work, guest), at_boot]), "running")


def _ended(outcome: Outcome, power: Power) -> Outcome:
    return Done(outcome.detail, [e.PowerObserved(power=power)]) if isinstance(outcome, Done) else outcome


def _at_boot(work: Work, guest: GuestConfig, *, starts: bool) -> Plan:
    """Last of the acts: what cannot be read back is told again at every look that comes to it."""

    async def tell() -> None:
        await work.hypervisor.configure(guest.node, guest.vmid, GuestSettings(start_at_boot=starts))

    async def seen() -> bool:
        return True

    return told("configure", guest.node, tell, seen)

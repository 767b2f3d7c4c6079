"""Power: start, shut down, stop, reboot, reset. The goal is a state that is observed, not a call that was answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from domain.server import events as e
from hypervisor.errors import AgentSilent, Denied
from hypervisor.identity import mismatch
from hypervisor.port import GuestConfig, Task
from orchestrator.effect import Plan, pursue, task_finder
from orchestrator.outcome import Attention, Done, Failed, Later, Outcome
from orchestrator.promises import follow
from orchestrator.work import Work

STOP_GRACE = 2.0  # wishing a state twice is wishing it once
REBOOT_GRACE = 90.0  # three times Proxmox's own time limit for a forwarded request
WAS_OFF = "It had been powered off outside, so it was started."


async def ours(work: Work, *, volumes: bool = True) -> GuestConfig | Outcome:
    """The guest, if it is there and is the recorded one; without `volumes` its disks may be others."""
    return await _if_ours(work, await work.guest(), volumes=volumes)


async def ours_lately(work: Work, *, volumes: bool = True) -> GuestConfig | Outcome:
    """The same, as it was read a moment ago: for steps that destroy nothing. While a task is waited for nothing is
    asked of Proxmox, so that it is enough to know where the guest was.
    """
    awaited = work.step.effect is not None and work.step.effect.upid is not None
    return await _if_ours(work, await (work.whereabouts() if awaited else work.glimpse()), volumes=volumes)


async def _if_ours(work: Work, guest: GuestConfig | None, *, volumes: bool) -> GuestConfig | Outcome:
    if guest is None:
        return Attention("guest_missing", "The virtual machine is not there any more.")
    if (why := mismatch(work.state, guest, volumes=volumes)) is not None:
        return Attention("identity_mismatch", "Another virtual machine stands where this one should be.", why)
    if guest.node != work.state.node:
        await follow(work, guest.node)
    return guest


async def start(work: Work) -> Outcome:
    """Done once it runs."""
    guest = await ours_lately(work)
    if not isinstance(guest, GuestConfig):
        return guest
    return _observed(await pursue(work, start_plan(work, guest)), "running")


async def stop(work: Work) -> Outcome:
    """Cut the power; done once it is stopped."""
    guest = await ours(work)
    if not isinstance(guest, GuestConfig):
        return guest
    plan = Plan(
        verb="stop",
        node=guest.node,
        reached=partial(_is, work, guest, "stopped"),
        issue=lambda: work.hypervisor.stop(guest.node, guest.vmid, overrule_shutdown=True),
        find=task_finder(work, "qmstop"),
        grace=STOP_GRACE,
    )
    return _observed(await pursue(work, plan), "stopped")


async def shutdown(work: Work, *, force: bool = False) -> Outcome:
    """Ask the guest to shut down; with `force` the power is cut when it does not in time."""
    guest = await ours(work)
    if not isinstance(guest, GuestConfig):
        return guest
    return _observed(await pursue(work, shutdown_plan(work, guest, force=force)), "stopped")


def shutdown_plan(work: Work, guest: GuestConfig, *, force: bool) -> Plan:
    """How it comes to be stopped."""
    seconds = work.tools.config.policy.shutdown_timeout
    return Plan(
        verb="shutdown",
        node=guest.node,
        reached=partial(_is, work, guest, "stopped"),
        issue=lambda: work.hypervisor.shutdown(guest.node, guest.vmid, timeout_s=seconds, force=force),
        find=task_finder(work, "qmshutdown"),
        grace=STOP_GRACE,
        failed=partial(_not_in_time, seconds),
    )


def start_plan(work: Work, guest: GuestConfig) -> Plan:
    """How it comes to run."""
    return Plan(
        verb="start",
        node=guest.node,
        reached=partial(_is, work, guest, "running"),
        issue=lambda: work.hypervisor.start(guest.node, guest.vmid),
        find=task_finder(work, "qmstart"),
        grace=STOP_GRACE,
        unasked=work.state.power is None,  # it was never seen to run, and starting what runs is starting it once
    )


def _not_in_time(seconds: int, task: Task) -> Outcome | None:
    if task.cause != "timeout":
        return None
    message = f"The system in the server did not shut down within {seconds} s. It still runs; you can power it off."
    return Failed("shutdown_timeout", message, task.text)


def _observed(outcome: Outcome, power: e.Power, detail: str = "") -> Outcome:
    if not isinstance(outcome, Done):
        return outcome
    return Done(outcome.detail or detail, [e.PowerObserved(power=power)])


async def _is(work: Work, guest: GuestConfig, goal: e.Power) -> str | None:
    status = await work.hypervisor.status(guest.node, guest.vmid)
    return "" if status.power == goal else None


async def reboot(work: Work) -> Outcome:
    """Done once the guest runs and began to run after it was asked: it was off and on."""
    outcome = await _again(work, "reboot", lambda g: work.hypervisor.reboot(g.node, g.vmid), "qmreboot", _restarted)
    if isinstance(outcome, Done) and work.state.restart_needed:
        return Done(outcome.detail, [e.PowerObserved(power="stopped"), *outcome.events])
    return outcome


async def back_on(work: Work) -> Outcome:
    """Done once it runs, if it ran before the operation began."""
    if work.state.power_before not in ("running", "paused"):
        return Done("", [e.PowerObserved(power="stopped")])
    outcome = await start(work)
    if isinstance(outcome, Done) and work.state.restart_needed:
        return Done(outcome.detail, [e.PowerObserved(power="stopped"), *outcome.events])
    return outcome


async def reset(work: Work) -> Outcome:
    """Done once Proxmox says that the button was pressed."""
    return await _again(work, "reset", lambda g: work.hypervisor.reset(g.node, g.vmid), "qmreset", _was_reset)


async def _again(
    work: Work,
    verb: str,
    issue: Callable[[GuestConfig], Awaitable[str]],
    kind: str,
    reached: Callable[[Work, GuestConfig], Awaitable[str | None]],
) -> Outcome:
    """An act that is not a state: only its task and its traces tell whether it happened. A guest that somebody has
    powered off meanwhile is started: what runs afterwards is what was asked for.
    """
    guest = await ours(work)
    if not isinstance(guest, GuestConfig):
        return guest
    if await _is_off(work, guest):
        return _observed(await pursue(work, start_plan(work, guest)), "running", WAS_OFF)
    plan = Plan(
        verb=verb,
        node=guest.node,
        reached=lambda: reached(work, guest),
        issue=lambda: issue(guest),
        find=task_finder(work, kind),
        grace=REBOOT_GRACE,
        failed=partial(_not_in_time, 60),
        once=True,
    )
    outcome = await pursue(work, plan)
    if isinstance(outcome, Failed) and outcome.code == "refused" and await _is(work, guest, "stopped") is not None:
        return Later(0.0, "powered_off", "The server was powered off outside; starting it.", settled=True)
    return _observed(outcome, "running")


async def _is_off(work: Work, guest: GuestConfig) -> bool:
    """Whether there is nothing to restart: it is off before it was asked for anything but to start."""
    effect = work.step.effect
    if effect is not None:
        return effect.verb == "start"
    return await _is(work, guest, "stopped") is not None


async def _restarted(work: Work, guest: GuestConfig) -> str | None:
    effect, status = work.step.effect, await work.hypervisor.status(guest.node, guest.vmid)
    now = await work.hypervisor.server_time()
    if effect is None or now is None or status.power != "running":
        return None
    return "" if now - status.uptime_s >= effect.since else None


async def _was_reset(work: Work, guest: GuestConfig) -> str | None:
    effect = work.step.effect
    if effect is None or effect.upid is None:
        return None
    return "" if (await work.hypervisor.task(effect.upid)).state == "succeeded" else None


async def address(work: Work) -> Outcome:
    """Done once the guest itself reports the address it was promised, or after a time limit without the agent."""
    wanted = {address.address for address in work.state.addresses}
    guest = await _if_ours(work, await work.whereabouts(), volumes=True)
    if not isinstance(guest, GuestConfig):
        return guest
    try:
        seen = {a.address for a in await work.hypervisor.addresses(guest.node, guest.vmid)}
    except (AgentSilent, Denied):
        seen = set()
    if wanted & seen or (seen and not wanted):
        return Done(", ".join(sorted(wanted & seen or seen)))
    started = work.step.started_at
    waited = ((await work.now()) - started).total_seconds() if started else 0.0
    if waited > work.tools.config.policy.address_timeout:
        return Done("The server runs; its guest agent did not confirm the address.")
    return Later(0.2 if waited < 3 else 1.0, "await_address", "Waiting until the system in the server answers.")

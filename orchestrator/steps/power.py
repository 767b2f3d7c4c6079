"""Power: start, shut down, stop, reboot, reset. The goal is a state that is observed, not a call that was answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from domain.server import events as e
from hypervisor.errors import AgentSilent, Denied
from hypervisor.port import GuestConfig, Task
from orchestrator.effect import Plan, pursue, task_finder
from orchestrator.identity import mismatch
from orchestrator.outcome import Attention, Done, Failed, Later, Outcome
from orchestrator.work import Work

STOP_GRACE = 2.0  # wishing a state twice is wishing it once
REBOOT_GRACE = 90.0  # three times Proxmox's own time limit for a forwarded request


async def ours(work: Work) -> GuestConfig | Outcome:
    """The guest, if it is there and is the recorded one."""
    guest = await work.guest()
    if guest is None:
        return Attention("guest_missing", "The virtual machine is not there any more.")
    if (why := mismatch(work.state, guest)) is not None:
        return Attention("identity_mismatch", "Another virtual machine stands where this one should be.", why)
    if guest.node != work.state.node:
        await work.record(e.GuestMoved(node=guest.node))
    return guest


async def start(work: Work) -> Outcome:
    """Done once it runs."""
    return await _power(work, "start", "running", lambda g: work.hypervisor.start(g.node, g.vmid), "qmstart")


async def stop(work: Work) -> Outcome:
    """Cut the power; done once it is stopped."""
    issue = partial(_stop, work)
    return await _power(work, "stop", "stopped", issue, "qmstop")


def _stop(work: Work, guest: GuestConfig) -> Awaitable[str]:
    return work.hypervisor.stop(guest.node, guest.vmid, overrule_shutdown=True)


async def shutdown(work: Work, *, force: bool = False) -> Outcome:
    """Ask the guest to shut down; with `force` the power is cut when it does not in time."""
    seconds = work.tools.config.policy.shutdown_timeout

    def issue(guest: GuestConfig) -> Awaitable[str]:
        return work.hypervisor.shutdown(guest.node, guest.vmid, timeout_s=seconds, force=force)

    return await _power(work, "shutdown", "stopped", issue, "qmshutdown", failed=partial(_not_in_time, seconds))


def _not_in_time(seconds: int, task: Task) -> Outcome | None:
    if task.cause != "timeout":
        return None
    message = f"The system in the server did not shut down within {seconds} s. It still runs; you can power it off."
    return Failed("shutdown_timeout", message, task.text)


async def _power(
    work: Work,
    verb: str,
    goal: e.Power,
    issue: Callable[[GuestConfig], Awaitable[str]],
    kind: str,
    *,
    failed: Callable[[Task], Outcome | None] = lambda task: None,
) -> Outcome:
    guest = await ours(work)
    if not isinstance(guest, GuestConfig):
        return guest
    plan = Plan(
        verb=verb,
        node=guest.node,
        reached=partial(_is, work, guest, goal),
        issue=lambda: issue(guest),
        find=task_finder(work, kind),
        grace=STOP_GRACE,
        failed=failed,
    )
    outcome = await pursue(work, plan)
    return Done(outcome.detail, [e.PowerObserved(power=goal)]) if isinstance(outcome, Done) else outcome


async def _is(work: Work, guest: GuestConfig, goal: e.Power) -> str | None:
    status = await work.hypervisor.status(guest.node, guest.vmid)
    return "" if status.power == goal else None


async def reboot(work: Work) -> Outcome:
    """Done once the guest runs and began to run after it was asked."""
    return await _again(work, "reboot", lambda g: work.hypervisor.reboot(g.node, g.vmid), "qmreboot", _restarted)


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
    """An act that is not a state: only its task and its traces tell whether it happened."""
    guest = await ours(work)
    if not isinstance(guest, GuestConfig):
        return guest
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
    return Done(outcome.detail, [e.PowerObserved(power="running")]) if isinstance(outcome, Done) else outcome


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
    assert work.state.node is not None
    assert work.state.vmid is not None
    try:
        seen = {a.address for a in await work.hypervisor.addresses(work.state.node, work.state.vmid)}
    except (AgentSilent, Denied):
        seen = set()
    if wanted & seen or (seen and not wanted):
        return Done(", ".join(sorted(wanted & seen or seen)))
    started = work.step.started_at
    waited = ((await work.now()) - started).total_seconds() if started else 0.0
    if waited > work.tools.config.policy.address_timeout:
        return Done("The server runs; its guest agent did not confirm the address.")
    return Later(0.2 if waited < 3 else 1.0, "await_address", "Waiting until the system in the server answers.")

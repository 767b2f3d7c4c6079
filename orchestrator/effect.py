"""One effect on Proxmox, at most once at a time and never forgotten.

The intent is in the log before the call, the task's UPID right after it, and the step is done only when its goal is
observed. Whatever happens in between (a crash, a lost answer, a second worker), the next look decides from what the log
says was intended and what Proxmox shows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from domain.server import events as e
from domain.server.state import Effect
from hypervisor.errors import (
    Ambiguous,
    Busy,
    Denied,
    HypervisorError,
    Invalid,
    Missing,
    NotExecuted,
    Refused,
    Unreachable,
)
from hypervisor.port import Task
from orchestrator import slots
from orchestrator.outcome import Attention, Done, Failed, Later, Outcome
from orchestrator.work import Work

MAX_ATTEMPTS = 200  # a lock held by others may take long; what fails for its own reasons ends sooner
SOONEST_LOOK_SECONDS, LATEST_LOOK_SECONDS = 0.02, 1.0  # between two looks at a task: half of what it has taken
TASK_START_TOLERANCE = 2  # seconds: a task's start is counted in whole seconds of the node's clock
LATE_SECONDS = 90.0  # three times as long as Proxmox waits for a request that it passed on to another node
PATIENT_ATTEMPTS = 8  # after so many, a lock that no task holds is one that was left behind


@dataclass(frozen=True, slots=True)
class Plan:
    """How to reach a step's goal.

    `reached` observes: what was found, or None while the goal is not there. `issue` asks Proxmox and gives the UPID,
    or None when the call is done at once. `find` looks for a task of a lost answer. `grace`: seconds after which an
    attempt without answer and trace counts as lost; short where repeating does no harm. `once`: repeating could do
    harm, so a second attempt is the last. `unasked`: the goal is surely not there before the first attempt, and is not
    looked for. `occupies`: the slots a task takes (`slots.needed`); it waits for its turn.
    """

    verb: str
    node: str
    reached: Callable[[], Awaitable[str | None]]
    issue: Callable[[], Awaitable[str | None]]
    find: Callable[[Effect], Awaitable[Task | None]]
    grace: float
    failed: Callable[[Task], Outcome | None] = lambda task: None
    once: bool = False
    unasked: bool = False
    before: Callable[[], Awaitable[Outcome | None]] | None = None
    occupies: tuple[str, ...] = ()


async def pursue_all(work: Work, plans: Iterable[Plan]) -> Outcome:
    """Several acts of one step, in their order: each begins when the one before is observed to be done."""
    outcome: Outcome = Done()
    for plan in plans:
        outcome = await pursue(work, plan)
        if not isinstance(outcome, Done):
            break
    return outcome


async def pursue(work: Work, plan: Plan) -> Outcome:
    """Move the step one look on; a task that occupies slots holds them until it has ended."""
    if not plan.occupies:
        return await _pursue(work, plan)
    if work.step.effect is not None and work.step.effect.verb == plan.verb:
        await slots.keep(work, plan.occupies)
    outcome = await _pursue(work, plan)
    if not isinstance(outcome, Later) or outcome.settled:
        crowded = isinstance(outcome, Later) and outcome.code == "busy"
        await slots.free(work, plan.occupies, crowded=crowded)
    return outcome


async def _pursue(work: Work, plan: Plan) -> Outcome:
    effect = work.step.effect
    if effect is None or effect.verb != plan.verb:  # an effect of another act of the step is that one's matter
        found = None if plan.once or plan.unasked else await plan.reached()
        return Done(found) if found is not None else await _attempt(work, plan)
    if effect.upid is None:
        return await _after_silence(work, plan, effect)
    return await _after_task(work, plan, effect, effect.upid)


async def _attempt(work: Work, plan: Plan) -> Outcome:
    number = work.step.attempt + 1
    if number > (2 if plan.once else MAX_ATTEMPTS):
        return Attention("too_many_attempts", "This did not work after several attempts.", work.step.detail)
    await work.check_effects_allowed(plan.node)
    if plan.occupies and not await slots.take(work, plan.occupies):
        return Later(slots.ASK_AGAIN_SECONDS, "queued", slots.QUEUED)
    if plan.before is not None and (stop := await plan.before()) is not None:
        return stop
    await work.check_effects_allowed(plan.node)  # looking may have taken long
    await work.record(await _intent(work, plan, number))
    await work.check_effects_allowed(plan.node)  # the database may have let us wait
    try:
        upid = await plan.issue()
    except NotExecuted as error:
        return await _left_locked(work, error, number) or await _refused(work, error, number)
    except Ambiguous as error:
        return Later(1.0, "answer_lost", "The hypervisor's answer was lost; looking what happened.", str(error))
    if upid is None:
        return await _observed(plan, number)
    task, _ = await asyncio.gather(_glance(work, upid), _accepted(work, upid))
    assert work.step.effect is not None
    return await _after_look(work, plan, work.step.effect, task) if task is not None else Later(0.0)


async def _accepted(work: Work, upid: str) -> None:
    await work.record(e.TaskAccepted(operation_id=work.operation.id, step=work.step.key, upid=upid))


async def _glance(work: Work, upid: str) -> Task | None:
    """The task while its id is being written down: many are over by then."""
    try:
        return await work.hypervisor.task(upid)
    except HypervisorError:
        return None


async def _intent(work: Work, plan: Plan, number: int) -> e.EffectIntended:
    state = work.state
    assert state.cluster is not None
    assert state.vmid is not None
    since = await work.hypervisor.server_time()
    return e.EffectIntended(
        operation_id=work.operation.id,
        step=work.step.key,
        attempt=number,
        verb=plan.verb,
        cluster=state.cluster,
        node=plan.node,
        vmid=state.vmid,
        since=since if since is not None else int((await work.now()).timestamp()),
    )


async def _observed(plan: Plan, number: int) -> Outcome:
    found = await plan.reached()
    return Done(found) if found is not None else Later(_pause(number))


async def _after_silence(work: Work, plan: Plan, effect: Effect) -> Outcome:
    """The attempt has no UPID: the answer was lost, or a worker died before it could write it down."""
    task = await plan.find(effect)
    if task is not None:
        await _accepted(work, task.upid)
        return Later(0.0)
    if not plan.once and (found := await plan.reached()) is not None:
        return Done(found)
    waited = ((await work.now()) - effect.at).total_seconds()
    if work.operation.cancelling:
        return Later(1.0) if waited < LATE_SECONDS else Later(0.0, "cancelled", "Being cancelled.", settled=True)
    return Later(1.0) if waited < plan.grace else await _attempt(work, plan)


async def _after_task(work: Work, plan: Plan, effect: Effect, upid: str) -> Outcome:
    try:
        task = await work.hypervisor.task(upid)
    except Missing:
        found = await plan.reached()
        return Done(found) if found is not None else Later(_pause(effect.attempt), settled=True, code="task_forgotten")
    return await _after_look(work, plan, effect, task)


async def _after_look(work: Work, plan: Plan, effect: Effect, task: Task) -> Outcome:
    if task.state == "running":
        waited = ((await work.now()) - effect.at).total_seconds()
        return Later(min(max(waited / 2, SOONEST_LOOK_SECONDS), LATEST_LOOK_SECONDS))
    if (found := await plan.reached()) is not None:
        return Done(found)
    if task.state == "succeeded":
        return await _not_there_yet(work, effect, task)
    left = await _left_locked(work, task, effect.attempt)
    return plan.failed(task) or left or await _task_failed(work, task, effect.attempt)


async def _not_there_yet(work: Work, effect: Effect, task: Task) -> Outcome:
    """The task is done and its effect is not to be seen: it may still come, or somebody undid it."""
    waited = ((await work.now()) - effect.at).total_seconds() - ((task.ended_at or task.started_at) - task.started_at)
    if waited < 30:
        return Later(0.3)
    return Later(1.0, "effect_missing", "It was done, but its effect is not to be seen; trying again.", settled=True)


async def _left_locked(work: Work, why: Task | NotExecuted, attempt: int) -> Attention | None:
    """A lock that no task holds stays for ever: a worker that died left it, and only root may take it away."""
    busy = isinstance(why, Busy) or (isinstance(why, Task) and why.cause == "busy")
    if not busy or attempt < PATIENT_ATTEMPTS:
        return None
    guest = await work.guest()
    if guest is None or guest.lock is None:
        return None
    tasks = await work.hypervisor.tasks(guest.node, vmid=guest.vmid)
    if any(task.state == "running" for task in tasks):
        return None
    message = "The virtual machine was left locked by something that broke off: staff must unlock it."
    return Attention("lock_left", message, f"VMID {guest.vmid} is locked ({guest.lock})")


async def _task_failed(work: Work, task: Task, attempt: int) -> Outcome:
    if task.cause == "refused":
        return Failed("refused", "The hypervisor refused this.", task.text, retryable=False)
    if task.cause == "missing":
        return await _missing(work, task.text)
    detail = "The virtual machine is busy; trying again." if task.cause == "busy" else "It failed; trying again."
    # A worker that died says nothing against the next one.
    if task.cause != "busy" and task.state != "lost" and attempt >= 3:
        return Failed("hypervisor_error", "The hypervisor could not do this, in several attempts.", task.text)
    return Later(_pause(attempt), task.cause or "task_failed", detail, task.text, settled=True)


async def _missing(work: Work, text: str) -> Outcome:
    """The guest was not where it was looked for: it has moved meanwhile, or it is gone."""
    if await work.guest() is None:
        return Attention("guest_missing", "The virtual machine is not there any more.", text)
    return Later(1.0, "moved", "The virtual machine has moved; looking again.", text, settled=True)


async def _refused(work: Work, error: NotExecuted, attempt: int) -> Outcome:
    match error:
        case Unreachable():
            detail = "The hypervisor cannot be reached. This goes on by itself when it is back."
            return Later(2.0, "unreachable", detail, str(error), settled=True)
        case Busy():
            return Later(
                _pause(attempt), "busy", "The virtual machine is busy; trying again.", str(error), settled=True
            )
        case Denied():
            detail = "Hostler lacks a permission on the hypervisor; staff are asked to look."
            return Later(30.0, "denied", detail, str(error), settled=True)
        case Missing():
            return await _missing(work, str(error))
        case Invalid() | Refused():
            return Failed("refused", "The hypervisor refused this.", str(error), retryable=False)
        case _:
            return Later(_pause(attempt), "conflict", "Looking again.", str(error), settled=True)


def _pause(attempt: int) -> float:
    return float(min(2 ** max(attempt - 1, 0), 30))


def task_finder(work: Work, kind: str) -> Callable[[Effect], Awaitable[Task | None]]:
    """Find the task of a lost answer by what it does, to whom, and when it began; never that of an earlier attempt."""

    async def find(effect: Effect) -> Task | None:
        since = effect.since - TASK_START_TOLERANCE
        tasks = await work.hypervisor.tasks(effect.node, vmid=effect.vmid, kind=kind, since=since)
        return next((task for task in tasks if task.upid not in work.step.upids), None)

    return find


async def no_task(effect: Effect) -> Task | None:
    """For calls that are done at once."""
    return None


def told(verb: str, node: str, tell: Callable[[], Awaitable[None]], seen: Callable[[], Awaitable[bool]]) -> Plan:
    """A plan to tell Proxmox what cannot all be read back, such as passwords: done when a call was answered in this
    very look and what can be read (`seen`) is as wished. Telling it twice is telling it once.
    """
    answered = False

    async def issue() -> None:
        nonlocal answered
        await tell()
        answered = True

    async def reached() -> str | None:
        return "" if answered and await seen() else None

    return Plan(verb=verb, node=node, reached=reached, issue=issue, find=no_task, grace=0.0)


def task_succeeded(work: Work, verb: str) -> Callable[[], Awaitable[str | None]]:
    """For acts that leave no state to be seen: only their task tells that they happened."""

    async def reached() -> str | None:
        effect = work.step.effect
        if effect is None or effect.upid is None or effect.verb != verb:
            return None
        try:
            task = await work.hypervisor.task(effect.upid)
        except Missing:
            return None
        return "" if task.state == "succeeded" else None

    return reached

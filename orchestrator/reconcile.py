"""One wake of one server: load, look, do one thing, record it; again until it is done or has to wait."""

from __future__ import annotations

from asyncio import sleep as pause
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import structlog

from domain.server import events as e
from domain.server.operations import OPERATIONS
from domain.server.state import Operation, Server
from eventstore.database import Connection
from eventstore.store import Conflict
from hypervisor.errors import Ambiguous, Denied, HypervisorError, Unreachable
from orchestrator import slots
from orchestrator.outcome import MAINTENANCE, MAINTENANCE_SECONDS, Attention, Done, Failed, Later, Outcome
from orchestrator.promises import promise_exactly
from orchestrator.snippets import OutOfReach
from orchestrator.steps import backups, configure, power, rebuild, resize, snapshots, suspension, terminate, user_data
from orchestrator.steps.clone import clone
from orchestrator.steps.credentials import credentials
from orchestrator.steps.guard import guard
from orchestrator.steps.place import place
from orchestrator.steps.rename import rename
from orchestrator.steps.repair import repair
from orchestrator.steps.secrets import forget
from orchestrator.work import EffectsPaused, InMaintenance, ObserveOnly, Work
from runtime.ids import new_id

log = structlog.get_logger()
AWAY = "The place where user data is handed over cannot be reached. This goes on by itself when it is back."
Step = Callable[[Work], Awaitable[Outcome]]
# Shorter waits are spent here, with the lease in hand; longer ones are put into the outbox.
PATIENCE_SECONDS = 1.0

STEPS: Mapping[tuple[str, str], Step] = {
    ("create", "place"): place,
    ("create", "clone"): clone,
    ("create", "configure"): configure.configure,
    ("create", "guard"): guard,
    ("create", "resize"): configure.resize,
    ("create", "start"): power.start,
    ("create", "address"): power.address,
    ("create", "user_data"): user_data.take_away,
    ("start", "start"): power.start,
    ("shutdown", "shutdown"): power.shutdown,
    ("stop", "stop"): power.stop,
    ("reboot", "reboot"): power.reboot,
    ("reset", "reset"): power.reset,
    ("rebuild", "safety"): rebuild.safety,
    ("rebuild", "stop"): rebuild.stop,
    ("rebuild", "reimage"): rebuild.reimage,
    ("rebuild", "clean"): rebuild.clean,
    ("rebuild", "configure"): configure.configure,
    ("rebuild", "guard"): guard,
    ("rebuild", "resize"): configure.resize,
    ("rebuild", "start"): power.start,
    ("rebuild", "address"): power.address,
    ("rebuild", "user_data"): user_data.take_away,
    ("resize", "reserve"): resize.reserve,
    ("resize", "scale"): resize.scale,
    ("resize", "resize"): configure.resize,
    ("resize", "restart"): resize.restart,
    ("rename", "rename"): rename,
    ("reset_password", "credentials"): credentials,
    ("snapshot", "snapshot"): snapshots.take,
    ("snapshot_restore", "rollback"): snapshots.go_back,
    ("snapshot_restore", "configure"): configure.configure,
    ("snapshot_restore", "guard"): guard,
    ("snapshot_restore", "resize"): configure.resize,
    ("snapshot_restore", "restart"): power.back_on,
    ("snapshot_delete", "snapshot_delete"): snapshots.delete,
    ("backup", "backup"): backups.take,
    ("backup_restore", "stop"): backups.stop,
    ("backup_restore", "backup_restore"): backups.restore,
    ("backup_restore", "configure"): configure.configure,
    ("backup_restore", "guard"): guard,
    ("backup_restore", "resize"): configure.resize,
    ("backup_restore", "restart"): power.back_on,
    ("backup_delete", "backup_delete"): backups.delete,
    ("suspend", "suspend"): suspension.suspend,
    ("unsuspend", "unsuspend"): suspension.unsuspend,
    ("terminate", "stop"): terminate.stop,
    ("terminate", "schedule"): terminate.schedule,
    ("restore", "restore"): terminate.restore,
    ("repair", "repair"): repair,
    ("destroy", "stop"): terminate.stop,
    ("destroy", "destroy"): terminate.destroy,
}


async def reconcile(work: Work) -> float | None:
    """Move a server on as far as it goes; seconds until the next look, or None when there is nothing to do.

    When the program is to end, what is left is for the next worker.
    """
    while True:
        version = work.state.version
        try:
            wait = await _one_look(work)
        except Conflict:
            await work.reload()
            continue
        if wait is None or wait > PATIENCE_SECONDS or work.tools.stopping.is_set():
            return wait
        await pause(wait)
        if wait or work.state.version == version:  # what was just recorded was read back with all before it
            await work.reload()


async def _one_look(work: Work) -> float | None:
    current = work.state.current
    if current is None:
        return await _idle(work)
    if current.status == "needs_attention":
        return None
    if current.cancelling and _at_rest(current):
        return await _cancelled(work)
    if current.step is None:
        await work.record(e.OperationSucceeded(operation_id=current.id), claims=partial(_given_back, work))
        return 0.0
    outcome = await _observe(work, STEPS[current.type, current.step.key])
    return await _settle(work, outcome)


def _at_rest(operation: Operation) -> bool:
    """Nothing that was asked of Proxmox for the step can still happen."""
    return operation.step is None or operation.step.effect is None


async def _cancelled(work: Work) -> float:
    operation = work.operation.id
    await work.record(e.OperationCancelled(operation_id=operation), claims=partial(_given_back, work))
    await slots.leave(work, operation)
    return 0.0


async def _idle(work: Work) -> float | None:
    """No operation goes on: perhaps a termination has to become final, or what a cancelled creation left must go."""
    newest = work.state.operation
    if newest is not None and newest.status == "cancelled":
        await slots.leave(work, newest.id)
    if work.state.purge_at is None:
        return await _remove(work) if _abandoned(work.state) else None
    left = (work.state.purge_at - await work.now()).total_seconds()
    if left > 0:
        return max(left, PATIENCE_SECONDS + 0.01)
    return await _remove(work)


def _abandoned(state: Server) -> bool:
    newest = state.operation
    return not state.destroyed and newest is not None and (newest.type, newest.status) == ("create", "cancelled")


async def _remove(work: Work) -> float:
    operation = new_id()
    requested = e.OperationRequested(operation_id=operation, type="destroy", steps=list(OPERATIONS["destroy"].steps))
    await work.record(requested, operations=[operation])
    return 0.0


async def _observe(work: Work, step: Step) -> Outcome:
    """Take one look at a step; what Proxmox cannot answer is waited for, never guessed."""
    try:
        return await step(work)
    except Unreachable as error:
        detail = "The hypervisor cannot be reached. This goes on by itself when it is back."
        return Later(2.0, "unreachable", detail, str(error))
    except Ambiguous as error:
        return Later(1.0, "answer_lost", "The hypervisor's answer was lost; looking what happened.", str(error))
    except Denied as error:
        detail = "Hostler lacks a permission on the hypervisor; staff are asked to look."
        return Later(30.0, "denied", detail, str(error))
    except HypervisorError as error:
        return Later(2.0, "busy", "The hypervisor is busy; trying again.", str(error))
    except OutOfReach as error:
        return Later(5.0, "user_data_away", AWAY, str(error))
    except EffectsPaused as error:
        return Later(5.0, "paused", "Changes are paused by the operator. This goes on by itself.", str(error))
    except InMaintenance as error:
        return Later(MAINTENANCE_SECONDS, "maintenance", MAINTENANCE, str(error))
    except ObserveOnly:
        return Failed("observe_only", "This server is only observed: nothing was done to it.", retryable=False)


async def _settle(work: Work, outcome: Outcome) -> float | None:
    """Record what the look came to."""
    operation, step = work.operation, work.step
    match outcome:
        case Done():
            completed = e.StepCompleted(operation_id=operation.id, step=step.key, detail=outcome.detail)
            events = [*outcome.events, completed]
            if operation.steps[-1].key == step.key:
                events.append(e.OperationSucceeded(operation_id=operation.id))
            await work.record(*events, claims=outcome.claims)
            return 0.0
        case Later():
            await _hold(work, outcome)
            return outcome.seconds
        case Failed() if operation.cancelling:
            return await _cancelled(work)
        case Failed():
            failed = e.OperationFailed(
                operation_id=operation.id,
                code=outcome.code,
                message=outcome.message,
                retryable=outcome.retryable,
                debug=outcome.debug,
            )
            await work.record(failed, claims=partial(_given_back, work, keep_secret=outcome.retryable))
        case Attention():
            raised = e.AttentionRaised(
                operation_id=operation.id, code=outcome.code, message=outcome.message, debug=outcome.debug
            )
            await work.record(raised)
    log.warning("operation stopped", operation=operation.id.hex, code=outcome.code, debug=outcome.debug)
    return 0.0


async def _hold(work: Work, later: Later) -> None:
    """Tell people what the step waits for, once; an attempt that came to nothing is always recorded."""
    step = work.step
    told = step.status == "waiting" and step.detail == later.detail
    if not later.code or (told and not (later.settled and step.effect is not None)):
        return
    held = e.StepHeld(
        operation_id=work.operation.id,
        step=step.key,
        code=later.code,
        detail=later.detail,
        settled=later.settled,
        debug=later.debug,
    )
    await work.record(held)


async def _given_back(work: Work, connection: Connection, *, keep_secret: bool = False) -> None:
    """At an operation's end: room that was promised for another plan, and the secret unless it can be tried again."""
    if work.operation.type == "resize":
        await promise_exactly(work.state.id, work.state.size, connection)
    if not keep_secret:
        await forget(work, connection)

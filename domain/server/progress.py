"""What each event of an operation makes of it: its steps as they are taken, and its end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.copying import Change, changed
from domain.record import Recorded
from domain.server import events as e
from domain.server.operations import OPERATIONS
from domain.server.state import Effect, Operation, Problem, Step

Fields = dict[str, Any]  # names and new values


def requested(record: Recorded[Any], id: UUID, type: str, steps: list[str], params: dict[str, Any]) -> Operation:
    """The operation that was asked for."""
    return Operation(
        id=id,
        server_id=record.stream_id,
        type=type,
        params=params,
        steps=[Step(key=key) for key in steps],
        requested_by=record.meta.actor,
        request_id=record.meta.request_id,
        created_at=record.at,
        version=record.version,
    )


def stepped(operation: Operation, event: Any, at: datetime, change: Change) -> Fields:
    """An operation after an event of one of its steps."""
    steps, key = operation.steps.copy(), event.step
    for n, step in enumerate(steps):
        if step.key == key:
            news = STEPS[type(event)](step, event, at)
            if step.started_at is None:
                news["started_at"] = at
            steps[n] = change(step, **news)
    return {"status": "running", "started_at": operation.started_at or at, "steps": steps}


def _intended(step: Step, event: e.EffectIntended, at: datetime) -> Fields:
    effect = Effect(attempt=event.attempt, verb=event.verb, node=event.node, vmid=event.vmid, since=event.since, at=at)
    return {"status": "running", "attempt": event.attempt, "effect": effect, "detail": ""}


def _accepted(step: Step, event: e.TaskAccepted, at: datetime) -> Fields:
    return {"effect": step.effect and changed(step.effect, upid=event.upid), "upids": [*step.upids, event.upid]}


def _held(step: Step, event: e.StepHeld, at: datetime) -> Fields:
    return {"status": "waiting", "detail": event.detail, "effect": None if event.settled else step.effect}


def _completed(step: Step, event: e.StepCompleted, at: datetime) -> Fields:
    return {"status": "succeeded", "detail": event.detail, "finished_at": at}


# What each event of a step changes of it.
STEPS: dict[type, Callable[[Step, Any, datetime], Fields]] = {
    e.EffectIntended: _intended,
    e.TaskAccepted: _accepted,
    e.StepHeld: _held,
    e.StepCompleted: _completed,
}


def _succeeded(operation: Operation, event: e.OperationSucceeded, at: datetime) -> Fields:
    return {"status": "succeeded", "finished_at": at}


def _failed(operation: Operation, event: e.OperationFailed, at: datetime) -> Fields:
    error = Problem(code=event.code, message=event.message, retryable=event.retryable, debug=event.debug)
    return {"status": "failed", "error": error, **_stopped(operation, at)}


def _raised(operation: Operation, event: e.AttentionRaised, at: datetime) -> Fields:
    error = Problem(code=event.code, message=event.message, retryable=False, debug=event.debug)
    return {"status": "needs_attention", "error": error, **_stopped(operation, at)}


def _cancelling(operation: Operation, event: e.CancelRequested, at: datetime) -> Fields:
    return {"cancelling": True}


def _cancelled(operation: Operation, event: e.OperationCancelled, at: datetime) -> Fields:
    return {"status": "cancelled", "cancelling": False, **_stopped(operation, at)}


def _retried(operation: Operation, event: e.OperationRetried, at: datetime) -> Fields:
    known = operation.status == "failed"  # what has failed did not happen; for the rest one has to look
    fresh: Fields = {"status": "queued", "detail": "", "attempt": 0, "finished_at": None}
    fresh |= {"effect": None} if known else {}
    again = {"failed", "succeeded"} if OPERATIONS[operation.type].from_start else {"failed"}
    steps = [changed(step, **fresh) if step.status in again else step for step in operation.steps]
    return {"status": "running", "error": None, "finished_at": None, "steps": steps}


def _stopped(operation: Operation, at: datetime) -> Fields:
    step = operation.step
    steps = [changed(s, status="failed", finished_at=at) if s is step else s for s in operation.steps]
    return {"steps": steps, "finished_at": at}


# What each other event of an operation changes of it.
ENDS: dict[type, Callable[[Operation, Any, datetime], Fields]] = {
    e.OperationSucceeded: _succeeded,
    e.OperationFailed: _failed,
    e.AttentionRaised: _raised,
    e.CancelRequested: _cancelling,
    e.OperationCancelled: _cancelled,
    e.OperationRetried: _retried,
}

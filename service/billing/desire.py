"""What a billing system wants of a service, and the next step from what is so to that. Pure."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from domain.server import events as e
from domain.server.decide import CreateServer
from domain.server.state import Operation, Server

State = Literal["active", "suspended", "terminated"]
NON_PAYMENT = "non_payment"  # billing lifts it whoever placed it


@dataclass(frozen=True, slots=True, kw_only=True)
class Desire:
    """The whole of what is wanted; what is None may be as it is. Plan, image and location are already looked up."""

    state: State
    account_id: UUID | None = None
    name: str | None = None
    plan: e.Plan | None = None
    image: e.Image | None = None
    location: e.Location | None = None
    min_disk_gib: int = 0
    reason: str = NON_PAYMENT
    note: str = ""
    grace_seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What billing itself did so far: the reasons it suspended for, whether it terminated, when it was last asked."""

    placed: Set[str] = frozenset()
    ended: bool = False
    asked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Make:
    """Create the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Ask for an operation."""

    type: str
    params: dict[str, Any] = field(default_factory=dict)
    personal: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Something goes on; look again when it has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck:
    """It cannot become so by itself; the message is for people."""

    code: str
    message: str


Step = Make | Ask | Wait | Stuck


def next_step(server: Server | None, desire: Desire, done: Done) -> Step | None:
    """What to do next; None when all is as it is wanted."""
    if server is None:
        return Make() if desire.state == "active" else None
    if server.destroyed:
        return None if desire.state == "terminated" else Stuck(code="gone", message=GONE)
    step = _ending(server) if desire.state == "terminated" else _living(server, desire, done)
    if isinstance(step, Ask) and (failed := _failed(server, step.type, done)) is not None:
        message = failed.error.message if failed.error is not None else "It was cancelled."
        return Stuck(code="operation_failed", message=f"This was tried ({step.type}): {message}")
    return step


GONE = "The server no longer exists: a new one needs another external id."
OWNERS = "Its owner, or staff, terminated the server: billing does not undo that."
ATTENTION = "Staff look at this server: an operation on it needs attention."


def create(external_id: str, desire: Desire, operation_id: UUID) -> CreateServer:
    """The order of a server; everything it needs was checked when it was wanted."""
    account, name, plan = desire.account_id, desire.name, desire.plan
    assert account is not None
    assert name is not None
    assert plan is not None
    assert desire.image is not None
    assert desire.location is not None
    return CreateServer(
        operation_id=operation_id,
        account_id=account,
        name=name,
        plan=plan,
        image=desire.image,
        location=desire.location,
        min_disk_gib=desire.min_disk_gib,
        external_id=external_id,
    )


def _ending(server: Server) -> Step | None:
    if server.purge_at is not None:
        return None
    return Wait() if _goes_on(server, "terminate") else Ask(type="terminate")


def _living(server: Server, desire: Desire, done: Done) -> Step | None:
    if server.purge_at is not None:
        return Ask(type="restore") if done.ended else Stuck(code="terminated", message=OWNERS)
    step = _holds(server, desire, done) or _plan(server, desire)
    if step is None or server.current is None:
        return step
    return Stuck(code="needs_attention", message=ATTENTION) if server.current.status == "needs_attention" else Wait()


def _holds(server: Server, desire: Desire, done: Done) -> Ask | None:
    """Suspensions of billing's own come and go; those that others placed stay."""
    held = [hold.reason for hold in server.holds]
    wanted = desire.reason if desire.state == "suspended" else None
    if wanted is not None and wanted not in held:
        return Ask(type="suspend", params={"reason": wanted}, personal={"note": desire.note})
    own = {NON_PAYMENT, *done.placed}
    lifted = next((reason for reason in held if reason in own and reason != wanted), None)
    return None if lifted is None else Ask(type="unsuspend", params={"reason": lifted})


def _plan(server: Server, desire: Desire) -> Ask | None:
    plan = desire.plan
    if plan is None or plan.id == server.plan.id or server.holds:
        return None
    return Ask(type="resize", params={"plan": {name: getattr(plan, name) for name in plan.__slots__}, "restart": False})


def _goes_on(server: Server, type: str) -> bool:
    return server.current is not None and server.current.type == type


def _failed(server: Server, type: str, done: Done) -> Operation | None:
    """The operation that this would only repeat: asked since, and not done. Asking again tries again."""
    last = server.operation
    if last is None or last.type != type or last.status not in ("failed", "cancelled"):
        return None
    return last if last.created_at >= done.asked_at else None

"""Clone: the VMID is the idempotency key. However often it is asked for, one guest comes of it."""

from __future__ import annotations

import contextlib
import re
from functools import partial

from domain.server import events as e
from domain.server.state import Effect
from eventstore.database import Connection
from eventstore.store import ClaimLost
from hypervisor.identity import identity_of
from hypervisor.port import GuestConfig, Task
from orchestrator import slots
from orchestrator.effect import Plan, pursue
from orchestrator.outcome import Attention, Done, Failed, Later, Outcome
from orchestrator.promises import moved
from orchestrator.steps.place import next_vmid
from orchestrator.work import SQL, Work

# Repeating a clone to the same VMID can never make a second guest (pmxcfs and per-VMID locks see to it), so a
# short wait for late execution is enough.
GRACE_SECONDS = 10.0
LOCKED_SECONDS = 60.0


def marker(work: Work) -> str:
    """The line in a guest's notes that says whose it is."""
    return f"hostler server={work.state.id.hex} operation={work.operation.id.hex}"


async def clone(work: Work) -> Outcome:
    """Done with `GuestIdentified` once the guest is whole and carries our mark."""
    placed = work.state.placement
    assert placed is not None
    plan = Plan(
        verb="clone",
        node=_source(placed),
        reached=lambda: _reached(work),
        issue=lambda: work.hypervisor.clone(
            _source(placed),
            placed.template_vmid,
            placed.vmid,
            name=work.state.name,
            description=marker(work),
            full=placed.full,
            storage=placed.storage if placed.full else None,
            target=placed.node if placed.node != _source(placed) else None,
        ),
        find=partial(_find, work),
        grace=GRACE_SECONDS,
        failed=partial(_failed, work),
        before=partial(_before, work),
        occupies=slots.needed(
            placed.cluster,
            node=_source(placed),
            storage=slots.disks(work.state, placed.node, placed.storage),
            template=placed.template_vmid,
        ),
    )
    outcome = await pursue(work, plan)
    return await _identified(work) if isinstance(outcome, Done) else outcome


def _source(placed: e.ServerPlaced) -> str:
    """The node where the image lies, and the task runs."""
    return placed.template_node or placed.node


async def _before(work: Work) -> Outcome | None:
    """A guest that is there before we ask is a stranger's, or an attempt of ours that came late."""
    vmid, first = work.state.vmid, work.step.attempt == 0
    assert vmid is not None
    if (first and work.was_free(vmid)) or not await work.hypervisor.vmid_taken(vmid):
        return None
    guest = await work.guest()
    return await (_found(work, guest) if guest is not None else _not_of_a_container(work))


async def _not_of_a_container(work: Work) -> Outcome | None:
    """The number was taken, but no virtual machine has it: it was given back just now, unless a container has it."""
    rows = await work.hypervisor.guests()
    if any(row.vmid == work.state.vmid and row.kind != "qemu" for row in rows):
        return await _choose_again(work)
    return None


async def _found(work: Work, guest: GuestConfig) -> Outcome:
    if marker(work) in guest.description:
        return Done() if _is_whole(work, guest) else Later(0.3)
    if guest.lock == "clone":
        return await _locked(work, guest)
    return await _choose_again(work)


async def _locked(work: Work, guest: GuestConfig) -> Outcome:
    """A copy in the making, its mark not visible yet: ours if we asked for one, a stranger's if not."""
    if work.step.attempt == 0 or work.step.started_at is None:
        return await _choose_again(work)
    waited = ((await work.now()) - work.step.started_at).total_seconds()
    if waited < LOCKED_SECONDS:
        return Later(1.0)
    return Attention("half_made_clone", "A copy was left unfinished: staff must unlock it.", f"VMID {guest.vmid}")


async def _choose_again(work: Work) -> Outcome:
    """The VMID belongs to a stranger: burn it and promise another."""
    placed = work.state.placement
    assert placed is not None
    if (vmid := await next_vmid(work, work.tools.config.cluster_named(placed.cluster))) is None:
        return Failed("no_vmid", "The range of VM numbers is used up: staff must widen it.")
    again = e.ServerPlaced(**{name: getattr(placed, name) for name in placed.__slots__} | {"vmid": vmid})
    held = e.StepHeld(
        operation_id=work.operation.id,
        step="clone",
        code="vmid_of_stranger",
        detail="The number chosen for the virtual machine was taken by another; going on with the next.",
        settled=True,
    )

    async def claims(connection: Connection) -> None:
        await connection.execute(SQL.burn_vmid, placed.cluster, placed.vmid, work.state.id)
        await connection.execute(SQL.own_vmid, placed.cluster, vmid, work.state.id)

    # When another process was faster, this one chooses once more.
    with contextlib.suppress(ClaimLost):
        await work.record(again, held, claims=claims)
    return Later(0.0)


async def _reached(work: Work) -> str | None:
    if work.step.attempt == 0:
        return None  # nothing was asked for yet: what is there all the same is for `_before` to see
    guest = await work.guest()
    return "" if guest is not None and _is_whole(work, guest) else None


def _is_whole(work: Work, guest: GuestConfig) -> bool:
    return guest.lock is None and marker(work) in guest.description and bool(guest.volumes)


async def _identified(work: Work) -> Outcome:
    guest = await work.glimpse()
    if guest is None:
        return Later(1.0)
    identified = e.GuestIdentified(operation_id=work.operation.id, node=guest.node, identity=identity_of(guest))
    if guest.node == work.state.node:
        return Done("", [identified])
    return Done("", [e.GuestMoved(node=guest.node), identified], claims=await moved(work, guest.node))


async def _find(work: Work, effect: Effect) -> Task | None:
    """Clone tasks are filed under their source: the log of each says which copy it makes."""
    placed = work.state.placement
    assert placed is not None
    names = re.compile(rf"\bvm-{placed.vmid}-|\bwith ID {placed.vmid}\b|/{placed.vmid}/")
    candidates = await work.hypervisor.tasks(
        effect.node, vmid=placed.template_vmid, kind="qmclone", since=effect.since - 2
    )
    for task in candidates:
        if task.upid not in work.step.upids and any(
            names.search(line) for line in await work.hypervisor.task_log(task.upid)
        ):
            return task
    return None


def _failed(work: Work, task: Task) -> Outcome | None:
    if task.cause == "conflict":
        return Later(0.3, "conflict", "Looking what is there.", task.text, settled=True)
    if task.cause in ("busy", None) or task.state == "lost":
        return None
    attempts = work.step.attempt
    if attempts < 3 and task.cause not in ("refused", "missing"):
        return Later(2.0**attempts, "clone_failed", "Copying the image failed; trying again.", task.text, settled=True)
    return Failed("clone_failed", f"{work.state.image.name} could not be copied.", task.text)

"""Terminate in two phases: stop and wait for the purge, which can be undone; then destroy, which cannot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

from domain.server import events as e
from eventstore.database import Connection
from hypervisor.identity import identity_of
from hypervisor.port import GuestConfig
from orchestrator.destroys import let_through
from orchestrator.effect import Plan, pursue_all, task_finder
from orchestrator.outcome import Done, Outcome
from orchestrator.steps import power
from orchestrator.steps.backups import leave_none
from orchestrator.steps.user_data import remove_file
from orchestrator.work import SQL, Work


async def stop(work: Work) -> Outcome:
    """The guest is stopped: gracefully if it does so in time. A guest that was never made or is gone needs nothing."""
    if await _nothing_of_ours(work):
        return Done("There is no virtual machine.")
    if work.operation.type == "destroy" and (wait := await let_through(work)) is not None:
        return wait  # what runs again although it is to be removed may have been meant to
    if work.state.identity is None:
        await _identify_own_half_made(work)
    return await power.shutdown(work, force=True)


async def _nothing_of_ours(work: Work) -> bool:
    """No guest has the number; or a stranger's has, which came before ours was made: it has not got our mark."""
    if work.state.vmid is None:
        return True
    guest = await work.guest()
    if guest is None:
        return True
    return work.state.identity is None and guest.lock is None and _mark(work) not in guest.description


def _mark(work: Work) -> str:
    return f"hostler server={work.state.id.hex} "


async def _identify_own_half_made(work: Work) -> None:
    """A creation that failed before its guest was verified: it is ours by the mark in its notes."""
    guest = await work.guest()
    if guest is not None and _mark(work) in guest.description:
        identity = identity_of(guest)
        await work.record(e.GuestIdentified(operation_id=work.operation.id, node=guest.node, identity=identity))


async def schedule(work: Work) -> Outcome:
    """Done with `TerminationScheduled`: until `purge_at` it can be undone; what was never made goes at once."""
    window = work.tools.config.policy.undo_window if work.state.provisioned else 0
    purge_at = await work.now() + timedelta(seconds=window)
    scheduled = e.TerminationScheduled(
        operation_id=work.operation.id, purge_at=purge_at, power_before=work.state.power_before
    )
    return Done("", [scheduled])


async def restore(work: Work) -> Outcome:
    """The termination is undone: a server that ran before runs again."""
    undone = e.TerminationUndone(operation_id=work.operation.id)
    if work.state.power_before != "running" or work.state.vmid is None:
        return Done("", [undone])
    outcome = await power.start(work)
    return Done(outcome.detail, [*outcome.events, undone]) if isinstance(outcome, Done) else outcome


async def destroy(work: Work) -> Outcome:
    """Done with `ServerDestroyed` once its backups are deleted and no guest has the VMID; what was promised is free."""
    guest = None if await _nothing_of_ours(work) else await power.ours(work)
    if guest is not None and not isinstance(guest, GuestConfig):
        if await work.guest() is not None:
            return guest
        guest = None
    outcome = await pursue_all(work, [replace(plan, before=partial(let_through, work)) for plan in _plans(work, guest)])
    if not isinstance(outcome, Done):
        return outcome
    await remove_file(work)
    id = work.operation.id
    backups = [e.BackupDeleted(operation_id=id, backup_id=backup.id) for backup in work.state.backups]
    return Done("", [*backups, e.ServerDestroyed(operation_id=id)], claims=partial(_release, work))


def _plans(work: Work, guest: GuestConfig | None) -> Iterator[Plan]:
    if work.state.vmid is not None and work.state.node is not None:
        yield leave_none(work)
    if guest is not None:
        yield Plan(
            verb="destroy",
            node=guest.node,
            reached=partial(_is_gone, work),
            issue=lambda: work.hypervisor.destroy(guest.node, guest.vmid),
            find=task_finder(work, "qmdestroy"),
            grace=2.0,
        )


async def _is_gone(work: Work) -> str | None:
    return "" if await work.guest() is None else None


async def _release(work: Work, connection: Connection) -> None:
    await connection.execute(SQL.release_vmid, work.state.id)
    await connection.execute(SQL.release_addresses, work.state.id)
    await connection.execute(SQL.release_memory, work.state.id)
    await connection.execute(SQL.release_capacity, work.state.id)

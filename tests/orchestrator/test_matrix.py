"""Every step of every operation × where its program is killed × what befalls it: generated, so that none is forgotten.

After each: one guest per server, none that nobody knows, the operation ended, the log and the cluster agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from uuid import UUID

import asyncpg
import pytest

from domain.server import events as e
from domain.server.operations import OPERATIONS
from domain.server.state import Operation
from eventstore.store import Entry
from hypervisor.fake import Accident
from orchestrator.reconcile import STEPS
from tests.orchestrator.storm import people
from tests.orchestrator.storm.installation import FIRST_VMID, TEMPLATE, Installation, user_data_of
from tests.orchestrator.storm.laws import Outsiders, examine

BEFORE, AFTER, RECORDED = "before the call", "after the call, before the record", "after the record"
ACCIDENTS = {
    "answer lost": Accident.LOST_BEFORE,
    "596 with effect": Accident.LOST_AFTER,
    "late effect": Accident.LATE,
}
OTHERS = ("task worker killed", "Proxmox away", "database cut")
CASES = list(product((BEFORE, AFTER, RECORDED), (*ACCIDENTS, *OTHERS)))
ALL = [(type, step) for type, kind in OPERATIONS.items() for step in kind.steps if (type, step) in STEPS]
# The image is on another node, and the first that these do is to move the guest: it is off, and keeps its old disk.
MOVES = [("rebuild", "stop"), ("rebuild", "clean")]
# The same with user data, which lies in a file as long as the guest names it.
HANDED = [(type, step) for type in ("create", "rebuild") for step in ("configure", "start", "user_data")]
# What must have been before an operation can be asked for.
BEFOREHAND = {
    "start": ["stop"],
    "restore": ["terminate"],
    "unsuspend": ["suspend"],
    "snapshot_restore": ["snapshot"],
    "snapshot_delete": ["snapshot"],
    "backup_restore": ["backup"],
    "backup_delete": ["backup"],
    "destroy": ["backup"],
}
# These are no states that could be wished for again: after two attempts of unknown outcome staff must look.
ONCE = {"reboot", "reset", "restart"}
ONE_WAY, KILLED_AFTER = 0.2, 0.3  # seconds: the call has arrived, its answer has not
AWAY, LATE, UNLOCKED = 40.0, 20.0, 90.0
PATIENCE = 3600.0


class Trap:
    """Waits for a step of an operation, kills the program that takes it, and lets a fault strike, once each."""

    def __init__(self, installation: Installation, at: tuple[str, str], moment: str, fault: str):
        self._installation = installation
        self._at, self._moment, self._fault = at, moment, fault
        self.server: UUID | None = None
        self.struck = self.killed = False
        installation.network.seconds = lambda: ONE_WAY
        installation.network.late_seconds = lambda: LATE
        installation.network.before = self._calling
        installation.network.befalls = self._befalls
        installation.store.before = self._recording
        installation.store.after = self._recorded

    def _here(self) -> bool:
        if self.server is None or self.server not in self._installation.tables.streams:
            return False
        current = self._installation.tables.server(self.server).current
        return current is not None and current.step is not None and (current.type, current.step.key) == self._at

    def _kill(self) -> None:
        self.killed = True
        for process in self._installation.living():
            process.kill()
        self._installation.clock.call_later(1.0, self._installation.start)

    def _calling(self, verb: str, vmid: int) -> None:
        if self._moment == BEFORE and not self.killed and self._here():
            self._kill()

    def _befalls(self, verb: str, vmid: int, change: bool) -> Accident | None:
        if self.struck or not change or not self._here():
            return None
        self._strike()
        if self._moment == AFTER and not self.killed:
            self._installation.clock.call_later(KILLED_AFTER, self._kill)
        return ACCIDENTS.get(self._fault)

    def _strike(self) -> None:
        self.struck = True
        world, wire, later = self._installation.world, self._installation.wire, self._installation.clock.call_later
        if self._fault == "task worker killed":
            world.next_worker_dies = True
            later(UNLOCKED, world.unlock)
        elif self._fault == "Proxmox away":
            world.set_node("pve1", online=False)
            later(AWAY, lambda: world.set_node("pve1", online=True))
        elif self._fault == "database cut":
            wire.away = True
            later(AWAY, lambda: setattr(wire, "away", False))

    def _ends_step(self, entries: Sequence[Entry]) -> bool:
        steps = (entry.event.step for entry in entries if isinstance(entry.event, e.StepCompleted))
        return self._here() and self._at[1] in steps

    def _recording(self, entries: Sequence[Entry]) -> None:
        """A step that asks nothing of the cluster: its record is what it does."""
        if self.struck or not self._ends_step(entries):
            return
        self._strike()
        if self._moment == BEFORE and not self.killed:
            self._kill()
        if self._moment == BEFORE or self._fault == "database cut":
            raise asyncpg.ConnectionDoesNotExistError("cut off")

    def _recorded(self, entries: Sequence[Entry]) -> None:
        if self.struck and not self.killed and any(_of_step(entry.event, self._at[1]) for entry in entries):
            self._kill()


def _of_step(event: object, step: str) -> bool:
    return isinstance(event, e.TaskAccepted | e.StepHeld | e.StepCompleted) and event.step == step


async def stage(installation: Installation, type: str) -> UUID | None:
    """A server for which the operation may be asked."""
    if type == "create":
        return None
    server = installation.create("web-1")
    assert await installation.quiet(PATIENCE)
    for earlier in BEFOREHAND.get(type, []):
        people.wish(installation, server, earlier)
        await installation.ended(PATIENCE)
    if type == "repair":
        installation.world.guests[FIRST_VMID].name = "renamed-outside"
    return server


async def _far_from_its_image(installation: Installation) -> UUID:
    server = installation.create("web-1")
    assert await installation.quiet(PATIENCE)
    installation.world.guests[TEMPLATE].node = "pve2"
    people.wish(installation, server, "stop")
    await installation.ended(PATIENCE)
    return server


async def _happen(
    installation: Installation, trap: Trap, type: str, *, moves: bool = False, user_data: bool = False
) -> Operation:
    """Ask for the operation and wait until it has ended."""
    installation.start()
    server = await (_far_from_its_image(installation) if moves else stage(installation, type))
    if server is None:
        server = trap.server = installation.create("web-1", user_data=user_data)
    elif moves or user_data:
        trap.server = server
        params, personal = people.WISHES[type](installation.tables.server(server))
        installation.ask(server, type, params | {"safety": moves}, personal, "customer", user_data=user_data)
    else:
        trap.server = server
        people.wish(installation, server, "terminate" if type == "destroy" else type)
    await installation.quiet(PATIENCE)
    await installation.observed()
    operation = installation.tables.server(server).operation
    assert operation is not None
    return operation


def _wrong(at: tuple[str, str], moment: str, fault: str, *, moves: bool = False, user_data: bool = False) -> object:
    """What is wrong after one case; None when nothing is."""
    installation = Installation(1, nodes=2, shared=True) if moves else Installation(1)
    trap = Trap(installation, at, moment, fault)
    found: list[object] = []

    async def story() -> None:
        operation = await _happen(installation, trap, at[0], moves=moves, user_data=user_data)
        found.append(examine(installation, [], Outsiders()).all())
        harmed = fault == "task worker killed" or at[1] in ONCE
        if operation.status != "succeeded" and not (harmed and operation.error is not None):
            found.append((operation.status, operation.error, operation.step))
        if not (trap.struck and trap.killed):
            found.append("nothing struck")
        if user_data and operation.status == "succeeded":
            handed = {guest.handed for guest in installation.world.guests.values()}
            found.append(handed - {"", user_data_of(operation.id)} or installation.world.snippets)
            found.append(user_data_of(operation.id) not in handed)

    installation.run(story)
    return [one for one in found if one] or None


def _marks(at: tuple[str, str]) -> list[pytest.MarkDecorator]:
    return [] if at[0] == "create" else [pytest.mark.many]


@pytest.mark.parametrize("at", [pytest.param(at, marks=_marks(at)) for at in ALL], ids="-".join)
def test_no_step_is_harmed(at: tuple[str, str]) -> None:
    """Whenever its program dies and whatever else befalls it."""
    results = {case: _wrong(at, *case) for case in CASES}
    assert {case: wrong for case, wrong in results.items() if wrong} == {}


@pytest.mark.many
@pytest.mark.parametrize("at", MOVES, ids="-".join)
def test_no_move_is_harmed(at: tuple[str, str]) -> None:
    """The same while a guest is taken to its image, and home again."""
    results = {case: _wrong(at, *case, moves=True) for case in CASES}
    assert {case: wrong for case, wrong in results.items() if wrong} == {}


@pytest.mark.parametrize("at", HANDED, ids="-".join)
def test_no_step_with_user_data_is_harmed(at: tuple[str, str]) -> None:
    """The guest is given it, and no file is left."""
    results = {case: _wrong(at, *case, user_data=True) for case in CASES}
    assert {case: wrong for case, wrong in results.items() if wrong} == {}


def test_every_operation_is_in_the_matrix() -> None:
    """None is left out because it has no steps yet."""
    assert {type for type, _ in ALL} == set(OPERATIONS)
    assert all(people.possible(type) for type in OPERATIONS)

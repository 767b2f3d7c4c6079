"""Folding: whatever may happen to a server, its state stays whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.account.events import AccountOpened, Member, MemberAdded, PasswordRehashed, UserRegistered
from domain.account.state import evolve_account, evolve_user
from domain.copying import revised
from domain.errors import Refused
from domain.server import events as e
from domain.server import represent
from domain.server.decide import RequestOperation, request
from domain.server.evolve import evolve, fold
from domain.server.state import Server
from eventstore import snapshot
from tests.given import (
    ADDRESS,
    BIRTH,
    IDENTITY,
    IMAGE,
    STEPS,
    account,
    adopted,
    created,
    import_updated,
    imported,
    intended,
    operated,
    placed,
    records,
    requested,
    server,
    user,
)

STATUSES = {
    *("provisioning", "running", "stopped", "paused", "starting", "stopping", "rebooting", "rebuilding", "resizing"),
    *("restoring", "suspended", "terminating", "terminated", "failed", "unlinked", "unknown"),
}
# What some operations need to be told.
PLAN = {"vcpus": 4, "memory_mib": 4096, "disk_gib": 40}
WITH: dict[str, Any] = {
    "params": {"reason": "abuse", "plan": PLAN, "snapshot_id": str(UUID(int=1)), "backup_id": str(UUID(int=1))},
    "personal": {"name": "web-2"},
}
POWER: st.SearchStrategy[e.Power] = st.sampled_from(["running", "stopped", "paused"])


@st.composite
def lives(draw: st.DrawFn) -> list[Any]:
    """A server's life: born or imported, then whatever is allowed, ended well or badly, with observations between."""
    first = uuid4()
    events: list[Any] = draw(st.sampled_from([created(first), [imported(), adopted()], [requested(first)]]))
    for _ in range(draw(st.integers(0, 6))):
        events = [*events, *draw(st.sampled_from([observed, asked_for, moved]))(draw, events)]
    return events


def observed(draw: st.DrawFn, events: list[Any]) -> list[Any]:
    return [e.PowerObserved(power=draw(POWER))]


def moved(draw: st.DrawFn, events: list[Any]) -> list[Any]:
    return [e.GuestMoved(node=draw(st.sampled_from(["pve1", "pve2"])))]


def asked_for(draw: st.DrawFn, events: list[Any]) -> list[Any]:
    id = uuid4()
    command = RequestOperation(
        operation_id=id, type=draw(st.sampled_from(sorted(STEPS))), now=BIRTH, by="system", **WITH
    )
    try:
        asked = request(server(*events), command)
    except Refused:
        return []
    return [*asked, *draw(st.sampled_from([well, badly, half]))(draw, id, command.type)]


def well(draw: st.DrawFn, id: UUID, type: str) -> list[Any]:
    special: dict[str, list[Any]] = {
        "terminate": [
            e.TerminationScheduled(operation_id=id, purge_at=BIRTH + timedelta(days=3), power_before="running")
        ],
        "restore": [e.TerminationUndone(operation_id=id)],
        "destroy": [e.ServerDestroyed(operation_id=id)],
    }
    return [*operated(type, id)[1:-1], *special.get(type, []), e.OperationSucceeded(operation_id=id)]


def badly(draw: st.DrawFn, id: UUID, type: str) -> list[Any]:
    failed = e.OperationFailed(operation_id=id, code="refused", message="No.", retryable=True, debug="500")
    raised = e.AttentionRaised(operation_id=id, code="identity", message="Look.")
    return [intended(id, STEPS[type][0]), draw(st.sampled_from([failed, raised]))]


def half(draw: st.DrawFn, id: UUID, type: str) -> list[Any]:
    step = STEPS[type][0]
    held = e.StepHeld(operation_id=id, step=step, code="unreachable", detail="waits", settled=draw(st.booleans()))
    return [intended(id, step), held]


@given(lives())
@settings(max_examples=60, deadline=None)
def test_every_moment_of_every_life_has_a_state_that_can_be_shown_and_stored(events: list[Any]) -> None:
    state: Server | None = None
    for version, record in enumerate(records(events), start=1):
        state = evolve(state, record)
        assert state.version == version
        assert state.status in STATUSES
        assert snapshot.decode(Server, snapshot.encode(state)) == state
        assert represent.server(state, {})["status"] == state.status
        if state.operation is not None:
            assert 0 <= represent.operation(state.operation)["progress"] <= 100


@given(lives(), st.integers(0, 40))
@settings(max_examples=40, deadline=None)
def test_folding_in_two_parts_with_a_stored_state_between_is_the_same(events: list[Any], cut: int) -> None:
    history = records(events)
    whole = fold(None, history)
    first = fold(None, history[:cut])
    stored = None if first is None else snapshot.decode(Server, snapshot.encode(first))
    assert fold(stored, history[cut:]) == whole


@given(lives())
@settings(max_examples=40, deadline=None)
def test_an_event_leaves_the_state_before_it_as_it_was(events: list[Any]) -> None:
    history = records(events)
    states = [evolve(None, history[0])]
    texts = [snapshot.encode(states[0])]
    for record in history[1:]:
        states.append(evolve(states[-1], record))
        texts.append(snapshot.encode(states[-1]))
    assert [snapshot.encode(state) for state in states] == texts


@given(lives(), st.integers(0, 40))
@settings(max_examples=40, deadline=None)
def test_a_fold_leaves_the_state_it_begins_with_as_it_was(events: list[Any], cut: int) -> None:
    history = records(events)
    first = fold(None, history[:cut])
    before = snapshot.encode(first)
    fold(first, history[cut:])
    assert snapshot.encode(first) == before


@given(lives())
@settings(max_examples=40, deadline=None)
def test_a_state_revised_in_place_is_the_one_that_copies_give(events: list[Any]) -> None:
    copied: Server | None = None
    alone: Server | None = None
    for record in records(events):
        copied, alone = evolve(copied, record), evolve(alone, record, revised)
        assert alone == copied


@given(lives())
@settings(max_examples=40, deadline=None)
def test_only_an_open_operation_blocks(events: list[Any]) -> None:
    state = server(*events)
    assert (state.current is not None) == (state.operation is not None and state.operation.open)


@given(lives())
@settings(max_examples=40, deadline=None)
def test_events_of_another_operation_change_nothing_of_this_one(events: list[Any]) -> None:
    before = server(*events)
    after = server(*events, e.OperationFailed(operation_id=uuid4(), code="x", message="x", retryable=False))
    assert after.operation == before.operation
    assert after.status == before.status


def test_a_create_is_told_step_by_step() -> None:
    id = uuid4()
    held = e.StepHeld(operation_id=id, step="clone", code="busy", detail="The storage is busy.", settled=False)
    state = server(
        requested(id), placed(id), e.StepCompleted(operation_id=id, step="place"), intended(id, "clone"), held
    )
    assert state.operation is not None
    assert [(step.key, step.status) for step in state.operation.steps[:3]] == [
        ("place", "succeeded"),
        ("clone", "waiting"),
        ("configure", "queued"),
    ]
    assert state.operation.step is not None
    assert state.operation.step.effect is not None
    assert (state.status, state.node, state.vmid) == ("provisioning", "pve1", 10_000_000)


def test_an_attempt_that_is_settled_is_forgotten() -> None:
    id = uuid4()
    held = e.StepHeld(operation_id=id, step="place", code="refused", detail="Again.", settled=True)
    state = server(requested(id), intended(id, "place"), held)
    assert state.operation is not None
    assert state.operation.steps[0].effect is None


def test_a_task_belongs_to_the_newest_attempt() -> None:
    id = uuid4()
    events = [requested(id), intended(id, "clone", 1), intended(id, "clone", 2)]
    state = server(*events, e.TaskAccepted(operation_id=id, step="clone", upid="UPID:2"))
    assert state.operation is not None
    step = state.operation.steps[1]
    assert step.effect is not None
    assert (step.attempt, step.effect.upid) == (2, "UPID:2")


def test_a_failed_create_says_why() -> None:
    id = uuid4()
    state = server(
        requested(id),
        intended(id, "clone"),
        e.OperationFailed(operation_id=id, code="c", message="No.", retryable=True),
    )
    assert state.status == "failed"
    assert state.operation is not None
    assert state.operation.error is not None
    assert state.operation.steps[0].status == "failed"
    assert state.operation.finished_at is not None


def test_an_imported_server_is_unlinked_until_it_is_adopted() -> None:
    declined = e.AdoptionDeclined(code="missing", detail="No guest has this number.")
    assert server(imported()).status == "unlinked"
    assert represent.server(server(imported(), declined), {})["status_reason"] == declined.detail
    state = server(imported(), declined, adopted())
    assert (state.status, state.declined, state.identity) == ("running", None, IDENTITY)


def test_an_import_that_changed_replaces_what_was_sold() -> None:
    first = imported()
    later = import_updated(first, name="renamed", addresses=[ADDRESS], suspension="abuse")
    state = server(first, adopted(), later)
    assert (state.name, state.addresses, state.status) == ("renamed", [ADDRESS], "suspended")
    assert state.vmid == 101


def test_a_termination_that_is_undone_leaves_the_server_as_it_was() -> None:
    state = server(*created())
    scheduled = e.TerminationScheduled(operation_id=uuid4(), purge_at=BIRTH, power_before="running")
    undone = server(*created(), scheduled, e.TerminationUndone(operation_id=uuid4()))
    assert server(*created(), scheduled).status == "terminating"
    assert (undone.status, undone.purge_at, undone.power_before) == (state.status, None, None)


def test_a_servers_stream_begins_with_a_birth() -> None:
    with pytest.raises(ValueError, match="cannot begin with PowerObserved"):
        server(e.PowerObserved(power="running"))


def test_members_of_an_account() -> None:
    new = UUID(int=31)
    state = None
    for record in records([account(), MemberAdded(user_id=new, role="viewer"), MemberAdded(user_id=new, role="owner")]):
        state = evolve_account(state, record)
    assert state is not None
    assert state.members == [Member(user_id=UUID(int=30), role="owner"), Member(user_id=new, role="owner")]
    assert (state.name, state.version) == ("Ada GmbH", 3)


def test_an_account_and_a_user_may_begin_here() -> None:
    (opened, registered) = records([AccountOpened(name="Bob")]), records([UserRegistered(role="admin", email="b@x.de")])
    assert evolve_account(None, opened[0]).name == "Bob"
    assert evolve_user(None, registered[0]).role == "admin"


def test_a_users_new_password_changes_nothing_that_is_shown() -> None:
    first, second = records([user(), PasswordRehashed(scheme="argon2id", previous="bcrypt")])
    before = evolve_user(None, first)
    after = evolve_user(before, second)
    assert (after.email, after.version) == (before.email, 2)


@pytest.mark.parametrize("evolve_other", [evolve_account, evolve_user])
def test_foreign_events_are_refused(evolve_other: Any) -> None:
    with pytest.raises(ValueError, match="is not an event of"):
        evolve_other(None, records([requested()])[0])


def test_going_back_to_a_snapshot_brings_its_image_back() -> None:
    taken = e.SnapshotTaken(operation_id=uuid4(), snapshot_id=uuid4(), key="s1")
    other = replace(IMAGE, id=UUID(int=99), name="Debian 13")
    rebuilt = e.ImageChanged(operation_id=uuid4(), image=other)
    back = e.SnapshotRestored(operation_id=uuid4(), snapshot_id=taken.snapshot_id)
    assert server(*created(), taken, rebuilt).image == other
    assert server(*created(), taken, rebuilt, back).image == IMAGE

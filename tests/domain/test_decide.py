"""Every rule of what may be asked of a server, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.errors import Invalid, NotAllowed, OperationInProgress
from domain.server import events as e
from domain.server.decide import CreateServer, EndOperation, RequestOperation, create, end, request
from domain.server.operations import OPERATIONS, USER_DATA, WHY
from tests.given import (
    BIRTH,
    IMAGE,
    LOCATION,
    PLAN,
    STEPS,
    Given,
    adopted,
    backup_taken,
    created,
    import_updated,
    imported,
    intended,
    operated,
    placed,
    requested,
    server,
    snapshot_taken,
)

ID = UUID(int=77)
ALLOWED = {type: kind.allowed for type, kind in OPERATIONS.items() if kind.who == "customer"}
LARGER = {"vcpus": 4, "memory_mib": 4096, "disk_gib": 40}
PARAMS: dict[str, dict[str, Any]] = {"resize": {"plan": LARGER}}
OF_COPIES = {"snapshot_restore", "snapshot_delete", "backup_restore", "backup_delete"}


def creation(**changes: Any) -> CreateServer:
    command = CreateServer(
        operation_id=ID, account_id=UUID(int=10), name="web-1", plan=PLAN, image=IMAGE, location=LOCATION
    )
    return replace(command, **changes)


def asked(type: str, **changes: Any) -> RequestOperation:
    return replace(RequestOperation(operation_id=ID, type=type, now=BIRTH), **changes)


def suspension(type: str, reason: str) -> RequestOperation:
    return asked(type, params={"reason": reason}, by="staff")


def stopped() -> list[Any]:
    return [*created(), *operated("stop"), e.PowerObserved(power="stopped")]


def terminated(purge_in: timedelta = timedelta(hours=1)) -> list[Any]:
    operation = uuid4()
    began, *steps, ended = operated("terminate", operation)
    scheduled = e.TerminationScheduled(operation_id=operation, purge_at=BIRTH + purge_in, power_before="running")
    return [*created(), began, *steps, scheduled, ended]


def failed_create() -> list[Any]:
    operation = uuid4()
    failure = e.OperationFailed(operation_id=operation, code="refused", message="No.", retryable=False)
    return [requested(operation), placed(operation), failure]


def test_a_server_is_requested_with_what_was_chosen() -> None:
    (event,) = Given().when(create, creation(labels={"env": "prod"}))
    assert event == requested(ID, labels={"env": "prod"}, ssh_keys=[])


def test_a_server_that_exists_is_not_requested_again() -> None:
    assert Given(requested(ID)).when(create, creation()) == []


def test_names_are_kept_in_lower_case() -> None:
    (event,) = Given().when(create, creation(name="Web-1.Example.COM"))
    assert event.name == "web-1.example.com"


@pytest.mark.parametrize("name", ["a", "web-1", "a.b.c", "0", "x" * 63, ".".join(["x" * 63] * 3) + "." + "x" * 61])
def test_host_names_are_taken(name: str) -> None:
    assert Given().when(create, creation(name=name))


@pytest.mark.parametrize(
    "name",
    ["", "-a", "a-", "a..b", ".a", "a.", "a_b", "a b", "ä", "x" * 64, "a\n", "a.b.-c", ".".join(["x" * 63] * 4)],
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        Given().when(create, creation(name=name))
    assert refused.value.pointer == "/name"


def test_a_plan_with_a_disk_smaller_than_the_image_is_refused() -> None:
    assert Given().when(create, creation(min_disk_gib=20))
    with pytest.raises(Invalid, match="at least 21 GiB") as refused:
        Given().when(create, creation(min_disk_gib=21))
    assert refused.value.pointer == "/plan"


@pytest.mark.parametrize("type", ["shutdown", "stop", "reboot", "reset", "terminate"])
def test_a_running_server_may_be_asked_to(type: str) -> None:
    expected = e.OperationRequested(operation_id=ID, type=type, steps=list(STEPS[type]))
    assert Given(*created()).when(request, asked(type)) == [expected]


@pytest.mark.parametrize("type", ["start", "terminate"])
def test_a_stopped_server_may_be_asked_to(type: str) -> None:
    assert Given(*stopped()).when(request, asked(type))


@pytest.mark.parametrize("type", sorted(set(ALLOWED) - OF_COPIES))
@pytest.mark.parametrize("power", ["running", "stopped", "paused"])
def test_the_table_decides_for_every_power_state(type: str, power: e.Power) -> None:
    given = Given(*created(), e.PowerObserved(power=power))
    if power in ALLOWED[type]:
        assert given.when(request, asked(type, params=PARAMS.get(type, {}), personal={"name": "web-2"}))
    else:
        with pytest.raises(NotAllowed, match=WHY[power]):
            given.when(request, asked(type))


@pytest.mark.parametrize("type", ["start", "stop", "reboot"])
def test_nothing_but_termination_is_possible_after_a_failed_create(type: str) -> None:
    with pytest.raises(NotAllowed, match="could not be created"):
        Given(*failed_create()).when(request, asked(type))
    assert Given(*failed_create()).when(request, asked("terminate"))


def test_an_unlinked_server_allows_nothing() -> None:
    for type in ALLOWED:
        with pytest.raises(NotAllowed, match="not linked"):
            Given(imported()).when(request, asked(type))


def test_an_observed_server_is_left_alone() -> None:
    given = Given(imported(mode="observe"), adopted())
    with pytest.raises(NotAllowed, match="only observed"):
        given.when(request, asked("stop"))


def test_a_managed_adopted_server_obeys() -> None:
    assert Given(imported(), adopted()).when(request, asked("reboot"))


def test_a_suspended_server_does_not_start() -> None:
    with pytest.raises(NotAllowed, match="suspended"):
        Given(imported(suspension="non_payment"), adopted(power="stopped")).when(request, asked("start"))


def test_one_operation_at_a_time() -> None:
    operation = uuid4()
    given = Given(*created(), e.OperationRequested(operation_id=operation, type="reboot", steps=["reboot"]))
    with pytest.raises(OperationInProgress, match="reboot") as refused:
        given.when(request, asked("stop"))
    assert refused.value.blocking == operation


def test_an_operation_that_waits_for_staff_still_blocks() -> None:
    operation = uuid4()
    raised = e.AttentionRaised(operation_id=operation, code="identity", message="Another guest is there.")
    given = Given(*created(), e.OperationRequested(operation_id=operation, type="stop", steps=["stop"]), raised)
    with pytest.raises(OperationInProgress, match="waits for staff"):
        given.when(request, asked("start"))


def test_even_the_system_waits_its_turn() -> None:
    given = Given(*terminated(), e.OperationRequested(operation_id=uuid4(), type="restore", steps=["restore"]))
    with pytest.raises(OperationInProgress):
        given.when(request, asked("destroy", by="system"))


def test_people_cannot_ask_for_the_systems_operations() -> None:
    for type in sorted(type for type, kind in OPERATIONS.items() if kind.who != "customer"):
        with pytest.raises(Invalid, match=type):
            Given(*terminated()).when(request, asked(type))
    assert Given(*terminated()).when(request, asked("destroy", by="system"))


def test_unknown_actions_are_refused() -> None:
    with pytest.raises(Invalid, match="'dance'") as refused:
        Given(*created()).when(request, asked("dance", by="system"))
    assert refused.value.pointer == "/type"


def test_a_termination_can_be_undone_until_the_purge() -> None:
    assert Given(*terminated()).when(request, asked("restore", now=BIRTH + timedelta(minutes=59)))
    with pytest.raises(NotAllowed, match="has passed"):
        Given(*terminated()).when(request, asked("restore", now=BIRTH + timedelta(hours=1)))


def test_nothing_else_is_possible_while_terminating() -> None:
    for type in set(ALLOWED) - {"restore"}:
        with pytest.raises(NotAllowed, match="being terminated"):
            Given(*terminated()).when(request, asked(type))


def test_a_destroyed_server_allows_nothing() -> None:
    operation = uuid4()
    gone = [*terminated(), *operated("destroy", operation), e.ServerDestroyed(operation_id=operation)]
    assert server(*gone).status == "terminated"
    for type in ALLOWED:
        with pytest.raises(NotAllowed, match="no longer exists"):
            Given(*gone).when(request, asked(type))


def test_every_status_can_be_explained() -> None:
    reasons = {status for statuses in ALLOWED.values() for status in statuses}
    assert reasons <= set(WHY)


def test_every_operation_has_steps_of_its_own() -> None:
    for type, kind in OPERATIONS.items():
        assert kind.steps, type
        assert len(set(kind.steps)) == len(kind.steps), type


def test_a_larger_plan_may_be_asked_for_but_no_smaller_disk() -> None:
    assert Given(*created()).when(request, asked("resize", params={"plan": LARGER}))
    with pytest.raises(Invalid, match="cannot become smaller"):
        Given(*created()).when(request, asked("resize", params={"plan": LARGER | {"disk_gib": 10}}))
    same = {"vcpus": 2, "memory_mib": 2048, "disk_gib": 20}
    with pytest.raises(NotAllowed, match="already"):
        Given(*created()).when(request, asked("resize", params={"plan": same}))


def test_a_new_name_is_a_host_name() -> None:
    with pytest.raises(Invalid) as refused:
        Given(*created()).when(request, asked("rename", personal={"name": "-"}))
    assert refused.value.pointer == "/name"


@pytest.mark.parametrize(("type", "taken"), [("snapshot", snapshot_taken), ("backup", backup_taken)])
def test_copies_are_counted(type: str, taken: Callable[[], Any]) -> None:
    given = Given(*created(), *(taken() for _ in range(2)))
    assert given.when(request, asked(type))
    with pytest.raises(NotAllowed, match=f"room for 3 {type}s"):
        Given(*created(), *(taken() for _ in range(3))).when(request, asked(type))


@pytest.mark.parametrize("kind", ["snapshot", "backup"])
@pytest.mark.parametrize("verb", ["restore", "delete"])
def test_only_copies_that_are_there_can_be_used(kind: str, verb: str) -> None:
    taken = snapshot_taken() if kind == "snapshot" else backup_taken()
    known, unknown = ({f"{kind}_id": str(id)} for id in (getattr(taken, f"{kind}_id"), UUID(int=99)))
    assert Given(*created(), taken).when(request, asked(f"{kind}_{verb}", params=known))
    with pytest.raises(Invalid, match=f"no such {kind}"):
        Given(*created(), taken).when(request, asked(f"{kind}_{verb}", params=unknown))


def test_a_server_is_held_for_several_reasons_each_lifted_alone() -> None:
    first, _ = Given(*created()).when(request, suspension("suspend", "abuse"))
    assert first == e.HoldPlaced(reason="abuse")
    held = [*created(), first, e.HoldPlaced(reason="non_payment")]
    assert server(*held).status == "suspended"
    with pytest.raises(NotAllowed, match="for this reason already"):
        Given(*held).when(request, suspension("suspend", "abuse"))
    lifted, _ = Given(*held).when(request, suspension("unsuspend", "abuse"))
    assert lifted == e.HoldLifted(reason="abuse")
    assert server(*held, lifted).suspension == "non_payment"
    assert server(*held, lifted, e.HoldLifted(reason="non_payment")).status == "running"
    assert server(*held).power_held == "running"


def test_a_hold_needs_a_known_reason() -> None:
    with pytest.raises(Invalid, match="one of"):
        Given(*created()).when(request, suspension("suspend", "mood"))
    with pytest.raises(Invalid, match="but for: abuse"):
        Given(*created(), e.HoldPlaced(reason="abuse")).when(request, suspension("unsuspend", "admin"))


def test_what_the_source_holds_follows_the_source() -> None:
    was = imported(suspension="non_payment")
    held = server(was, adopted(), e.HoldPlaced(reason="abuse"))
    assert [hold.reason for hold in held.holds] == ["non_payment", "abuse"]
    paid = server(was, adopted(), e.HoldPlaced(reason="abuse"), import_updated(was, suspension=None))
    assert [hold.reason for hold in paid.holds] == ["abuse"]


def test_only_staff_suspend() -> None:
    with pytest.raises(Invalid):
        Given(*created()).when(request, asked("suspend", params={"reason": "abuse"}))


def test_an_owner_cannot_end_a_suspended_server_but_staff_can() -> None:
    given = Given(*created(), e.HoldPlaced(reason="abuse"))
    with pytest.raises(NotAllowed, match="suspended"):
        given.when(request, asked("terminate"))
    assert given.when(request, asked("terminate", by="staff"))


def test_terminating_a_server_that_is_being_created_cancels_its_creation_first() -> None:
    creation_id = uuid4()
    half = created(creation_id)[:4]
    cancel, asked_for = Given(*half).when(request, asked("terminate"))
    assert cancel == e.CancelRequested(operation_id=creation_id)
    state = server(*half, cancel, asked_for)
    assert (state.status, state.operation and state.operation.cancelling) == ("provisioning", True)
    with pytest.raises(OperationInProgress):
        request(state, asked("terminate", operation_id=uuid4()))
    after = server(*half, cancel, asked_for, e.OperationCancelled(operation_id=creation_id))
    assert after.current is not None
    assert (after.current.type, after.status) == ("terminate", "terminating")
    begun = server(*half, cancel, asked_for, e.OperationCancelled(operation_id=creation_id), intended(ID, "stop"))
    assert (begun.operation and begun.operation.id, begun.queued) == (ID, None)


def test_a_failed_operation_may_be_retried() -> None:
    operation = uuid4()
    failed = e.OperationFailed(operation_id=operation, code="busy", message="It did not work.", retryable=True)
    asked_for = e.OperationRequested(operation_id=operation, type="stop", steps=["stop"])
    life = [*created(), asked_for, intended(operation, "stop"), failed]
    (retried,) = Given(*life).when(end, EndOperation(what="retry"))
    again = server(*life, retried).operation
    assert again is not None
    assert (again.status, again.error, again.step and again.step.effect) == ("running", None, None)
    with pytest.raises(NotAllowed, match="cannot be tried again"):
        Given(*life[:-1], replace(failed, retryable=False)).when(end, EndOperation(what="retry"))


def test_only_staff_retry_or_cancel_what_they_look_at_and_its_unknown_effect_is_kept() -> None:
    operation = uuid4()
    raised = e.AttentionRaised(operation_id=operation, code="identity", message="Look.")
    asked_for = e.OperationRequested(operation_id=operation, type="stop", steps=["stop"])
    life = [*created(), asked_for, intended(operation, "stop"), raised]
    for what in ("retry", "cancel"):
        with pytest.raises(NotAllowed, match=r"[Ss]taff"):
            Given(*life).when(end, EndOperation(what=what))
    (retried,) = Given(*life).when(end, EndOperation(what="retry", by="staff"))
    again = server(*life, retried).operation
    assert again is not None
    assert again.step is not None
    assert again.step.effect is not None
    (cancelled,) = Given(*life).when(end, EndOperation(what="cancel", by="staff"))
    assert server(*life, cancelled).current is None


def test_what_has_begun_is_not_called_back() -> None:
    operation = uuid4()
    asked_for = e.OperationRequested(operation_id=operation, type="stop", steps=["stop"])
    assert Given(*created(), asked_for).when(end, EndOperation(what="cancel")) == [
        e.OperationCancelled(operation_id=operation)
    ]
    with pytest.raises(NotAllowed, match="cannot be called back"):
        Given(*created(), asked_for, intended(operation, "stop")).when(end, EndOperation(what="cancel"))
    with pytest.raises(NotAllowed, match="has ended"):
        Given(*created()).when(end, EndOperation(what="cancel"))


def test_only_the_newest_operation_can_be_ended() -> None:
    with pytest.raises(Invalid, match="newest"):
        Given(*created()).when(end, EndOperation(what="retry", operation_id=UUID(int=77)))


def test_a_safety_snapshot_needs_room_like_any_other() -> None:
    full = Given(*created(), *(snapshot_taken() for _ in range(3)))
    safely = RequestOperation(operation_id=uuid4(), type="rebuild", now=BIRTH, params={"safety": True})
    with pytest.raises(NotAllowed):
        full.when(request, safely)
    (asked,) = full.when(request, replace(safely, params={"safety": False}))
    assert asked.type == "rebuild"


def test_what_comes_with_user_data_has_one_step_more() -> None:
    """It is taken away at the end; of the text itself nothing is in the log."""
    (event,) = Given().when(create, creation(user_data=True))
    assert event.steps == [*STEPS["create"], USER_DATA]
    (event,) = Given(*created()).when(request, asked("rebuild", user_data=True))
    assert event.steps == [*OPERATIONS["rebuild"].steps, USER_DATA]

"""Every rule of what may be asked of a server, and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.errors import Invalid, NotAllowed, OperationInProgress
from domain.server import events as e
from domain.server.allowed import ALLOWED, WHY
from domain.server.decide import CreateServer, RequestOperation, create, request
from domain.server.state import IN_TRANSITION, STEPS
from tests.given import (
    BIRTH,
    IMAGE,
    LOCATION,
    PLAN,
    Given,
    adopted,
    created,
    imported,
    operated,
    placed,
    requested,
    server,
)

ID = UUID(int=77)


def creation(**changes: Any) -> CreateServer:
    command = CreateServer(
        operation_id=ID, account_id=UUID(int=10), name="web-1", plan=PLAN, image=IMAGE, location=LOCATION
    )
    return replace(command, **changes)


def asked(type: str, **changes: Any) -> RequestOperation:
    return replace(RequestOperation(operation_id=ID, type=type, now=BIRTH), **changes)


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
    expected = e.OperationRequested(operation_id=ID, type=type)
    assert Given(*created()).when(request, asked(type)) == [expected]


@pytest.mark.parametrize("type", ["start", "terminate"])
def test_a_stopped_server_may_be_asked_to(type: str) -> None:
    assert Given(*stopped()).when(request, asked(type))


@pytest.mark.parametrize("type", sorted(ALLOWED))
@pytest.mark.parametrize("power", ["running", "stopped", "paused"])
def test_the_table_decides_for_every_power_state(type: str, power: e.Power) -> None:
    given = Given(*created(), e.PowerObserved(power=power))
    if power in ALLOWED[type]:
        assert given.when(request, asked(type))
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
    given = Given(*created(), e.OperationRequested(operation_id=operation, type="reboot"))
    with pytest.raises(OperationInProgress, match="reboot") as refused:
        given.when(request, asked("stop"))
    assert refused.value.blocking == operation


def test_an_operation_that_waits_for_staff_still_blocks() -> None:
    operation = uuid4()
    raised = e.AttentionRaised(operation_id=operation, code="identity", message="Another guest is there.")
    given = Given(*created(), e.OperationRequested(operation_id=operation, type="stop"), raised)
    with pytest.raises(OperationInProgress, match="waits for staff"):
        given.when(request, asked("start"))


def test_even_the_system_waits_its_turn() -> None:
    given = Given(*terminated(), e.OperationRequested(operation_id=uuid4(), type="restore"))
    with pytest.raises(OperationInProgress):
        given.when(request, asked("destroy", system=True))


def test_people_cannot_ask_for_the_systems_operations() -> None:
    for type in sorted(set(STEPS) - set(ALLOWED)):
        with pytest.raises(Invalid, match=type):
            Given(*terminated()).when(request, asked(type))
    assert Given(*terminated()).when(request, asked("destroy", system=True))


def test_unknown_actions_are_refused() -> None:
    with pytest.raises(Invalid, match="'dance'") as refused:
        Given(*created()).when(request, asked("dance", system=True))
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


def test_every_operation_has_a_word_for_its_going_on() -> None:
    assert set(IN_TRANSITION) == set(STEPS)
    assert set(ALLOWED) < set(STEPS)

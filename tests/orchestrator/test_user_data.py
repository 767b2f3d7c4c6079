"""User data: in a file while the guest starts for the first time, and nowhere before and after."""

from __future__ import annotations

from dataclasses import asdict, replace
from uuid import UUID

import pytest

from domain.server import events as e
from hypervisor.fake import Accident
from orchestrator import reconcile
from orchestrator.snippets import volume_of
from orchestrator.steps.user_data import NOT_TAKEN
from tests.given import IMAGE
from tests.orchestrator.conftest import TEMPLATE, Life

pytestmark = pytest.mark.pg
TEXT = "#!/bin/sh\necho hello\n"


async def _nothing_is_left(life: Life, server: UUID, text: str) -> None:
    state = await life.state(server)
    assert state.operation is not None
    assert (state.status, state.operation.status) == ("running", "succeeded"), state.operation
    guest = life.world.guests[state.vmid or 0]
    assert (guest.handed, guest.vendor_data, life.world.snippets) == (text, "", {})
    assert await life.store.pool.fetchval("SELECT count(*) FROM secret") == 0
    for record in await life.store.read_stream(server):
        assert "hello" not in str(record.event)


async def test_a_new_guest_is_given_it_and_nothing_is_left(life: Life) -> None:
    server = await life.create(user_data=TEXT)
    await life.settle(server)
    await _nothing_is_left(life, server, TEXT)


async def test_a_server_without_is_asked_for_no_folder(life: Life) -> None:
    life.snippets.away = True
    state = await life.settle(await life.create())
    assert state.status == "running"
    assert state.operation is not None
    assert "user_data" not in [step.key for step in state.operation.steps]


async def test_a_guest_made_anew_is_given_the_new_one(life: Life) -> None:
    server = await life.create(user_data=TEXT)
    await life.settle(server)
    await life.ask(server, "rebuild", image=asdict(IMAGE), user_data=TEXT + "again", password="correct horse")
    state = await life.settle(server)
    assert life.world.guests[state.vmid or 0].password == "correct horse"
    await _nothing_is_left(life, server, TEXT + "again")


async def test_a_folder_that_does_not_answer_is_waited_for(life: Life) -> None:
    life.snippets.away = True
    server = await life.create(user_data=TEXT)
    await life.round(server)
    going_on = (await life.state(server)).current
    assert going_on is not None
    assert going_on.step is not None
    assert (going_on.step.key, going_on.step.status, going_on.step.detail) == ("configure", "waiting", reconcile.AWAY)
    life.snippets.away = False
    await life.settle(server)
    await _nothing_is_left(life, server, TEXT)


@pytest.mark.parametrize("verb", ["configure", "start"])
@pytest.mark.parametrize("accident", [Accident.LOST_BEFORE, Accident.LOST_AFTER, Accident.LATE])
async def test_a_lost_answer_leaves_nothing_either(life: Life, verb: str, accident: Accident) -> None:
    server = await life.create(user_data=TEXT)
    life.hypervisor.plan(verb, accident)
    await life.settle(server)
    await _nothing_is_left(life, server, TEXT)


async def test_an_image_with_files_of_its_own_is_left_alone(life: Life) -> None:
    life.world.guests[TEMPLATE].vendor_data = "local:snippets/base.yaml"
    life.world.snippets["local:snippets/base.yaml"] = "#cloud-config"
    server = await life.create(user_data=TEXT)
    state = await life.settle(server)
    assert state.operation is not None
    assert state.operation.error is not None
    assert (state.operation.error.code, state.operation.error.message, state.operation.error.retryable) == (
        *("user_data_not_taken", NOT_TAKEN.format(image=IMAGE.name), False),
    )
    assert life.world.snippets == {"local:snippets/base.yaml": "#cloud-config"}
    assert await life.store.pool.fetchval("SELECT count(*) FROM secret") == 0


async def test_a_rebuild_for_which_there_is_no_way_changes_nothing(life: Life) -> None:
    server = await life.create()
    state = await life.settle(server)
    guest = life.world.guests[state.vmid or 0]
    guest.cloudinit_drive = None
    volumes = dict(guest.volumes)
    await life.ask(server, "rebuild", image=asdict(IMAGE), user_data=TEXT)
    after = await life.settle(server)
    assert after.operation is not None
    assert after.operation.error is not None
    assert (after.status, after.operation.error.code) == ("running", "user_data_not_taken")
    assert guest.volumes == volumes


async def test_what_a_failed_start_leaves_is_there_for_the_next_and_goes_with_the_server(life: Life) -> None:
    server = await life.create(user_data=TEXT)
    for _ in range(3):
        life.world.fail_task("qmstart", "start failed: QEMU exited with code 1")
    state = await life.settle(server)
    assert state.status == "failed"
    volume = volume_of("local", server)
    assert life.world.snippets == {volume: TEXT}
    assert life.world.guests[state.vmid or 0].vendor_data == volume
    await life.ask(server, "terminate")
    await life.settle(server)
    for _ in range(20):
        if (await life.state(server)).destroyed:
            break
        life.advance(await life.round(server) or 1)
    assert (await life.state(server)).destroyed
    assert life.world.snippets == {}


async def test_a_retry_after_a_failed_start_goes_on_with_it(life: Life) -> None:
    server = await life.create(user_data=TEXT)
    for _ in range(3):
        life.world.fail_task("qmstart", "start failed: QEMU exited with code 1")
    assert (await life.settle(server)).status == "failed"
    await life.end(server, "retry")
    await life.settle(server)
    await _nothing_is_left(life, server, TEXT)


async def test_a_rebuild_without_takes_away_what_one_with_has_left(life: Life) -> None:
    server = await life.create()
    await life.settle(server)
    for _ in range(3):
        life.world.fail_task("qmstart", "start failed: QEMU exited with code 1")
    await life.ask(server, "rebuild", image=asdict(IMAGE), user_data=TEXT)
    state = await life.settle(server)
    assert life.world.snippets
    await life.ask(server, "rebuild", image=asdict(IMAGE))
    await life.settle(server)
    guest = life.world.guests[state.vmid or 0]
    assert (guest.power, guest.handed, guest.vendor_data, life.world.snippets) == ("running", "", "", {})


async def test_a_place_without_a_folder_takes_none(life: Life) -> None:
    config, cluster = life.tools.config, life.tools.config.cluster[0]
    without = config.model_copy(update={"cluster": [cluster.model_copy(update={"snippets": None})]})
    life.tools = replace(life.tools, config=without)
    server = await life.create(user_data=TEXT)
    state = await life.settle(server)
    assert state.operation is not None
    assert state.operation.error is not None
    assert (state.operation.error.code, life.ours()) == ("no_user_data", [])


async def test_of_two_clusters_the_one_that_can_is_chosen(life: Life) -> None:
    placed = [
        record.event
        for record in await life.store.read_stream(await _with_another_cluster(life))
        if isinstance(record.event, e.ServerPlaced)
    ]
    assert [one.cluster for one in placed] == ["demo"]
    assert placed[0].explanation["not"] == {"other/pve1": "user data cannot be handed over there"}


async def _with_another_cluster(life: Life) -> UUID:
    """A server with user data where a second cluster, emptier, takes none."""
    config, cluster = life.tools.config, life.tools.config.cluster[0]
    other = cluster.model_copy(update={"name": "other", "snippets": None, "memory_overcommit": 9.0})
    place = config.location[0].model_copy(update={"clusters": ["demo", "other"]})
    config = config.model_copy(update={"cluster": [cluster, other], "location": [place]})
    life.tools = replace(life.tools, config=config, clusters={"demo": life.hypervisor, "other": life.hypervisor})
    server = await life.create(user_data=TEXT)
    await life.settle(server)
    return server

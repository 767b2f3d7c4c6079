"""Files of user data of servers that the log does not know are told of, and go only where nobody can miss them."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from domain import ids
from domain.cluster.state import Stray, fold
from hypervisor.fake_world import FakeGuest
from orchestrator.drift import files
from orchestrator.observer import Observer
from orchestrator.snippets import name_of, volume_of
from projector.loop import catch_up
from tests.orchestrator.conftest import Life

pytestmark = pytest.mark.pg
UNKNOWN = UUID(int=7)
PLACE = volume_of("local", UNKNOWN)


@pytest.fixture
async def left(life: Life, monkeypatch: pytest.MonkeyPatch) -> Life:
    """A file of a server that was made after the backup, and a guest beside it."""
    monkeypatch.setattr(files, "EVERY_SECONDS", 0.0)
    life.world.snippets[PLACE] = "#!/bin/sh\n"
    life.world.add_guest(FakeGuest(200, "pve1"))
    return life


async def told(life: Life) -> Stray | None:
    """Two looks at the cluster, and what staff are told afterwards."""
    observer = Observer(life.tools, life.hypervisor)
    await catch_up(life.store)
    await observer.look()
    await observer.look()
    await life.store.pool.execute("UPDATE cluster_observation SET lease_until = NULL")
    return fold(await life.store.read_stream(ids.cluster("demo"))).strays.get((files.KIND, files.NUMBER))


def removing(life: Life) -> None:
    """What was left behind is removed by policy."""
    config = life.tools.config
    drift = config.policy.drift.model_copy(update={"leftover": "repair"})
    policy = config.policy.model_copy(update={"drift": drift})
    life.tools = replace(life.tools, config=config.model_copy(update={"policy": policy}))


async def test_staff_are_told_once_and_nothing_is_done(left: Life) -> None:
    left.snippets.age = 1e9
    stray = await told(left)
    assert stray is not None
    assert (stray.facts["files"], "secrets" in stray.detail) == ([name_of(UNKNOWN)], True)
    version = len(await left.store.read_stream(ids.cluster("demo")))
    await told(left)
    assert len(await left.store.read_stream(ids.cluster("demo"))) == version
    assert PLACE in left.world.snippets
    del left.world.snippets[PLACE]
    assert await told(left) is None


async def test_what_a_known_server_has_is_none_of_it(left: Life) -> None:
    del left.world.snippets[PLACE]
    server = await left.create()
    await left.settle(server)
    left.world.snippets[volume_of("local", server)] = "#!/bin/sh\n"
    assert await told(left) is None


async def test_what_is_old_and_unnamed_goes_where_the_policy_says_so(left: Life) -> None:
    removing(left)
    assert await told(left) is not None
    assert PLACE in left.world.snippets  # another installation may be about to use it
    left.snippets.age = files.OLD_SECONDS + 1
    assert await told(left) is None
    assert PLACE not in left.world.snippets


async def test_what_a_guest_names_stays(left: Life) -> None:
    removing(left)
    left.snippets.age = files.OLD_SECONDS + 1
    left.world.guests[200].vendor_data = PLACE
    assert await told(left) is not None
    assert PLACE in left.world.snippets


@pytest.mark.parametrize(
    "switch",
    [
        "UPDATE effects_switch SET paused = true",
        "INSERT INTO maintenance (cluster, node, reason) VALUES ('demo', '', 'racks')",
        "INSERT INTO cluster_mode (cluster, mode) VALUES ('demo', 'observe')",
    ],
)
async def test_nothing_goes_while_nothing_may_be_changed(left: Life, switch: str) -> None:
    removing(left)
    left.snippets.age = files.OLD_SECONDS + 1
    await left.store.pool.execute(switch)
    assert await told(left) is not None
    assert PLACE in left.world.snippets


async def test_a_folder_that_does_not_answer_holds_up_nothing(left: Life) -> None:
    assert await told(left) is not None
    left.snippets.away = True
    assert await told(left) is not None

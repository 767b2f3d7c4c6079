"""What somebody does to a guest behind our back is found, told to staff, followed or repaired; never the wrong way."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest

from domain import ids
from domain.cluster.state import Stray, fold
from domain.errors import NotAllowed
from domain.server import drift
from domain.server import events as e
from domain.server.drift import Action
from domain.server.state import Server
from eventstore.store import Entry, EventStore
from hypervisor.fake_world import FakeGuest
from hypervisor.port import IpConfig, Uplink
from orchestrator.observer import Observer
from orchestrator.work import Tools
from projector.loop import catch_up
from runtime.ids import new_id
from tests.orchestrator.conftest import META, Life

pytestmark = pytest.mark.pg
ADDRESS = "10.99.0.100"


def _with_policy(tools: Tools, **changes: Any) -> Tools:
    config = tools.config
    wishes = config.policy.drift.model_copy(update=changes.pop("drift", {}))
    policy = config.policy.model_copy(update={"drift": wishes, "lock_left_after": 0, **changes})
    return replace(tools, config=config.model_copy(update={"policy": policy}))


@dataclass
class Watched:
    """A server whose cluster is looked at."""

    life: Life
    server: UUID
    observer: Observer

    @property
    def guest(self) -> FakeGuest:
        """Its guest, for somebody to change."""
        return self.life.world.guests[10_000_000]

    async def look(self, times: int = 1) -> Server:
        """Look at the cluster; the state of the server after it."""
        for _ in range(times):
            await catch_up(self.life.store)
            await self.observer.look()
        return await self.life.state(self.server)

    async def kinds(self, times: int = 1) -> list[str]:
        """What is known to differ after looking."""
        return [found.kind for found in (await self.look(times)).drift]

    async def told(self) -> list[str]:
        """The names of the events since the server came to run that are no operation's."""
        records = await self.life.store.read_stream(self.server)
        kinds = (e.DriftFound, e.DriftEnded, e.GuestMoved)
        return [type(record.event).__name__ for record in records if isinstance(record.event, kinds)]

    async def strays(self) -> dict[tuple[str, int], Stray]:
        """What stands in our range and belongs to no server."""
        return fold(await self.life.store.read_stream(ids.cluster("demo"))).strays

    def obey(self, **changes: Any) -> None:
        """Another policy of the operator."""
        self.life.tools = _with_policy(self.life.tools, **changes)
        self.observer = Observer(self.life.tools, self.life.hypervisor)

    async def settle(self, kind: str, action: Action) -> None:
        """Staff say what to make of a difference."""
        state = await self.life.state(self.server)
        repair = drift.repair_of(state, kind, new_id(), state.updated_at)
        events = drift.settle(state, kind, action, repair)
        entries = [
            Entry(self.server, state.version + n, event, META, state.account_id) for n, event in enumerate(events, 1)
        ]
        await EventStore.append(self.life.store, entries)


@pytest.fixture
async def watched(life: Life) -> Watched:
    """A running server."""
    life.tools = _with_policy(life.tools)
    server = await life.create()
    await life.settle(server)
    return Watched(life, server, Observer(life.tools, life.hypervisor))


async def test_a_guest_that_is_as_it_should_be_leads_to_nothing(watched: Watched) -> None:
    """However often it is looked at."""
    before = (await watched.life.state(watched.server)).version
    assert (await watched.look(3)).version == before
    assert await watched.strays() == {}


@pytest.mark.parametrize(
    ("change", "back", "kind"),
    [
        ({"name": "other"}, {"name": "web-1"}, "renamed"),
        ({"cores": 8}, {"cores": 2}, "reconfigured"),
        ({"memory_mib": 4096}, {"memory_mib": 2048}, "reconfigured"),
        ({"disk_gib": {"scsi0": 64.0}}, {"disk_gib": {"scsi0": 20.0}}, "reconfigured"),
        ({"lock": "backup"}, {"lock": None}, "lock"),
        ({"smbios_uuid": "00000000-0000-4000-8000-00000000dead"}, None, "identity"),
    ],
)
async def test_a_change_outside_is_found_once_and_ends_by_itself(
    watched: Watched, change: dict[str, Any], back: dict[str, Any] | None, kind: str
) -> None:
    """Told to staff with what was seen; when it is undone, that is told too."""
    before = {name: getattr(watched.guest, name) for name in change}
    for name, value in change.items():
        setattr(watched.guest, name, value)
    assert await watched.kinds(3) == [kind]
    for name, value in (back or before).items():
        setattr(watched.guest, name, value)
    assert await watched.kinds(2) == []
    assert await watched.told() == ["DriftFound", "DriftEnded"]


async def test_of_another_guest_nothing_is_followed(watched: Watched) -> None:
    """Whether a stranger under our number runs says nothing about the server."""
    watched.guest.smbios_uuid = "00000000-0000-4000-8000-00000000dead"
    watched.life.world.power_off(watched.guest)
    state = await watched.look(2)
    assert (state.power, [found.kind for found in state.drift]) == ("running", ["identity"])


async def test_a_container_under_our_number_is_told_of(watched: Watched) -> None:
    """What is asked of the server then ends with staff, and nothing is asked of the container."""
    watched.guest.kind = "lxc"
    called = len(watched.life.hypervisor.calls)
    assert await watched.kinds(3) == ["identity"]
    await watched.life.ask(watched.server, "stop")
    operation = (await watched.life.settle(watched.server)).operation
    assert operation is not None
    assert (operation.status, len(watched.life.hypervisor.calls)) == ("needs_attention", called)
    await watched.life.end(watched.server, "cancel", by="staff")
    await watched.life.settle(watched.server)
    watched.guest.kind = "qemu"
    assert await watched.kinds(2) == []


async def test_a_move_is_followed_silently(watched: Watched) -> None:
    """To another node by migration or after a failure: the customer reads nothing of it."""
    watched.life.world.nodes["pve2"] = replace(watched.life.world.nodes["pve1"], name="pve2")
    watched.guest.node = "pve2"
    state = await watched.look(2)
    assert (state.node, state.drift, await watched.told()) == ("pve2", [], ["GuestMoved"])


async def test_gone_is_concluded_from_two_looks_and_a_question_of_its_own(watched: Watched) -> None:
    """And ends when the guest is back."""
    guest = watched.life.world.guests.pop(10_000_000)
    assert await watched.kinds() == []
    state = await watched.look()
    assert ([found.kind for found in state.drift], state.power) == (["gone"], "running")
    watched.life.world.guests[10_000_000] = guest
    assert await watched.kinds(2) == []


async def test_without_a_quorum_nothing_is_concluded(watched: Watched) -> None:
    """The node that answers may know nothing of what the others do: its answer is none."""
    watched.life.world.quorate = False
    watched.life.world.guests.clear()
    assert await watched.kinds(3) == []
    assert not await watched.life.store.pool.fetchval("SELECT reachable FROM cluster_observation")


async def test_ours_is_not_gone_while_its_number_is_taken(watched: Watched) -> None:
    """The bulk read shows only what the credentials may see: a missing privilege is no missing guest."""
    hidden = watched.life.hypervisor
    watched.life.world.guests[10_000_000].node = "hidden"
    real = hidden.guests

    async def fewer() -> list[Any]:
        return [row for row in await real() if row.vmid != 10_000_000]

    class Hiding:
        def __getattr__(self, name: str) -> Any:
            return fewer if name == "guests" else getattr(hidden, name)

    watched.observer = Observer(watched.life.tools, Hiding())
    assert await watched.kinds(3) == []


@pytest.mark.parametrize(
    ("kind", "change", "goal"),
    [
        ("renamed", {"name": "other"}, {"name": "web-1"}),
        ("reconfigured", {"cores": 8, "memory_mib": 4096}, {"cores": 2, "memory_mib": 2048}),
        ("power", {"power": "stopped"}, {"power": "running"}),
        ("firewall", {"filtered": set()}, {"filtered": {"net0"}}),
    ],
)
async def test_repair_sets_it_right_by_an_operation(
    watched: Watched, kind: str, change: dict[str, Any], goal: dict[str, Any]
) -> None:
    """By itself where the operator wants it so: intended, done, observed like any other operation."""
    watched.obey(drift={kind: "repair"})
    for name, value in change.items():
        setattr(watched.guest, name, value)
    await watched.look()
    state = await watched.life.settle(watched.server)
    assert state.operation is not None
    assert state.operation.status == "succeeded"
    assert {name: getattr(watched.guest, name) for name in goal} == goal
    assert (await watched.look(2)).drift == []
    assert await watched.life.store.pool.fetchval("SELECT count(*) FROM outbox WHERE stream_id = $1", watched.server)


async def test_follow_takes_over_what_was_found(watched: Watched) -> None:
    """Name and size of the log become those of the guest."""
    watched.obey(drift={"renamed": "follow", "reconfigured": "follow"})
    watched.guest.name, watched.guest.cores = "other", 8
    state = await watched.look()
    assert (state.name, state.plan.vcpus, state.plan.memory_mib, state.drift) == ("other", 8, 2048, [])
    assert (await watched.look(2)).version == state.version


async def _promised(watched: Watched) -> list[int]:
    """MiB, GiB and cores that are promised to the server."""
    rows = await watched.life.store.pool.fetch(
        "SELECT amount FROM (SELECT server_id, resource, amount FROM capacity_promise"
        " UNION ALL SELECT server_id, 'memory', memory_mib FROM memory_promise) AS promised"
        " WHERE server_id = $1 ORDER BY split_part(resource, '/', 1) DESC",
        watched.server,
    )
    return [row["amount"] for row in rows]


async def test_the_size_that_is_taken_over_is_promised_too(watched: Watched) -> None:
    """Larger than the node has room for, or smaller than sold: the guest has it, so nobody else may."""
    watched.obey(drift={"reconfigured": "follow"})
    assert await _promised(watched) == [2048, 20, 2]
    watched.guest.cores, watched.guest.memory_mib, watched.guest.disk_gib = 500, 10_000_000, {"scsi0": 64.0}
    assert (await watched.look()).size == {"vcpus": 500, "memory_mib": 10_000_000, "disk_gib": 64}
    assert await _promised(watched) == [10_000_000, 64, 500]
    watched.guest.cores, watched.guest.memory_mib = 1, 1024
    await watched.look()
    assert await _promised(watched) == [1024, 64, 1]
    await watched.life.claims_agree(watched.server)


async def test_a_disk_that_grew_is_not_repaired(watched: Watched) -> None:
    """What else differs is set right; of the disk staff decide, and are told why."""
    watched.obey(drift={"reconfigured": "repair"})
    watched.guest.cores, watched.guest.disk_gib = 8, {"scsi0": 64.0}
    await watched.look()
    state = await watched.life.settle(watched.server)
    assert state.operation is not None
    assert "cannot shrink" in state.operation.steps[0].detail
    state = await watched.look(3)
    assert (watched.guest.cores, watched.guest.disk_gib, state.current) == (2, {"scsi0": 64.0}, None)
    assert [found.facts for found in state.drift] == [{"disk_gib": 64}]
    with pytest.raises(NotAllowed, match="cannot shrink"):
        await watched.settle("reconfigured", "repair")


@pytest.mark.parametrize(("action", "bridge"), [("repair", "vmbr0"), ("adopt", "vmbr7")])
async def test_another_bridge_is_plugged_back_or_taken_over(watched: Watched, action: Action, bridge: str) -> None:
    """Afterwards nothing differs any more."""
    watched.guest.uplinks["net0"] = Uplink("vmbr7")
    assert await watched.kinds() == ["reconfigured"]
    await watched.settle("reconfigured", action)
    await watched.life.settle(watched.server)
    assert (await watched.look(2)).drift == []
    assert watched.guest.uplinks["net0"].bridge == bridge


async def test_staff_adopt_repair_or_ignore(watched: Watched) -> None:
    """Each ends the matter: the log follows, the guest is set right, or nobody hears of it again."""
    watched.guest.name = "other"
    await watched.look()
    await watched.settle("renamed", "ignore")
    state = await watched.look(2)
    assert [(found.kind, found.ignored) for found in state.drift] == [("renamed", True)]
    await watched.settle("renamed", "adopt")
    assert (await watched.look(2)).name == "other"
    watched.guest.memory_mib = 512
    await watched.look()
    await watched.settle("reconfigured", "repair")
    state = await watched.life.settle(watched.server)
    assert (state.drift, watched.guest.memory_mib) == ([], 2048)


async def test_an_observed_guest_is_never_repaired(watched: Watched) -> None:
    """Whatever the policy: nothing leaves for Proxmox."""
    watched.obey(drift={"power": "repair", "renamed": "repair", "reconfigured": "repair"})
    state = await watched.life.state(watched.server)
    observed = Entry(watched.server, state.version + 1, e.ModeChanged(mode="observe"), META, state.account_id)
    await EventStore.append(watched.life.store, [observed])
    before = list(watched.life.hypervisor.calls)
    watched.guest.name, watched.guest.cores = "other", 8
    watched.life.world.power_off(watched.guest)
    state = await watched.look(3)
    assert (state.power, sorted(d.kind for d in state.drift)) == ("stopped", ["reconfigured", "renamed"])
    assert watched.life.hypervisor.calls == before


async def test_a_held_server_that_is_started_outside_is_for_staff(watched: Watched) -> None:
    """It was suspended for a reason: that it runs again is not simply taken over."""
    state = await watched.life.state(watched.server)
    news = [e.PowerObserved(power="stopped"), e.HoldPlaced(reason="abuse")]
    entries = [
        Entry(watched.server, state.version + n, event, META, state.account_id) for n, event in enumerate(news, 1)
    ]
    await EventStore.append(watched.life.store, entries)
    state = await watched.look(2)
    assert (state.power, [found.kind for found in state.drift]) == ("stopped", ["power"])


@pytest.mark.parametrize("type", ["stop", "shutdown", "reboot", "reset", "terminate"])
async def test_our_own_doing_is_never_taken_for_somebody_elses(watched: Watched, type: str) -> None:
    """A look after every single round of an operation, and after it."""
    await watched.life.ask(watched.server, type)
    for _ in range(60):
        await watched.look()
        wait = await watched.life.round(watched.server)
        if (await watched.life.state(watched.server)).current is None:
            break
        watched.life.advance(wait or 0)
    await watched.look(3)
    assert await watched.told() == []


async def test_a_creation_is_no_stranger(life: Life) -> None:
    """Its number is promised before its guest is there."""
    watched = Watched(life, await life.create(), Observer(life.tools, life.hypervisor))
    for _ in range(40):
        await watched.look()
        wait = await life.round(watched.server)
        if (await life.state(watched.server)).current is None:
            break
        life.advance(wait or 0)
    await watched.look(2)
    assert (await watched.strays(), await watched.told()) == ({}, [])


async def test_a_creation_that_the_views_do_not_show_yet_is_no_stranger(life: Life) -> None:
    """Its guest has our address because it is ours."""
    watched = Watched(life, await life.create(), Observer(life.tools, life.hypervisor))
    await life.settle(watched.server)
    for _ in range(3):
        await watched.observer.look()
    assert await watched.strays() == {}


async def test_a_guest_with_our_address_is_told(watched: Watched) -> None:
    """Whoever it belongs to."""
    watched.life.world.add_guest(FakeGuest(300, "pve1", ipconfig={"net0": IpConfig(address=f"{ADDRESS}/24")}))
    await watched.look(2)
    stray = (await watched.strays())["address", 300]
    assert stray.facts == {"addresses": [ADDRESS]}
    watched.life.world.guests[300].ipconfig = {}
    await watched.look(2)
    assert await watched.strays() == {}
    second = await watched.life.state(await watched.life.create("web-2"))
    second = await watched.life.settle(second.id)
    watched.life.world.guests[second.vmid or 0].ipconfig = {"net0": IpConfig(address=f"{ADDRESS}/24")}
    await watched.look(2)
    assert [found.kind for found in (await watched.life.state(second.id)).drift] == ["address"]


async def test_a_database_from_yesterday_destroys_nothing(watched: Watched) -> None:
    """Servers made since the copy was taken are strangers now: put aside, never touched; the others are reconciled."""
    life, world = watched.life, watched.life.world
    since = [
        FakeGuest(
            vmid, "pve1", name=f"new-{vmid}", description=f"hostler server={new_id().hex} operation=1", power="running"
        )
        for vmid in (10_000_001, 10_000_002, 10_000_007)
    ]
    for guest in since:
        world.add_guest(guest)
    world.power_off(watched.guest)
    before = list(life.hypervisor.calls)
    state = await watched.look(3)
    assert state.power == "stopped"
    assert set(await watched.strays()) == {("stranger", guest.vmid) for guest in since}
    assert life.hypervisor.calls == before
    burned = await life.store.pool.fetch("SELECT vmid FROM vmid WHERE state = 'burned' ORDER BY vmid")
    assert [row["vmid"] for row in burned] == [10_000_001, 10_000_002, 10_000_007]
    later = await life.settle(await life.create("web-2"))
    assert later.vmid == 10_000_008
    assert [world.guests[guest.vmid].power for guest in since] == ["running"] * 3
    assert Counter(call.verb for call in life.hypervisor.calls)["destroy"] == 0
    await watched.look(2)
    assert len(await watched.strays()) == 3


async def test_what_a_removed_server_left_behind_is_told(watched: Watched) -> None:
    """A volume on the storage, or a guest that a late copy made."""
    life = watched.life
    await life.ask(watched.server, "terminate")
    await life.settle(watched.server)
    life.advance(31)
    assert (await life.settle(watched.server)).current is None
    await life.round(watched.server)
    await life.settle(watched.server)
    life.world.volumes["local:10000000/vm-10000000-disk-9.qcow2"] = 10_000_000
    await watched.look(2)
    assert set(await watched.strays()) == {("leftover", 10_000_000)}
    life.world.drop_volumes(10_000_000)
    await watched.look(2)
    assert await watched.strays() == {}
    life.world.add_guest(FakeGuest(10_000_000, "pve1", name="late"))
    await watched.look(2)
    assert set(await watched.strays()) == {("ghost", 10_000_000)}

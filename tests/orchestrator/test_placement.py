"""Placement: only where it fits, away from the account's others, told node by node, the same again."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import ids, placement
from domain.catalogue.events import ImageDeclared, LocationDeclared, Template
from domain.placement import Candidate, Choice, Inputs, Need, NoChoice, Share
from domain.server import events as e
from eventstore.store import Entry
from hypervisor.fake import Accident, Crash, FakeHypervisor
from hypervisor.fake_world import FakeGuest, FakeWorld
from hypervisor.port import IpConfig, StorageRow
from orchestrator import surroundings
from orchestrator.observer import Observer
from projector.loop import catch_up
from runtime.settings import Cluster, Pool
from tests.orchestrator.conftest import META, TEMPLATE, Life

NEED = Need(memory_mib=2048, vcpus=2, disk_gib=20)
GIB = 1024**3


def _node(name: str = "pve1", **changes: Any) -> Candidate:
    plain = Candidate(
        cluster="demo",
        node=name,
        online=True,
        maintenance=False,
        image_node=name,
        image_vmid=9000,
        memory=Share(65536, 0),
        vcpus=Share(64, 0),
        disk=Share(1000, 0),
        disk_free_gib=500,
        disk_resource=f"disk/demo/local/{name}",
        siblings=0,
    )
    return replace(plain, **changes)


def _choose(*candidates: Candidate, spread: bool = True, away: list[str] | None = None) -> Choice | NoChoice:
    return placement.choose(Inputs(NEED, spread, list(candidates), away or []))


def _chosen(*candidates: Candidate, spread: bool = True) -> Choice:
    found = _choose(*candidates, spread=spread)
    assert isinstance(found, Choice)
    return found


@pytest.mark.parametrize(
    ("against", "reason"),
    [
        ({"image_node": None}, "the image is not there"),
        ({"online": False}, "it does not answer"),
        ({"maintenance": True}, "it is under maintenance"),
        ({"memory": Share(4096, 2049)}, "only 2047 MiB free to promise"),
        ({"vcpus": Share(2, 1)}, "only 1 cores free to promise"),
        ({"disk": Share(100, 81)}, "only 19 GiB of the storage free to promise"),
        ({"disk_free_gib": 19}, "only 19 GiB of the storage free above its reserve"),
    ],
)
def test_a_node_where_it_does_not_fit_says_why(against: dict[str, Any], reason: str) -> None:
    found = _chosen(_node("pve1", **against), _node("pve2", siblings=3))
    assert found.explanation["chosen"] == "pve2"
    assert found.explanation["not"] == {"pve1": reason}
    assert isinstance(_choose(_node("pve1", **against)), NoChoice)


def test_an_accounts_servers_are_spread_and_the_least_crowded_comes_first() -> None:
    crowded, quiet = _node("pve1", memory=Share(65536, 40000)), _node("pve2", siblings=1)
    found = _chosen(crowded, quiet)
    assert found.explanation["chosen"] == "pve1"
    assert found.explanation["not"] == {"pve2": "it fits, but 1 servers of the account are there"}
    found = _chosen(crowded, quiet, spread=False)
    assert found.explanation["chosen"] == "pve2"
    assert found.explanation["not"] == {"pve1": "it fits, but 64% would be promised"}


def test_what_passes_by_itself_is_waited_for() -> None:
    """Maintenance and silence end; a lack of room or of the image does not."""
    full: dict[str, Any] = {"memory": Share(1024, 0)}
    found = [
        _choose(_node(maintenance=True)),
        _choose(_node(online=False), _node("pve2", **full)),
        _choose(_node(**full), away=["other"]),
        _choose(_node(maintenance=True, **full)),
        _choose(_node(image_node=None, image_vmid=None)),
    ]
    waits = [(one.waits, one.image) for one in found if isinstance(one, NoChoice)]
    assert waits == [(True, True), (True, True), (True, True), (False, True), (False, False)]


def test_nodes_of_several_clusters_are_told_apart() -> None:
    found = _chosen(_node(), _node(cluster="other", siblings=1))
    assert (found.explanation["cluster"], list(found.explanation["not"])) == ("demo", ["other/pve1"])


shares = st.builds(Share, st.integers(0, 5000), st.integers(0, 5000))
candidates = st.builds(
    _node,
    st.sampled_from(["pve1", "pve2", "pve3"]),
    online=st.booleans(),
    maintenance=st.booleans(),
    memory=shares,
    vcpus=st.none() | st.builds(Share, st.integers(0, 8), st.integers(0, 8)),
    disk=st.none() | st.builds(Share, st.integers(0, 50), st.integers(0, 50)),
    disk_free_gib=st.none() | st.integers(0, 50),
    siblings=st.integers(0, 2),
)


@given(st.lists(candidates, max_size=4, unique_by=lambda one: one.node), st.booleans())
def test_the_recorded_inputs_lead_to_the_same_choice(nodes: list[Candidate], spread: bool) -> None:
    """As the log keeps it, that is in JSON."""
    found = _choose(*nodes, spread=spread)
    if isinstance(found, Choice):
        kept = json.loads(json.dumps(found.explanation))
        assert placement.again(kept) == found
        assert set(kept["not"]) == {node.node for node in nodes} - {found.candidate.node}
        best = found.candidate
        assert best.memory.left >= NEED.memory_mib
        assert best.online
        assert not best.maintenance


# In the orchestrator


def _with(life: Life, **changes: Any) -> None:
    config = life.tools.config.model_copy(update=changes)
    life.tools = replace(life.tools, config=config)


def _cluster(life: Life, **changes: Any) -> Cluster:
    return life.tools.config.cluster[0].model_copy(update=changes)


async def _placed(life: Life) -> e.ServerPlaced:
    server = await life.create()
    state = await life.settle(server)
    assert state.status == "running", state.operation
    assert state.placement is not None
    return state.placement


@pytest.mark.pg
async def test_a_choice_can_be_made_again_from_the_log(life: Life) -> None:
    """The event holds everything it depended on."""
    placed = await _placed(life)
    found = placement.again(placed.explanation)
    assert isinstance(found, Choice)
    assert found.explanation == {key: placed.explanation[key] for key in found.explanation}
    assert placed.promises == {"cpu/demo/pve1": 2, "disk/demo/local/pve1": 20}


@pytest.mark.pg
async def test_cores_and_disk_are_promised_and_given_back(life: Life) -> None:
    """Under a limit that the database holds."""
    _with(life, cluster=[_cluster(life, cpu_overcommit=3 / 16)])
    server = await life.create()
    await life.settle(server)
    refused = await life.settle(await life.create("web-2"))
    assert refused.operation is not None
    assert refused.operation.error is not None
    assert (refused.operation.error.code, "1 cores" in refused.operation.error.debug) == ("no_capacity", True)
    await life.ask(server, "terminate")
    await life.settle(server)
    life.advance(31)
    await life.round(server)
    await life.settle(server)
    assert await life.store.pool.fetchval("SELECT count(*) FROM capacity_promise") == 0
    assert await life.store.pool.fetchval("SELECT sum(promised) FROM capacity") == 0


def _three_nodes(life: Life) -> FakeWorld:
    world = FakeWorld(nodes=("pve1", "pve2", "pve3"))
    world.add_template(TEMPLATE, "debian-12")
    life.world = life.hypervisor.world = world
    return world


@pytest.mark.pg
async def test_from_a_shared_storage_an_image_reaches_every_node(life: Life) -> None:
    """The clone is asked of the node that has the template and lands on the chosen one."""
    world = _three_nodes(life)
    world.storages["local"] = replace(world.storages["local"], shared=True)
    world.add_guest(FakeGuest(105, "pve1", memory_mib=65536, power="running"))
    world.fail_task("qmclone", "clone failed: cfs-lock 'storage-local' error: got lock request timeout")
    placed = await _placed(life)
    assert (placed.node, placed.template_node) == ("pve2", "pve1")
    assert world.guests[placed.vmid].node == "pve2"
    assert placed.explanation["not"]["pve1"] == "only 0 MiB free to promise"
    assert list(placed.promises) == ["cpu/demo/pve2", "disk/demo/local"]
    learned = [row["resource"] for row in await life.store.pool.fetch("SELECT resource FROM slot_limit")]
    assert sorted(learned) == ["node/demo/pve1", "storage/demo/local", "template/demo/9000"], "as it is for all nodes"


@pytest.mark.pg
async def test_templates_may_be_another_on_every_node(life: Life) -> None:
    """Without shared storage each node copies its own."""
    world = _three_nodes(life)
    world.add_template(9002, "debian-12", "pve2")
    _with(life, cluster=[_cluster(life, templates={"debian-12": {"pve1": TEMPLATE, "pve2": 9002}})])
    world.set_node("pve1", online=False)
    placed = await _placed(life)
    assert (placed.node, placed.template_vmid) == ("pve2", 9002)
    assert placed.explanation["not"] == {"pve1": "it does not answer", "pve3": "the image is not there"}


@pytest.mark.pg
async def test_a_rebuild_copies_the_template_of_the_guests_own_node(life: Life) -> None:
    """As the creation did; and the observer takes none of the templates for a stranger."""
    world = _three_nodes(life)
    world.add_template(9002, "debian-12", "pve2")
    _with(life, cluster=[_cluster(life, templates={"debian-12": {"pve1": TEMPLATE, "pve2": 9002}}, vmid_first=9000)])
    world.add_guest(FakeGuest(105, "pve1", memory_mib=65536, power="running"))
    server = await life.create()
    state = await life.settle(server)
    assert state.node == "pve2"
    before = dict(world.guests[state.vmid or 0].volumes)
    await life.ask(server, "rebuild", image=asdict(state.image))
    state = await life.settle(server)
    assert state.operation is not None
    assert state.operation.status == "succeeded"
    assert world.guests[state.vmid or 0].volumes != before
    observer = Observer(life.tools, life.hypervisor)
    for _ in range(2):
        await observer.look()
    told = [record.event for record in await life.store.read_stream(ids.cluster("demo"))]
    assert not [event for event in told if getattr(event, "kind", "") == "stranger"]


@pytest.mark.pg
async def test_a_guest_that_is_tied_to_its_node_is_not_rebuilt_from_another(life: Life) -> None:
    """Its owner reads what to do, and nothing was touched."""
    server, world = await _away_from_its_image(life, shared=False)
    called = len(life.hypervisor.calls)
    state = await life.settle(server)
    assert state.operation is not None
    assert state.operation.error is not None
    assert state.operation.error.message.endswith("nothing was changed. Choose another, or ask for it there.")
    assert (len(life.hypervisor.calls), world.guests[life.ours()[0]].power) == (called, "running")


@pytest.mark.pg
async def test_a_rebuild_waits_for_the_node_of_its_image_before_the_guest_is_off(life: Life) -> None:
    server, world = await _away_from_its_image(life)
    await life.store.pool.execute("INSERT INTO maintenance VALUES ('demo', 'pve2', 'racks')")
    assert await life.round(server)
    assert (await life.state(server)).status == "rebuilding"
    assert world.guests[life.ours()[0]].power == "running"
    await life.store.pool.execute("DELETE FROM maintenance")
    state = await life.settle(server)
    assert (state.status, state.node) == ("running", "pve1")
    await life.claims_agree(server)


@pytest.mark.pg
async def test_a_guest_that_cannot_go_home_after_a_rebuild_stays_with_its_image(life: Life) -> None:
    """Its new home is recorded with what is promised there."""
    server, world = await _away_from_its_image(life)
    life.hypervisor.plan("reimage", Accident.CRASH_BEFORE)
    with pytest.raises(Crash):
        await life.settle(server)
    await life.store.pool.execute("INSERT INTO maintenance VALUES ('demo', 'pve1', 'racks')")
    state = await life.settle(server)
    assert (state.status, state.node, world.guests[life.ours()[0]].node) == ("running", "pve2", "pve2")
    await life.claims_agree(server)


@pytest.mark.pg
@pytest.mark.parametrize("verb", ["migrate", "drop_unused"])
async def test_a_guest_that_is_not_ours_is_moved_nowhere(life: Life, verb: str) -> None:
    """Swapped on its way there, or before it went home."""
    server, world = await _away_from_its_image(life)
    life.hypervisor.plan(verb, Accident.CRASH_BEFORE)
    with pytest.raises(Crash):
        await life.settle(server)
    world.guests[life.ours()[0]].smbios_uuid = "00000000-0000-4000-8000-00000000dead"
    called = len(life.hypervisor.calls)
    state = await life.settle(server)
    assert state.operation is not None
    assert (state.operation.status, len(life.hypervisor.calls)) == ("needs_attention", called)


@pytest.mark.pg
async def test_a_guest_that_cannot_be_taken_to_its_image_keeps_its_disk(life: Life) -> None:
    server, world = await _away_from_its_image(life)
    before = dict(world.guests[life.ours()[0]].volumes)
    for _ in range(3):
        world.fail_task("qmigrate", "migration aborted")
    state = await life.settle(server)
    assert state.operation is not None
    assert state.operation.error is not None
    assert (state.operation.error.code, state.status) == ("image_out_of_reach", "stopped")
    assert world.guests[life.ours()[0]].volumes == before


async def _away_from_its_image(life: Life, *, shared: bool = True) -> tuple[UUID, FakeWorld]:
    """A server that is to be rebuilt, and on another node than the template."""
    world = _three_nodes(life)
    world.storages["local"] = replace(world.storages["local"], shared=shared)
    server = await life.create()
    state = await life.settle(server)
    assert state.node == "pve1"
    world.guests[TEMPLATE].node = "pve2"
    await life.ask(server, "rebuild", image=asdict(state.image))
    return server, world


@pytest.mark.pg
async def test_a_location_may_be_several_clusters(life: Life) -> None:
    """One that is away is no reason to wait while another has room."""
    world = FakeWorld(nodes=("node1",))
    world.add_template(TEMPLATE, "debian-12", "node1")
    second = FakeHypervisor(world, cluster="second")
    location = life.tools.config.location[0].model_copy(update={"clusters": ["second"]})
    _with(life, cluster=[_cluster(life), _cluster(life, name="second")], location=[location])
    life.tools = replace(life.tools, clusters={"demo": life.hypervisor, "second": second})
    await life.store.pool.execute("INSERT INTO maintenance VALUES ('demo', '', 'racks')")
    placed = await _placed(life)
    assert (placed.cluster, placed.node) == ("second", "node1")


@pytest.mark.pg
async def test_maintenance_everywhere_makes_a_creation_wait(life: Life) -> None:
    await life.store.pool.execute("INSERT INTO maintenance VALUES ('demo', '', 'racks')")
    server = await life.create()
    assert await life.round(server)
    state = await life.state(server)
    assert state.current is not None
    assert state.current.step is not None
    assert "under maintenance" in state.current.step.detail
    await life.store.pool.execute("DELETE FROM maintenance")
    assert (await life.settle(server)).status == "running"


@pytest.mark.pg
async def test_a_full_storage_takes_nothing(life: Life) -> None:
    """What is free above the reserve counts, whatever was promised."""
    rows = life.world.storages["local"]
    life.world.storages["local"] = StorageRow(
        rows.name, rows.kind, rows.shared, rows.active, rows.content, 100 * GIB, 29 * GIB
    )
    state = await life.settle(await life.create())
    assert state.operation is not None
    assert state.operation.error is not None
    assert "only 19 GiB of the storage free above its reserve" in state.operation.error.debug


@pytest.mark.pg
async def test_an_account_is_spread_over_nodes(life: Life) -> None:
    """Two servers of one account are on two nodes; another account does not mind them."""
    world = _three_nodes(life)
    world.storages["local"] = replace(world.storages["local"], shared=True)
    await life.settle(first := await life.create())
    state = await life.state(first)
    second = await life.create("web-2", account=state.account_id)
    assert (await life.settle(second)).node != state.node


# Addresses


@pytest.mark.pg
async def test_an_address_rests_after_its_release(life: Life) -> None:
    """Whoever had it last may still be looked for there."""
    _with(life, policy=life.tools.config.policy.model_copy(update={"address_quarantine": 600}))
    server = await life.create()
    first = (await life.settle(server)).addresses[0].address
    await life.store.pool.execute(
        "UPDATE address SET during = tstzrange(now() - interval '1 hour', now() - interval '9 minutes')"
    )
    second = (await life.settle(await life.create("web-2"))).addresses[0].address
    await life.store.pool.execute(
        "UPDATE address SET during = tstzrange(now() - interval '1 hour', now() - interval '11 minutes')"
        " WHERE NOT upper_inf(during)"
    )
    third = (await life.settle(await life.create("web-3"))).addresses[0].address
    assert (first, second, third) == ("10.99.0.100", "10.99.0.101", "10.99.0.100")


@pytest.mark.pg
async def test_an_address_that_anothers_guest_claims_is_passed_over(life: Life) -> None:
    """Seen in its configuration; the log says which and why."""
    life.world.add_guest(FakeGuest(105, "pve1", ipconfig={"net0": IpConfig(address="10.99.0.100/24")}))
    placed = await _placed(life)
    assert [a.address for a in placed.addresses] == ["10.99.0.101"]
    assert placed.explanation["skipped"] == {"10.99.0.100": "VMID 105"}


@pytest.mark.pg
async def test_an_address_that_runs_in_anothers_guest_is_passed_over(life: Life) -> None:
    """Its agent tells of it, though it is configured with none; one whose agent is silent holds nobody up."""
    using = {"net0": IpConfig(address="10.99.0.100/24")}
    life.world.add_guest(FakeGuest(105, "pve1", power="running")).booted_ipconfig = using
    life.world.add_guest(FakeGuest(106, "pve1", power="running", silent=1000))
    placed = await _placed(life)
    assert [a.address for a in placed.addresses] == ["10.99.0.101"]
    assert placed.explanation["skipped"] == {"10.99.0.100": "VMID 105"}


@pytest.mark.pg
async def test_a_server_gets_both_families(life: Life) -> None:
    """Its guest is told both, and the database promises the prefix as a whole."""
    v6 = Pool.model_validate(
        {
            "name": "v6",
            "location": "fra1",
            "network": "2001:db8::/48",
            "gateway": "fe80::1",
            "first": "2001:db8:0:1::",
            "last": "2001:db8:0:ff::",
            "server_prefix": 64,
        }
    )
    _with(life, pool=[*life.tools.config.pool, v6])
    placed = await _placed(life)
    told = life.world.guests[placed.vmid].ipconfig["net0"]
    assert (told.address, told.address6) == ("10.99.0.100/24", "2001:db8:0:1::1/64")
    held = await life.store.pool.fetch("SELECT abbrev(address) AS address FROM address ORDER BY address")
    assert [row["address"] for row in held] == ["10.99.0.100", "2001:db8:0:1::/64"]


@pytest.mark.pg
async def test_every_guest_in_our_range_is_asked_for_its_addresses(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many others there are: what stands there and is not known was made from our pools."""
    monkeypatch.setattr(surroundings, "MOST_CONFIGS", 0)
    life.world.add_guest(FakeGuest(10_000_005, "pve1", ipconfig={"net0": IpConfig(address="10.99.0.100/24")}))
    placed = await _placed(life)
    assert placed.explanation["skipped"] == {"10.99.0.100": "VMID 10000005"}


async def test_the_observer_writes_down_what_orders_are_checked_against(life: Life) -> None:
    """Each node, also those where nothing is promised yet; the same limits as placement has."""
    life.world.nodes["pve2"] = replace(life.world.nodes["pve1"], name="pve2")
    await Observer(life.tools, life.hypervisor).look()
    rows = {row["node"]: row for row in await life.store.pool.fetch("SELECT * FROM node_sight ORDER BY node")}
    assert list(rows) == ["pve1", "pve2"]
    assert [json.loads(row["images"]) for row in rows.values()] == [{"debian-12": ["pve1", TEMPLATE]}, {}]
    state = await life.settle(await life.create())
    assert state.placement is not None
    (candidate,) = [one for one in state.placement.explanation["inputs"]["candidates"] if one["node"] == "pve1"]
    limits = [candidate[name]["limit"] for name in ("memory", "vcpus", "disk")]
    assert limits == [rows["pve1"][name] for name in ("memory_mib", "vcpus", "disk_gib")]


@pytest.mark.pg
async def test_what_staff_offer_is_placed_like_what_the_settings_offer(life: Life) -> None:
    """An image and a location that only the log knows; retired, they still serve the orders that were accepted."""
    own = Template(cluster="demo", vmid=9100)
    image = ImageDeclared(key="rocky", name="Rocky", template="rocky", templates=[own], user="rocky", origin="staff")
    pools = [pool.name for pool in life.tools.config.pool]
    place = LocationDeclared(key="par1", name="Paris", clusters=["demo"], pools=pools, listed=False, origin="staff")
    for kind, item in (("image", image), ("location", place)):
        await life.store.append([Entry(ids.catalogue(kind, item.key), 1, item, META)])
    await catch_up(life.store)
    life.world.add_template(9100, "rocky", "pve1")
    await Observer(life.tools, life.hypervisor).look()
    seen = await life.store.pool.fetchval("SELECT images FROM node_sight WHERE node = 'pve1'")
    assert json.loads(seen)["rocky"] == ["pve1", 9100]
    server = await life.create(
        image=e.Image(id=ids.catalogue("image", "rocky"), name="Rocky", template="rocky"),
        location=e.Location(id=ids.catalogue("location", "par1"), name="Paris", key="par1"),
    )
    state = await life.settle(server)
    assert state.placement is not None
    assert (state.status, state.placement.template_vmid, len(state.addresses)) == ("running", 9100, 1)
    assert life.world.guests[state.vmid or 0].user == "rocky"

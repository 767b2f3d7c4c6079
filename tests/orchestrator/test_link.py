"""Imported servers: adopted when a second fact agrees, left with a reason when not, never touched."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

import pytest

from domain.importing.events import ChunkLinked, ChunkLoaded, ImportStarted
from domain.server import events as e
from domain.server.state import Server
from eventstore.outbox import Lease
from eventstore.positions import Position
from eventstore.store import Entry, EventStore
from hypervisor.fake import Accident
from hypervisor.fake_world import FakeGuest, FakeWorld
from hypervisor.port import IpConfig
from orchestrator.drift.closer import look_closer
from orchestrator.link import link_import
from orchestrator.observer import Observer
from runtime.ids import new_id
from tests.given import BILLING, IMAGE, LOCATION, PLAN
from tests.orchestrator.acts import LARGER
from tests.orchestrator.conftest import META, Life

pytestmark = pytest.mark.pg
ADDRESS = e.Address(address="203.0.113.10", prefix=24, gateway="203.0.113.1", family=4, primary=True)


def _imported(source_id: str, vmid: int | None, **changes: Any) -> e.ServerImported:
    event = e.ServerImported(
        source="whmcs",
        source_id=source_id,
        run_id=UUID(int=7),
        account_id=UUID(int=8),
        plan=PLAN,
        image=IMAGE,
        location=LOCATION,
        mode="observe",
        addresses=[],
        hint=e.GuestHint(cluster="demo", vmid=vmid, evidence=["module table"]) if vmid else None,
        quarantine=None,
        suspension=None,
        billing=BILLING,
        name=f"host-{source_id}",
    )
    return replace(event, **changes)


async def _import(life: Life, *events: e.ServerImported) -> tuple[list[UUID], UUID]:
    servers, run = [new_id() for _ in events], new_id()
    for server, event in zip(servers, events, strict=True):
        await EventStore.append(life.store, [Entry(server, 1, event, META, event.account_id)])
    started = ImportStarted(source="whmcs", plan_hash="x", counts={})
    loaded = ChunkLoaded(number=1, server_ids=servers)
    await EventStore.append(life.store, [Entry(run, 1, started, META), Entry(run, 2, loaded, META)])
    return servers, run


async def _link(life: Life, run: UUID) -> float | None:
    lease = Lease(run, "import", Position(0, 0), new_id(), 1)
    return (await link_import(life.tools, lease))[1]


async def _link_one(life: Life, event: e.ServerImported) -> Server:
    servers, run = await _import(life, event)
    assert await _link(life, run) is None
    return await life.state(servers[0])


@pytest.mark.parametrize(
    ("guest", "event", "evidence"),
    [
        ({"name": "HOST-1"}, {}, "name HOST-1 agrees"),
        ({"name": "vps1-cus9"}, {}, "name vps1-cus9 agrees"),
        (
            {"ipconfig": {"net0": IpConfig(address="203.0.113.10/24")}},
            {"addresses": [ADDRESS]},
            "address 203.0.113.10 agrees",
        ),
        ({"cores": 2, "memory_mib": 2048}, {}, "2 cores and 2048 MiB agree"),
        ({"description": "rented, 203.0.113.10."}, {"addresses": [ADDRESS]}, "notes name 203.0.113.10"),
    ],
)
async def test_a_second_fact_adopts(life: Life, guest: Any, event: Any, evidence: str) -> None:
    """The VMID alone proves nothing; with one more fact the guest is taken over as it is."""
    life.world.add_guest(FakeGuest(105, "pve1", power="running", **guest))
    state = await _link_one(life, _imported("1", 105, **event))
    assert (state.status, state.vmid, state.node) == ("running", 105, "pve1")
    adopted = [r.event for r in await life.store.read_stream(state.id) if isinstance(r.event, e.ServerAdopted)]
    assert adopted[0].evidence == ["module table", evidence]
    assert life.hypervisor.calls == []


@pytest.mark.parametrize(
    ("guest", "event", "code"),
    [
        (None, _imported("1", 105), "vm_missing"),
        (None, _imported("1", None), "no_candidate"),
        ({"name": "somebody-else"}, _imported("1", 105), "no_second_fact"),
        ({"name": "host-1", "template": True}, _imported("1", 105), "template"),
        ({"name": "host-1", "kind": "lxc"}, _imported("1", 105), "not_a_vm"),
        ({"name": "host-1"}, _imported("1", 105, quarantine="vmid_clash"), "vmid_clash"),
        (
            {"cores": 2, "memory_mib": 2048, "ipconfig": {"net0": IpConfig(address="9.9.9.9/24")}},
            _imported("1", 105, addresses=[ADDRESS]),
            "address_contradicts",
        ),
    ],
)
async def test_what_does_not_agree_stays_unlinked_with_a_reason(
    life: Life, guest: Any, event: e.ServerImported, code: str
) -> None:
    """Nothing is guessed: the reason is recorded and shown."""
    if guest is not None:
        life.world.add_guest(FakeGuest(105, "pve1", **guest))
    state = await _link_one(life, event)
    assert state.status == "unlinked"
    assert state.declined is not None
    assert state.declined.code == code


async def test_the_guests_own_agent_is_a_witness(life: Life) -> None:
    """A guest whose addresses stand nowhere in its configuration tells them itself."""
    guest = life.world.add_guest(FakeGuest(105, "pve1", power="running"))
    guest.booted_ipconfig = {"net0": IpConfig(address="203.0.113.10/24")}
    state = await _link_one(life, _imported("1", 105, addresses=[ADDRESS]))
    assert (state.status, state.mode, life.hypervisor.calls) == ("running", "observe", [])


async def test_a_guest_is_adopted_once(life: Life) -> None:
    """The second service that points at the same guest is left unlinked."""
    life.world.add_guest(FakeGuest(105, "pve1", cores=2, memory_mib=2048, power="running"))
    servers, run = await _import(life, _imported("1", 105), _imported("2", 105))
    assert await _link(life, run) is None
    first, second = [await life.state(server) for server in servers]
    assert (first.status, second.status) == ("running", "unlinked")
    assert second.declined is not None
    assert second.declined.code == "claimed"


async def test_a_cluster_that_cannot_be_asked_is_asked_again(life: Life) -> None:
    """Unreachable is not missing: the chunk is not linked and nobody is declined."""
    life.world.add_guest(FakeGuest(105, "pve1", name="host-1", power="running"))
    life.world.set_node("pve1", online=False)
    life.world.quorate = False
    servers, run = await _import(life, _imported("1", 105))
    assert await _link(life, run) is not None
    assert (await life.state(servers[0])).declined is None
    life.world.set_node("pve1", online=True)
    life.world.quorate = True
    assert await _link(life, run) is None
    assert (await life.state(servers[0])).status == "running"
    linked = [r for r in await life.store.read_stream(run) if isinstance(r.event, ChunkLinked)]
    assert len(linked) == 1


async def test_a_change_outside_is_followed(life: Life) -> None:
    """Somebody stops the guest at Proxmox's own interface: the log says so after the next look."""
    server = await life.create()
    state = await life.settle(server)
    assert state.vmid is not None
    await life.store.pool.execute(
        """INSERT INTO server_view (server_id, account_id, version, name, status, cluster, vmid, power, search,
           created_at, updated_at, state) VALUES ($1, $2, 1, '', 'running', 'demo', $3, 'running', '', now(), now(),
           '{"node": "pve1"}')""",
        server,
        state.account_id,
        state.vmid,
    )
    life.world.power_off(life.world.guests[state.vmid])
    await Observer(life.tools, life.hypervisor).look()
    assert (await life.state(server)).status == "stopped"
    row = await life.store.pool.fetchrow("SELECT reachable, observed_at FROM cluster_observation")
    assert row is not None
    assert row["reachable"]


async def test_only_one_process_looks_at_a_cluster(life: Life) -> None:
    """The lease of a cluster is held by one token until it runs out."""
    first, second = Observer(life.tools, life.hypervisor), Observer(life.tools, life.hypervisor)
    await first.look()
    seen = await life.store.pool.fetchval("SELECT token FROM cluster_observation")
    await second.look()
    assert await life.store.pool.fetchval("SELECT token FROM cluster_observation") == seen


async def test_an_adopted_guest_takes_its_room_and_takes_it_along(life: Life) -> None:
    """Cores, memory and disk count where it is, more than fits or not; on its next node when it has moved."""
    world = FakeWorld(nodes=("pve1", "pve2"))
    life.world = life.hypervisor.world = world
    world.add_guest(FakeGuest(101, "pve1", name="host-1", power="running", cores=4, memory_mib=99_999))
    state = await _link_one(life, _imported("1", 101))
    assert state.adopted
    await life.claims_agree(state.id)
    pool = life.store.pool
    promised = "SELECT node, limit_mib, promised_mib FROM node_promise ORDER BY node"
    assert [tuple(row) for row in await pool.fetch(promised)] == [("pve1", 99_999, 99_999)]
    rows = await pool.fetch("SELECT resource, amount FROM capacity_promise ORDER BY resource")
    assert [tuple(row) for row in rows] == [("cpu/demo/pve1", 4), ("disk/demo/local/pve1", 2)]
    world.guests[101].node = "pve2"
    (row,) = await life.hypervisor.guests()
    await look_closer(life.tools, life.hypervisor, state.id, row, -1.0)
    assert (await life.state(state.id)).node == "pve2"
    await life.claims_agree(state.id)
    assert [tuple(row) for row in await pool.fetch(promised)] == [("pve1", 99_999, 0), ("pve2", 99_999, 99_999)]
    rows = await pool.fetch("SELECT resource FROM capacity_promise ORDER BY resource")
    assert [row[0] for row in rows] == ["cpu/demo/pve2", "disk/demo/local/pve2"]


async def test_a_resize_of_an_adopted_guest_that_fails_promises_what_it_had(life: Life) -> None:
    """Not what its plan says, which it never had."""
    life.world.add_guest(FakeGuest(101, "pve1", name="host-1", power="running", cores=1, memory_mib=512))
    state = await _link_one(life, _imported("1", 101, mode="manage"))
    await life.ask(state.id, "resize", plan=asdict(LARGER))
    for _ in range(4):
        life.world.fail_task("qmresize", "no space left")
    life.hypervisor.plan("configure", Accident.REFUSED)
    after = await life.settle(state.id, rounds=100)
    assert after.operation is not None
    assert after.operation.status == "failed"
    await life.claims_agree(state.id)
    assert await life.store.pool.fetchval("SELECT memory_mib FROM memory_promise") == 512


@pytest.mark.parametrize("mode", ["observe", "manage"])
async def test_a_guest_that_came_without_an_address_filter_is_told_of(life: Life, mode: e.Mode) -> None:
    """It is not given one by itself, whatever the policy: its owner may use it in ways that nobody knows."""
    life.world.add_guest(FakeGuest(101, "pve1", name="host-1", power="running"))
    state = await _link_one(life, _imported("1", 101, mode=mode, addresses=[ADDRESS]))
    (row,) = [row for row in await life.hypervisor.guests() if row.vmid == 101]
    await look_closer(life.tools, life.hypervisor, state.id, row, -1.0)
    state = await life.state(state.id)
    assert ([drift.kind for drift in state.drift], state.current) == (["firewall"], None)
    assert life.hypervisor.calls == []

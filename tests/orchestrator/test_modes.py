"""In `observe` no effect leaves for Proxmox, whatever is asked and however it came to be asked."""

from __future__ import annotations

import inspect
from dataclasses import replace
from itertools import product
from uuid import UUID

import pytest

from domain.server import events as e
from domain.server.operations import OPERATIONS
from eventstore.store import Entry, EventStore
from hypervisor.port import CHANGES, Hypervisor
from orchestrator.guard import guarded
from orchestrator.reconcile import STEPS
from orchestrator.work import ObserveOnly
from runtime.ids import new_id
from tests.given import PLAN
from tests.orchestrator.conftest import META, Life

pytestmark = pytest.mark.pg

LOOKS = {
    "archive",
    "mentions",
    "version",
    "quorate",
    "nodes",
    "guests",
    "vmid_taken",
    "config",
    "status",
    "addresses",
    "volumes",
    "pending",
    "snapshots",
    "backups",
    "firewall",
    "storages",
    "task",
    "task_log",
    "tasks",
    "ties",
    "server_time",
    "console",
    "series",
    "close",
    "cluster",
}


async def _append(life: Life, server: UUID, *events: e.ServerEvent) -> None:
    state = await life.state(server)
    entries = [Entry(server, state.version + n, event, META, state.account_id) for n, event in enumerate(events, 1)]
    await EventStore.append(life.store, entries)


def test_every_verb_is_known_as_a_look_or_a_change() -> None:
    """Whoever adds a verb has to say which of the two it is."""
    verbs = {name for name, _ in inspect.getmembers(Hypervisor) if not name.startswith("_")}
    assert verbs - CHANGES == verbs & LOOKS


async def test_a_guarded_hypervisor_refuses_every_change(life: Life) -> None:
    """The last gate stands right before the call, whoever calls."""

    def allow() -> None:
        raise ObserveOnly("only observed")

    hypervisor = guarded(life.hypervisor, allow)
    for verb in CHANGES:
        with pytest.raises(ObserveOnly):
            getattr(hypervisor, verb)
    assert await hypervisor.guests()


# What the operations need to be asked for at all; nothing of it may ever be used.
PARAMS = {
    "plan": {"id": str(PLAN.id), "name": "L", "vcpus": 4, "memory_mib": 4096, "disk_gib": 40},
    "image": {"id": str(new_id()), "name": "Debian 12", "template": "debian-12"},
    "snapshot_id": str(new_id()),
    "backup_id": str(new_id()),
    "reason": "admin",
    "kind": "reconfigured",
}


@pytest.mark.parametrize(
    ("type", "by"),
    [*product(sorted({type for type, _ in STEPS} - {"create"}), ["its own mode", "staff"]), ("stop", "the settings")],
)
async def test_no_operation_of_an_observed_server_has_an_effect(life: Life, type: str, by: str) -> None:
    """Asked for while it was managed, taken up when it is only observed: by its own mode, or its cluster's."""
    server = await life.create()
    await life.settle(server)
    before = list(life.hypervisor.calls)
    asked = e.OperationRequested(
        operation_id=new_id(),
        type=type,
        steps=list(OPERATIONS[type].steps),
        params=PARAMS,
        personal={"name": "other"},
    )
    await _append(life, server, asked)
    if by == "staff":
        await life.store.pool.execute("INSERT INTO cluster_mode VALUES ('demo', 'observe')")
    elif by == "the settings":
        config = life.tools.config
        clusters = [cluster.model_copy(update={"mode": "observe"}) for cluster in config.cluster]
        life.tools = replace(life.tools, config=config.model_copy(update={"cluster": clusters}))
    else:
        await _append(life, server, e.ModeChanged(mode="observe"))
    for _ in range(10):
        wait = await life.round(server)
        if (await life.state(server)).current is None:
            break
        life.advance(wait or 0)
    assert life.hypervisor.calls == before


async def test_an_operation_under_way_ends_when_the_server_becomes_observed(life: Life) -> None:
    """What was begun is not gone on with, and its owner reads why."""
    server = await life.create()
    await life.settle(server)
    await life.ask(server, "stop")
    await _append(life, server, e.ModeChanged(mode="observe"))
    state = await life.settle(server)
    assert state.operation is not None
    assert state.operation.error is not None
    assert (state.operation.status, state.operation.error.code) == ("failed", "observe_only")
    assert state.status == "running"


async def test_an_observed_cluster_takes_no_new_server(life: Life) -> None:
    """Until staff switch it back: then the creation can be tried again."""
    await life.store.pool.execute("INSERT INTO cluster_mode VALUES ('demo', 'observe')")
    server = await life.create()
    state = await life.settle(server)
    assert state.operation is not None
    assert state.operation.error is not None
    assert (state.operation.error.code, life.hypervisor.calls) == ("location_closed", [])
    await life.store.pool.execute("UPDATE cluster_mode SET mode = 'manage'")
    await life.end(server, "retry")
    assert (await life.settle(server)).status == "running"

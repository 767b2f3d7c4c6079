"""High availability: calls ask for a state and are answered before it is reached."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.testbed_proxmox.bed import NODE, Bed, bed_in

pytestmark = pytest.mark.pve
RESOURCES = "/cluster/ha/resources"
VM = f"/nodes/{NODE}/qemu/101"


@pytest.fixture
async def managed(bed: Bed) -> Bed:
    """A stopped VM 101 that shall stay so; rounds follow each other at once."""
    bed.cluster.knobs.ha_seconds = 0.05
    await bed.cloned(101)
    await bed.post(RESOURCES, sid="101", state="stopped")
    return bed


async def test_a_start_is_done_before_the_machine_runs(managed: Bed) -> None:
    managed.node.vms.load(101).config["lock"] = "snapshot"  # what is locked has to wait
    upid = await managed.post(f"{VM}/status/start")
    assert await managed.finished(upid) == "OK"
    assert upid.split(":")[5] == "hastart"
    assert await managed.log(upid) == ["Requesting HA start for VM 101", "TASK OK"]
    assert not managed.runs(101)
    assert (await managed.get(f"{VM}/status/current"))["ha"] == {"managed": 1, "state": "started"}
    del managed.node.vms.load(101).config["lock"]
    await managed.until(lambda: managed.runs(101))
    (task,) = await managed.get(f"/nodes/{NODE}/tasks", source="all", vmid=101, typefilter="qmstart")
    assert task["user"] == "root@pam"


@pytest.mark.parametrize(("verb", "kind"), [("stop", "qmstop"), ("shutdown", "qmshutdown")])
async def test_stopping_is_asked_for_too(managed: Bed, verb: str, kind: str) -> None:
    await managed.run("POST", f"{VM}/status/start")
    await managed.until(lambda: managed.runs(101))
    upid = await managed.post(f"{VM}/status/{verb}")
    assert await managed.finished(upid) == "OK"
    assert upid.split(":")[5] == "hastop"
    await managed.until(lambda: not managed.runs(101))
    assert len(await managed.get(f"/nodes/{NODE}/tasks", source="all", vmid=101, typefilter=kind)) == 1


async def test_a_machine_that_shall_run_is_started_again(managed: Bed) -> None:
    await managed.put(f"{RESOURCES}/vm:101", state="started")
    await managed.until(lambda: managed.runs(101))
    born = managed.node.vms.load(101).switched[-1]
    await managed.control.post("/testbed/vms/101", json={"power": "crash"})
    await managed.until(lambda: managed.runs(101) and managed.node.vms.load(101).switched[-1] > born)


async def test_what_is_looked_after_is_not_removed_by_chance(managed: Bed) -> None:
    refused = await managed.call("DELETE", VM)
    assert refused.reason_phrase == "unable to remove VM 101 - used in HA resources and purge parameter not set."
    assert await managed.run("DELETE", VM, purge=1) == "OK"
    assert await managed.get(RESOURCES) == []


async def test_refusals(managed: Bed) -> None:
    for method, path, form, status, text in (
        ("POST", RESOURCES, {"sid": "101"}, 500, "create resource failed: resource ID 'vm:101' already defined"),
        ("POST", RESOURCES, {"sid": "vm:555"}, 500, "resource 'vm:555' does not exist in cluster"),
        ("DELETE", f"{RESOURCES}/555", {}, 500, "cannot delete service 'vm:555', not HA managed!"),
        ("GET", f"{RESOURCES}/vm:555", {}, 500, "no such resource 'vm:555'"),
    ):
        refused = await managed.call(method, path, form)
        assert (refused.status_code, refused.reason_phrase) == (status, text)
    refused = await managed.call("POST", f"{VM}/status/stop", {"overrule-shutdown": 1})
    assert refused.json()["errors"] == {"overrule-shutdown": "not applicable for HA resources."}
    refused = await managed.call("POST", RESOURCES, {"sid": "a b"})
    assert refused.json()["errors"] == {"sid": "invalid format - value does not look like a valid ha resource id\n"}


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Bed]:
    async with bed_in(tmp_path, nodes=2) as bed:
        bed.cluster.knobs.ha_seconds = 0.05
        yield bed


async def test_a_migration_is_asked_for(pair: Bed) -> None:
    assert await pair.run("POST", f"/nodes/{NODE}/qemu", vmid=101) == "OK"
    await pair.post(RESOURCES, sid="vm:101", state="stopped", max_restart=2)
    upid = await pair.post(f"{VM}/migrate", target="pve2")
    assert await pair.finished(upid) == "OK"
    assert upid.split(":")[5] == "hamigrate"
    await pair.until(lambda: pair.cluster.vms.get(101).node == "pve2")  # type: ignore[union-attr]
    (row,) = await pair.get(RESOURCES)
    assert {**row, "digest": ""} == {"sid": "vm:101", "type": "vm", "state": "stopped", "max_restart": 2, "digest": ""}
    (service,) = [row for row in await pair.get("/cluster/ha/status/current") if row["type"] == "service"]
    assert (service["node"], service["state"]) == ("pve2", "stopped")
    (vm,) = [row for row in await pair.get("/cluster/resources", type="vm") if row["vmid"] == 101]
    assert vm["hastate"] == "stopped"

"""VMs that go from one node to another."""

import pytest

from tests.testbed_proxmox.bed import Bed

pytestmark = pytest.mark.pve


async def shared_vm(three: Bed, vmid: int) -> None:
    """A VM on the shared storage."""
    outcome = await three.run("POST", "/nodes/pve1/qemu/9000/clone", newid=vmid, storage="nfs", full=1)
    assert outcome == "OK"


async def test_a_stopped_vm_takes_its_local_disks_along(three: Bed) -> None:
    assert await three.run("POST", "/nodes/pve1/qemu/9000/clone", newid=200, full=1) == "OK"
    found = await three.get("/nodes/pve1/qemu/200/migrate")
    assert found["allowed_nodes"] == ["pve2", "pve3"]
    assert {disk["volid"] for disk in found["local_disks"]} == {
        "local:200/vm-200-disk-0.qcow2",
        "local:200/vm-200-cloudinit.qcow2",
    }
    upid = await three.post("/nodes/pve1/qemu/200/migrate", target="pve2")
    assert await three.finished(upid) == "OK"
    log = [line[20:] for line in await three.log(upid)]
    assert log[0] == "starting migration of VM 200 to node 'pve2' (10.99.0.11)"
    assert "found local disk 'local:200/vm-200-disk-0.qcow2' (attached)" in log
    assert "volume 'local:200/vm-200-disk-0.qcow2' is 'local:200/vm-200-disk-0.qcow2' on the target" in log
    assert {volume.node for volume in three.cluster.volumes.of(200)} == {"pve2"}
    assert "lock" not in await three.get("/nodes/pve2/qemu/200/config")
    gone = await three.call("GET", "/nodes/pve1/qemu/200/config")
    assert gone.reason_phrase == "Configuration file 'nodes/pve1/qemu-server/200.conf' does not exist"
    assert await three.run("POST", "/nodes/pve2/qemu/200/status/start") == "OK"


async def test_a_running_vm_moves_while_it_runs(three: Bed) -> None:
    await shared_vm(three, 200)
    assert await three.run("POST", "/nodes/pve1/qemu/200/status/start") == "OK"
    refused = await three.call("POST", "/nodes/pve1/qemu/200/migrate", {"target": "pve3"})
    assert refused.reason_phrase == "can't migrate running VM without --online"
    assert await three.run("POST", "/nodes/pve1/qemu/200/migrate", target="pve3", online=1) == "OK"
    current = await three.get("/nodes/pve3/qemu/200/status/current")
    assert (current["status"], current.get("lock")) == ("running", None)
    assert await three.run("POST", "/nodes/pve3/qemu/200/status/shutdown", timeout=20) == "OK"
    assert (await three.get("/nodes/pve3/qemu/200/status/current"))["status"] == "stopped"


async def test_a_running_vm_with_local_disks_needs_leave_to_take_them(three: Bed) -> None:
    assert await three.run("POST", "/nodes/pve1/qemu/9000/clone", newid=200, full=1) == "OK"
    assert await three.run("POST", "/nodes/pve1/qemu/200/status/start") == "OK"
    migrate = "/nodes/pve1/qemu/200/migrate"
    assert await three.run("POST", migrate, target="pve2", online=1) == "migration aborted"
    assert "lock" not in await three.get("/nodes/pve1/qemu/200/config")
    options = {"target": "pve2", "online": 1, "with-local-disks": 1, "targetstorage": "nfs"}
    assert await three.run("POST", migrate, **options) == "OK"
    assert (await three.get("/nodes/pve2/qemu/200/config"))["scsi0"].startswith("nfs:200/vm-200-disk-0.qcow2")
    assert {volume.storage for volume in three.cluster.volumes.of(200)} == {"nfs"}


async def test_a_linked_clone_on_local_storage_stays(three: Bed) -> None:
    await three.cloned(200)
    upid = await three.post("/nodes/pve1/qemu/200/migrate", target="pve2")
    assert await three.finished(upid) == "migration aborted"
    assert "as it's a clone of 'base-9000-disk-0.qcow2'" in (await three.log(upid))[-2]
    assert {volume.node for volume in three.cluster.volumes.of(200)} == {"pve1"}


async def test_where_a_vm_cannot_go(three: Bed) -> None:
    for target, status, text in [
        ("pve1", 400, "Parameter verification failed."),
        ("pve9", 500, "no such cluster node 'pve9'"),
    ]:
        refused = await three.call("POST", "/nodes/pve1/qemu/9000/migrate", {"target": target})
        assert (refused.status_code, refused.reason_phrase) == (status, text)
    await shared_vm(three, 200)
    await three.control.post("/testbed/nodes/pve2", json={"state": "down"})
    upid = await three.post("/nodes/pve1/qemu/200/migrate", target="pve2")
    assert await three.finished(upid) == "migration aborted"
    assert "Can't connect to destination address using public key" in (await three.log(upid))[-2]


async def test_a_cancelled_migration_leaves_the_vm_where_it_was(three: Bed) -> None:
    await shared_vm(three, 200)
    assert await three.run("POST", "/nodes/pve1/qemu/200/status/start") == "OK"
    three.node.knobs.migration_seconds = 60
    upid = await three.post("/nodes/pve1/qemu/200/migrate", target="pve3", online=1)
    await three.until(lambda: three.node.vms.load(200).lock == "migrate")
    await three.delete(f"/nodes/pve1/tasks/{upid}")
    assert await three.finished(upid) in ("migration problems", "migration aborted")
    assert (await three.get("/nodes/pve1/qemu/200/status/current"))["status"] == "running"
    assert "lock" not in await three.get("/nodes/pve1/qemu/200/config")

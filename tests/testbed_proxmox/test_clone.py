"""Clones: what they copy, what one sees meanwhile, what is left when they fail."""

import asyncio

import pytest

from testbed.proxmox.cluster.locks import vm_lock
from tests.testbed_proxmox.bed import Bed

pytestmark = pytest.mark.pve
SOURCE = "/nodes/pve1/qemu/9000"


async def test_a_clone_is_its_own_machine(bed: Bed) -> None:
    before = await bed.get(f"{SOURCE}/config")
    vm = await bed.cloned(200, name="web", description="mine")
    after = await bed.get(f"{vm}/config")
    assert (after["name"], after["description"], after["tags"]) == ("web", "mine", "template")
    for key in ("net0", "smbios1", "vmgenid"):
        assert after[key] != before[key]
    assert "template" not in after
    assert after["scsi0"].startswith("local:9000/base-9000-disk-0.qcow2/200/vm-200-disk-0.qcow2")


async def test_a_full_clone_owns_its_disk(bed: Bed) -> None:
    vm = await bed.cloned(200, full=1)
    assert (await bed.get(f"{vm}/config"))["scsi0"] == "local:200/vm-200-disk-0.qcow2,size=2G"
    volumes = await bed.get("/nodes/pve1/storage/local/content", vmid=200)
    assert [volume["parent"] for volume in volumes] == [None, None]


async def test_the_target_is_locked_and_marked_until_its_first_disk(bed: Bed) -> None:
    bed.node.knobs.storage_hold_seconds = 0.3
    upid = await bed.post(f"{SOURCE}/clone", newid=200, name="web")
    await bed.until(lambda: 200 in bed.node.vms)
    config = await bed.get("/nodes/pve1/qemu/200/config")
    config.pop("digest")
    assert config == {"lock": "clone", "description": " qmclone temporary file"}
    bed.node.knobs.lock_timeout_factor = 0.01
    refused = await bed.call("PUT", "/nodes/pve1/qemu/200/config", {"name": "x"})
    assert refused.reason_phrase == "can't lock file '/var/lock/qemu-server/lock-200.conf' - got timeout"
    assert await bed.finished(upid) == "OK"


async def test_the_task_is_filed_under_the_source(bed: Bed) -> None:
    await bed.cloned(200)
    assert await bed.get("/nodes/pve1/tasks", vmid=200) == []
    assert [task["type"] for task in await bed.get("/nodes/pve1/tasks", vmid=9000)] == ["qmclone"]


async def test_of_two_clones_to_one_id_one_wins(bed: Bed) -> None:
    bed.node.knobs.storage_hold_seconds = 0.1
    answers = await asyncio.gather(*(bed.call("POST", f"{SOURCE}/clone", {"newid": 200}) for _ in range(5)))
    upids = [answer.json()["data"] for answer in answers if answer.status_code == 200]
    outcomes = [await bed.finished(upid) for upid in upids]
    assert outcomes.count("OK") == 1
    late = await bed.call("POST", f"{SOURCE}/clone", {"newid": 200})
    assert late.reason_phrase == "unable to create VM 200: config file already exists"


async def test_an_aborted_clone_leaves_nothing(bed: Bed) -> None:
    bed.node.knobs.full_clone_seconds = 60
    upid = await bed.post(f"{SOURCE}/clone", newid=200, full=1)
    await bed.until(lambda: len(bed.node.volumes.of(200)) == 2)
    await bed.delete(f"/nodes/pve1/tasks/{upid}")
    assert (await bed.finished(upid)).startswith("clone failed: ")
    assert 200 not in bed.node.vms
    assert bed.node.volumes.of(200) == []


async def test_a_killed_clone_leaves_lock_and_volumes(bed: Bed) -> None:
    bed.node.knobs.full_clone_seconds = 60
    upid = await bed.post(f"{SOURCE}/clone", newid=200, full=1, name="web")
    await bed.until(lambda: len(bed.node.volumes.of(200)) == 2)
    await bed.control.delete(f"/tasks/{upid}")
    assert await bed.finished(upid) == "unexpected status"
    vm = "/nodes/pve1/qemu/200"
    assert (await bed.get(f"{vm}/config"))["lock"] == "clone"
    assert await bed.run("DELETE", vm) == "VM is locked (clone)"
    root = await bed.login()
    upid = (await bed.call("DELETE", vm, {"skiplock": 1}, headers=root)).json()["data"]
    assert await bed.finished(upid) == "OK"
    orphans = (await bed.control.get("/vms")).json()["orphan_volumes"]
    assert orphans == ["local:200/vm-200-disk-0.qcow2"]


async def test_destroying_unreferenced_disks_takes_the_orphans_along(bed: Bed) -> None:
    bed.node.volumes.save(type(bed.node.volumes.of(9000)[0])("200/vm-200-disk-7.qcow2", 200, 1024, 0, "sim"))
    vm = await bed.cloned(200)
    assert await bed.run("DELETE", vm, **{"destroy-unreferenced-disks": 1, "purge": 1}) == "OK"
    assert (await bed.control.get("/vms")).json()["counts"]["orphan_volumes"] == 0


async def test_parallel_clones_queue_at_the_storage_and_time_out(bed: Bed) -> None:
    bed.node.knobs.storage_hold_seconds = 0.2
    bed.node.knobs.lock_timeout_factor = 0.03
    upids = [await bed.post(f"{SOURCE}/clone", newid=200 + n) for n in range(8)]
    outcomes = [await bed.finished(upid) for upid in upids]
    text = "can't lock file '/var/lock/pve-manager/pve-storage-local' - got timeout"
    assert f"clone failed: {text}" in outcomes
    assert len(bed.node.vms) == 2 + outcomes.count("OK")


async def test_a_template_in_use_cannot_be_destroyed(bed: Bed) -> None:
    await bed.cloned(200)
    outcome = await bed.run("DELETE", SOURCE)
    assert outcome == "base volume 'local:9000/base-9000-disk-0.qcow2' is still in use by linked cloned"
    assert (await bed.get(f"{SOURCE}/config"))["template"] == 1


async def test_identity_of_a_copy(bed: Bed) -> None:
    """What else the system table says is kept; a generation id is renewed only where there is one."""
    source = await bed.cloned(100)
    table = "uuid=6d9f7e0c-0f6f-4a3e-9a51-0d7f0c6c1f11,serial=YWJj,base64=1"
    form = {"smbios1": table, "delete": "vmgenid"}
    assert (await bed.call("PUT", f"{source}/config", form, await bed.login())).status_code == 200
    copy = await bed.get(f"{await bed.cloned(101, source=100)}/config")
    assert "serial=YWJj" in copy["smbios1"]
    assert "6d9f7e0c" not in copy["smbios1"]
    assert "vmgenid" not in copy


async def test_a_source_that_was_started_meanwhile_is_not_copied(bed: Bed) -> None:
    source = await bed.cloned(100)
    async with bed.node.locks.hold(vm_lock(100), 1):
        upid = await bed.post(f"{source}/clone", newid=101)
        await bed.node.start(bed.node.vms.load(100))
    assert await bed.finished(upid) == "unexpected state change"
    assert 101 not in bed.node.vms

"""Snapshots of simulated VMs: what they keep, what a rollback brings back, what stays after a killed worker."""

import hashlib

import pytest

from testbed.proxmox.vm import config_file
from tests.testbed_proxmox.bed import NODE, Bed

pytestmark = pytest.mark.pve
OTHER = {"snaptime", "description", "vmgenid", "parent", "digest"}


async def test_a_rollback_brings_back_the_options_but_not_the_description(bed: Bed) -> None:
    vm = await bed.cloned(101, description="now", name="before")
    assert await bed.run("POST", f"{vm}/snapshot", snapname="s1", description="first") == "OK"
    await bed.put(f"{vm}/config", name="after", description="later", memory="2048")
    assert await bed.run("POST", f"{vm}/snapshot/s1/rollback") == "OK"
    config = await bed.get(f"{vm}/config")
    assert (config["name"], config["description"], config["memory"]) == ("before", "later", "1024")
    assert config["parent"] == "s1"
    then = await bed.get(f"{vm}/snapshot/s1/config")
    assert then["description"] == "first"
    assert {key: config[key] for key in config.keys() - OTHER} == {key: then[key] for key in then.keys() - OTHER}
    assert config["vmgenid"] != then["vmgenid"]


async def test_the_list_is_a_tree_that_ends_in_the_present(bed: Bed) -> None:
    vm = await bed.cloned(101)
    for name in ("s1", "s2"):
        assert await bed.run("POST", f"{vm}/snapshot", snapname=name) == "OK"
    await bed.run("POST", f"{vm}/snapshot/s1/rollback")
    await bed.run("POST", f"{vm}/snapshot", snapname="s3")
    rows = {row["name"]: row for row in await bed.get(f"{vm}/snapshot")}
    assert {name: row.get("parent") for name, row in rows.items()} == {
        "s1": None,
        "s2": "s1",
        "s3": "s1",
        "current": "s3",
    }
    assert rows["current"]["digest"] == (await bed.get(f"{vm}/config"))["digest"]
    assert await bed.run("DELETE", f"{vm}/snapshot/s1") == "OK"
    rows = {row["name"]: row for row in await bed.get(f"{vm}/snapshot")}
    assert [rows[name].get("parent") for name in ("s2", "s3")] == [None, None]


async def test_the_digest_covers_snapshots_and_pending_changes(bed: Bed) -> None:
    await bed.cloned(101)
    vm = bed.node.vms.load(101)
    vm.config, vm.pending, vm.pending_delete = {"cores": "2", "description": "a: 50%\nü"}, {"cores": "4"}, {"vga": True}
    vm.snapshots = {"b": {"cores": "1"}, "a": {"cores": "3"}}
    text = "#a%3A 50%25\n#%C3%BC\ncores: 2\n\n[PENDING]\ncores: 4\ndelete: !vga\n\n[a]\ncores: 3\n\n[b]\ncores: 1\n"
    assert config_file.text(vm) == text
    assert vm.digest == hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


async def test_memory_is_kept_and_runs_on_after_the_rollback(bed: Bed) -> None:
    vm = await bed.cloned(101)
    await bed.run("POST", f"{vm}/status/start")
    assert await bed.run("POST", f"{vm}/snapshot", snapname="ram", vmstate=1) == "OK"
    assert bed.runs(101)
    assert not bed.node.paused(bed.node.vms.load(101))
    state = (await bed.get(f"{vm}/snapshot/ram/config"))["vmstate"]
    assert state == "local:101/vm-101-state-ram.raw"
    await bed.run("POST", f"{vm}/status/stop")
    assert await bed.run("POST", f"{vm}/snapshot/ram/rollback") == "OK"
    assert bed.runs(101)
    await bed.run("POST", f"{vm}/status/stop")
    assert await bed.run("DELETE", f"{vm}/snapshot/ram") == "OK"
    assert bed.node.volumes.get(state) is None


async def test_a_rollback_without_memory_stops_the_vm_unless_asked_to_start(bed: Bed) -> None:
    vm = await bed.cloned(101)
    await bed.run("POST", f"{vm}/status/start")
    await bed.run("POST", f"{vm}/snapshot", snapname="s1")
    await bed.run("POST", f"{vm}/snapshot/s1/rollback")
    assert not bed.runs(101)
    await bed.run("POST", f"{vm}/snapshot/s1/rollback", start=1)
    await bed.until(lambda: bed.runs(101))


async def test_disks_go_back_to_the_size_they_had(bed: Bed) -> None:
    vm = await bed.cloned(101)
    await bed.run("POST", f"{vm}/snapshot", snapname="s1")
    await bed.run("PUT", f"{vm}/resize", disk="scsi0", size="8G")
    await bed.run("POST", f"{vm}/snapshot/s1/rollback")
    assert (await bed.get(f"{vm}/config"))["scsi0"].endswith("size=2G")
    assert next(v for v in bed.node.volumes.of(101) if not v.cloud_init).size == 2 * 1024**3


async def test_names_and_states_that_are_refused(bed: Bed) -> None:
    vm = await bed.cloned(101)
    for name in ("current", "PENDING"):
        refused = await bed.call("POST", f"{vm}/snapshot", {"snapname": name})
        assert (refused.status_code, refused.reason_phrase) == (
            500,
            f"unable to use snapshot name '{name.lower()}' (reserved name)",
        )
    assert (await bed.call("POST", f"{vm}/snapshot", {"snapname": "x" * 41})).status_code == 400
    await bed.run("POST", f"{vm}/snapshot", snapname="s1")
    assert await bed.run("POST", f"{vm}/snapshot", snapname="s1") == "snapshot name 's1' already used"
    assert await bed.run("DELETE", f"{vm}/snapshot/s2") == "snapshot 's2' does not exist"
    for where in ("snapshot/s2/config", "config?snapshot=s2"):
        assert (await bed.call("GET", f"{vm}/{where}")).reason_phrase == "snapshot 's2' does not exist"
    refused = await bed.call("POST", f"{vm}/template")
    assert refused.reason_phrase == "unable to create template, because VM contains snapshots"


async def test_a_killed_worker_leaves_lock_and_half_a_snapshot(bed: Bed) -> None:
    vm = await bed.cloned(101)
    bed.node.knobs.snapshot_seconds = 60
    upid = await bed.post(f"{vm}/snapshot", snapname="s1")
    await bed.until(lambda: bed.node.vms.load(101).lock == "snapshot")
    await bed.node.tasks.kill(upid)
    rows = await bed.get(f"{vm}/snapshot")
    assert [row.get("snapstate") for row in rows] == ["prepare", None]
    assert await bed.run("POST", f"{vm}/snapshot", snapname="s2") == "VM is locked (snapshot)"


async def test_an_aborted_snapshot_is_taken_back(bed: Bed) -> None:
    vm = await bed.cloned(101)
    bed.node.knobs.snapshot_seconds = 60
    upid = await bed.post(f"{vm}/snapshot", snapname="s1")
    await bed.until(lambda: bed.node.vms.load(101).lock == "snapshot")
    await bed.delete(f"/nodes/{NODE}/tasks/{upid}")
    assert await bed.finished(upid) == "received interrupt"
    assert [row["name"] for row in await bed.get(f"{vm}/snapshot")] == ["current"]
    assert "lock" not in await bed.get(f"{vm}/config")


async def test_a_clone_of_a_snapshot_has_its_options(bed: Bed) -> None:
    vm = await bed.cloned(101, name="before")
    await bed.run("POST", f"{vm}/snapshot", snapname="s1")
    await bed.put(f"{vm}/config", name="after", cores=4)
    copy = await bed.cloned(102, source=101, snapname="s1")
    config = await bed.get(f"{copy}/config")
    assert (config["name"], config.get("cores"), config.get("snaptime")) == ("Copy-of-VM-before", 1, None)
    assert await bed.get(f"{copy}/snapshot") != []
    refused = await bed.call("POST", f"{vm}/clone", {"newid": 103, "snapname": "s1", "full": 0})
    expected = "Linked clone feature is not supported for a snapshot of 'local:9000/base-9000-disk-0.qcow2/101/vm-101"
    assert refused.reason_phrase.startswith(expected)


async def test_destroying_a_vm_takes_the_saved_memory_too(bed: Bed) -> None:
    vm = await bed.cloned(101)
    await bed.run("POST", f"{vm}/status/start")
    await bed.run("POST", f"{vm}/snapshot", snapname="ram", vmstate=1)
    await bed.run("POST", f"{vm}/status/stop")
    assert await bed.run("DELETE", vm) == "OK"
    assert bed.node.volumes.of(101) == []

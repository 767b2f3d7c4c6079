"""Halting, saving to disk, shutting down with care, and whole nodes."""

from pathlib import Path

import pytest

from tests.testbed_proxmox.bed import NODE, Bed, bed_in

pytestmark = pytest.mark.pve


async def started(bed: Bed, vmid: int = 101, **options: object) -> str:
    vm = await bed.cloned(vmid)
    if options:
        await bed.put(f"{vm}/config", **options)
    assert await bed.run("POST", f"{vm}/status/start") == "OK"
    return vm


async def test_to_disk_and_back(bed: Bed) -> None:
    vm = await started(bed)
    upid = await bed.post(f"{vm}/status/suspend", todisk=1)
    assert await bed.finished(upid) == "OK"
    assert "State saved, quitting" in await bed.log(upid)
    config = await bed.get(f"{vm}/config")
    assert config["lock"] == "suspended"
    assert config["vmstate"].startswith("local:101/vm-101-state-suspend-")
    assert not bed.runs(101)
    upid = await bed.post(f"{vm}/status/resume")
    assert await bed.finished(upid) == "OK"
    assert (await bed.log(upid))[-2:] == ["Resuming suspended VM", "TASK OK"]
    assert bed.runs(101)
    assert not {"lock", "vmstate", "runningmachine", "runningcpu"} & (await bed.get(f"{vm}/config")).keys()
    assert bed.node.volumes.get(config["vmstate"]) is None


async def test_saved_memory_can_be_given_up(bed: Bed) -> None:
    vm = await started(bed)
    await bed.run("POST", f"{vm}/status/suspend", todisk=1)
    refused = await bed.call("PUT", f"{vm}/config", {"name": "x"})
    assert refused.reason_phrase == "VM is locked (suspended)"
    await bed.put(f"{vm}/config", delete="vmstate")
    assert not {"lock", "vmstate"} & (await bed.get(f"{vm}/config")).keys()


async def test_the_agent_shuts_down_a_guest_without_a_button(bed: Bed) -> None:
    vm = await started(bed, acpi=0)
    assert await bed.run("POST", f"{vm}/status/shutdown", timeout=15) == "OK"
    assert not bed.runs(101)


async def test_the_order_says_how_long_to_wait(bed: Bed) -> None:
    vm = await started(bed, agent="0", startup="down=1")
    bed.node.vms.load(101).behaviour["ignore_acpi"] = True
    assert await bed.run("POST", f"{vm}/status/shutdown") == "VM quit/powerdown failed - got timeout"


async def test_a_backup_lets_its_vm_be_halted_and_woken(bed: Bed) -> None:
    vm = await started(bed)
    bed.node.vms.load(101).config["lock"] = "backup"
    assert await bed.run("POST", f"{vm}/status/suspend") == "OK"
    assert await bed.run("POST", f"{vm}/status/start") == "OK"
    assert not bed.node.paused(bed.node.vms.load(101))
    assert await bed.run("POST", f"{vm}/status/suspend", todisk=1) == "cannot suspend to disk during backup"


async def test_what_migration_passes_is_roots(bed: Bed) -> None:
    vm = await bed.cloned(101)
    refused = await bed.call("POST", f"{vm}/status/start", {"stateuri": "tcp"})
    assert refused.json()["errors"] == {"stateuri": "Only root may use this option."}


async def test_a_node_starts_and_stops_its_vms_in_order(bed: Bed) -> None:
    bed.node.knobs.lock_timeout_factor = 0.01
    for vmid, startup in ((101, "order=2"), (102, "order=1"), (103, "order=3")):
        vm = await bed.cloned(vmid)
        await bed.put(f"{vm}/config", startup=startup, onboot=0 if vmid == 103 else 1)
    upid = await bed.post(f"/nodes/{NODE}/startall")
    assert await bed.finished(upid) == "OK"
    assert await bed.log(upid) == ["Starting VM 102", "Starting VM 101", "TASK OK"]
    upid = await bed.post(f"/nodes/{NODE}/stopall", timeout=30)
    assert await bed.finished(upid) == "OK"
    stopped = [f"Stopping VM {vmid} (timeout = 30 seconds)" for vmid in (101, 102)]
    assert await bed.log(upid) == [*stopped, "TASK OK"]
    assert not any(bed.runs(vmid) for vmid in (101, 102))


async def test_what_starts_with_its_node_starts_when_that_is_back(bed: Bed) -> None:
    bed.node.knobs.lock_timeout_factor = 0.01
    for vmid, options in ((101, {"onboot": 1}), (102, {"onboot": 1, "startup": "order=1"}), (103, {"onboot": 0})):
        await bed.put(f"{await bed.cloned(vmid)}/config", **options)
    bed.node.vms.load(103).config["lock"] = "backup"
    for state in ("off", "up"):
        await bed.control.post("/testbed/nodes", json={"state": state})
    (task,) = await bed.get(f"/nodes/{NODE}/tasks", source="all", typefilter="startall")
    assert (task["id"], task["user"]) == ("", "root@pam")
    assert await bed.finished(task["upid"]) == "OK"
    said = ["removed left over backup lock from '103'!", "Starting VM 102", "Starting VM 101", "TASK OK"]
    assert await bed.log(task["upid"]) == said
    assert [bed.runs(vmid) for vmid in (101, 102, 103)] == [True, True, False]


async def test_what_starts_with_its_node_starts_with_the_testbed(tmp_path: Path) -> None:
    async with bed_in(tmp_path) as bed:
        await bed.put(f"{await bed.cloned(101)}/config", onboot=1)
    async with bed_in(tmp_path) as bed:
        await bed.until(lambda: bed.runs(101))
        assert bed.node.vms.load(101).switched
    async with bed_in(tmp_path) as bed:
        assert bed.runs(101)
        assert len(await bed.get(f"/nodes/{NODE}/tasks", source="all", typefilter="startall")) == 1


async def test_a_node_reboots_with_its_machines(bed: Bed) -> None:
    bed.node.knobs.lock_timeout_factor = 0.01
    vm = await bed.cloned(101)
    await bed.put(f"{vm}/config", onboot=1)
    assert await bed.run("POST", f"{vm}/status/start") == "OK"
    before = bed.node.boot_time
    await bed.post(f"/nodes/{NODE}/status", command="reboot")
    await bed.until(lambda: bed.node.boot_time > before and bed.node.online and bed.runs(101))
    tasks = await bed.get(f"/nodes/{NODE}/tasks", source="all", start=0, limit=4)
    assert {"startall", "stopall"} <= {task["type"] for task in tasks}
    refused = await bed.call("POST", f"/nodes/{NODE}/status", {"command": "halt"})
    assert refused.json()["errors"] == {
        "command": "value 'halt' does not have a value in the enumeration 'reboot, shutdown'"
    }

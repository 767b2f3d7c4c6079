"""Power: what tasks say, what guests do."""

import pytest

from tests.testbed_proxmox.bed import Bed

pytestmark = pytest.mark.pve


async def started(bed: Bed, **behaviour: object) -> str:
    vm = await bed.cloned(200)
    if behaviour:
        await bed.control.post("/vms/200", json=behaviour)
    await bed.put(f"{vm}/config", ipconfig0="ip=10.99.0.100/24,gw=10.99.0.1")
    assert await bed.run("POST", f"{vm}/status/start") == "OK"
    return vm


async def test_the_agent_answers_once_the_guest_is_up(bed: Bed) -> None:
    vm = await started(bed)
    interfaces = (await bed.get(f"{vm}/agent/network-get-interfaces"))["result"]
    mac = bed.node.vms.load(200).config["net0"].partition("=")[2].partition(",")[0].lower()
    assert [one["hardware-address"] for one in interfaces] == ["00:00:00:00:00:00", mac]
    assert interfaces[1]["ip-addresses"][0] == {
        "ip-address": "10.99.0.100",
        "ip-address-type": "ipv4",
        "prefix": 24,
    }


async def test_a_silent_agent(bed: Bed) -> None:
    bed.node.knobs.agent_patience_seconds = 0.1
    vm = await started(bed, agent_silent=True)
    silent = await bed.call("POST", f"{vm}/agent/ping")
    assert (silent.status_code, silent.reason_phrase) == (500, "QEMU guest agent is not running")
    await bed.put(f"{vm}/config", delete="agent")
    await bed.run("POST", f"{vm}/status/stop")
    await bed.run("POST", f"{vm}/status/start")
    assert (await bed.call("POST", f"{vm}/agent/ping")).reason_phrase == "No QEMU guest agent configured"


async def test_starting_twice_is_the_tasks_error_and_stopping_twice_is_none(bed: Bed) -> None:
    vm = await started(bed)
    assert await bed.run("POST", f"{vm}/status/start") == "VM 200 already running"
    assert await bed.run("POST", f"{vm}/status/stop") == "OK"
    assert await bed.run("POST", f"{vm}/status/stop") == "OK"


async def test_shutdown_and_reboot(bed: Bed) -> None:
    vm = await started(bed)
    first = bed.node.guests("sim").info(200)
    assert await bed.run("POST", f"{vm}/status/reboot") == "OK"
    await bed.until(lambda: bed.runs(200))
    assert bed.node.guests("sim").info(200) != first
    await bed.until(lambda: not bed.node.tasks.active())
    restart = (await bed.get("/nodes/pve1/tasks", vmid=200, typefilter="qmstart"))[0]
    assert (restart["user"], restart.get("tokenid")) == ("root@pam", None)
    assert await bed.run("POST", f"{vm}/status/shutdown") == "OK"
    assert (await bed.get(f"{vm}/status/current"))["status"] == "stopped"


async def test_a_deaf_guest_outlives_shutdown_but_not_force(bed: Bed) -> None:
    vm = await started(bed, ignore_acpi=True)
    outcome = await bed.run("POST", f"{vm}/status/shutdown", timeout=0)
    assert outcome == "VM quit/powerdown failed - got timeout"
    assert bed.runs(200)
    assert await bed.run("POST", f"{vm}/status/shutdown", timeout=0, forceStop=1) == "OK"
    assert not bed.runs(200)


async def test_stop_waits_for_the_lock_or_overrules(bed: Bed) -> None:
    vm = await started(bed, ignore_acpi=True)
    waiting = await bed.post(f"{vm}/status/shutdown", timeout=60)
    bed.node.knobs.lock_timeout_factor = 0.02
    outcome = await bed.run("POST", f"{vm}/status/stop")
    assert outcome == "can't lock file '/var/lock/qemu-server/lock-200.conf' - got timeout"
    upid = await bed.post(f"{vm}/status/stop", **{"overrule-shutdown": 1})
    assert await bed.finished(upid) == "OK"
    assert (await bed.log(upid))[0] == f"overruled qmshutdown tasks: {waiting}"
    assert await bed.finished(waiting) == "received interrupt"


async def test_pausing_shows_in_different_places(bed: Bed) -> None:
    vm = await started(bed)
    assert await bed.run("POST", f"{vm}/status/suspend") == "OK"
    current = await bed.get(f"{vm}/status/current")
    assert (current["status"], current["qmpstatus"]) == ("running", "paused")
    await bed.control.post("/tick")
    row = next(row for row in await bed.get("/cluster/resources", type="vm") if row["vmid"] == 200)
    assert row["status"] == "paused"
    refused = await bed.call("POST", f"{vm}/status/shutdown")
    assert refused.reason_phrase == "VM is paused - cannot shutdown"
    assert await bed.run("POST", f"{vm}/status/resume") == "OK"
    assert (await bed.get(f"{vm}/status/current"))["qmpstatus"] == "running"


async def test_suspending_to_disk(bed: Bed) -> None:
    vm = await started(bed)
    assert await bed.run("POST", f"{vm}/status/suspend", todisk=1) == "OK"
    assert (await bed.get(f"{vm}/status/current"))["lock"] == "suspended"
    assert not bed.runs(200)
    assert await bed.run("POST", f"{vm}/status/start") == "OK"
    assert "lock" not in await bed.get(f"{vm}/config")
    assert len(bed.node.volumes.of(200)) == 2


async def test_a_new_vm_is_unknown_until_the_next_broadcast(bed: Bed) -> None:
    bed.node.stats.tick()
    await bed.cloned(200)
    rows = {row["vmid"]: row for row in await bed.get("/cluster/resources", type="vm")}
    assert rows[200] == {
        "id": "qemu/200",
        "type": "qemu",
        "vmid": 200,
        "node": "pve1",
        "status": "unknown",
        "tags": "template",
    }
    await bed.control.post("/tick")
    rows = {row["vmid"]: row for row in await bed.get("/cluster/resources", type="vm")}
    assert (rows[200]["status"], rows[200]["name"]) == ("stopped", "Copy-of-VM-debian-12")


async def test_a_running_vm_is_not_destroyed_nor_a_protected_one(bed: Bed) -> None:
    vm = await started(bed)
    assert (await bed.call("DELETE", vm)).reason_phrase == "VM 200 is running - destroy failed"
    await bed.run("POST", f"{vm}/status/stop")
    await bed.put(f"{vm}/config", protection=1)
    assert (await bed.call("DELETE", vm)).reason_phrase == "can't remove VM 200 - protection mode enabled"

"""Disks that change their storage or their VM."""

import pytest

from tests.testbed_proxmox.bed import Bed

pytestmark = pytest.mark.pve


@pytest.fixture
async def second(bed: Bed) -> str:
    await bed.post("/storage", storage="fast", type="dir", path="/srv/fast", content="images")
    return "fast"


async def test_to_another_storage(bed: Bed, second: str) -> None:
    vm = await bed.cloned(101)
    upid = await bed.post(f"{vm}/move_disk", disk="scsi0", storage=second)
    assert await bed.finished(upid) == "OK"
    old = "local:9000/base-9000-disk-0.qcow2/101/vm-101-disk-0.qcow2"
    assert (await bed.log(upid))[0] == f"create full clone of drive scsi0 ({old})"
    config = await bed.get(f"{vm}/config")
    assert (config["scsi0"], config["unused0"]) == ("fast:101/vm-101-disk-0.qcow2,size=2G", old)
    assert await bed.run("POST", f"{vm}/move_disk", disk="scsi0", storage="local", delete=1, format="raw") == "OK"
    config = await bed.get(f"{vm}/config")
    assert config["scsi0"] == "local:101/vm-101-disk-1.raw,size=2G"
    assert bed.node.volumes.get("fast:101/vm-101-disk-0.qcow2") is None


async def test_to_another_vm(bed: Bed) -> None:
    one, other = await bed.cloned(101), await bed.cloned(102)
    await bed.put(f"{one}/config", scsi1="local:1,ssd=1")
    upid = await bed.post(f"{one}/move_disk", disk="scsi1", **{"target-vmid": 102, "target-disk": "scsi3"})
    assert ":qmmove:101-scsi1>102-scsi3:" in upid
    assert await bed.finished(upid) == "OK"
    assert (await bed.get(f"{other}/config"))["scsi3"] == "local:102/vm-102-disk-1.qcow2,size=1G,ssd=1"
    assert "scsi1" not in await bed.get(f"{one}/config")


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"disk": "scsi5", "storage": "fast"}, "disk 'scsi5' does not exist"),
        ({"disk": "scsi0", "storage": "local"}, "you can't move to the same storage with same format"),
        ({"disk": "scsi0", "storage": "none1"}, "storage 'none1' does not exist"),
        ({"disk": "scsi0", "storage": "fast", "digest": "x"}, "detected modified configuration"),
        ({"disk": "scsi0", "target-vmid": 999}, "could not find target VM 999"),
        ({"disk": "scsi0", "target-vmid": 9000}, "Can't move disks from or to template VMs"),
        ({"disk": "scsi9", "target-vmid": 102}, "Disk 'scsi9' for VM '101' does not exist"),
        ({"disk": "scsi0", "target-vmid": 102}, "Target disk key 'scsi0' is already in use for VM '102'"),
    ],
)
async def test_what_is_refused(bed: Bed, second: str, parameters: dict[str, object], text: str) -> None:
    vm = await bed.cloned(101)
    await bed.cloned(102)
    refused = await bed.call("POST", f"{vm}/move_disk", parameters)
    assert refused.status_code == 500
    assert refused.reason_phrase.startswith(text)


async def test_snapshots_stay_behind(bed: Bed, second: str) -> None:
    vm = await bed.cloned(101)
    await bed.run("POST", f"{vm}/snapshot", snapname="s1")
    refused = await bed.call("POST", f"{vm}/move_disk", {"disk": "scsi0", "storage": second, "delete": 1})
    assert refused.reason_phrase == "you can't move a disk with snapshots and delete the source"
    assert await bed.run("POST", f"{vm}/move_disk", disk="scsi0", storage=second) == "OK"
    assert await bed.run("POST", f"{vm}/snapshot/s1/rollback") == "OK"
    config = await bed.get(f"{vm}/config")
    assert config["scsi0"].startswith("local:")
    assert config["unused1"].startswith("fast:")
    assert "unused0" not in config

"""What a running VM takes at once, what waits for a cold start, and what becomes of disks."""

import pytest

from tests.testbed_proxmox.bed import Bed

pytestmark = pytest.mark.pve


async def started(bed: Bed, **options: object) -> str:
    vm = await bed.cloned(101)
    if options:
        await bed.put(f"{vm}/config", **options)
    assert await bed.run("POST", f"{vm}/status/start") == "OK"
    return vm


async def waiting(bed: Bed, vm: str) -> dict[str, object]:
    rows = await bed.get(f"{vm}/pending")
    return {row["key"]: row.get("pending", row.get("delete")) for row in rows if row.keys() & {"pending", "delete"}}


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({"name": "new", "description": "x", "onboot": 1}, {}),
        ({"cores": 4}, {"cores": 4}),
        ({"net1": "virtio=BC:24:11:00:00:01,bridge=vmbr0"}, {}),
        ({"scsi1": "local:1"}, {}),
        ({"ide0": "local:1"}, {"ide0": "local:101/vm-101-disk-1.qcow2,size=1G"}),
        ({"cpulimit": 2}, {}),
        ({"ciuser": "someone"}, {}),
        ({"agent": "0"}, {"agent": "0"}),
        ({"balloon": 0}, {"balloon": 0}),
        ({"balloon": 512}, {}),
        ({"vga": "qxl"}, {"vga": "qxl"}),
        ({"hotplug": "disk,network"}, {}),
        ({"hotplug": "disk,cpu"}, {"hotplug": "disk,cpu"}),
    ],
)
async def test_what_waits(bed: Bed, options: dict[str, object], left: dict[str, object]) -> None:
    vm = await started(bed)
    await bed.put(f"{vm}/config", **options)
    assert await waiting(bed, vm) == left


async def test_the_option_hotplug_decides(bed: Bed) -> None:
    vm = await started(bed, hotplug="0")
    await bed.put(f"{vm}/config", net1="virtio=BC:24:11:00:00:01,bridge=vmbr0", delete="net0")
    assert await waiting(bed, vm) == {"net1": "virtio=BC:24:11:00:00:01,bridge=vmbr0", "net0": 1}
    assert "net0" not in await bed.get(f"{vm}/config")
    assert "net0" in await bed.get(f"{vm}/config", current=1)
    await bed.put(f"{vm}/config", revert="net0,net1")
    assert await waiting(bed, vm) == {}


async def test_a_detached_disk_is_unused_and_an_unused_one_goes(bed: Bed) -> None:
    vm = await started(bed)
    await bed.put(f"{vm}/config", scsi1="local:1,ssd=1,discard=on")
    config = await bed.get(f"{vm}/config")
    assert config["scsi1"] == "local:101/vm-101-disk-1.qcow2,discard=on,size=1G,ssd=1"
    await bed.put(f"{vm}/config", delete="scsi1")
    assert (await bed.get(f"{vm}/config"))["unused0"] == "local:101/vm-101-disk-1.qcow2"
    await bed.put(f"{vm}/config", scsi2="local:101/vm-101-disk-1.qcow2")
    config = await bed.get(f"{vm}/config")
    assert config["scsi2"] == "local:101/vm-101-disk-1.qcow2,size=1G"
    assert "unused0" not in config
    await bed.put(f"{vm}/config", delete="scsi2", force=1)
    assert bed.node.volumes.get("local:101/vm-101-disk-1.qcow2") is None


async def test_a_disk_of_a_snapshot_is_not_deleted(bed: Bed) -> None:
    vm = await bed.cloned(101)
    await bed.put(f"{vm}/config", scsi1="local:1")
    await bed.run("POST", f"{vm}/snapshot", snapname="s1")
    await bed.put(f"{vm}/config", delete="scsi1")
    refused = await bed.call("PUT", f"{vm}/config", {"delete": "unused0"})
    text = "unable to delete 'local:101/vm-101-disk-1.qcow2' - volume is still in use (snapshot?)"
    assert refused.reason_phrase == text


async def test_protection_keeps_disks(bed: Bed) -> None:
    vm = await bed.cloned(101)
    await bed.put(f"{vm}/config", protection=1)
    refused = await bed.call("PUT", f"{vm}/config", {"delete": "scsi0"})
    assert refused.reason_phrase == "can't remove drive 'scsi0' - protection mode enabled"


@pytest.mark.parametrize(
    ("options", "status", "text"),
    [
        ({"boot": "order=scsi5"}, 500, "invalid bootorder: device 'scsi5' does not exist'"),
        ({"boot": "order=foo0"}, 400, "invalid boot device 'foo0'"),
        ({"balloon": 9999}, 500, "balloon value too large (must be smaller than assigned memory)"),
        ({"ide0": "local:cloudinit"}, 500, "ide0 - cloud-init drive is already attached at 'ide2'"),
        ({"virtio0": "none,media=cdrom"}, 400, "unable to parse drive options"),
        ({"scsi1": "local:1,mbps=3,mbps_rd=1"}, 400, "unable to parse drive options"),
        ({"scsi1": "local:1,model=x"}, 400, "invalid key in comma-separated list property: model"),
        ({"cpu": "nonsense"}, 400, "Built-in cputype 'nonsense' is not defined (missing 'custom-' prefix?)"),
        ({"vga": "std,memory=1"}, 400, "vga.memory: value must have a minimum value of 4"),
        ({"hotplug": "disk,foo"}, 400, "invalid hotplug feature 'foo'"),
        ({"startup": "order=x"}, 400, "unable to parse startup options"),
        ({"usb0": "nope"}, 400, "usb0.host: value does not match the regex pattern"),
        ({"scsi1": "local:101/vm-101-disk-9.qcow2"}, 500, "volume local:101/vm-101-disk-9.qcow2 does not exist"),
        ({"scsi1": "local:iso/x.iso"}, 400, "explicit 'media=cdrom' is required for iso images"),
    ],
)
async def test_what_is_refused(bed: Bed, options: dict[str, object], status: int, text: str) -> None:
    vm = await bed.cloned(101)
    refused = await bed.call("PUT", f"{vm}/config", options)
    assert refused.status_code == status
    assert text in (refused.reason_phrase if status == 500 else str(refused.json()["errors"]))


async def test_windows_keeps_its_machine(bed: Bed) -> None:
    vm = await bed.cloned(101)
    await bed.put(f"{vm}/config", ostype="win11")
    assert (await bed.get(f"{vm}/config"))["machine"] == "pc-i440fx-9.2+pve1"


async def test_firmware_and_tpm_have_their_own_sizes(bed: Bed) -> None:
    vm = await bed.cloned(101)
    await bed.put(f"{vm}/config", efidisk0="local:1,efitype=4m", tpmstate0="local:1,version=v2.0")
    config = await bed.get(f"{vm}/config")
    assert config["efidisk0"] == "local:101/vm-101-disk-1.qcow2,efitype=4m,size=528K"
    assert config["tpmstate0"] == "local:101/vm-101-disk-2.raw,size=4M,version=v2.0"


async def test_a_new_cdrom_joins_the_boot_order(bed: Bed) -> None:
    vm = await bed.cloned(101)
    await bed.put(f"{vm}/config", ide0="none,media=cdrom")
    config = await bed.get(f"{vm}/config")
    assert (config["ide0"], config["boot"]) == ("none,media=cdrom", "order=scsi0;ide0")


async def test_what_the_cloud_init_drive_of_a_running_vm_lacks(bed: Bed) -> None:
    vm = await started(bed, ciuser="one", searchdomain="example.org")
    await bed.put(f"{vm}/config", ciuser="two", nameserver="10.0.0.1", delete="searchdomain")
    rows = {row.pop("key"): row for row in await bed.get(f"{vm}/cloudinit")}
    assert rows == {
        "nameserver": {"pending": "10.0.0.1"},
        "ciuser": {"value": "one", "pending": "two"},
        "searchdomain": {"delete": 1},
    }
    assert await bed.put(f"{vm}/cloudinit") is None
    rows = {row.pop("key"): row for row in await bed.get(f"{vm}/cloudinit")}
    assert rows == {"nameserver": {"value": "10.0.0.1"}, "ciuser": {"value": "two"}}


async def test_the_boot_disk_of_a_running_vm_is_not_replaced(bed: Bed) -> None:
    vm = await started(bed)
    refused = await bed.call("PUT", f"{vm}/config", {"scsi0": "local:1"})
    assert refused.json()["errors"] == {"scsi0": "hotplug problem - can't unplug bootdisk 'scsi0'\n"}
    assert await waiting(bed, vm) == {"scsi0": "local:101/vm-101-disk-1.qcow2,size=1G"}


async def test_one_disk_becomes_a_base(bed: Bed) -> None:
    vm = await bed.cloned(101)
    await bed.put(f"{vm}/config", scsi1="local:1")
    assert await bed.run("POST", f"{vm}/template", disk="scsi1") == "OK"
    config = await bed.get(f"{vm}/config")
    assert (config["template"], config["scsi1"]) == (1, "local:101/base-101-disk-1.qcow2,size=1G")
    assert config["scsi0"].startswith("local:9000/base-9000-disk-0.qcow2/101/vm-101-disk-0")
    assert await bed.run("POST", f"{vm}/template", disk="scsi0") == "OK"

"""What becomes of a value on its way through the configuration file, and which values are refused only there."""

import pytest

from tests.testbed_proxmox.bed import Bed

pytestmark = pytest.mark.pve


async def test_an_empty_value_is_read_as_a_blank_and_an_empty_description_as_none(bed: Bed) -> None:
    vm = await bed.cloned(200, description="something")
    await bed.put(f"{vm}/config", tags="", ciuser="", searchdomain="  example.com ", cores="04", description="")
    config = await bed.get(f"{vm}/config")
    assert (config["tags"], config["ciuser"], config["searchdomain"], config["cores"]) == (" ", " ", "example.com", 4)
    assert "description" not in config


async def test_a_vm_without_any_device_has_a_blank_boot_order(bed: Bed) -> None:
    assert await bed.run("POST", "/nodes/pve1/qemu", vmid=300) == "OK"
    assert (await bed.get("/nodes/pve1/qemu/300/config"))["boot"] == " "


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("ciuser", "root\n", "property contains a line feed"),
        ("cores", "+4", "type check ('integer') failed - got '+4'"),
    ],
)
async def test_what_the_file_cannot_hold_is_refused_and_leaves_nothing(
    bed: Bed, name: str, value: str, reason: str
) -> None:
    vm = await bed.cloned(200)
    before = await bed.get(f"{vm}/config")
    refused = await bed.call("PUT", f"{vm}/config", {name: value})
    assert (refused.status_code, refused.reason_phrase) == (500, f"unable to parse value of '{name}' - {reason}")
    assert await bed.get(f"{vm}/config") == before


@pytest.mark.parametrize(
    ("volume", "reason"),
    [
        ("local:bogus", "unable to parse directory volume name 'bogus'"),
        ("local:999/vm-999-disk-0.qcow2", "volume local:999/vm-999-disk-0.qcow2 does not exist"),
        ("local:snippets/user.yaml", "content type needs to be 'images' or 'iso'"),
        ("local:import/image.qcow2", "content type needs to be 'images' or 'iso'"),
        ("local:iso/boot.iso", "explicit 'media=cdrom' is required for iso images"),
    ],
)
async def test_a_disk_is_a_volume_of_the_right_kind(bed: Bed, volume: str, reason: str) -> None:
    vm = await bed.cloned(200)
    refused = await bed.call("PUT", f"{vm}/config", {"scsi1": volume})
    body = refused.json()
    assert (body.get("errors") or {"scsi1": body["message"].strip()}) == {"scsi1": reason}


async def test_a_tpm_keeps_its_version(bed: Bed) -> None:
    vm = await bed.cloned(200)
    await bed.put(f"{vm}/config", tpmstate0="local:1,version=v2.0")
    volume = (await bed.get(f"{vm}/config"))["tpmstate0"].partition(",")[0]
    refused = await bed.call("PUT", f"{vm}/config", {"tpmstate0": f"{volume},version=v1.2"})
    assert refused.reason_phrase == "cannot change TPM state version after creation"


@pytest.mark.parametrize(
    ("options", "ending"),
    [
        ({"cores": "17", "sockets": "2"}, "MAX 32 vcpus allowed per VM on this node"),
        (
            {"machine": "pc-q35-99.0"},
            "Installed QEMU version '9.2.0' is too old to run machine type 'pc-q35-99.0', please upgrade node 'pve1'",
        ),
        (
            {"net0": "virtio,bridge=vmbr0,mtu=100"},
            "netdev net0: MTU '100' is smaller than the IP minimum MTU '576'",
        ),
        ({"net0": "e1000,bridge=vmbr0,mtu=1400"}, "WARNINGS: 1"),
        ({"net0": "virtio,bridge=vmbr0,mtu=1"}, "OK"),
    ],
)
async def test_what_the_machine_cannot_run_fails_at_the_start(bed: Bed, options: dict[str, str], ending: str) -> None:
    vm = await bed.cloned(200)
    await bed.put(f"{vm}/config", **options)
    assert await bed.run("POST", f"{vm}/status/start") == ending

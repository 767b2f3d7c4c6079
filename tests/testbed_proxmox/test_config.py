"""Configurations: what is stored, what is shown, what waits for a cold start."""

from urllib.parse import quote

import pytest

from tests.testbed_proxmox.bed import Bed

pytestmark = pytest.mark.pve
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMOa5yDgSQ0QoIQd0jhyU9NfOd6y8MfXoQ3vJ4mJvNwN a@b"


async def test_a_stale_digest_is_refused(bed: Bed) -> None:
    vm = await bed.cloned(200)
    digest = (await bed.get(f"{vm}/config"))["digest"]
    await bed.put(f"{vm}/config", name="one", digest=digest)
    stale = await bed.call("PUT", f"{vm}/config", {"name": "two", "digest": digest})
    assert stale.reason_phrase == "checksum mismatch (file change by other user?)"


async def test_put_acts_at_once_and_post_in_a_task(bed: Bed) -> None:
    vm = await bed.cloned(200)
    assert await bed.put(f"{vm}/config", cores=2) is None
    assert await bed.run("POST", f"{vm}/config", cores=3) == "OK"
    assert (await bed.get(f"{vm}/config"))["cores"] == 3


async def test_cloud_init_options(bed: Bed) -> None:
    vm = await bed.cloned(200)
    await bed.put(
        f"{vm}/config", sshkeys=quote(KEY, safe=""), cipassword="secret", ipconfig0="ip=10.0.0.2/24,gw=10.0.0.1"
    )
    config = await bed.get(f"{vm}/config")
    assert config["sshkeys"] == quote(KEY, safe="")
    assert config["cipassword"] == "**********"
    assert bed.node.vms.load(200).config["cipassword"].startswith("$5$")


async def test_keys_must_be_encoded_and_must_be_keys(bed: Bed) -> None:
    plain = await bed.call("PUT", "/nodes/pve1/qemu/9000/config", {"sshkeys": KEY})
    assert plain.json()["errors"]["sshkeys"].startswith("invalid format - invalid urlencoded string: ")
    wrong = await bed.call("PUT", "/nodes/pve1/qemu/9000/config", {"sshkeys": quote("ssh-rsa nonsense", safe="")})
    assert wrong.reason_phrase == "SSH public key validation error"


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("gw=10.0.0.1", "ipconfig0.ip: missing property - 'ipconfig0.gw' requires this property"),
        ("ip=10.0.0.2", "ipconfig0.ip: invalid format - value does not look like a valid ipv4 network configuration"),
        ("ip=dhcp,foo=1", "invalid format - invalid key in comma-separated list property: foo\n"),
    ],
)
async def test_addresses_are_checked(bed: Bed, value: str, error: str) -> None:
    answer = await bed.call("PUT", "/nodes/pve1/qemu/9000/config", {"ipconfig0": value})
    assert answer.status_code == 400
    assert error in answer.json()["errors"]["ipconfig0"]


async def test_a_running_vm_takes_names_now_and_memory_later(bed: Bed) -> None:
    vm = await bed.cloned(200)
    await bed.run("POST", f"{vm}/status/start")
    await bed.put(f"{vm}/config", name="new", memory=2048, cores=2)
    pending = {row["key"]: row for row in await bed.get(f"{vm}/pending")}
    assert pending["name"] == {"key": "name", "value": "new"}
    assert pending["memory"] == {"key": "memory", "value": "1024", "pending": "2048"}
    assert (await bed.get(f"{vm}/config"))["memory"] == "2048"
    assert (await bed.get(f"{vm}/config", current=1))["memory"] == "1024"
    await bed.run("POST", f"{vm}/status/stop")
    await bed.run("POST", f"{vm}/status/start")
    assert (await bed.get(f"{vm}/status/current"))["maxmem"] == 2048 * 1024**2


async def test_disks_come_go_and_are_freed(bed: Bed) -> None:
    vm = await bed.cloned(200)
    await bed.put(f"{vm}/config", scsi1="local:8")
    assert (await bed.get(f"{vm}/config"))["scsi1"] == "local:200/vm-200-disk-1.qcow2,size=8G"
    await bed.put(f"{vm}/config", delete="scsi1")
    assert (await bed.get(f"{vm}/config"))["unused0"] == "local:200/vm-200-disk-1.qcow2"
    await bed.put(f"{vm}/config", delete="unused0")
    assert len(bed.node.volumes.of(200)) == 2


async def test_created_from_nothing(bed: Bed) -> None:
    options = {"scsi0": "local:32", "ide2": "local:cloudinit", "net0": "virtio,bridge=vmbr0", "memory": 512}
    assert await bed.run("POST", "/nodes/pve1/qemu", vmid=300, name="new", start=1, **options) == "OK"
    config = await bed.get("/nodes/pve1/qemu/300/config")
    assert config["scsi0"] == "local:300/vm-300-disk-0.qcow2,size=32G"
    assert config["boot"] == "order=scsi0;ide2;net0"
    await bed.until(lambda: bed.runs(300))


async def test_a_failed_create_leaves_nothing(bed: Bed) -> None:
    outcome = await bed.run("POST", "/nodes/pve1/qemu", vmid=300, scsi0="local:1", scsi1="local:9/none.qcow2")
    assert outcome == "unable to create VM 300 - volume local:9/none.qcow2 does not exist"
    assert 300 not in bed.node.vms
    assert bed.node.volumes.of(300) == []


async def test_resize_grows_by_and_to_a_size(bed: Bed) -> None:
    vm = await bed.cloned(200)
    assert await bed.run("PUT", f"{vm}/resize", disk="scsi0", size="20G") == "OK"
    assert await bed.run("PUT", f"{vm}/resize", disk="scsi0", size="+1G") == "OK"
    assert await bed.run("PUT", f"{vm}/resize", disk="scsi0", size="20G") == "shrinking disks is not supported"
    assert (await bed.get(f"{vm}/config"))["scsi0"].endswith("size=21G")


async def test_a_task_that_ends_in_time_is_not_named(bed: Bed) -> None:
    vm = await bed.cloned(200)
    assert await bed.post(f"{vm}/config", cores=3, background_delay=20) is None
    failed = await bed.call("POST", f"{vm}/config", {"boot": "order=scsi9", "background_delay": 20})
    text = "failed to update VM 200: invalid bootorder: device 'scsi9' does not exist'"
    assert failed.reason_phrase == text


async def test_the_files_of_the_cloud_init_drive(bed: Bed) -> None:
    vm = await bed.cloned(200, name="web")
    await bed.put(f"{vm}/config", ciuser="root", ipconfig0="ip=10.0.0.5/24,gw=10.0.0.1,ip6=auto", nameserver="9.9.9.9")
    user = await bed.get(f"{vm}/cloudinit/dump", type="user")
    assert user.startswith("#cloud-config\nhostname: web\nmanage_etc_hosts: true\nfqdn: web\nuser: root\ndisable_root")
    network = await bed.get(f"{vm}/cloudinit/dump", type="network")
    assert "        netmask: '255.255.255.0'\n        gateway: '10.0.0.1'\n      - type: ipv6_slaac\n" in network
    assert network.endswith("    - type: nameserver\n      address:\n      - '9.9.9.9'\n")
    assert (await bed.get(f"{vm}/cloudinit/dump", type="meta")).startswith("instance-id: ")


async def test_options_of_a_later_release_are_unknown(bed: Bed) -> None:
    refused = await bed.call("PUT", "/nodes/pve1/qemu/9000/config", {"allow-ksm": 1})
    assert refused.json()["errors"]["allow-ksm"].startswith("property is not defined in schema")


async def test_a_cdrom_is_the_second_ide_drive(bed: Bed) -> None:
    assert await bed.run("POST", "/nodes/pve1/qemu", vmid=300, cdrom="none") == "OK"
    assert (await bed.get("/nodes/pve1/qemu/300/config"))["ide2"] == "none,media=cdrom"
    await bed.put("/nodes/pve1/qemu/300/config", delete="cdrom")
    assert "ide2" not in await bed.get("/nodes/pve1/qemu/300/config")

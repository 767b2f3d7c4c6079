"""Which privilege each option of a VM's configuration needs, by its value."""

from typing import Any

import pytest

from testbed.proxmox.release import RELEASES
from tests.testbed_proxmox.bed import Bed

pytestmark = pytest.mark.pve
VM = "/nodes/pve1/qemu/200"
EVERYTHING = (*("CDROM", "CPU", "Cloudinit", "Disk", "HWType", "Memory", "Network", "Options"),)


class Op:
    """The user op@pve, who has at VM 200 what a test gives."""

    def __init__(self, bed: Bed, headers: dict[str, str]) -> None:
        self.bed = bed
        self.headers = headers

    async def has(self, *privileges: str, at: str = "/vms/200") -> None:
        """Have these privileges there and no others; those without a dot are of the configuration."""
        names = [name if "." in name else f"VM.Config.{name}" for name in privileges]
        role = "R" + at.replace("/", "_")
        method = "put" if role in self.bed.node.access.roles else "post"
        path = "/access/roles" + (f"/{role}" if method == "put" else "")
        await getattr(self.bed, method)(path, privs=",".join(names), **({} if method == "put" else {"roleid": role}))
        await self.bed.put("/access/acl", path=at, users="op@pve", roles=role)

    async def sets(self, **options: Any) -> str:
        """What a change of the configuration answers: `OK`, or the text of the refusal."""
        answer = await self.bed.call("PUT", f"{VM}/config", options, self.headers)
        return "OK" if answer.status_code == 200 else self._text(answer.json())

    async def creates(self, **options: Any) -> str:
        """The same for a new VM 201."""
        answer = await self.bed.call("POST", "/nodes/pve1/qemu", {"vmid": 201, **options}, self.headers)
        return "OK" if answer.status_code == 200 else self._text(answer.json())

    @staticmethod
    def _text(body: dict[str, Any]) -> str:
        text = body["message"].rstrip().removeprefix("Permission check failed ")
        return f"{text} {body['errors']}" if "errors" in body else str(text)


@pytest.fixture
async def op(bed: Bed) -> Op:
    await bed.cloned(200)
    await bed.post("/access/users", userid="op@pve")
    token = await bed.post("/access/users/op@pve/token/t1", privsep=0)
    return Op(bed, {"Authorization": f"PVEAPIToken=op@pve!t1={token['value']}"})


@pytest.mark.parametrize(
    ("option", "value", "privilege"),
    [
        ("cores", "2", "VM.Config.CPU"),
        ("balloon", "0", "VM.Config.Memory"),
        ("name", "x", "VM.Config.Options"),
        ("tags", "x", "VM.Config.Options"),
        ("boot", "order=scsi0", "VM.Config.Disk"),
        ("machine", "q35", "VM.Config.HWType"),
        ("serial1", "socket", "VM.Config.HWType"),
        ("freeze", "1", "VM.PowerMgmt"),
        ("ide3", "none,media=cdrom", "VM.Config.CDROM"),
        ("delete", "scsi0", "VM.Config.Disk"),
        ("delete", "ide2", "VM.Config.Cloudinit"),
        ("delete", "onboot", "VM.Config.Options"),
    ],
)
async def test_an_option_needs_its_privilege(op: Op, option: str, value: str, privilege: str) -> None:
    others = [name for name in EVERYTHING if f"VM.Config.{name}" != privilege]
    await op.has(*others)
    assert await op.sets(**{option: value}) == f"(/vms/200, {privilege})"
    await op.has(*others, privilege)
    assert await op.sets(**{option: value}) == "OK"


async def test_cloud_init_options_need_one_of_two_and_the_drive_both(op: Op) -> None:
    await op.has("Disk")
    assert await op.sets(ciuser="a") == "(/vms/200, VM.Config.Cloudinit|VM.Config.Network)"
    await op.has("Network")
    assert await op.sets(ciuser="a") == "OK"
    await op.has("Cloudinit")
    assert await op.sets(ipconfig0="ip=dhcp") == "OK"
    assert await op.sets(ide0="local:cloudinit") == "(/vms/200, VM.Config.CDROM)"
    await op.has("CDROM")
    assert await op.sets(ide0="local:cloudinit") == "(/vms/200, VM.Config.Cloudinit)"


async def test_what_is_in_no_list_is_roots(op: Op) -> None:
    await op.has(*EVERYTHING, "VM.PowerMgmt", "Sys.Modify")
    for option, value in (("args", "-x"), ("lock", "backup"), ("vmgenid", "1"), ("hugepages", "any")):
        assert await op.sets(**{option: value}) == f"only root can set '{option}' config"
    assert await op.sets(serial1="/dev/ttyS0") == "only root can modify 'serial1' config for real devices"
    assert await op.sets(usb0="host=1234:5678") == "only root can set 'usb0' config for real devices"
    assert await op.sets(hostpci0="01:00.0") == "only root can set 'hostpci0' config for non-mapped devices"
    assert await op.sets(usb0="mapping=stick") == "(/mapping/usb/stick, Mapping.Use)"
    assert await op.sets(usb0="spice") == "OK"


async def test_the_order_of_starting_is_the_hosts(op: Op) -> None:
    await op.has("Options")
    assert await op.sets(startup="order=1") == "(/, Sys.Modify)"
    await op.has("Sys.Modify", at="/")
    assert await op.sets(startup="order=1") == "OK"


async def test_disks_need_their_storage(op: Op) -> None:
    await op.has("Disk")
    assert await op.sets(scsi1="local:1") == "(/storage/local, Datastore.AllocateSpace)"
    assert await op.sets(vmstatestorage="local") == "(/storage/local, Datastore.AllocateSpace)"
    await op.has("Datastore.AllocateSpace", at="/storage/local")
    assert await op.sets(scsi1="local:1") == "OK"
    assert await op.sets(scsi2="local:0,import-from=local:9000/base-9000-disk-0.qcow2") == "(/vms/9000, VM.Clone)"
    assert await op.sets(scsi2="local:9000/base-9000-disk-0.qcow2") == "(/storage/local, Datastore.Audit)"
    await op.has("Datastore.Audit", at="/storage/local")
    assert await op.sets(scsi2="local:9000/base-9000-disk-0.qcow2") == "(/vms/9000, VM.Config.Disk)"


async def test_network_cards_need_their_bridge_or_vlan(op: Op) -> None:
    await op.has("Network")
    bridge = "/sdn/zones/localnetwork/vmbr0"
    assert await op.sets(net1="virtio,bridge=vmbr0") == f"({bridge}, SDN.Use)"
    assert await op.sets(net1="virtio,bridge=vmbr0,tag=12") == f"({bridge}/12, SDN.Use)"
    await op.has("SDN.Use", at=f"{bridge}/12")
    assert await op.sets(net1="virtio,bridge=vmbr0,tag=12") == "OK"
    assert await op.sets(net1="virtio,bridge=vmbr0,trunks=12;13") == f"({bridge}/13, SDN.Use)"
    assert await op.sets(net0="virtio,bridge=vmbr0,tag=12") == f"({bridge}, SDN.Use)", "the old card is asked about too"


async def test_registered_tags_are_privileged(op: Op) -> None:
    await op.bed.put("/cluster/options", **{"registered-tags": "gold"})
    await op.has("Options")
    assert await op.sets(tags="free") == "OK"
    assert await op.sets(tags="free;gold") == "(/, Sys.Modify for modifying tag 'gold')"
    await op.bed.put("/cluster/options", **{"user-tag-access": "user-allow=list,user-allow-list=one;two"})
    assert await op.sets(tags="free;one") == "OK"
    assert await op.sets(tags="free;three") == "(/, Sys.Modify for modifying tag 'three')"


async def test_a_new_vm_needs_the_same(op: Op) -> None:
    await op.has("VM.Allocate", at="/vms/201")
    assert await op.creates(cores=2) == "(/vms/201, VM.Config.CPU)"
    assert await op.creates(scsi0="local:1") == "(/storage/local, Datastore.AllocateSpace)"
    await op.has("VM.Allocate", *EVERYTHING, at="/vms/201")
    assert await op.creates(net0="virtio,bridge=vmbr0") == "(/sdn/zones/localnetwork/vmbr0, SDN.Use)"
    assert await op.creates(serial0="/dev/ttyS0") == "only root can set 'serial0' config for real devices"
    assert await op.creates(cores=2, name="x") == "OK"


async def test_release_9_asks_for_more(op: Op, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(op.bed.node.access, "release", RELEASES["9"])
    await op.has("VM.Allocate", at="/vms/201")
    assert await op.creates(start=1) == "(/vms/201, VM.PowerMgmt)"

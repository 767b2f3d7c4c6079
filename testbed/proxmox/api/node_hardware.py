"""The node's machine: disks, devices, and what its QEMU can do (pve-storage API2/Disks, qemu-server API2/Qemu)."""

from collections.abc import Mapping

from testbed.proxmox.access.access import Access, Identity
from testbed.proxmox.calls import Call, everybody, perm, perm_any, route
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.schema import Param

BOOLEAN = Param("boolean")
AUDIT = perm("/nodes/{node}", "Sys.Audit")


def _index(path: str, key: str, names: tuple[str, ...]) -> None:
    @route("GET", path, everybody, at_entry=True)
    async def index(_call: Call) -> list[Row]:
        return [{key: name} for name in names]


_index("/nodes/{node}/disks", "name", ("list", "initgpt", "smart", "lvm", "lvmthin", "directory", "wipedisk", "zfs"))
_index("/nodes/{node}/scan", "method", ("cifs", "glusterfs", "iscsi", "lvm", "nfs", "pbs", "zfs"))
_index("/nodes/{node}/hardware", "type", ("pci", "usb"))
_index("/nodes/{node}/capabilities", "name", ("qemu",))
_index("/nodes/{node}/capabilities/qemu", "name", ("cpu", "machines"))


# Disks


def _may_list(access: Access, who: Identity, values: Mapping[str, str]) -> None:
    if not access.may(who, "/", "Sys.Audit"):
        access.check(who, f"/nodes/{values['node']}", "Sys.Audit")


DISKS = {
    "include-partitions": BOOLEAN,
    "skipsmart": BOOLEAN,
    "type": Param(enum=("unused", "journal_disks")),
}
GIB = 1024**3


@route("GET", "/nodes/{node}/disks/list", _may_list, DISKS, protected=True)
async def disks(call: Call) -> list[Row]:
    """One disk for the system and one that is free."""
    rows = [_disk("/dev/nvme0n1", call.node.hardware.disk, "LVM"), _disk("/dev/nvme1n1", 1920 * GIB, None)]
    return [row for row in rows if "type" not in call.values or "used" not in row]


def _disk(path: str, size: int, used: str | None) -> Row:
    row: Row = {"devpath": path, "size": size, "type": "nvme", "gpt": 1 if used else 0, "osdid": -1, "osdid-list": None}
    row |= {"vendor": "unknown", "model": "Testbed NVMe", "serial": f"TB{path[-3]}", "wwn": "unknown", "rpm": 0}
    row |= {"health": "PASSED", "wearout": 100, "by_id_link": f"/dev/disk/by-id/nvme-Testbed_{path[-3]}"}
    return row | ({"used": used} if used else {})


@route("GET", "/nodes/{node}/disks/lvm", AUDIT, protected=True)
async def lvm(_call: Call) -> Row:
    """Volume groups: none that could hold guests."""
    return {"leaf": 0, "children": []}


def _nothing(path: str) -> None:
    @route("GET", path, AUDIT, protected=True)
    async def nothing(_call: Call) -> list[Row]:
        return []


for _kind in ("zfs", "lvmthin", "directory"):
    _nothing(f"/nodes/{{node}}/disks/{_kind}")


# Devices

PCI = {"pci-class-blacklist": Param(listed=True), "verbose": BOOLEAN}
DEVICES = (
    ("0000:00:02.0", "0x030000", "0x1111", "0x1234", "VGA compatible controller"),
    ("0000:01:00.0", "0x020000", "0x1521", "0x8086", "I350 Gigabit Network Connection"),
    ("0000:02:00.0", "0x010802", "0xa80a", "0x144d", "NVMe SSD Controller"),
)


@route("GET", "/nodes/{node}/hardware/pci", perm_any("/", "Sys.Audit", "Sys.Modify"), PCI, protected=True)
async def pci(_call: Call) -> list[Row]:
    """PCI devices."""
    return [
        {"id": address, "class": kind, "device": device, "vendor": vendor, "device_name": name, "iommugroup": -1}
        for address, kind, device, vendor, name in DEVICES
    ]


@route("GET", "/nodes/{node}/hardware/usb", perm("/", "Sys.Modify"), protected=True)
async def usb(_call: Call) -> list[Row]:
    """USB devices: none."""
    return []


# What QEMU can do

MODELS = {
    "AuthenticAMD": "EPYC EPYC-Genoa EPYC-IBPB EPYC-Milan EPYC-Milan-v2 EPYC-Rome EPYC-Rome-v2 EPYC-Rome-v3 "
    "EPYC-Rome-v4 EPYC-v3 EPYC-v4 Opteron_G1 Opteron_G2 Opteron_G3 Opteron_G4 Opteron_G5 athlon phenom",
    "GenuineIntel": "486 Broadwell Broadwell-IBRS Broadwell-noTSX Broadwell-noTSX-IBRS Cascadelake-Server "
    "Cascadelake-Server-noTSX Cascadelake-Server-v2 Cascadelake-Server-v4 Cascadelake-Server-v5 Conroe Cooperlake "
    "Cooperlake-v2 GraniteRapids Haswell Haswell-IBRS Haswell-noTSX Haswell-noTSX-IBRS Icelake-Client "
    "Icelake-Client-noTSX Icelake-Server Icelake-Server-noTSX Icelake-Server-v3 Icelake-Server-v4 Icelake-Server-v5 "
    "Icelake-Server-v6 IvyBridge IvyBridge-IBRS KnightsMill Nehalem Nehalem-IBRS Penryn SandyBridge SandyBridge-IBRS "
    "SapphireRapids SapphireRapids-v2 Skylake-Client Skylake-Client-IBRS Skylake-Client-noTSX-IBRS Skylake-Client-v4 "
    "Skylake-Server Skylake-Server-IBRS Skylake-Server-noTSX-IBRS Skylake-Server-v4 Skylake-Server-v5 Westmere "
    "Westmere-IBRS core2duo coreduo pentium pentium2 pentium3",
    "default": "host kvm32 kvm64 max qemu32 qemu64 x86-64-v2 x86-64-v2-AES x86-64-v3 x86-64-v4",
}
MACHINE_VERSIONS = (
    *("9.2+pve1", "9.2", "9.1", "9.0", "8.2", "8.1", "8.0", "7.2", "7.1", "7.0", "6.2", "6.1", "6.0"),
    *("5.2", "5.1", "5.0", "4.2", "4.1", "4.0", "3.1", "3.0", "2.12", "2.11", "2.10", "2.9", "2.8"),
)


@route("GET", "/nodes/{node}/capabilities/qemu/cpu", everybody)
async def models(_call: Call) -> list[Row]:
    """Models of processors."""
    pairs = [(name, vendor) for vendor, names in MODELS.items() for name in names.split()]
    return [{"name": name, "vendor": vendor, "custom": 0} for name, vendor in pairs]


@route("GET", "/nodes/{node}/capabilities/qemu/machines", everybody)
async def machines(_call: Call) -> list[Row]:
    """Types of machines, the newest first."""
    kinds = (("q35", "pc-q35"), ("i440fx", "pc-i440fx"))
    return [
        {"id": f"{prefix}-{version}", "type": kind, "version": version}
        for kind, prefix in kinds
        for version in MACHINE_VERSIONS
    ]

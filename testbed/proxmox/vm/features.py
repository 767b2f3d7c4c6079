"""What can be done with a volume, by the type of its storage (pve-storage Storage/*.pm volume_has_feature)."""

from collections.abc import Iterable, Mapping

from testbed.proxmox.cluster.node import Node
from testbed.proxmox.storage.storage import Volume
from testbed.proxmox.vm.vms import drives_in_order, is_cdrom

ALL = frozenset({"raw", "qcow2", "vmdk"})
QCOW2 = frozenset({"qcow2"})
RAW = frozenset({"raw"})
Table = Mapping[str, Mapping[str, frozenset[str]]]
#: By feature and by what the volume is: a base of clones, the current state, or one of its snapshots.
FILES: Table = {
    "snapshot": {"current": QCOW2, "snap": QCOW2},
    "clone": {"base": ALL},
    "template": {"current": ALL},
    "copy": {"base": ALL, "current": ALL, "snap": QCOW2},
    "rename": {"current": ALL},
}
_BLOCKS: Table = {
    "snapshot": {"current": RAW, "snap": RAW},
    "template": {"current": RAW},
    "rename": {"current": RAW},
}
BY_TYPE: dict[str, Table] = {
    "lvm": {"copy": {"base": RAW, "current": RAW}, "rename": {"current": RAW}},
    "lvmthin": {
        **_BLOCKS,
        "snapshot": {"current": RAW},
        "clone": {"base": RAW, "snap": RAW},
        "copy": {"base": RAW, "current": RAW, "snap": RAW},
    },
    "zfspool": {**_BLOCKS, "clone": {"base": RAW}, "copy": {"base": RAW, "current": RAW}},
    "rbd": {
        **_BLOCKS,
        "clone": {"base": RAW, "snap": RAW},
        "copy": {"base": RAW, "current": RAW, "snap": RAW},
    },
}


def volume_has(node: Node, volume: Volume, feature: str, snapshot: bool = False) -> bool:
    """Whether a volume, or a snapshot of it, has a feature."""
    base = volume.name.rsplit("/", 1)[-1].startswith("base-")
    state = "snap" if snapshot else "base" if base else "current"
    table = BY_TYPE.get(node.cluster.storages.load(volume.storage).type, FILES)
    return volume.format in table.get(feature, {}).get(state, ())


def all_have(node: Node, config: Mapping[str, str], feature: str, snapshot: bool = False) -> bool:
    """Whether all disks of a configuration have a feature."""
    return all(volume_has(node, volume, feature, snapshot) for volume in disk_volumes(node, config))


def disk_volumes(node: Node, config: Mapping[str, str]) -> Iterable[Volume]:
    """The volumes of a configuration's disks; media in CD-ROM drives do not count."""
    for key, drive in drives_in_order(config):
        if not is_cdrom(config[key]):
            yield node.volumes.load(drive["file"])

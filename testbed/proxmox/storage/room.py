"""What new volumes take of a storage, and what is said when there is no room for them.

Facts from pve-storage Plugin.pm, LVMPlugin.pm, ZFSPoolPlugin.pm (alloc_image, clone_image), QEMU block/qcow2.c.
"""

from typing import TYPE_CHECKING

from testbed.proxmox.errors import Die
from testbed.proxmox.storage.storage import Storage, Volume

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.proxmox.cluster.node import Node

EXTENT = 4 * 1024**2
NO_HEADER = "Could not write qcow2 header: No space left on device"


def taken(node: "Node", volume: Volume, contents: int) -> int:
    """The bytes that a volume with so many bytes in it takes."""
    return volume.size if _thick(node.cluster.storages.load(volume.storage)) else contents


def _thick(storage: Storage) -> bool:
    """Whether volumes take all of their size at once."""
    return storage.type == "lvm" or (storage.type == "zfspool" and storage.options.get("sparse") != "1")


def check(node: "Node", volume: Volume) -> None:
    """Raise `Die` unless there is room for a new, empty volume."""
    storage, wanted = node.cluster.storages.load(volume.storage), taken(node, volume, volume.used)
    room = node.volumes.room(storage)
    if room >= wanted:
        return
    if storage.type == "lvm":
        raise Die(_no_extents(storage, volume, room))
    if storage.type == "zfspool":
        pool = storage.options.get("pool", storage.name)
        raise Die(f"zfs error: cannot create '{pool}/{volume.name}': out of space")
    if storage.plugin.files and volume.format == "qcow2":
        raise Die(f"unable to create image: qemu-img: {node.volumes.path(volume)}: {NO_HEADER}")


def _no_extents(storage: Storage, volume: Volume, room: int) -> str:
    group, wanted = storage.options.get("vgname", storage.name), volume.size // 1024
    if room < wanted:  # bytes against KiB, as in the original
        return f"not enough free space ({room} < {wanted})"
    extents = f"{room // EXTENT} extents): {-(-volume.size // EXTENT)} required."
    return f"lvcreate '{group}/{volume.name}' error:   Volume group \"{group}\" has insufficient free space ({extents}"


def check_linked(node: "Node", volume: Volume, base: str, say: "Callable[[str], None]") -> None:
    """The same for a volume on top of the one called `base`; what qemu-img says is written by `say`."""
    storage = node.cluster.storages.load(volume.storage)
    if not storage.plugin.files or node.volumes.room(storage) >= volume.used:
        return
    path = node.volumes.path(volume)
    say(f"qemu-img: {path}: {NO_HEADER}")
    command = f"/usr/bin/qemu-img create -b ../{base} -F qcow2 -f qcow2 {path}"
    raise Die(f"command '{command}' failed: exit code 1")


def check_snapshot(node: "Node", volume: Volume, name: str, running: bool, key: str) -> None:
    """Raise `Die` unless there is room for a snapshot within an image; `key` is the drive's option."""
    storage = node.cluster.storages.load(volume.storage)
    if volume.format != "qcow2" or node.volumes.room(storage):
        return
    if running:
        text = f"Failed to create snapshot '{name}' on device 'drive-{key}': No space left on device"
        raise Die(f"VM {volume.vmid} qmp command 'blockdev-snapshot-internal-sync' failed - {text}")
    command = f"/usr/bin/qemu-img snapshot -c {name} {node.volumes.path(volume)}"
    raise Die(f"command '{command}' failed: exit code 1")

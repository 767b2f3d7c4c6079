"""Backup archives on storages: what they hold of a VM, and which of them are to be kept."""

from dataclasses import asdict, dataclass
from typing import Any

from testbed.proxmox.cluster.node import Node, physical
from testbed.proxmox.errors import Die
from testbed.proxmox.guests import GuestKind
from testbed.proxmox.storage import contents, files, retention
from testbed.proxmox.storage.retention import Entry, Keep
from testbed.proxmox.storage.storage import Storage, Volume, storage_of
from testbed.proxmox.vm.vms import Config, Vm


@dataclass(frozen=True, slots=True)
class SavedDisk:
    """One disk in an archive: its option and what the guests' runner calls the copy; bytes."""

    key: str
    file: str
    size: int
    used: int
    format: str


@dataclass(frozen=True, slots=True)
class Archive:
    """What a backup holds of a VM."""

    vmid: int
    kind: GuestKind
    config: Config
    disks: tuple[SavedDisk, ...]
    firewall: dict[str, Any]

    @property
    def text(self) -> str:
        """The configuration file as it is in the archive."""
        return Vm(self.vmid, self.kind, dict(self.config)).text + "".join(self._map(disk) for disk in self.disks)

    def _map(self, disk: SavedDisk) -> str:
        return f"#qmdump#map:{disk.key}:drive-{disk.key}:{self.storage(disk)}:{disk.format}:\n"

    def storage(self, disk: SavedDisk) -> str:
        """Where a disk was."""
        return storage_of(self.config[disk.key])


def _key(volume: Volume) -> str:
    return f"backup:{volume.key}"


def load(node: Node, volume: Volume) -> Archive:
    """The content of a backup; raises `Die` for a file that is none of ours."""
    record = node.store.get("setting", _key(volume))
    if record is None:
        raise Die(f"unable to read the archive '{node.volumes.path(volume)}'")
    saved = tuple(SavedDisk(**disk) for disk in record.pop("disks"))
    return Archive(**record, disks=saved)


def save(node: Node, volume: Volume, archive: Archive) -> None:
    """Write the content of a backup."""
    node.store.put("setting", _key(volume), asdict(archive))


async def remove(node: Node, volume: Volume) -> None:
    """Remove a backup with its disks; raises `Die` for a protected one."""
    record = node.store.get("setting", _key(volume))
    files.remove(node, volume)
    if record is None:
        return
    for disk in record["disks"]:
        await physical(node.guests(record["kind"]).delete_disk(disk["file"]))
    node.store.delete("setting", _key(volume))


# Retention


def of_storage(node: Node, storage: Storage, vmid: int | None = None, kind: str | None = None) -> list[Volume]:
    """The backups on a storage, of one guest or one type of guests if asked."""
    found = [one for one in node.volumes if one.storage == storage.name and one.content == "backup"]
    found = [one for one in found if vmid is None or contents.owner(one.name) == vmid]
    return [one for one in found if kind in (None, contents.backup_type(one.name))]


def marked(volumes: list[Volume], keep: Keep) -> list[tuple[Volume, Entry]]:
    """The backups with their marks, each guest's on their own."""
    groups: dict[str, list[Entry]] = {}
    pairs: list[tuple[Volume, Entry]] = []
    for volume in volumes:
        made = contents.backup_time(volume.name)
        entry = Entry(volume.volid, made or volume.ctime, None if made else "renamed")
        entry.mark = "protected" if volume.protected else entry.mark
        pairs.append((volume, entry))
        if made:
            group = f"{contents.backup_type(volume.name)}/{contents.owner(volume.name)}"
            groups.setdefault(group, []).append(entry)
    for group_entries in groups.values():
        retention.mark(group_entries, keep)
    return pairs

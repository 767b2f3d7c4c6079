"""Making a VM from a backup (qemu-server QemuServer.pm restore_vma_archive, restore_update_config_line)."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from testbed.proxmox.cluster.node import Node, physical
from testbed.proxmox.cluster.tasks import Worker, killed
from testbed.proxmox.errors import Die
from testbed.proxmox.firewall import firewall
from testbed.proxmox.firewall.firewall import Firewall
from testbed.proxmox.storage import archives, disks, room
from testbed.proxmox.storage.archives import Archive, SavedDisk
from testbed.proxmox.storage.storage import NEW_DISK_USED, Storage, Volume, storage_of
from testbed.proxmox.vm import drive_formats
from testbed.proxmox.vm.options import NET_KEYS
from testbed.proxmox.vm.vms import Config, Vm, cloud_init_drive, drives, is_cdrom, new_identity, new_mac, with_mac

Say = Callable[[str], None]
DECOMPRESSORS = {"vma": "", "vma.gz": "zcat", "vma.lzo": "lzop -d -c", "vma.zst": "zstd -q -d -c"}
#: Of a backed-up configuration, these stay behind.
NOT_RESTORED = ("lock", "parent", "vmstate", "snaptime")


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to restore: onto which storage if not the old ones, with a new identity or not, which options to change."""

    archive: Volume
    overrides: Config
    storage: str | None = None
    unique: bool = False


async def restore(node: Node, worker: Worker, vm: Vm, wanted: Wanted) -> None:
    """Put a backup in the place of a VM whose id is claimed; raises `Die`."""
    archive = archives.load(node, wanted.archive)
    _announce(node, worker, wanted.archive, archive)
    targets = {disk.key: _target(node, wanted.storage or archive.storage(disk)) for disk in archive.disks}
    await _free_old(node, vm, set(targets), worker.say)
    vm.kind = archive.kind
    config = _config(archive, wanted)
    for disk in archive.disks:
        volume = await _bring_back(node, vm, disk, targets[disk.key], worker.say)
        drive = drive_formats.DRIVE.parse(config[disk.key]) | {"file": volume.volid}
        drive.pop("format", None)
        config[disk.key] = drive_formats.printed(drive)
    await _cloud_init(node, vm, config, wanted.storage, worker.say)
    _report(archive, worker.say)
    kept = {key: value for key, value in vm.config.items() if key.startswith("unused")}
    vm.config, vm.pending, vm.pending_delete, vm.snapshots = config | kept, {}, {}, {}
    firewall.save(node.store, firewall.guest(vm.vmid), Firewall(**archive.firewall))
    node.vms.save(vm)


def _announce(node: Node, worker: Worker, volume: Volume, archive: Archive) -> None:
    fifo = f"/var/tmp/vzdumptmp{worker.task.pid}"
    path = node.volumes.path(volume)
    unpack = DECOMPRESSORS.get(volume.format, "")
    source = f"{unpack} {path} | vma extract -v -r {fifo}.fifo - {fifo}" if unpack else ""
    worker.say(f"restore vma archive: {source or f'vma extract -v -r {fifo}.fifo {path} {fifo}'}")
    worker.say(f"CFG: size: {len(archive.text)} name: qemu-server.conf")
    for number, disk in enumerate(archive.disks, 1):
        worker.say(f"DEV: dev_id={number} size: {disk.size} devname: drive-{disk.key}")
    worker.say(f"CTIME: {time.strftime('%a %b %e %H:%M:%S %Y', time.localtime(volume.ctime))}")


def _target(node: Node, name: str) -> Storage:
    storage = node.cluster.storages.check_enabled(name, node.name)
    if "images" not in storage.content:
        raise Die(f"storage '{name}' does not support content-type 'images'")
    return storage


async def _free_old(node: Node, vm: Vm, replaced: set[str], say: Say) -> None:
    """Remove the disks whose place the backup takes; the others become unused."""
    number = 0
    for key, drive in list(drives(vm.config)):
        volume = node.volumes.get(drive["file"])
        if volume is None or volume.vmid != vm.vmid:
            continue
        if key in replaced or is_cdrom(vm.config[key]):
            await disks.free(node, volume)
        else:
            while f"unused{number}" in vm.config:
                number += 1
            vm.config[f"unused{number}"] = volume.volid


async def _bring_back(node: Node, vm: Vm, disk: SavedDisk, storage: Storage, say: Say) -> Volume:
    async with disks.storage_locked(node, storage.name, say):
        name = node.volumes.next_disk(vm.vmid, storage.format(disk.format), storage.name)
        volume = Volume(name, vm.vmid, disk.size, NEW_DISK_USED, vm.kind, storage=storage.name)
        room.check(node, volume)
        node.volumes.save(volume)
    if text := disks.formatting(node, volume):
        say(text)
    say(f"new volume ID is '{volume.volid}'")
    try:
        await physical(node.guests(vm.kind).clone_disk(disk.file, volume.file, True))
    except BaseException:
        if not killed():
            node.volumes.delete(volume)
        raise
    say(f"map 'drive-{disk.key}' to '{node.volumes.path(volume)}' (write zeros = 0)")
    volume.used = room.taken(node, volume, disk.used)
    return node.volumes.save(volume)


async def _cloud_init(node: Node, vm: Vm, config: Config, storage: str | None, say: Say) -> None:
    key = cloud_init_drive(config)
    if key is None:
        return
    old = drive_formats.DRIVE.parse(config[key])
    volume = await disks.allocate_cloudinit(node, vm.vmid, vm.kind, say, storage or storage_of(old["file"]))
    config[key] = drive_formats.printed(old | {"file": volume.volid})


def _config(archive: Archive, wanted: Wanted) -> Config:
    config = {key: value for key, value in archive.config.items() if key not in NOT_RESTORED} | wanted.overrides
    if "vmgenid" in config:
        config["vmgenid"] = str(uuid.uuid4())
    if wanted.unique:
        config |= {key: with_mac(config[key], new_mac()) for key in NET_KEYS if key in config}
        config["smbios1"] = new_identity()["smbios1"]
    return config


def _report(archive: Archive, say: Say) -> None:
    size, used = sum(disk.size for disk in archive.disks), sum(disk.used for disk in archive.disks)
    sparse = max(size - used, 0)
    say(f"progress 100% (read {size} bytes, duration 0 sec)")
    say(f"total bytes read {size}, sparse bytes {sparse} ({sparse * 100 / size if size else 0:.3g}%)")
    say("space reduction due to 4K zero blocks 0%")
    say("rescan volumes...")

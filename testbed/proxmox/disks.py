"""Disks of VMs: allocate, copy, free. Each step holds the storage's lock as the original does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from testbed.proxmox import formats
from testbed.proxmox.cfs_lock import cfs_lock
from testbed.proxmox.errors import Die, parameter_errors
from testbed.proxmox.guests import GuestKind
from testbed.proxmox.locks import CONFIG_TIMEOUT, storage_lock
from testbed.proxmox.node import Node, physical
from testbed.proxmox.storage import CLOUDINIT_SIZE, NAME, NEW_DISK_USED, Storage, Volume, storage_of
from testbed.proxmox.vms import Config, Vm, drives

Say = Callable[[str], None]
#: How many progress lines a slow copy writes.
PROGRESS_STEPS = 10
CLOUDINIT_USED = 266_240
RAW_CLOUDINIT_USED = 4096


def silent(_text: str) -> None:
    """For calls that have no log."""


@asynccontextmanager
async def storage_locked(node: Node, storage: str = NAME, say: Say = silent) -> AsyncIterator[None]:
    """Hold a storage's lock, the cluster's for a shared one, for as long as the testbed was told to."""
    shared = node.cluster.storages.load(storage).shared
    lock = (
        cfs_lock(node.cluster, f"storage-{storage}", say)
        if shared
        else node.locks.hold(storage_lock(storage), CONFIG_TIMEOUT)
    )
    async with lock:
        await asyncio.sleep(node.knobs.storage_hold_seconds)
        yield


def check_new_drives(node: Node, config: Config) -> None:
    """Raise for drives that cannot be made: an unknown storage, one without images, a size beside an import."""
    for key, drive in drives(config):
        storage, separator, rest = drive["file"].partition(":")
        if separator:
            node.cluster.storages.load(storage)
        if _is_new(drive):
            check_images(node, storage)
        if "import-from" in drive and rest != "0":
            text = "'import-from' requires special syntax - use <storage ID>:0,import-from=<source>"
            raise parameter_errors({key: text})


def check_images(node: Node, storage: str) -> Storage:
    """A storage that can hold disks; raises what calls with a `storage` answer for any other."""
    found = node.cluster.storages.load(storage)
    if "images" not in found.content:
        raise parameter_errors({"storage": f"storage '{storage}' does not support vm images"})
    return found


def new_storages(config: Config) -> list[str]:
    """The storages on which a configuration asks for new volumes."""
    return list(dict.fromkeys(storage_of(drive["file"]) for _, drive in drives(config) if _is_new(drive)))


def _is_new(drive: dict[str, str]) -> bool:
    _, separator, rest = drive["file"].partition(":")
    return bool(separator) and (rest == "cloudinit" or rest.replace(".", "", 1).isdigit())


async def create_drives(node: Node, vm: Vm, options: Config, say: Say = silent) -> list[Volume]:
    """Allocate what `options` asks for and put the real volumes into it; the new volumes.

    On failure those already made are freed again.
    """
    made: list[Volume] = []
    try:
        for key, drive in list(drives(options)):
            if not _is_new(drive):
                _check_there(node, drive["file"])
            else:
                made.append(await _create(node, vm, drive, say))
                options[key] = _text(drive)
                say(f"{key}: successfully created disk '{options[key]}'")
    except BaseException:
        for volume in made:
            await free(node, volume)
        raise
    return made


def _check_there(node: Node, file: str) -> None:
    if ":" in file:
        node.volumes.load(file)


async def _create(node: Node, vm: Vm, drive: dict[str, str], say: Say) -> Volume:
    storage, _, rest = drive["file"].partition(":")
    extension = drive.pop("format", None)
    if rest == "cloudinit":
        volume = await allocate_cloudinit(node, vm.vmid, vm.kind, say, storage)
        drive |= {"file": volume.volid, "media": "cdrom"}
        return volume
    source = drive.pop("import-from", None)
    if source:
        original = node.volumes.load(source)
        volume = await full_copy(node, original, vm.vmid, vm.kind, say, extension=extension, storage=storage)
    else:
        size = int(float(rest) * 1024**3)
        volume = await allocate(node, vm.vmid, vm.kind, size, say, extension or "qcow2", storage)
    drive |= {"file": volume.volid, "size": formats.format_size(volume.size)}
    return volume


def _text(drive: dict[str, str]) -> str:
    return formats.PropertyString.format(drive, "file")


async def allocate(
    node: Node, vmid: int, kind: GuestKind, size: int, say: Say = silent, extension: str = "qcow2", storage: str = NAME
) -> Volume:
    """A new empty volume of `size` bytes."""
    async with storage_locked(node, storage, say):
        volume = _new_volume(node, storage, vmid, kind, size, extension)
        await physical(node.guests(kind).create_disk(vmid, volume.file, size))
    _say_new(node, volume, say)
    return volume


def _new_volume(node: Node, storage: str, vmid: int, kind: GuestKind, size: int, extension: str) -> Volume:
    found = node.cluster.storages.check_enabled(storage, node.name)
    name = node.volumes.next_disk(vmid, found.format(extension), storage)
    return node.volumes.save(Volume(name, vmid, size, NEW_DISK_USED, kind, storage=storage))


def _say_new(node: Node, volume: Volume, say: Say) -> None:
    text = formatting(node, volume)
    if text:
        say(text)


async def allocate_cloudinit(
    node: Node, vmid: int, kind: GuestKind, say: Say, storage: str = NAME, extension: str = "qcow2"
) -> Volume:
    """A new cloud-init drive."""
    async with storage_locked(node, storage, say):
        found = node.cluster.storages.check_enabled(storage, node.name)
        name = found.disk_name(vmid, f"vm-{vmid}-cloudinit", found.format(extension))
        volume = Volume(name, vmid, CLOUDINIT_SIZE, CLOUDINIT_USED, kind, storage=storage)
        if volume.format == "raw":
            volume.used = RAW_CLOUDINIT_USED
        node.volumes.save(volume)
    _say_new(node, volume, say)
    return volume


def formatting(node: Node, volume: Volume, backing: str | None = None) -> str:
    """The line that qemu-img writes for a new image; nothing where there are no files."""
    if not node.cluster.storages.load(volume.storage).plugin.files:
        return ""
    path = node.volumes.path(volume)
    if volume.format != "qcow2":
        return f"Formatting '{path}', fmt={volume.format} size={volume.size} preallocation=off"
    start = f"Formatting '{path}', fmt=qcow2 cluster_size=65536 extended_l2=off"
    end = "lazy_refcounts=off refcount_bits=16"
    if backing is None:
        return f"{start} preallocation=metadata compression_type=zlib size={volume.size} {end}"
    return f"{start} compression_type=zlib size={volume.size} backing_file=../{backing} backing_fmt=qcow2 {end}"


async def linked_copy(node: Node, base: Volume, vmid: int, say: Say) -> Volume:
    """A volume on top of a template's, on the same storage."""
    storage = node.cluster.storages.check_enabled(base.storage, node.name)
    async with storage_locked(node, base.storage, say):
        name = node.volumes.next_disk(vmid, storage.format("qcow2"), base.storage)
        volume = Volume(name, vmid, base.size, NEW_DISK_USED, base.kind, base.name, storage=base.storage)
        volume.named_parent = storage.plugin.named_parent
        node.volumes.save(volume)
        await physical(node.guests(base.kind).clone_disk(base.file, volume.file, False))
    if storage.plugin.files:
        file = name.partition("/")[2]
        say(f"clone {base.name}: images, {file}, {vmid} to {file} (base=../{base.name})")
        say(formatting(node, volume, base.name))
    return volume


async def full_copy(
    node: Node,
    source: Volume,
    vmid: int,
    kind: GuestKind,
    say: Say,
    limit: int = 0,
    extension: str | None = None,
    storage: str | None = None,
) -> Volume:
    """A copy of a whole volume, at most at `limit` KiB/s if that is not 0; on the same storage unless told."""
    storage = storage or source.storage
    async with storage_locked(node, storage, say):
        volume = _new_volume(node, storage, vmid, kind, source.size, extension or source.format)
    _say_new(node, volume, say)
    _progress(say, volume.size, 0)
    await _slow_down(say, volume.size, source.used / (limit * 1024) if limit else 0)
    await physical(node.guests(kind).clone_disk(source.file, volume.file, True))
    _progress(say, volume.size, 1)
    volume.used = source.used
    return node.volumes.save(volume)


async def _slow_down(say: Say, size: int, seconds: float) -> None:
    for step in range(1, PROGRESS_STEPS if seconds else 1):
        await asyncio.sleep(seconds / PROGRESS_STEPS)
        _progress(say, size, step / PROGRESS_STEPS)


def _progress(say: Say, size: int, part: float) -> None:
    say(f"transferred {_human(size * part)} of {_human(size)} ({part * 100:.2f}%)")


def _human(size: float) -> str:
    units = ["B", "KiB", "MiB", "GiB", "TiB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        units.pop(0)
    return f"{size:.1f} {units[0]}"


async def free(node: Node, volume: Volume) -> None:
    """Remove a volume; raises `Die` while linked clones need it."""
    if node.volumes.children(volume):
        raise Die(f"base volume '{volume.volid}' is still in use by linked cloned")
    async with storage_locked(node, volume.storage):
        if not volume.cloud_init:
            await physical(node.guests(volume.kind).delete_disk(volume.file))
        node.volumes.delete(volume)


def owned(node: Node, vm: Vm, config: Config) -> list[Volume]:
    """The volumes of a configuration that belong to the VM."""
    ids = [drive["file"] for _, drive in drives(config)]
    ids += [value for key, value in config.items() if key.startswith("unused") or key == "vmstate"]
    found = [node.volumes.get(volid) for volid in ids if ":" in volid]
    return [volume for volume in found if volume and volume.vmid == vm.vmid]

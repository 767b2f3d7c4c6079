"""Disks of VMs: allocate, copy, free. Each step holds the storage's lock as the original does."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from testbed.proxmox import formats
from testbed.proxmox.cluster.cfs_lock import cfs_lock
from testbed.proxmox.cluster.locks import CONFIG_TIMEOUT, storage_lock
from testbed.proxmox.cluster.node import Node, physical
from testbed.proxmox.cluster.tasks import killed
from testbed.proxmox.errors import Die, parameter_errors
from testbed.proxmox.guests import GuestKind
from testbed.proxmox.storage import contents, files, qemu_img, room
from testbed.proxmox.storage.storage import CLOUDINIT_SIZE, NAME, NEW_DISK_USED, Storage, Volume, storage_of
from testbed.proxmox.vm import drive_formats, unused
from testbed.proxmox.vm.options import RESIZABLE
from testbed.proxmox.vm.vms import Config, Vm, drive_file, drives, is_cdrom, is_cloud_init

Say = Callable[[str], None]
#: How many progress lines a slow copy writes.
PROGRESS_STEPS = 10
CLOUDINIT_USED = 266_240
RAW_CLOUDINIT_USED = 4096
EFI_2M, EFI_4M, TPM_SIZE = 128 * 1024, 528 * 1024, 4 * 1024**2


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
        if node.knobs.storage_hold_seconds:
            await asyncio.sleep(node.knobs.storage_hold_seconds)
        yield


def check_new_drives(node: Node, config: Config) -> None:
    """Write the drives as they are stored; raises for those that cannot be made (qemu-server API2/Qemu.pm)."""
    for key in sorted(config.keys() & set(RESIZABLE)):
        drive = drive_formats.DRIVE.parse(config[key])
        if not drive_formats.consistent(key, drive):
            raise parameter_errors({key: "unable to parse drive options"})
        _check_import(key, drive)
        if _kind(node, drive) == "iso" and drive.get("media") != "cdrom":
            raise parameter_errors({key: "explicit 'media=cdrom' is required for iso images"})
        config[key] = drive_formats.printed(drive)
    for _, drive in drives(config):
        storage, separator, _rest = drive["file"].partition(":")
        if separator:
            node.cluster.storages.load(storage)
        if _is_new(drive):
            check_images(node, storage)


def _kind(node: Node, drive: dict[str, str]) -> str | None:
    """The kind of content that a drive's volume is by its name; None without one, or where it is still to be made."""
    storage, separator, name = drive["file"].partition(":")
    if not separator or "/" in storage or _is_new(drive):
        return None
    return contents.parse(name, node.cluster.storages.load(storage).plugin.files).kind


def _check_import(key: str, drive: Mapping[str, str]) -> None:
    if "import-from" not in drive:
        return
    if not re.fullmatch(r"[^/:\s]+:0+(\.0+)?", drive["file"]):
        text = "'import-from' requires special syntax - use <storage ID>:0,import-from=<source>"
        raise parameter_errors({key: text})
    for needed in {"efidisk0": ("efitype", "pre-enrolled-keys"), "tpmstate0": ("version",)}.get(key, ()):
        if needed not in drive:
            raise parameter_errors({key: f"need to specify '{needed}' when using 'import-from'"})


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
            if "cloudinit" in drive["file"]:
                _check_only_cloud_init(vm, key, options)
            if _is_new(drive):
                made.append(await _create(node, vm, key, drive, say))
                say(f"{key}: successfully created disk '{drive_formats.printed(drive)}'")
            else:
                _use(node, key, drive)
            options[key] = drive_formats.printed(drive)
    except BaseException:
        for volume in made if not killed() else ():
            await free(node, volume)
        raise
    return made


def _check_only_cloud_init(vm: Vm, key: str, options: Config) -> None:
    for config in (vm.config, vm.pending, options):
        other = next((name for name, text in config.items() if name in RESIZABLE and is_cloud_init(text)), None)
        if other is not None and other != key and is_cloud_init(options[key]):
            raise Die(f"{key} - cloud-init drive is already attached at '{other}'")


def _use(node: Node, key: str, drive: dict[str, str]) -> None:
    """Take an existing volume, with the size that it has."""
    file = drive["file"]
    if file in ("none", "cdrom"):
        drive.pop("size", None)
        return
    volume = node.volumes.get(file)
    if volume is None:
        raise Die(f"volume {file} does not exist")
    if drive.get("format", volume.format) != volume.format:
        text = f"'format={drive['format']}' option different from storage format '{volume.format}'"
        raise Die(f"drive '{key}' - volume '{file}' - {text}")
    if key == "tpmstate0" and volume.format != "raw":
        raise Die(f"tpmstate0: volume format is '{volume.format}', only 'raw' is supported!")
    drive["size"] = formats.format_size(volume.size)


async def _create(node: Node, vm: Vm, key: str, drive: dict[str, str], say: Say) -> Volume:
    storage, _, rest = drive["file"].partition(":")
    extension = drive.pop("format", None)
    if rest == "cloudinit":
        volume = await allocate_cloudinit(node, vm.vmid, vm.kind, say, storage, extension or "qcow2")
        drive |= {"file": volume.volid, "media": "cdrom"}
        return volume
    source = drive.pop("import-from", None)
    if source:
        volume = await _imported(node, vm, source, storage, extension, say)
    else:
        wanted = "raw" if key == "tpmstate0" else extension or "qcow2"
        volume = await allocate(node, vm.vmid, vm.kind, _size(key, drive, rest), say, wanted, storage)
    if vm.template:
        node.volumes.rename(volume, volume.name.replace(f"vm-{vm.vmid}-", f"base-{vm.vmid}-"))
    drive |= {"file": volume.volid, "size": formats.format_size(volume.size)}
    return volume


def _size(key: str, drive: Mapping[str, str], gib: str) -> int:
    if key == "efidisk0":
        return EFI_4M if drive.get("efitype") == "4m" else EFI_2M
    return TPM_SIZE if key == "tpmstate0" else int(float(gib) * 1024**3)


async def _imported(node: Node, vm: Vm, source: str, storage: str, extension: str | None, say: Say) -> Volume:
    original = node.volumes.get(source)
    if original is None:
        raise Die(f"could not get size of {source}" if ":" in source else f"could not get file size of {source}")
    if original.cloud_init:
        raise Die("cannot import from cloudinit disk")
    if original.content != "images":
        return await _from_file(node, vm, original, storage, extension or original.format, say)
    owner = node.cluster.vms.get(original.vmid)
    if owner is not None and owner.node != node.name:
        raise Die(f"owner VM {original.vmid} not on local node")
    return await full_copy(node, original, vm.vmid, vm.kind, say, extension=extension, storage=storage)


async def _from_file(node: Node, vm: Vm, original: Volume, storage: str, extension: str, say: Say) -> Volume:
    """A volume from an image that was brought onto a storage; an image without bytes gives an empty disk."""
    path = files.real_path(node, original)
    real = await asyncio.to_thread(path.exists)
    size = await asyncio.to_thread(files.virtual_size, path) if real else original.size
    async with storage_locked(node, storage, say):
        volume = _new_volume(node, storage, vm.vmid, vm.kind, size, extension)
    _say_new(node, volume, say)
    _progress(say, size, 0)
    guests = node.guests(vm.kind)
    await physical(guests.import_disk(path, volume.file) if real else guests.create_disk(vm.vmid, volume.file, size))
    _progress(say, size, 1)
    volume.used = room.taken(node, volume, original.used)
    return node.volumes.save(volume)


async def detach(node: Node, vm: Vm, drive: str, force: bool) -> None:
    """Take a drive's volume away from it: list it as unused, with `force` remove it; raises `Die`."""
    volume = node.volumes.get(drive_file(drive))
    if volume is None or volume.vmid != vm.vmid:
        return
    if is_cloud_init(drive):
        await free(node, volume)
        vm.cloudinit.clear()
    elif force and not is_cdrom(drive):
        await remove(node, vm, volume.volid, next((key for key in vm.config if vm.config[key] == drive), None))
    elif not is_cdrom(drive):
        unused.add(vm, volume.volid)


async def remove(node: Node, vm: Vm, volid: str, key: str | None) -> None:
    """Remove a volume that the VM owns and that nothing but the option `key` holds; raises `Die`."""
    volume = node.volumes.get(volid)
    if volume is None or volume.vmid != vm.vmid:
        return
    if unused.in_use(vm, volid, key):
        raise Die(f"unable to delete '{volid}' - volume is still in use (snapshot?)")
    await free(node, volume)


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
    volume = Volume(name, vmid, size, NEW_DISK_USED, kind, storage=storage)
    room.check(node, volume)
    volume.used = room.taken(node, volume, volume.used)
    return node.volumes.save(volume)


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
        room.check(node, volume)
        node.volumes.save(volume)
        await asyncio.sleep(node.knobs.linked_clone_seconds)
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
        room.check_linked(node, volume, base.name, say)
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
    """A copy of a whole volume, at most at `limit` KiB/s if that is not 0; on the same storage unless told.

    Raises `Die` with the command's text if there is no room, CancelledError with it if the task is aborted.
    """
    storage = storage or source.storage
    async with storage_locked(node, storage, say):
        volume = _new_volume(node, storage, vmid, kind, source.size, extension or source.format)
    _say_new(node, volume, say)
    command = qemu_img.convert(node, source, volume, limit)
    try:
        await _fill(node, source, volume, say, limit)
    except NoRoom:
        raise Die(qemu_img.failed(command, "exit code 1")) from None
    except asyncio.CancelledError:
        raise asyncio.CancelledError(qemu_img.failed(command, "interrupted by signal")) from None
    volume.used = room.taken(node, volume, source.used)
    return node.volumes.save(volume)


class NoRoom(Exception):
    """The storage is full."""


async def _fill(node: Node, source: Volume, volume: Volume, say: Say, limit: int) -> None:
    storage = node.cluster.storages.load(volume.storage)
    _progress(say, volume.size, 0)
    await _slow_down(say, volume.size, source.used / (limit * 1024) if limit else 0)
    free = node.volumes.room(storage)
    if room.taken(node, volume, source.used) - volume.used > free:
        _progress(say, volume.size, 1)
        say(f"qemu-img: error while writing at byte {free}: No space left on device")
        raise NoRoom
    await physical(node.guests(volume.kind).clone_disk(source.file, volume.file, True))
    _progress(say, volume.size, 1)


async def _slow_down(say: Say, size: int, seconds: float) -> None:
    for step in range(1, PROGRESS_STEPS + 1 if seconds else 1):
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

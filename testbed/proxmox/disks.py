"""Disks of VMs: allocate, copy, free. Each step holds the storage's lock as the original does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from testbed.proxmox import formats
from testbed.proxmox.errors import Die, parameter_errors
from testbed.proxmox.guests import GuestKind
from testbed.proxmox.locks import CONFIG_TIMEOUT, storage_lock
from testbed.proxmox.node import Node, physical
from testbed.proxmox.storage import CLOUDINIT_SIZE, NAME, NEW_DISK_USED, Volume, check_images
from testbed.proxmox.vms import Config, Vm, drives

Say = Callable[[str], None]
#: How many progress lines a slow copy writes.
PROGRESS_STEPS = 10
CLOUDINIT_USED = 266_240


def silent(_text: str) -> None:
    """For calls that have no log."""


@asynccontextmanager
async def storage_locked(node: Node) -> AsyncIterator[None]:
    """Hold the storage's lock, for as long as the testbed was told to."""
    async with node.locks.hold(storage_lock(NAME), CONFIG_TIMEOUT):
        await asyncio.sleep(node.knobs.storage_hold_seconds)
        yield


def check_new_drives(config: Config) -> None:
    """Raise for drives that cannot be made: an unknown storage, a size beside an import."""
    for key, drive in drives(config):
        storage, separator, rest = drive["file"].partition(":")
        if separator:
            check_images(storage)
        if "import-from" in drive and rest != "0":
            text = "'import-from' requires special syntax - use <storage ID>:0,import-from=<source>"
            raise parameter_errors({key: text})


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
    rest = drive["file"].partition(":")[2]
    drive_format = drive.pop("format", "qcow2")
    if rest == "cloudinit":
        volume = await allocate_cloudinit(node, vm.vmid, vm.kind, say)
        drive |= {"file": volume.volid, "media": "cdrom"}
        return volume
    source = drive.pop("import-from", None)
    if source:
        volume = await full_copy(node, node.volumes.load(source), vm.vmid, vm.kind, say)
    else:
        volume = await allocate(node, vm.vmid, vm.kind, int(float(rest) * 1024**3), say, drive_format)
    drive |= {"file": volume.volid, "size": formats.format_size(volume.size)}
    return volume


def _text(drive: dict[str, str]) -> str:
    return formats.PropertyString.format(drive, "file")


async def allocate(
    node: Node, vmid: int, kind: GuestKind, size: int, say: Say = silent, extension: str = "qcow2"
) -> Volume:
    """A new empty volume of `size` bytes."""
    async with storage_locked(node):
        name = node.volumes.next_disk(vmid, extension)
        volume = node.volumes.save(Volume(name, vmid, size, NEW_DISK_USED, kind))
        await physical(node.guests(kind).create_disk(vmid, name, size))
    say(formatting(volume))
    return volume


async def allocate_cloudinit(node: Node, vmid: int, kind: GuestKind, say: Say) -> Volume:
    """A new cloud-init drive."""
    name = f"{vmid}/vm-{vmid}-cloudinit.qcow2"
    async with storage_locked(node):
        volume = node.volumes.save(Volume(name, vmid, CLOUDINIT_SIZE, CLOUDINIT_USED, kind))
    say(formatting(volume))
    return volume


def formatting(volume: Volume, backing: str | None = None) -> str:
    """The line that qemu-img writes for a new image."""
    if volume.format == "raw":
        return f"Formatting '{volume.path}', fmt=raw size={volume.size} preallocation=off"
    start = f"Formatting '{volume.path}', fmt=qcow2 cluster_size=65536 extended_l2=off"
    end = "lazy_refcounts=off refcount_bits=16"
    if backing is None:
        return f"{start} preallocation=metadata compression_type=zlib size={volume.size} {end}"
    return f"{start} compression_type=zlib size={volume.size} backing_file=../{backing} backing_fmt=qcow2 {end}"


async def linked_copy(node: Node, base: Volume, vmid: int, say: Say) -> Volume:
    """A volume on top of a template's."""
    async with storage_locked(node):
        name = node.volumes.next_disk(vmid)
        volume = node.volumes.save(Volume(name, vmid, base.size, NEW_DISK_USED, base.kind, parent=base.name))
        await physical(node.guests(base.kind).clone_disk(base.name, name, False))
    file = name.partition("/")[2]
    say(f"clone {base.name}: images, {file}, {vmid} to {file} (base=../{base.name})")
    say(formatting(volume, base.name))
    return volume


async def full_copy(
    node: Node, source: Volume, vmid: int, kind: GuestKind, say: Say, limit: int = 0, extension: str = "qcow2"
) -> Volume:
    """A copy of a whole volume, at most at `limit` KiB/s if that is not 0."""
    async with storage_locked(node):
        name = node.volumes.next_disk(vmid, extension)
        volume = node.volumes.save(Volume(name, vmid, source.size, NEW_DISK_USED, kind))
    say(formatting(volume))
    _progress(say, volume.size, 0)
    await _slow_down(say, volume.size, source.used / (limit * 1024) if limit else 0)
    await physical(node.guests(kind).clone_disk(source.name, name, True))
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
    async with storage_locked(node):
        if not volume.cloud_init:
            await physical(node.guests(volume.kind).delete_disk(volume.name))
        node.volumes.delete(volume)


def owned(node: Node, vm: Vm, config: Config) -> list[Volume]:
    """The volumes of a configuration that belong to the VM."""
    ids = [drive["file"] for _, drive in drives(config)]
    ids += [value for key, value in config.items() if key.startswith("unused") or key == "vmstate"]
    found = [node.volumes.get(volid) for volid in ids if ":" in volid]
    return [volume for volume in found if volume and volume.vmid == vm.vmid]

"""The content of a storage (pve-storage API2/Storage/Content.pm)."""

import asyncio

from testbed.proxmox import formats
from testbed.proxmox.access.config_rights import ConfigRights
from testbed.proxmox.api.storage import MAY_AUDIT
from testbed.proxmox.calls import Call, everybody, perm, route
from testbed.proxmox.cluster.node import physical
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.cluster.tasks import Worker
from testbed.proxmox.errors import ApiError, Die, parameter_errors
from testbed.proxmox.guests import GuestKind
from testbed.proxmox.schema import FormatError, Param
from testbed.proxmox.storage import archives, contents, disks, files, snippets
from testbed.proxmox.storage.contents import Named
from testbed.proxmox.storage.storage import NEW_DISK_USED, Storage, Volume, storage_of, volume_name

LIST = "/nodes/{node}/storage/{storage}/content"
ONE = LIST + "/{*volume}"
VOLUME = {"volume": Param(optional=False)}


def _content(text: str) -> None:
    if text not in (*contents.KINDS, "none"):
        raise FormatError(f"invalid content type '{text}'")


FILTERS = {"content": Param(check=_content), "vmid": Param("integer", check=formats.vmid)}


def rights(call: Call, owner: int = 0) -> ConfigRights:
    """What the caller may do to volumes."""
    return ConfigRights(call.cluster.access, call.who, owner)


# Lists


@route("GET", LIST, MAY_AUDIT, FILTERS, protected=True)
async def listing(call: Call) -> list[Row]:
    """The volumes that the caller may use, of one owner or kind if asked."""
    storage = call.cluster.storages.check_enabled(call.values["storage"], call.node.name)
    wanted, owner = call.values.get("content"), call.values.get("vmid")
    kinds = [kind for kind in storage.content if wanted in (None, kind)]
    found = [volume for volume in _volumes(call, storage, owner) if volume.content in kinds]
    rows = [row(volume) for volume in found if may_use(call, volume)]
    return sorted(rows, key=lambda one: str(one["volid"]).lower())


def _volumes(call: Call, storage: Storage, owner: str | None) -> list[Volume]:
    everything = [volume for volume in call.node.volumes if volume.storage == storage.name]
    everything += snippets.listed(call.node, storage) if "snippets" in storage.content else ()
    if owner is None:
        return everything
    return [
        volume for volume in everything if owner_of(volume) == int(owner) or volume.content in ("snippets", "import")
    ]


def owner_of(volume: Volume) -> int | None:
    """The guest that a disk or a backup belongs to."""
    return volume.vmid or contents.owner(volume.name)


def may_use(call: Call, volume: Volume) -> bool:
    """Whether the caller may see a volume."""
    if call.cluster.access.may(call.who, f"/storage/{volume.storage}", "Datastore.Allocate"):
        return True
    try:
        rights(call).volume(volume.volid)
    except ApiError:
        return False
    return True


def row(volume: Volume) -> Row:
    """A volume as lists show it."""
    shown: Row = {"volid": volume.volid, "content": volume.content, "format": volume.format, "size": volume.size}
    shown["ctime"] = volume.ctime
    if volume.content == "images":
        parent = f"../{volume.parent}" if volume.parent and "/" in volume.parent else volume.parent
        return shown | {"used": volume.used, "vmid": volume.vmid, "parent": parent}
    return shown | (_backup(volume) if volume.content == "backup" else {})


def _backup(volume: Volume) -> Row:
    shown: Row = {"subtype": contents.backup_type(volume.name)}
    if owner := contents.owner(volume.name):
        shown |= {"vmid": owner, "ctime": contents.backup_time(volume.name)}
    if volume.notes:
        shown["notes"] = volume.notes.split("\n", 1)[0]
    return shown | ({"protected": 1} if volume.protected else {})


# One volume


def _volid(call: Call, name: str = "volume") -> str:
    storage, volume = call.values["storage"], call.values[name]
    if ":" not in volume:
        return f"{storage}:{volume}"
    if storage_of(volume) != storage:
        raise parameter_errors({"volume": f"storage ID mismatch ({storage_of(volume)} != {storage})\n"})
    return volume


def _named(call: Call, volid: str) -> Named:
    storage = call.cluster.storages.load(storage_of(volid))
    return contents.parse(volid.partition(":")[2], storage.plugin.files)


def _path(call: Call, volid: str) -> str:
    named = Volume(volume_name(volid), 0, 0, 0, "sim", storage=storage_of(volid))
    return call.node.volumes.path(named)


@route("GET", ONE, everybody, VOLUME, protected=True)
async def info(call: Call) -> Row:
    """Path, size and format of a volume."""
    volid = _volid(call)
    named = _named(call, volid)
    rights(call).volume(volid)
    volume = call.node.volumes.get(volid)
    if volume is None:
        raise Die(f"volume_size_info on '{volid}' failed - no format")
    shown = volume.format if named.kind in ("images", "import") else "raw"
    answer: Row = {"path": _path(call, volid), "size": volume.size, "used": volume.used, "format": shown}
    if volume.content == "backup":
        answer |= {"notes": volume.notes, "protected": int(volume.protected)}
    return answer


ATTRIBUTE_ERRORS = {
    "notes": "only backups can have notes",
    "protected": "only backups support attribute 'protected'",
}
ATTRIBUTES = {"notes": Param(), "protected": Param("boolean")}


@route("PUT", ONE, everybody, {**VOLUME, **ATTRIBUTES}, protected=True)
async def update(call: Call) -> None:
    """Change a backup's notes and protection; other volumes have neither."""
    volid = _volid(call)
    named = _named(call, volid)
    rights(call).volume(volid)
    for name, text in ATTRIBUTE_ERRORS.items():
        if name in call.values and named.kind != "backup":
            raise Die(text)
    volume = call.node.volumes.get(volid)
    if volume is None:
        return
    volume.notes = call.values.get("notes", volume.notes)
    volume.protected = call.flag("protected", volume.protected)
    call.node.volumes.save(volume)


DELAY = {"delay": Param("integer", minimum=1, maximum=30)}


@route("DELETE", ONE, everybody, {**VOLUME, **DELAY}, protected=True)
async def delete(call: Call) -> str | None:
    """Remove a volume in a task; nothing is said if it ends within `delay` seconds."""
    volid = _volid(call)
    named = _named(call, volid)
    owner = named.owner
    if named.kind == "backup" and owner:
        call.check(f"/storage/{storage_of(volid)}", "Datastore.AllocateSpace")
        call.check(f"/vms/{owner}", "VM.Backup")
    else:
        call.check(f"/storage/{storage_of(volid)}", "Datastore.Allocate")
    identifier = f"{owner}@{storage_of(volid)}" if owner else storage_of(volid)
    upid = call.node.tasks.start("imgdel", identifier, call.who.id, lambda worker: _remove(call, worker, volid))
    return await _within(call, upid) if "delay" in call.values else upid


async def _within(call: Call, upid: str) -> str | None:
    """What the task says if it ends in time: nothing if it went well."""
    deadline = asyncio.get_running_loop().time() + call.number("delay", 0)
    task = call.node.tasks.find(upid)
    while task.running and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - a task has no event
        await asyncio.sleep(0.02)
    if task.running:
        return upid
    if task.failed:
        raise Die(task.exitstatus or "unknown")
    return None


async def _remove(call: Call, worker: Worker, volid: str) -> None:
    volume = call.node.volumes.get(volid)
    call.cluster.storages.check_enabled(storage_of(volid), call.node.name)
    if volume is None:
        worker.say(f"disk image '{_path(call, volid)}' does not exist")
    elif volume.content == "backup":
        await archives.remove(call.node, volume)
    elif volume.content != "images":
        files.remove(call.node, volume)
    elif call.node.volumes.children(volume):
        raise Die(f"base volume '{volid.partition(':')[2]}' is still in use by linked clones")
    else:
        await disks.free(call.node, volume)
    worker.say(f"Removed volume '{volid}'")


# New disks

ALLOCATION = {
    "filename": Param(optional=False),
    "vmid": Param("integer", optional=False, check=formats.vmid),
    "size": Param(optional=False, pattern=r"\d+[MG]?"),
    "format": Param(enum=("raw", "qcow2", "subvol", "vmdk"), requires="size"),
}
UNITS = {"": 1024, "M": 1024**2, "G": 1024**3}


@route("POST", LIST, perm("/storage/{storage}", "Datastore.AllocateSpace"), ALLOCATION, protected=True)
async def allocate(call: Call) -> str:
    """A new empty disk; its id."""
    storage = call.cluster.storages.check_enabled(call.values["storage"], call.node.name)
    name, size = call.values["filename"], call.values["size"]
    bytes_ = int(size.rstrip("MG")) * UNITS[size.lstrip("0123456789")]
    full_name = _disk_name(call, storage, name)
    kind = _kind(call)
    async with disks.storage_locked(call.node, storage.name):
        volume = Volume(full_name, call.vmid, bytes_, NEW_DISK_USED, kind, storage=storage.name)
        if call.node.volumes.get(volume.volid):
            raise Die(f"disk image '{call.node.volumes.path(volume)}' already exists")
        call.node.volumes.save(volume)
        await physical(call.node.guests(kind).create_disk(call.vmid, volume.file, bytes_))
    return volume.volid


def _kind(call: Call) -> GuestKind:
    vm = call.cluster.vms.get(call.vmid)
    return vm.kind if vm else call.cluster.default_kind


def _disk_name(call: Call, storage: Storage, name: str) -> str:
    ending = name.rpartition(".")[2] if "." in name else ""
    wanted = call.values.get("format")
    if ending in ("raw", "qcow2", "vmdk") and wanted and wanted != ending:
        raise parameter_errors({"format": f"different storage formats ({wanted} != {ending})"})
    if not storage.plugin.files:
        if not name.startswith(f"vm-{call.vmid}-"):
            raise Die(f"illegal name '{name}' - should be 'vm-{call.vmid}-*'")
        return name
    if not contents.IMAGE.fullmatch(f"{call.vmid}/{name}"):
        raise Die(f"unable to parse volume filename '{name}'")
    return f"{call.vmid}/{name}"

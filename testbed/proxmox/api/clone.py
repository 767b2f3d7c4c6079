"""Clones, linked and full (qemu-server API2/Qemu.pm clone_vm)."""

import asyncio

from testbed.proxmox import formats
from testbed.proxmox.access.config_rights import ConfigRights
from testbed.proxmox.access.identities import pool_name
from testbed.proxmox.access.rights import all_of, any_of, if_given
from testbed.proxmox.calls import VMID, Call, perm, route
from testbed.proxmox.cluster.locks import CLONE_TIMEOUT, vm_lock
from testbed.proxmox.cluster.quorum import check_quorum
from testbed.proxmox.cluster.tasks import Worker, interrupted_text
from testbed.proxmox.errors import Die
from testbed.proxmox.firewall import firewall
from testbed.proxmox.schema import Param
from testbed.proxmox.storage import disks
from testbed.proxmox.storage.storage import storage_of
from testbed.proxmox.vm.features import volume_has
from testbed.proxmox.vm.options import NET_KEYS
from testbed.proxmox.vm.vms import (
    CLONE_MARK,
    Config,
    Vm,
    drives,
    is_cdrom,
    is_cloud_init,
    is_disk,
    new_identity,
    new_mac,
    with_mac,
)

PARAMETERS = {
    "newid": VMID,
    "bwlimit": Param("integer", minimum=0),
    "description": Param(),
    "format": Param(enum=("raw", "qcow2", "vmdk")),
    "full": Param("boolean"),
    "name": Param(check=formats.dns_name),
    "pool": Param(check=pool_name),
    "snapname": Param(max_length=40, check=formats.config_id),
    "storage": Param(check=formats.storage_id),
    "target": Param(check=formats.node_name),
}
#: Some storages need a moment before they let a volume go; seconds.
BEFORE_CLEAN_UP = 1
#: Of the source, these stay behind.
NOT_COPIED = ("template", "lock", "parent", "vmstate", "snaptime", "runningmachine", "runningcpu", "snapstate")


RIGHT = all_of(
    perm("/vms/{vmid}", "VM.Clone"),
    any_of(perm("/vms/{newid}", "VM.Allocate"), if_given("pool", perm("/pool/{pool}", "VM.Allocate"))),
)


@route("POST", "/nodes/{node}/qemu/{vmid}/clone", RIGHT, PARAMETERS, protected=True)
async def clone(call: Call) -> str:
    """Check, then copy in a task that is filed under the source's id."""
    vm = call.node.vms.get(call.vmid)
    running = vm is not None and call.node.running(vm)
    _checked_source(call, running)
    return call.node.tasks.start("qmclone", str(call.vmid), call.who.id, lambda worker: _work(call, worker, running))


def _target(call: Call) -> str | None:
    """The other node to clone to, if it is another one."""
    target = call.values.get("target")
    return None if target in (call.node.name, "localhost") else target


def _check_targets(call: Call) -> None:
    values, target = call.values, _target(call)
    if "pool" in values:
        call.cluster.access.check_pool(values["pool"])
    if target and target not in call.cluster.nodes:
        raise Die(f"no such cluster node '{target}'")
    if "storage" in values:
        _check_storage(call, values["storage"], target)


def _check_storage(call: Call, name: str, target: str | None) -> None:
    storage = call.cluster.storages.check_enabled(name, call.node.name)
    disks.check_images(call.node, name)
    if target:
        call.cluster.storages.check_enabled(name, target)
        if not storage.shared:
            raise Die(f"can't clone to non-shared storage '{name}'")


def _full(call: Call, source: Vm) -> bool:
    return call.flag("full", default=not source.template)


def _checked_source(call: Call, running: bool) -> Vm:
    """The source, after every check that is made both before and in the task; `running`: as it was when asked."""
    node, newid, target = call.node, int(call.values["newid"]), _target(call)
    _check_targets(call)
    check_quorum(call.cluster)
    source = node.vms.check_exists(call.vmid)
    source.check_lock()
    if node.running(source) != running:
        raise Die("unexpected state change")
    config = _source_config(call, source)
    full = _full(call, source)
    for name in ("storage", "format"):
        if name in call.values and not full:
            raise Die(f"parameter '{name}' not allowed for linked clones")
    shared = _check_access(call, config)
    if target and not shared:
        raise Die(f"can't clone VM to node '{target}' (VM uses local storage)")
    if newid in node.vms:
        raise Die(f"unable to create VM {newid}: config file already exists")
    if full and running and "tpmstate0" in config and "snapname" not in call.values:
        raise Die("cannot clone TPM state while VM is running")
    _check_disks(call, config, full)
    return source


def _check_access(call: Call, config: Config) -> bool:
    """Whether all volumes are on shared storages; raises unless the caller may use what the clone needs."""
    storages = call.cluster.storages
    found = [
        (storages.load(storage_of(drive["file"])), is_disk(config[key]))
        for key, drive in drives(config)
        if ":" in drive["file"]
    ]
    used = [call.values.get("storage", storage.name) for storage, disk in found if disk]
    used += [config["vmstatestorage"]] if "vmstatestorage" in config else []
    for name in used:
        call.check(f"/storage/{name}", "Datastore.AllocateSpace")
    if any(drive["file"] == "cdrom" for _, drive in drives(config)):
        call.check("/", "Sys.Console")
    rights = ConfigRights(call.cluster.access, call.who, int(call.values["newid"]))
    rights.mappings(config)
    rights.bridges(config)
    return all(storage.shared for storage, _ in found)


def _source_config(call: Call, source: Vm) -> Config:
    """What is copied: the VM as it is now, or as it was at a snapshot."""
    name = call.values.get("snapname")
    return source.snapshot(name) if name else source.config


def _cloned_drives(config: Config) -> list[tuple[str, dict[str, str]]]:
    """The drives that get volumes of their own: CD-ROM drives are copied as they are, but for the cloud-init drive."""
    return [(key, drive) for key, drive in drives(config) if is_disk(config[key]) or is_cloud_init(config[key])]


def _check_disks(call: Call, config: Config, full: bool) -> None:
    snapshot = "snapname" in call.values
    for key, drive in _cloned_drives(config):
        whole = full or "-cloudinit" in drive["file"] or key == "tpmstate0"
        volume = call.node.volumes.get(drive["file"])
        if volume and not volume_has(call.node, volume, "copy" if whole else "clone", snapshot):
            of = " a snapshot of" if snapshot else ""
            kind = "Full" if whole else "Linked"
            raise Die(f"{kind} clone feature is not supported for{of} '{drive['file']}' ({key})")


async def _work(call: Call, worker: Worker, running: bool) -> None:
    node, newid = call.node, int(call.values["newid"])
    async with (
        node.locks.hold(vm_lock(call.vmid), CLONE_TIMEOUT, shared=not running, say=worker.say),
        node.locks.hold(vm_lock(newid), CLONE_TIMEOUT, say=worker.say),
    ):
        source = _checked_source(call, running)
        if not node.access.release.old:
            worker.say(f"creating a clone of VM {call.vmid} with ID {newid}")
        if node.taken(newid):
            path = f"/etc/pve/nodes/{node.name}/qemu-server/{newid}.conf"
            raise Die(f"close (rename) atomic file '{path}' failed: File exists")
        target = Vm(newid, source.kind, {"lock": "clone", "description": CLONE_MARK})
        node.vms.save(target)
        firewall.copy(node.store, call.vmid, newid)
        await _copy(call, worker, source, target)
        if elsewhere := _target(call):
            call.cluster.vms.move(target, elsewhere)
        if "pool" in call.values:
            call.cluster.access.join_pool(newid, call.values["pool"])


async def _copy(call: Call, worker: Worker, source: Vm, target: Vm) -> None:
    there = {volume.key for volume in call.node.volumes.of(target.vmid)}
    config = _new_config(call, source)
    try:
        for key, drive in _cloned_drives(_source_config(call, source)):
            await _copy_drive(call, worker, source, target, key, drive)
            config[key] = formats.PropertyString.format(drive, "file")
            target.config = config | {"lock": "clone"}
            call.node.vms.save(target)
    except BaseException as error:
        if not worker.killed:
            await asyncio.sleep(BEFORE_CLEAN_UP)
            await _clean_up(call, target, there)
            raise Die(f"clone failed: {interrupted_text(error)}") from None
        raise
    target.config = config
    call.node.vms.save(target)


def _new_config(call: Call, source: Vm) -> Config:
    values = call.values
    original = _source_config(call, source)
    disk_keys = {key for key, _ in _cloned_drives(original)}
    config = {
        key: value
        for key, value in original.items()
        if key not in NOT_COPIED and key not in disk_keys and not key.startswith("unused")
    }
    config |= _identity(config) | {key: with_mac(config[key], new_mac()) for key in NET_KEYS if key in config}
    config["name"] = values.get("name") or f"Copy-of-VM-{original.get('name', source.vmid)}"
    if values.get("description"):
        config["description"] = values["description"].rstrip()
    return config


def _identity(original: Config) -> Config:
    """New ids; the rest of `smbios1` is kept, and who had no generation id gets none."""
    fresh = new_identity()
    smbios = formats.SMBIOS.parse(original.get("smbios1", "")) | formats.SMBIOS.parse(fresh["smbios1"])
    fresh["smbios1"] = formats.PropertyString.format(smbios)
    return {key: value for key, value in fresh.items() if key == "smbios1" or key in original}


async def _copy_drive(call: Call, worker: Worker, source: Vm, target: Vm, key: str, drive: dict[str, str]) -> None:
    node, volid = call.node, drive["file"]
    linked = is_disk(_source_config(call, source)[key]) and not _full(call, source)
    worker.say(f"create {'linked' if linked else 'full'} clone of drive {key} ({volid})")
    original = node.volumes.load(volid)
    storage, wanted, limit = call.values.get("storage"), call.values.get("format"), call.number("bwlimit", 0)
    if is_cdrom(_source_config(call, source)[key]):
        place = storage or original.storage
        extension = wanted or original.format
        volume = await disks.allocate_cloudinit(node, target.vmid, target.kind, worker.say, place, extension)
    elif linked:
        volume = await disks.linked_copy(node, original, target.vmid, worker.say)
    else:
        volume = await disks.full_copy(node, original, target.vmid, target.kind, worker.say, limit, wanted, storage)
    drive |= {"file": volume.volid, "size": formats.format_size(volume.size)}


async def _clean_up(call: Call, target: Vm, kept: set[str]) -> None:
    for volume in call.node.volumes.of(target.vmid):
        if volume.key not in kept:
            await disks.free(call.node, volume)
    firewall.remove(call.node.store, target.vmid)
    call.node.vms.delete(target.vmid)

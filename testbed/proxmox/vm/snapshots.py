"""Snapshots: taking, going back, removing (pve-guest-common AbstractConfig.pm snapshot_*, qemu-server QemuConfig.pm).

Each works in steps that hold the VM's file lock one by one; between them the configuration's own lock and
`snapstate` keep others away, and stay behind when the worker is killed.
"""

import uuid
from collections.abc import Iterable

from testbed.proxmox.cluster.clock import now
from testbed.proxmox.cluster.locks import CONFIG_TIMEOUT, vm_lock
from testbed.proxmox.cluster.node import Node, physical
from testbed.proxmox.cluster.tasks import Worker
from testbed.proxmox.errors import Die
from testbed.proxmox.storage import disks, room
from testbed.proxmox.storage.storage import Volume
from testbed.proxmox.vm import unused
from testbed.proxmox.vm.features import all_have
from testbed.proxmox.vm.vms import Config, Vm, drives_in_order, is_cdrom, running_cpu, running_machine
from testbed.proxmox.vm.vmstate import allocate_state

#: What a snapshot's configuration does not take from the VM's (AbstractConfig.pm __snapshot_copy_config).
NOT_COPIED = ("snapstate", "snaptime", "vmstate", "lock", "description")
STOP_SECONDS = 5


async def create(node: Node, vmid: int, name: str, worker: Worker, *, memory: bool, description: str) -> None:
    """Take a snapshot; raises `Die`, and then removes what it has begun."""
    async with node.locks.hold(vm_lock(vmid), CONFIG_TIMEOUT, say=worker.say):
        vm = await _prepare(node, vmid, name, worker, memory, description)
    done: list[str] = []
    try:
        await _take(node, vm, name, worker, done)
    except BaseException:
        if not worker.killed:
            worker.say("snapshot create failed: starting cleanup")
            await _remove(node, vm, name, worker, force=True, only=done)
        raise
    async with node.locks.hold(vm_lock(vmid), CONFIG_TIMEOUT, say=worker.say):
        _commit(node, vm, name)


async def _prepare(node: Node, vmid: int, name: str, worker: Worker, memory: bool, description: str) -> Vm:
    vm = node.vms.load(vmid)
    if vm.template:
        raise Die("you can't take a snapshot if it's a template")
    vm.check_lock()
    if name in vm.snapshots:
        raise Die(f"snapshot name '{name}' already used")
    if not all_have(node, vm.config, "snapshot"):
        raise Die("snapshot feature is not available")
    for child in vm.snapshots.values():
        if child.get("parent") == name:
            del child["parent"]
    snapshot = _copied(vm.config)
    if memory and node.running(vm):
        state = await allocate_state(node, vm, name, worker.say)
        snapshot |= {"vmstate": state.volid, "runningmachine": running_machine(vm), "runningcpu": running_cpu(vm)}
    snapshot |= {"snapstate": "prepare", "snaptime": str(int(now()))}
    if description:
        snapshot["description"] = description.rstrip()
    vm.snapshots[name] = snapshot
    vm.config["lock"] = "snapshot"
    node.vms.save(vm)
    return vm


def _copied(config: Config) -> Config:
    return {key: text for key, text in config.items() if key not in NOT_COPIED and not key.startswith("unused")}


async def _take(node: Node, vm: Vm, name: str, worker: Worker, done: list[str]) -> None:
    snapshot = vm.snapshots[name]
    frozen = node.running(vm) and not node.paused(vm)
    if "vmstate" in snapshot:
        await _save_memory(node, vm, name, worker)
    elif node.running(vm) and vm.agent:
        await node.guests(vm).agent_ping(vm.vmid)
    try:
        for key, volume in _disks(node, snapshot):
            worker.say(f"snapshotting 'drive-{key}' ({volume.volid})")
            room.check_snapshot(node, volume, name, node.running(vm), key)
            await physical(node.guests(volume.kind).snapshot_disk(volume.file, name))
            volume.snapshots[name] = volume.size
            node.volumes.save(volume)
            done.append(key)
    finally:
        if "vmstate" in snapshot and frozen and node.running(vm):
            await physical(node.guests(vm).resume(vm.vmid))


async def _save_memory(node: Node, vm: Vm, name: str, worker: Worker) -> None:
    state = node.volumes.load(vm.snapshots[name]["vmstate"])
    worker.say(f"saving VM state and RAM using storage '{state.volid.partition(':')[0]}'")
    await physical(node.guests(vm).save_state(vm.vmid, name))
    worker.say("266.03 KiB in 0s")
    worker.say(f"completed saving the VM state in 0s, saved {state.used / 1024**2:.2f} MiB")


def _disks(node: Node, config: Config) -> Iterable[tuple[str, Volume]]:
    for key, drive in drives_in_order(config):
        if not is_cdrom(config[key]):
            yield key, node.volumes.load(drive["file"])


def _commit(node: Node, vm: Vm, name: str) -> None:
    if vm.lock != "snapshot":
        raise Die("missing snapshot lock")
    snapshot = vm.snapshot(name)
    if snapshot.pop("snapstate", None) != "prepare":
        raise Die("wrong snapshot state")
    del vm.config["lock"]
    vm.config["parent"] = name
    node.vms.save(vm)


async def delete(node: Node, vmid: int, name: str, worker: Worker, force: bool) -> None:
    """Remove a snapshot; raises `Die`, and then leaves the VM locked and the snapshot half removed."""
    vm = node.vms.load(vmid)
    vm.snapshot(name)
    async with node.locks.hold(vm_lock(vmid), CONFIG_TIMEOUT, say=worker.say):
        vm.check_lock()
        vm.config["lock"] = "snapshot-delete"
        node.vms.save(vm)
    await _remove(node, vm, name, worker, force)


async def _remove(node: Node, vm: Vm, name: str, worker: Worker, force: bool, only: list[str] | None = None) -> None:
    async with node.locks.hold(vm_lock(vm.vmid), CONFIG_TIMEOUT, say=worker.say):
        if vm.template:
            raise Die("you can't delete a snapshot if vm is a template")
        snapshot = vm.snapshot(name)
        snapshot["snapstate"] = "delete"
        node.vms.save(vm)
    await _remove_state(node, vm, snapshot)
    freed = await _remove_disk_snapshots(node, vm, name, worker, force, only)
    async with node.locks.hold(vm_lock(vm.vmid), CONFIG_TIMEOUT, say=worker.say):
        _forget(vm, name)
        for volume in freed:
            unused.add_if_unreferenced(vm, volume.volid)
        node.vms.save(vm)


async def _remove_state(node: Node, vm: Vm, snapshot: Config) -> None:
    state = node.volumes.get(snapshot.pop("vmstate", ""))
    if state:
        await disks.free(node, state)
        node.vms.save(vm)


async def _remove_disk_snapshots(
    node: Node, vm: Vm, name: str, worker: Worker, force: bool, only: list[str] | None
) -> list[Volume]:
    snapshot, freed = vm.snapshots[name], list[Volume]()
    for key, volume in list(_disks(node, snapshot)):
        if only is not None and key not in only:
            continue
        try:
            await physical(node.guests(volume.kind).delete_disk_snapshot(volume.file, name))
        except Die as error:
            if not force:
                raise
            worker.say(error.message)
        volume.snapshots.pop(name, None)
        node.volumes.save(volume)
        freed.append(volume)
        del snapshot[key]
        node.vms.save(vm)
    return freed


def _forget(vm: Vm, name: str) -> None:
    parent = vm.snapshots.pop(name).get("parent")
    for config in (vm.config, *vm.snapshots.values()):
        if config.get("parent") == name:
            config.pop("parent")
            config |= {"parent": parent} if parent else {}
    vm.config.pop("lock", None)


async def rollback(node: Node, vmid: int, name: str, worker: Worker) -> None:
    """Go back to a snapshot; a running VM is stopped, one whose memory was saved runs on from there."""
    async with node.locks.hold(vm_lock(vmid), CONFIG_TIMEOUT, say=worker.say):
        vm = node.vms.load(vmid)
        await _prepare_rollback(node, vm, name)
    snapshot = vm.snapshots[name]
    for _, volume in _disks(node, snapshot):
        await physical(node.guests(volume.kind).rollback_disk(volume.file, name))
        volume.size = volume.snapshots[name]
        node.volumes.save(volume)
    async with node.locks.hold(vm_lock(vmid), CONFIG_TIMEOUT, say=worker.say):
        _apply(vm, name)
        node.vms.save(vm)
        if "vmstate" in snapshot:
            await node.start(vm, name)


async def _prepare_rollback(node: Node, vm: Vm, name: str) -> None:
    if vm.template:
        raise Die("you can't rollback if vm is a template")
    snapshot = vm.snapshot(name)
    for _, volume in _disks(node, snapshot):
        if name not in volume.snapshots:
            raise Die(f"can't rollback, snapshot '{name}' does not exist on '{volume.volid}'")
    if "snapstate" in snapshot:
        raise Die(f"unable to rollback to incomplete snapshot (snapstate = {snapshot['snapstate']})")
    vm.check_lock()
    if node.running(vm):
        await physical(node.guests(vm).stop(vm.vmid))
        await node.wait_exit(vm, STOP_SECONDS)
    if node.running(vm):
        raise Die(f"unable to rollback vm {vm.vmid}: vm is running")
    vm.config["lock"] = "rollback"
    node.vms.save(vm)


def _apply(vm: Vm, name: str) -> None:
    """The snapshot's options become the VM's; description and unused disks stay, changes not yet made are lost."""
    snapshot = vm.snapshots[name]
    kept = {key: text for key, text in vm.config.items() if key == "description" or key.startswith("unused")}
    attached = {drive["file"] for _, drive in drives_in_order(snapshot)}
    left = [drive["file"] for key, drive in drives_in_order(vm.config) if not is_cdrom(vm.config[key])]
    vm.config = kept | _copied(snapshot) | {"parent": name}
    for key in ("runningmachine", "runningcpu"):
        vm.config.pop(key, None)
    if "vmgenid" in vm.config:
        vm.config["vmgenid"] = str(uuid.uuid4())
    vm.pending.clear()
    vm.pending_delete.clear()
    for volid in left:
        if volid not in attached:
            unused.add(vm, volid)
    unused.drop_used(vm)

"""Snapshots, backups, images and firewalls of the world in memory, as Proxmox deals with them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from hypervisor.errors import AgentSilent, Busy, Invalid, Missing, Refused
from hypervisor.fake_world import FakeBackup, FakeGuest, FakeSnapshot, FakeWorld
from hypervisor.port import BackupVolume, GuestSnapshot

SNAPSHOT_NAME = re.compile(r"^[a-z][a-z0-9_-]{1,39}$", re.IGNORECASE)
# What of a guest a snapshot or a backup holds.
KEPT = (
    "name",
    "cores",
    "memory_mib",
    "volumes",
    "disk_gib",
    "ipconfig",
    "user",
    "password",
    "ssh_keys",
    "tags",
    "vendor_data",
)
USED_BYTES = 1024**3


def shown(snapshot: FakeSnapshot) -> GuestSnapshot:
    return GuestSnapshot(
        snapshot.name, snapshot.description, snapshot.taken_at, snapshot.with_memory, snapshot.complete
    )


def take_snapshot(world: FakeWorld, call: str, guest: FakeGuest, name: str, description: str, memory: bool) -> str:
    if not SNAPSHOT_NAME.match(name):
        text = "invalid format - value does not look like a valid configuration ID"
        raise Invalid(f"snapname: {text}", call=call, fields={"snapname": text})

    def run() -> str:
        if name in guest.snapshots:
            return f"snapshot name '{name}' already used"
        running = memory and guest.power == "running"
        guest.snapshots[name] = FakeSnapshot(name, description, world.now, running, _kept(guest))
        return "OK"

    def cut_off() -> None:
        guest.snapshots[name] = FakeSnapshot(name, description, world.now, False, _kept(guest), complete=False)
        guest.lock = "snapshot"

    return world.locked_task("qmsnapshot", guest, run, cut_off=cut_off)


def _kept(guest: FakeGuest) -> dict[str, object]:
    values = {name: getattr(guest, name) for name in KEPT}
    return {name: dict(value) if isinstance(value, dict) else value for name, value in values.items()}


def _put_back(guest: FakeGuest, config: Mapping[str, object]) -> None:
    for name, value in config.items():
        setattr(guest, name, dict(value) if isinstance(value, dict) else value)
    guest.revision += 1


def _held_by(snapshot: FakeSnapshot) -> set[str]:
    volumes = snapshot.config["volumes"]
    assert isinstance(volumes, dict)
    return set(volumes.values())


def named_volumes(guest: FakeGuest) -> set[str]:
    """What its configuration and those of its snapshots name."""
    handed = {guest.vendor_data} if guest.vendor_data else set()
    return {*guest.volumes.values(), *guest.unused.values(), *handed}.union(*map(_held_by, guest.snapshots.values()))


def _set_aside(guest: FakeGuest, volumes: set[str]) -> None:
    """Volumes that no drive holds become unused, those that a drive holds are no longer."""
    used = set(guest.volumes.values())
    guest.unused = {slot: volume for slot, volume in guest.unused.items() if volume not in used}
    for volume in sorted(volumes - used - set(guest.unused.values())):
        number = next(n for n in range(256) if f"unused{n}" not in guest.unused)
        guest.unused[f"unused{number}"] = volume
    guest.revision += 1


def roll_back(world: FakeWorld, call: str, guest: FakeGuest, name: str) -> str:
    def run() -> str:
        snapshot = guest.snapshots.get(name)
        if snapshot is None:
            return f"snapshot '{name}' does not exist"
        if not snapshot.complete:
            return "unable to rollback to incomplete snapshot (snapstate = prepare)"
        world.power_off(guest)
        newer = set(guest.volumes.values())
        _put_back(guest, snapshot.config)
        _set_aside(guest, newer)
        if snapshot.with_memory:
            world.power_on(guest)
        return "OK"

    return world.locked_task("qmrollback", guest, run)


def delete_snapshot(world: FakeWorld, call: str, guest: FakeGuest, name: str) -> str:
    def run() -> str:
        if name not in guest.snapshots:
            return f"snapshot '{name}' does not exist"
        others = [other for kept, other in guest.snapshots.items() if kept != name]
        _set_aside(guest, _held_by(guest.snapshots.pop(name)).difference(*map(_held_by, others)))
        return "OK"

    return world.locked_task("qmdelsnapshot", guest, run)


def backups(world: FakeWorld, call: str, node: str, storage: str, vmid: int) -> list[BackupVolume]:
    world.reach(node, call)
    _check_storage(world, call, storage)
    return [
        backup.volume for backup in world.backups.values() if (backup.storage, backup.volume.vmid) == (storage, vmid)
    ]


def _check_storage(world: FakeWorld, call: str, storage: str) -> None:
    if storage not in world.storages:
        raise Refused(f"storage '{storage}' does not exist", call=call)


def take_backup(world: FakeWorld, call: str, node: str, vmid: int, storage: str, notes: str) -> str:
    guest = world.guests.get(vmid)
    _check_storage(world, call, storage)
    if guest is None:
        return world.plain_task("vzdump", node, vmid, lambda: "job errors")
    if guest.node != node:
        raise Missing(f"VM {vmid} is not on this node", call=call)

    name = f"vzdump-qemu-{vmid}-{world.next():06d}.vma.zst"

    def write(notes: str) -> None:
        made = BackupVolume(f"{storage}:backup/{name}", vmid, USED_BYTES, world.now, notes, False)
        world.backups[made.volume] = FakeBackup(made, storage, _kept(guest))

    def run() -> str:
        write(notes)
        return "OK"

    def cut_off() -> None:
        """The notes come last (pve-manager VZDump.pm exec_backup_task)."""
        write("")
        guest.lock = "backup"

    begins = guest.lock is None and not world.held(vmid)
    upid = world.locked_task("vzdump", guest, run, cut_off=cut_off)
    if begins:
        world.tasks[upid].log.insert(0, f"INFO: creating vzdump archive '/mnt/pve/{storage}/dump/{name}'")
    return upid


def restore_backup(world: FakeWorld, call: str, node: str, vmid: int, volume: str, storage: str) -> str:
    guest = world.find(node, vmid, call)
    _check_storage(world, call, storage)
    if volume not in world.backups:
        raise Refused(f"unable to restore VM {vmid} - volume '{volume}' does not exist", call=call)
    if guest.lock:
        raise Busy(f"unable to restore VM {vmid} - VM is locked ({guest.lock})", call=call)

    def run() -> str:
        if guest.power != "stopped":
            return f"unable to restore VM {vmid} - vm is running"
        config = dict(world.backups[volume].config)
        world.drop_volumes(vmid)
        drives = config.pop("volumes")
        assert isinstance(drives, dict)
        guest.volumes = {drive: world.new_volume(vmid, storage) for drive in drives}
        guest.unused, guest.snapshots = {}, {}
        _put_back(guest, config)
        return "OK"

    def cut_off() -> None:
        guest.lock = "create"

    return world.locked_task("qmrestore", guest, run, cut_off=cut_off)


def delete_backup(world: FakeWorld, call: str, node: str, storage: str, volume: str) -> str | None:
    world.reach(node, call)
    _check_storage(world, call, storage)
    backup = world.backups.get(volume)

    def run() -> str:
        world.backups.pop(volume, None)
        return "OK"

    return world.plain_task("imgdel", node, backup.volume.vmid if backup else 0, run)


def delete_volume(world: FakeWorld, call: str, node: str, volume: str) -> str:
    world.reach(node, call)

    def run() -> str:
        world.volumes.pop(volume, None)
        return "OK"

    return world.plain_task("imgdel", node, world.volumes.get(volume, 0), run)


def reimage(world: FakeWorld, call: str, guest: FakeGuest, disk: str, source: str, storage: str) -> str:
    owner = world.guests.get(world.volumes.get(source, 0))
    _check_storage(world, call, storage)
    if guest.lock:
        raise Busy(f"VM is locked ({guest.lock})", call=call)

    def run() -> str:
        if owner is None:
            return f"volume '{source}' does not exist"
        if owner.node != guest.node:
            return f"owner VM {owner.vmid} not on local node"
        old = {guest.volumes[disk]} if disk in guest.volumes else set()
        guest.volumes[disk] = world.new_volume(guest.vmid, storage)
        guest.disk_gib[disk] = next(iter(owner.disk_gib.values()), 2.0)
        _set_aside(guest, old)
        guest.handed = ""
        return "OK"

    return world.locked_task("qmconfig", guest, run)


def drop_unused(world: FakeWorld, call: str, guest: FakeGuest, volumes: frozenset[str]) -> None:
    if guest.lock:
        raise Busy(f"VM is locked ({guest.lock})", call=call)
    dropped = volumes & set(guest.unused.values())
    if held := sorted(dropped & set().union(*map(_held_by, guest.snapshots.values()))):
        raise Refused(f"unable to delete '{held[0]}' - volume is still in use (snapshot?)", call=call)
    for volume in dropped:
        world.volumes.pop(volume, None)
    guest.unused = {slot: volume for slot, volume in guest.unused.items() if volume not in volumes}
    guest.revision += 1


def set_password(world: FakeWorld, call: str, guest: FakeGuest, user: str, password: str) -> None:
    if not guest.agent_enabled or guest.power != "running" or guest.silent > 0:
        raise AgentSilent("QEMU guest agent is not running", call=call)
    guest.system_passwords[user] = password


def refresh_cloudinit(guest: FakeGuest, call: str) -> None:
    if guest.cloudinit_drive is None:
        raise Refused("unable to find cloudinit drive", call=call)
    guest.seed = dict(guest.ipconfig)


def set_firewall(guest: FakeGuest, call: str, allowed: Mapping[str, frozenset[str]]) -> None:
    if unknown := sorted(set(allowed) - set(guest.macs)):
        raise Missing(f"no network card {unknown[0]}", call=call)
    kept = {**guest.firewall.allowed, **allowed}
    guest.firewall = replace(guest.firewall, enabled=True, mac_filter=True, ip_filter=True, allowed=kept)
    guest.filtered |= set(allowed)
    guest.revision += 1

"""Moving a VM to another node (qemu-server QemuMigrate.pm; pve-guest-common AbstractMigrate.pm).

The guests of all nodes run on one machine: a running guest stays the process it is, only its configuration moves.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from testbed.proxmox.cluster.clock import now
from testbed.proxmox.cluster.locks import CONFIG_TIMEOUT, vm_lock
from testbed.proxmox.cluster.node import Node, physical
from testbed.proxmox.cluster.tasks import Worker, interrupted_text
from testbed.proxmox.errors import ApiError, Die
from testbed.proxmox.storage import disks
from testbed.proxmox.storage.storage import Storage, Volume, storage_of
from testbed.proxmox.vm.vms import Config, Vm, drives, is_cdrom

DEVICES = ("hostpci", "usb", "parallel", "serial")
FOUND = {"attached": " (attached)", "unused": " (unused)", "snapshot": " (referenced by snapshot(s))"}
MIGRATABLE = ("dir", "zfspool", "lvmthin", "lvm")


@dataclass(frozen=True, slots=True)
class StorageMap:
    """Which storages replace those of the source; without an entry or a default each stays what it is."""

    entries: Mapping[str, str] = field(default_factory=dict)
    default: str | None = None

    def __getitem__(self, storage: str) -> str:
        return self.entries.get(storage, self.default or storage)


@dataclass(slots=True)
class Migration:
    """One migration under way."""

    node: Node
    target: Node
    vmid: int
    worker: Worker
    online: bool = False
    with_local_disks: bool = False
    storages: StorageMap = field(default_factory=StorageMap)
    #: What was copied, by the old id.
    copies: dict[str, Volume] = field(default_factory=dict)

    def log(self, text: str) -> None:
        """Write a line with its time."""
        self.worker.say(f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(now()))} {text}")

    async def run(self) -> None:
        """Migrate; raises `Die` with the short text that a failed task ends with."""
        started = time.time()
        try:
            async with self.node.locks.hold(vm_lock(self.vmid), CONFIG_TIMEOUT, say=self.worker.say):
                problem = await self._migrate()
        except (ApiError, asyncio.CancelledError) as error:
            if self.worker.killed:
                raise
            self.log(f"ERROR: migration aborted (duration {_duration(started)}): {interrupted_text(error)}")
            raise Die("migration aborted") from None
        if problem:
            self.log(f"ERROR: migration finished with problems (duration {_duration(started)})")
            raise Die("migration problems")
        self.log(f"migration finished successfully (duration {_duration(started)})")

    async def _migrate(self) -> bool:
        """Whether there was a problem after which the VM is where it was, running."""
        vm = self._prepare()
        running = self.node.running(vm)
        try:
            volumes = self._lock_and_scan(vm, running)
            await self._copy([one for one in volumes if not running or one.cloud_init], "copying local disk images")
        except (ApiError, asyncio.CancelledError) as error:
            if not self.worker.killed:
                await self._give_up(vm, 1, interrupted_text(error))
            raise
        if running and not await self._move_running(vm, [one for one in volumes if not one.cloud_init]):
            return True
        await self._finish(vm, volumes)
        return False

    def _prepare(self) -> Vm:
        vm = self.node.vms.load(self.vmid)
        vm.check_lock()
        if self.node.running(vm) and not self.online:
            raise Die("can't migrate running VM without --online")
        if devices := local_devices(vm.config):
            raise Die(f"can't migrate VM which uses local devices: {', '.join(devices)}")
        if not self.target.online:
            raise Die("Can't connect to destination address using public key")
        return vm

    def _lock_and_scan(self, vm: Vm, running: bool) -> list[Volume]:
        self.log(f"starting migration of VM {self.vmid} to node '{self.target.name}' ({self.target.address})")
        vm.config["lock"] = "migrate"
        self.node.vms.save(vm)
        try:
            return self._scan(vm, running)
        except Die as error:
            raise Die(f"Problem found while scanning volumes - {error.message}") from None

    def _scan(self, vm: Vm, running: bool) -> list[Volume]:
        local, errors = [], dict[str, str]()
        for volid, kind in sorted(local_volumes(self.node, vm).items()):
            try:
                local.append(self._checked(vm, volid, running, kind))
            except Die as error:
                errors[volid] = error.message
            if kind == "attached" and running and not self.with_local_disks:
                errors[volid] = "can't live migrate attached local disks without with-local-disks option"
            self.log(f"found {_found(volid, kind)}")
        for volid, text in errors.items():
            self.log(f"can't migrate local disk '{volid}': {text}")
        if errors:
            raise Die("can't migrate VM - check log")
        for volume in local:
            self._check_movable(volume)
        return local

    def _checked(self, vm: Vm, volid: str, running: bool, kind: str) -> Volume:
        storages = self.node.cluster.storages
        storages.check_enabled(storage_of(volid), self.node.name)
        target = storages.check_enabled(self.storages[storage_of(volid)], self.target.name)
        if "images" not in target.content:
            raise Die(f"{volid}: content type 'images' is not available on storage '{target.name}'")
        volume = self.node.volumes.load(volid)
        if kind == "cdrom":
            raise Die("local cdrom image")
        if volume.vmid != vm.vmid:
            raise Die(f"owned by other VM (owner = VM {volume.vmid})")
        if running and volume.snapshots:
            raise Die("online storage migration not possible if non-replicated snapshot exists")
        if self.node.volumes.children(volume):
            raise Die("referenced by linked clone(s)")
        if running and vm.kind == "qemu" and not volume.cloud_init:
            raise Die("the disks of a real guest cannot move while it runs")
        return volume

    def _check_movable(self, volume: Volume) -> None:
        storage = self.node.cluster.storages.load(volume.storage)
        if storage.type not in MIGRATABLE:
            raise Die(f"can't migrate '{volume.volid}' - storage type '{storage.type}' not supported")
        if volume.parent and volume.named_parent:
            base = volume.parent.rsplit("/", 1)[-1]
            raise Die(f"can't migrate '{volume.volid}' as it's a clone of '{base}'")

    async def _copy(self, volumes: list[Volume], title: str) -> None:
        if volumes:
            self.log(title)
        for volume in volumes:
            storage = self.node.cluster.storages.load(self.storages[volume.storage])
            self._check_room(volume, storage)
            copy = _allocated(self.target, volume, storage)
            self.copies[volume.volid] = copy
            if not volume.cloud_init:
                await physical(self.node.guests(volume.kind).clone_disk(volume.file, copy.file, True))
            self.log(f"volume '{volume.volid}' is '{copy.volid}' on the target")

    def _check_room(self, volume: Volume, storage: Storage) -> None:
        if volume.used <= self.target.volumes.room(storage):
            return
        form = "qcow2+size" if volume.format == "qcow2" else "raw+size"
        there = f"root@{self.target.address} -- pvesm import {storage.name}:{volume.name} {form} -"
        ssh = f"/usr/bin/ssh -e none -o 'BatchMode=yes' -o 'HostKeyAlias={self.target.name}' {there}"
        command = f"set -o pipefail && pvesm export {volume.volid} {form} - -with-snapshots 1 | {ssh}"
        self.log("dd: error writing 'standard output': No space left on device")
        failed = f"storage migration for '{volume.volid}' to storage '{storage.name}' failed"
        raise Die(f"{failed} - command '{command} -with-snapshots 1 -allow-rename 1' failed: exit code 1")

    async def _move_running(self, vm: Vm, disks_to_move: list[Volume]) -> bool:
        """Whether a running guest has got over; if not it runs on where it was."""
        try:
            await self._phase2(disks_to_move)
        except (ApiError, asyncio.CancelledError) as error:
            if self.worker.killed:
                raise
            self.log(f"ERROR: online migrate failure - {interrupted_text(error)}")
            await self._give_up(vm, 2)
            return False
        return True

    async def _phase2(self, disks_to_move: list[Volume]) -> None:
        socket = f"unix:/run/qemu-server/{self.vmid}.migrate"
        self.log(f"starting VM {self.vmid} on remote node '{self.target.name}'")
        self.log("start remote tunnel")
        self.log("ssh tunnel ver 1")
        await self._copy(disks_to_move, "starting storage migration")
        if disks_to_move:
            self.log("switching mirror jobs to actively synced mode")
        self.log(f"starting online/live migration on {socket}")
        self.log("set migration capabilities")
        self.log("migration downtime limit: 100 ms")
        self.log("migration cachesize: 128.0 MiB")
        self.log("set migration parameters")
        self.log(f"start migrate command to {socket}")
        await asyncio.sleep(self.node.knobs.migration_seconds)
        if not self.target.online:
            raise Die("aborting")
        self.log("average migration speed: 1.0 GiB/s - downtime 12 ms")
        self.log("migration status: completed")

    async def _give_up(self, vm: Vm, phase: int, text: str | None = None) -> None:
        if text:
            self.log(f"ERROR: {text}")
        self.log(f"aborting phase {phase} - cleanup resources")
        if phase > 1:
            self.log("migrate_cancel")
        vm.config.pop("lock", None)
        self.node.vms.save(vm)
        for copy in self.copies.values():
            await disks.free(self.target, copy)

    async def _finish(self, vm: Vm, volumes: list[Volume]) -> None:
        for config in (vm.config, vm.pending, *vm.snapshots.values()):
            for key, value in config.items():
                config[key] = self._renamed(value)
        self.node.cluster.vms.move(vm, self.target.name)
        for volume in volumes:
            await disks.free(self.node, volume)
        vm.config.pop("lock", None)
        self.target.vms.save(vm)

    def _renamed(self, value: str) -> str:
        file, comma, rest = value.partition(",")
        copy = self.copies.get(file)
        return f"{copy.volid}{comma}{rest}" if copy else value


def _allocated(node: Node, volume: Volume, storage: Storage) -> Volume:
    stem = volume.name.rsplit("/", 1)[-1].split(".")[0]
    extension = storage.format(volume.format)
    name = storage.disk_name(volume.vmid, stem, extension)
    if node.volumes.get(f"{storage.name}:{name}"):
        name = node.volumes.next_disk(volume.vmid, extension, storage.name)
    copy = Volume(name, volume.vmid, volume.size, volume.used, volume.kind, storage=storage.name)
    copy.snapshots = dict(volume.snapshots)
    return node.volumes.save(copy)


def local_volumes(node: Node, vm: Vm) -> dict[str, str]:
    """The volumes that are not shared, with how the VM refers to them: attached, unused, generated, cdrom, snapshot."""
    found: dict[str, str] = {}
    for snapshot in vm.snapshots.values():
        found |= {drive["file"]: "snapshot" for _, drive in drives(snapshot)}
    found |= {value: "unused" for key, value in vm.config.items() if key.startswith("unused")}
    for key, drive in drives(vm.config):
        found[drive["file"]] = _kind(drive["file"], vm.config[key])
    return {volid: kind for volid, kind in found.items() if ":" in volid and _local(node, volid)}


def _kind(volid: str, value: str) -> str:
    if "-cloudinit" in volid:
        return "generated"
    return "cdrom" if is_cdrom(value) else "attached"


def _local(node: Node, volid: str) -> bool:
    storage = node.cluster.storages.get(storage_of(volid))
    return storage is None or not storage.shared


def _found(volid: str, kind: str) -> str:
    if kind == "generated":
        return f"generated disk '{volid}' (in current VM config)"
    return f"local disk '{volid}'{FOUND.get(kind, '')}"


def local_devices(config: Config) -> list[str]:
    """The options that tie a VM to its machine."""
    tied = {key: value for key, value in config.items() if key.rstrip("0123456789") in DEVICES}
    return sorted(key for key, value in tied.items() if value not in ("socket", "spice", "host=spice"))


def _duration(started: float) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(time.time() - started))

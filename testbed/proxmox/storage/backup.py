"""Backups of VMs: one job over several VMs, its log, the archives (pve-manager VZDump.pm, VZDump/QemuServer.pm).

An archive is our own: the configuration lies with the other state, the disks are copies that the guests' runner keeps.
"""

import asyncio
import re
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field

from testbed.proxmox.cluster.clock import now
from testbed.proxmox.cluster.locks import CONFIG_TIMEOUT, vm_lock
from testbed.proxmox.cluster.node import Node, physical
from testbed.proxmox.cluster.tasks import Worker
from testbed.proxmox.errors import ApiError, Die
from testbed.proxmox.firewall import firewall
from testbed.proxmox.storage import archives, contents, files, retention
from testbed.proxmox.storage.archives import Archive, SavedDisk
from testbed.proxmox.storage.retention import Keep
from testbed.proxmox.storage.storage import Volume
from testbed.proxmox.vm.vms import Vm, drives, is_cdrom

ENDINGS = {"0": "", "1": ".lzo", "lzo": ".lzo", "gzip": ".gz", "zstd": ".zst"}
#: The part of its disks' contents that an archive takes up.
PACKED = {"": 1.0, ".lzo": 0.6, ".gz": 0.5, ".zst": 0.45}
ARCHIVE_OVERHEAD = 4096
PLACEHOLDERS = ("cluster", "guestname", "node", "vmid")


@dataclass(frozen=True, slots=True)
class Options:
    """How to back up. `limit` is in KiB/s, 0 for none; `keep` applies if `remove` is set."""

    storage: str
    mode: str = "snapshot"
    compress: str = "0"
    notes: str = ""
    protected: bool = False
    remove: bool = True
    keep: Keep = field(default_factory=lambda: {"keep-all": 1})
    limit: int = 0
    ionice: int = 7
    stopwait: int = 10

    @property
    def pruning(self) -> bool:
        return self.remove and not self.keep.get("keep-all")


# One job


class Log:
    """The lines of a job."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def info(self, text: str) -> None:
        self._worker.say(f"INFO: {text}")

    def error(self, text: str) -> None:
        self._worker.say(f"ERROR: {text}")

    def warn(self, text: str) -> None:
        self._worker.warn(text)


async def run(node: Node, worker: Worker, vmids: list[int], options: Options) -> None:
    """Back up each VM in turn; raises `Die` if one of them failed."""
    log, failed = Log(worker), 0
    for vmid in sorted(vmids):
        job = Job(node, log, vmid, options, worker)
        failed += not await job.run()
    if failed:
        log.info("Backup job finished with errors")
        raise Die("job errors")
    log.info("Backup job finished successfully")


class Job:
    """The backup of one VM."""

    def __init__(self, node: Node, log: Log, vmid: int, options: Options, worker: Worker) -> None:
        self._node = node
        self._log = log
        self._vmid = vmid
        self._options = options
        self._worker = worker
        self._storage = node.cluster.storages.load(options.storage)
        self._began = now()

    async def run(self) -> bool:
        """Whether it went well; raises only when the task is to end."""
        self._log.info(f"Starting Backup of VM {self._vmid} (qemu)")
        self._log.info(f"Backup started at {_stamp()}")
        try:
            await self._back_up()
        except ApiError as error:
            self._failed(error.text)
            return False
        except asyncio.CancelledError:
            if not self._worker.killed:
                self._failed("interrupted by signal")
                raise Die("interrupted by signal") from None
            raise
        seconds = int(now() - self._began)
        self._log.info(f"Finished Backup of VM {self._vmid} ({time.strftime('%H:%M:%S', time.gmtime(seconds))})")
        self._log.info(f"Backup finished at {_stamp()}")
        return True

    def _failed(self, text: str) -> None:
        self._log.error(f"Backup of VM {self._vmid} failed - {text}")
        self._log.info(f"Failed at {_stamp()}")

    async def _back_up(self) -> None:
        vm = self._node.vms.get(self._vmid)
        if vm is None:
            raise Die(f"unable to find VM '{self._vmid}'")
        self._check_limits()
        running = self._node.running(vm)
        self._log.info(f"status = {'running' if running else 'stopped'}")
        async with self._locked(vm):
            await self._locked_backup(vm, running)

    def _check_limits(self) -> None:
        most = sum(self._options.keep.values()) if not self._options.keep.get("keep-all") else 0
        there = archives.of_storage(self._node, self._storage, self._vmid, "qemu")
        count = sum(not volume.protected for volume in there)
        if most and not self._options.remove and not self._options.protected and count >= most:
            raise Die(
                f"There is a max backup limit of {most} enforced by the target storage or the vzdump parameters. "
                "Either increase the limit or delete old backups."
            )

    @asynccontextmanager
    async def _locked(self, vm: Vm) -> AsyncIterator[None]:
        """Set the VM's lock; it stays if the worker is killed."""
        async with self._node.locks.hold(vm_lock(vm.vmid), CONFIG_TIMEOUT):
            vm.check_lock()
            self._set_lock(vm, "backup")
        try:
            yield
        finally:
            if not self._worker.killed:
                self._set_lock(vm, None)

    def _set_lock(self, vm: Vm, lock: str | None) -> None:
        vm.config.pop("lock", None)
        if lock:
            vm.config["lock"] = lock
        if vm.vmid in self._node.vms:
            self._node.vms.save(vm)

    async def _locked_backup(self, vm: Vm, running: bool) -> None:
        mode = self._options.mode if running else "stop"
        if mode == "snapshot":
            included = self._announce(vm)
        self._log.info(f"backup mode: {mode}")
        if self._options.limit:
            self._log.info(f"bandwidth limit: {self._options.limit} KiB/s")
        self._log.info(f"ionice priority: {self._options.ionice}")
        if mode != "snapshot":
            included = self._announce(vm)
        await self._halt(vm, mode, running)
        self._announce_left_out(vm)
        volume = await self._write(vm, included, mode, running)
        self._finish(vm, volume)
        await self._prune()

    def _announce(self, vm: Vm) -> list[tuple[str, Volume]]:
        """Name the disks; those that are in the backup."""
        if "name" in vm.config:
            self._log.info(f"VM Name: {vm.config['name']}")
        included: list[tuple[str, Volume]] = []
        for key, drive in drives(vm.config):
            if is_cdrom(vm.config[key]):
                continue
            if drive.get("backup") == "0":
                self._log.info(f"exclude disk '{key}' '{drive['file']}' (backup=no)")
                continue
            self._log.info(" ".join(filter(None, (f"include disk '{key}' '{drive['file']}'", drive.get("size")))))
            included.append((key, self._node.volumes.load(drive["file"])))
        return included

    def _announce_left_out(self, vm: Vm) -> None:
        for key, value in vm.config.items():
            if key.startswith("unused"):
                self._log.info(f"skip unused drive '{value}' (not included into backup)")
        if vm.snapshots:
            self._log.info("snapshots found (not included into backup)")
        if vm.pending or vm.pending_delete:
            self._log.info("pending configuration changes found (not included into backup)")

    async def _halt(self, vm: Vm, mode: str, running: bool) -> None:
        guests = self._node.guests(vm)
        if mode == "stop" and running:
            self._log.info("stopping virtual guest")
            await physical(guests.powerdown(vm.vmid))
            if not await self._node.wait_exit(vm, self._options.stopwait * 60):
                await physical(guests.stop(vm.vmid))
        if mode == "suspend":
            self._log.info("suspending guest")
            await physical(guests.pause(vm.vmid))

    async def _write(self, vm: Vm, included: list[tuple[str, Volume]], mode: str, running: bool) -> Volume:
        ending = ENDINGS[self._options.compress]
        moment = time.strftime(contents.ARCHIVE_TIME, time.localtime(self._began))
        stem = f"vzdump-qemu-{vm.vmid}-{moment}"
        name = f"backup/{stem}.vma{ending}"
        volume = Volume(name, 0, 0, 0, "sim", storage=self._storage.name, format=f"vma{ending}")
        self._log.info(f"creating vzdump archive '{self._node.volumes.path(volume)}'")
        self._check_space(included, ending)
        await self._begin(vm, mode, running)
        saved = await self._copy(vm, included, stem)
        if not running:
            self._log.info("stopping kvm after backup task")
        config = {key: value for key, value in vm.config.items() if key != "lock" and not key.startswith("unused")}
        rules = asdict(firewall.load(self._node.store, firewall.guest(vm.vmid)))
        size = int(sum(disk.used for disk in saved) * PACKED[ending]) + ARCHIVE_OVERHEAD
        volume = files.add(self._node, self._storage, name, size)
        archives.save(self._node, volume, Archive(vm.vmid, vm.kind, config, saved, rules))
        if mode == "suspend":
            self._log.info("resume vm")
        self._log.info(f"archive file size: {_file_size(size)}")
        return volume

    def _check_space(self, included: list[tuple[str, Volume]], ending: str) -> None:
        wanted = int(sum(self._contents(volume) for _, volume in included) * PACKED[ending])
        if self._node.volumes.used(self._storage) + wanted > self._storage.size:
            raise Die("vma_queue_write: write error - Broken pipe")

    async def _begin(self, vm: Vm, mode: str, running: bool) -> None:
        """Start the copy inside a QEMU process: the guest goes on at once."""
        if not running or mode == "stop":
            self._log.info("starting kvm to execute backup task")
        if running and mode == "stop":
            await self._node.start(vm)
        if running and vm.agent and mode == "snapshot" and await self._node.guests(vm).agent_ping(vm.vmid):
            self._log.info("issuing guest-agent 'fs-freeze' command")
            self._log.info("issuing guest-agent 'fs-thaw' command")
        self._log.info(f"started backup task '{uuid.uuid4()}'")
        if running:
            self._log.info("resuming VM again" if mode == "snapshot" else "resuming VM again after 1 seconds")
        if mode == "suspend":
            await physical(self._node.guests(vm).resume(vm.vmid))

    async def _copy(self, vm: Vm, included: list[tuple[str, Volume]], stem: str) -> tuple[SavedDisk, ...]:
        guests, began = self._node.guests(vm), time.time()
        saved: list[SavedDisk] = []
        try:
            for key, volume in included:
                ending = "qcow2" if volume.format == "qcow2" else "raw"
                copy = f"{vm.vmid}/{self._node.name}.{self._storage.name}.{stem}-{key}.{ending}"
                await physical(guests.clone_disk(volume.file, copy, True))
                saved.append(SavedDisk(key, copy, volume.size, self._contents(volume), volume.format))
                if self._options.limit:
                    await asyncio.sleep(volume.used / (self._options.limit * 1024))
        except BaseException:
            for disk in saved if not self._worker.killed else ():
                await guests.delete_disk(disk.file)
            raise
        self._report(saved, time.time() - began)
        return tuple(saved)

    def _contents(self, volume: Volume) -> int:
        """What a disk holds, the base of a linked clone included, in bytes."""
        base = self._node.volumes.get(f"{volume.storage}:{volume.parent}") if volume.parent else None
        return min(volume.used + (base.used if base else 0), volume.size)

    def _report(self, saved: list[SavedDisk], seconds: float) -> None:
        size, used = sum(disk.size for disk in saved), sum(disk.used for disk in saved)
        if not saved:
            self._log.info("backup contains no disks")
            return
        took = max(int(seconds), 1)
        speeds = f"read: {_bytes(size / took)}/s, write: {_bytes(used / took)}/s"
        self._log.info(f"100% ({_bytes(size, 1)} of {_bytes(size, 1)}) in {took}s, {speeds}")
        zero = max(size - used, 0)
        self._log.info(f"backup is sparse: {_bytes(zero)} ({int(zero * 100 / size) if size else 0}%) total zero data")
        self._log.info(f"transferred {_bytes(size)} in {took} seconds ({_bytes(size / took)}/s)")

    def _finish(self, vm: Vm, volume: Volume) -> None:
        if self._options.notes:
            self._log.info("adding notes to backup")
            volume.notes = notes(self._options.notes, self._node, vm)
        if self._options.protected:
            self._log.info("marking backup as protected")
            volume.protected = True
        self._node.volumes.save(volume)

    async def _prune(self) -> None:
        if not self._options.pruning:
            return
        self._log.info(f"prune older backups with retention: {retention.text(self._options.keep)}")
        pruned = 0
        there = archives.of_storage(self._node, self._storage, self._vmid, "qemu")
        for volume, entry in archives.marked(there, self._options.keep):
            if entry.mark == "remove":
                self._log.info(f"removing backup '{volume.volid}'")
                await archives.remove(self._node, volume)
                pruned += 1
        self._log.info(f"pruned {pruned} backup(s){' not covered by keep-retention policy' if pruned else ''}")


def notes(template: str, node: Node, vm: Vm) -> str:
    """The notes of a backup: the template with its placeholders filled in."""
    values: Mapping[str, str] = {
        "cluster": node.cluster.name or "standalone node",
        "guestname": vm.config.get("name", f"VM {vm.vmid}"),
        "node": node.name,
        "vmid": str(vm.vmid),
    }
    unescaped = re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], template)
    return re.sub(rf"\{{\{{({'|'.join(PLACEHOLDERS)})\}}\}}", lambda match: values[match[1]], unescaped)


def problems(template: str) -> Iterator[str]:
    """What is wrong with a template of notes."""
    if "\n" in template:
        yield "contains a line feed\n"
    unknown = [name for name in re.findall(r"\{\{([^}]*)\}\}", template) if name not in PLACEHOLDERS]
    if unknown:
        yield f"found unknown: {', '.join(unknown)}\n"


def _stamp() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now()))


def _bytes(size: float, digits: int = 2) -> str:
    units = ["B", "KiB", "MiB", "GiB", "TiB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        units.pop(0)
    return f"{size:.{digits}f} {units[0]}"


def _file_size(size: int) -> str:
    kilo = size / 1024
    if kilo < 1024:
        return f"{int(kilo)}KB"
    return f"{int(kilo / 1024)}MB" if kilo < 1024**2 else f"{kilo / 1024**2:.2f}GB"

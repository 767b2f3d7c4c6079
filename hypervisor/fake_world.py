"""A cluster in memory that behaves as Proxmox does, without a clock of its own: what the fake hypervisor acts
on.

Tests read and change it directly: `guests`, `volumes` and `tasks` are plain containers. Nothing moves by
itself: tasks end at once, after a number of looks at them, or when told to (`task_looks`), and time passes by
`advance`.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from hypervisor import wire
from hypervisor.errors import Busy, Conflict, HypervisorError, Invalid, Missing, Refused, Stale, Unreachable
from hypervisor.fake_screen import FakeScreen
from hypervisor.port import (
    BackupVolume,
    GuestFirewall,
    GuestKind,
    GuestSettings,
    IpConfig,
    Node,
    Power,
    Sample,
    StorageRow,
    Uplink,
)

DNS_NAME = re.compile(r"^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)*$")
SSH_KEY = re.compile(r"^(ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/=]{16,}( .*)?$")
LOST = "unexpected status"
LOCK_TIMEOUT = "can't lock file '/var/lock/qemu-server/lock-{}.conf' - got timeout"
VMIDS = range(100, 1_000_000_000)


@dataclass(slots=True)
class FakeSnapshot:
    """A state to go back to; `config` holds what is kept of the guest."""

    name: str
    description: str
    taken_at: int
    with_memory: bool
    config: dict[str, object]
    complete: bool = True


@dataclass(slots=True)
class FakeBackup:
    """A backup on a storage."""

    volume: BackupVolume
    storage: str
    config: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class FakeGuest:
    """A guest; tests may change any of this to play somebody at Proxmox's own interface.

    `silent_looks` is how often the agent stays silent after each start. `ignores_shutdown` plays a hung
    guest. `fresh` hides the name and the run state from the bulk read until the next `tick`.
    """

    vmid: int
    node: str
    kind: GuestKind = "qemu"
    name: str | None = None
    description: str = ""
    smbios_uuid: str | None = None
    macs: dict[str, str] = field(default_factory=dict)
    volumes: dict[str, str] = field(default_factory=dict)
    disk_gib: dict[str, float] = field(default_factory=dict)
    cloudinit_drive: str | None = "ide2"
    cores: int = 1
    memory_mib: int = 512
    ipconfig: dict[str, IpConfig] = field(default_factory=dict)
    user: str = ""
    password: str = field(default="", repr=False)
    ssh_keys: tuple[str, ...] = ()
    vendor_data: str = ""
    tags: frozenset[str] = frozenset()
    template: bool = False
    protection: bool = False
    agent_enabled: bool = True
    lock: str | None = None
    power: Power = "stopped"
    pid: int | None = None
    started_at: int = 0
    booted_ipconfig: dict[str, IpConfig] = field(default_factory=dict)
    silent_looks: int = 0
    silent: int = 0
    ignores_shutdown: bool = False
    fresh: bool = False
    revision: int = 0
    unused: dict[str, str] = field(default_factory=dict)
    snapshots: dict[str, FakeSnapshot] = field(default_factory=dict)
    firewall: GuestFirewall = GuestFirewall(False, True, False, {})
    uplinks: dict[str, Uplink] = field(default_factory=dict)  # "vmbr0" where nothing else is said
    filtered: set[str] = field(default_factory=set)  # network cards with the firewall on
    system_passwords: dict[str, str] = field(default_factory=dict)
    handed: str = field(default="", repr=False)  # the vendor data that its cloud-init found at its first start
    booted: tuple[int, int] = (0, 0)  # cores and memory that it runs with
    seed: dict[str, IpConfig] = field(default_factory=dict)
    measured: list[Sample] = field(default_factory=list)
    screens: list[FakeScreen] = field(default_factory=list)

    def new_screen(self) -> FakeScreen:
        """A session of somebody who looks at it."""
        self.screens.append(FakeScreen(self.name or str(self.vmid)))
        return self.screens[-1]


@dataclass(slots=True)
class FakeTask:
    """A task: `run` carries it out and gives its exit text.

    `undo` is what a failing worker cleans up, `cut_off` what a dying one leaves behind.
    """

    upid: str
    node: str
    kind: str
    holds: int
    started_at: int
    run: Callable[[], str]
    undo: Callable[[], None]
    cut_off: Callable[[], None]
    fate: str | None = None
    exit_text: str | None = None
    ended_at: int | None = None
    looks: int = 0
    log: list[str] = field(default_factory=list)


class FakeWorld:
    """The cluster. `task_looks`: 0 ends tasks at once, n at the n-th look, None only by `run_tasks`."""

    def __init__(self, nodes: tuple[str, ...] = ("pve1",), *, storage: str = "local") -> None:
        self.nodes = {name: Node(name, True, 16, 65536, 4096) for name in nodes}
        self.storage = storage
        self.storages = {storage: _storage(storage), "backups": _storage("backups")}
        self.snippets: dict[str, str] = {}  # what the operator's files hold, by volume
        self.backups: dict[str, FakeBackup] = {}
        self.guests: dict[int, FakeGuest] = {}
        self.volumes: dict[str, int] = {}
        self.tasks: dict[str, FakeTask] = {}
        self.task_looks: int | None = 0
        self.stats_lag = False
        self.quorate = True
        self.now = 1_790_000_000
        self._fates: list[tuple[str, str]] = []
        self._counter = 0

    # What tests do to it

    def add_guest(self, guest: FakeGuest) -> FakeGuest:
        """Put a guest there with a MAC, a uuid, a disk and a process where it has none."""
        guest.macs = guest.macs or {"net0": self._new_mac()}
        guest.smbios_uuid = guest.smbios_uuid or self._new_uuid()
        if not guest.volumes:
            guest.volumes = {"scsi0": f"{self.storage}:{guest.vmid}/vm-{guest.vmid}-disk-0.qcow2"}
            guest.disk_gib = {"scsi0": 2.0}
        self.volumes |= dict.fromkeys(guest.volumes.values(), guest.vmid)
        self.guests[guest.vmid] = guest
        if guest.power == "running":
            self.power_on(guest)
        return guest

    def add_template(self, vmid: int, name: str, node: str = "pve1") -> FakeGuest:
        volumes = {"scsi0": f"{self.storage}:{vmid}/base-{vmid}-disk-0.qcow2"}
        return self.add_guest(
            FakeGuest(
                vmid,
                node,
                name=name,
                template=True,
                tags=frozenset({"template"}),
                volumes=volumes,
                disk_gib={"scsi0": 2.0},
            )
        )

    def remove_guest(self, vmid: int) -> None:
        """Somebody deletes a guest behind our back."""
        del self.guests[vmid]
        self.drop_volumes(vmid)

    def set_node(self, name: str, *, online: bool) -> None:
        self.nodes[name] = replace(self.nodes[name], online=online)

    def fail_task(self, kind: str, text: str) -> None:
        """The next task of this kind fails with this text, having cleaned up as Proxmox does."""
        self._fates.append((kind, text))

    def kill_task(self, kind: str) -> None:
        """The worker of the next task of this kind dies: locks and half-made guests stay behind."""
        self._fates.append((kind, LOST))

    def run_tasks(self) -> None:
        """End all running tasks, in the order of their start."""
        for task in self.running():
            self.finish(task)

    def advance(self, seconds: int) -> None:
        self.now += seconds

    def next(self) -> int:
        """A number that was never given before."""
        self._counter += 1
        return self._counter

    def new_volume(self, vmid: int, storage: str) -> str:
        volume = f"{storage}:{vmid}/vm-{vmid}-disk-{self.next()}.qcow2"
        self.volumes[volume] = vmid
        return volume

    def drop_volumes(self, vmid: int) -> None:
        self.volumes = {volume: owner for volume, owner in self.volumes.items() if owner != vmid}

    def tick(self) -> None:
        """Proxmox gathers its figures: the bulk read now knows all guests."""
        for guest in self.guests.values():
            guest.fresh = False

    # What it answers

    def find(self, node: str, vmid: int, call: str) -> FakeGuest:
        """Raises Missing in Proxmox's words, Unreachable when the node is down."""
        self.reach(node, call)
        guest = self.guests.get(vmid)
        if guest is None or guest.node != node or guest.kind != "qemu":
            raise Missing(f"Configuration file 'nodes/{node}/qemu-server/{vmid}.conf' does not exist", call=call)
        return guest

    def reach(self, node: str, call: str) -> None:
        if node not in self.nodes:
            raise Unreachable(f"hostname lookup '{node}' failed", call=call)
        if not self.nodes[node].online:
            raise Unreachable("No route to host", call=call)

    def look(self, upid: str, call: str) -> FakeTask:
        task = self.tasks.get(upid)
        if task is None:
            raise Missing("no such task", call=call)
        self.reach(task.node, call)
        task.looks += 1
        if task.exit_text is None and self.task_looks is not None and task.looks >= self.task_looks:
            self.finish(task)
        return task

    def running(self) -> list[FakeTask]:
        return [task for task in self.tasks.values() if task.exit_text is None]

    def held(self, vmid: int) -> bool:
        return any(task.holds == vmid for task in self.running())

    # What it does

    def shares(self, vmid: int) -> bool:
        """Whether all disks of a guest are to be had on every node."""
        return not (vmid in self.guests and self.ties(self.guests[vmid]))

    def ties(self, guest: FakeGuest) -> list[str]:
        """Disks of a guest that only its node has."""
        volumes = sorted({*guest.volumes.values(), *guest.unused.values()})
        return [volume for volume in volumes if not self.storages[volume.partition(":")[0]].shared]

    def migrate(self, call: str, guest: FakeGuest, target: str) -> str:
        """Nothing of it is copied: only its configuration goes over (qemu-server QemuMigrate.pm)."""
        if guest.lock:
            raise Busy(f"VM is locked ({guest.lock})", call=call)
        if guest.power != "stopped":
            raise Refused("can't migrate running VM without --online", call=call)
        if target == guest.node:
            raise _invalid(call, "target", "target is local node.")

        def run() -> str:
            if not self.nodes[target].online or self.ties(guest):
                return "migration aborted"
            guest.node = target
            return "OK"

        return self.locked_task("qmigrate", guest, run, cut_off=lambda: setattr(guest, "lock", "migrate"))

    def clone(
        self, call: str, node: str, source: int, vmid: int, *, name: str, description: str, full: bool, target: str
    ) -> str:
        template = self._cloneable(call, node, source, vmid, name, full)
        if vmid in self.guests and self.guests[vmid].node == node:
            raise Conflict(f"unable to create VM {vmid}: config file already exists", call=call)
        if vmid in self.guests:
            path = f"/etc/pve/nodes/{node}/qemu-server/{vmid}.conf"
            text = f"clone failed: close (rename) atomic file '{path}' failed: File exists"
            return self._failing("qmclone", node, source, text)
        placeholder = FakeGuest(
            vmid,
            node,
            name=f"VM {vmid}",
            description="qmclone temporary file",
            lock="clone",
            fresh=self.stats_lag,
        )
        self.guests[vmid] = placeholder
        return self._start_task(
            "qmclone",
            node,
            source,
            lambda: self._finish_clone(template, placeholder, name, description, full, target),
            undo=lambda: self.remove_guest(vmid),
            holds=vmid,
        )

    def _cloneable(self, call: str, node: str, source: int, vmid: int, name: str, full: bool) -> FakeGuest:
        template = self.find(node, source, call)
        self._writable(call)
        if vmid not in VMIDS:
            raise _invalid(call, "newid", "value does not look like a valid VM ID")
        if not DNS_NAME.match(name):
            raise _invalid(call, "name", "invalid format - value does not look like a valid DNS name")
        if template.lock:
            raise Busy(f"VM is locked ({template.lock})", call=call)
        if not full and not template.template:
            raise Refused("Linked clone feature is not supported for 'scsi0'", call=call)
        return template

    def _finish_clone(
        self, template: FakeGuest, guest: FakeGuest, name: str, description: str, full: bool, target: str
    ) -> str:
        guest.node = target  # the configuration moves last (qemu-server API2/Qemu.pm clone_vm)
        guest.name, guest.description, guest.lock = name, description or template.description, None
        guest.macs = {card: self._new_mac() for card in template.macs}
        guest.smbios_uuid = self._new_uuid()
        guest.volumes = {drive: self._copy(volume, guest.vmid, full) for drive, volume in template.volumes.items()}
        self.volumes |= dict.fromkeys(guest.volumes.values(), guest.vmid)
        for inherited in ("cores", "memory_mib", "tags", "protection", "agent_enabled", "cloudinit_drive"):
            setattr(guest, inherited, getattr(template, inherited))
        guest.disk_gib, guest.ipconfig = dict(template.disk_gib), dict(template.ipconfig)
        guest.user, guest.password, guest.ssh_keys = template.user, template.password, template.ssh_keys
        guest.vendor_data = template.vendor_data
        guest.silent_looks, guest.revision = template.silent_looks, 1
        return "OK"

    def _copy(self, volume: str, vmid: int, full: bool) -> str:
        storage, _, path = volume.partition(":")
        disk = path.rsplit("/", 1)[-1].split("-disk-")[-1]
        own = f"{vmid}/vm-{vmid}-disk-{disk}"
        return f"{storage}:{own}" if full else f"{storage}:{path}/{own}"

    def configure(self, call: str, guest: FakeGuest, settings: GuestSettings, digest: str | None) -> None:
        self._check_settings(call, settings)
        self._writable(call)
        if self.held(guest.vmid):
            raise Busy(LOCK_TIMEOUT.format(guest.vmid), call=call)
        if digest and digest != digest_of(guest):
            raise Stale("checksum mismatch (file change by other user?)", call=call)
        if guest.lock:
            raise Busy(f"VM is locked ({guest.lock})", call=call)
        for setting in (
            "name",
            "description",
            "tags",
            "cores",
            "memory_mib",
            "protection",
            "user",
            "password",
            "ssh_keys",
            "vendor_data",
        ):
            if getattr(settings, setting) is not None:
                setattr(guest, setting, getattr(settings, setting))
        guest.uplinks |= {card: uplink for card, uplink in settings.uplinks.items() if card in guest.macs}
        guest.description = guest.description.rstrip()
        guest.tags = frozenset(tag.lower() for tag in guest.tags)
        guest.ipconfig = {
            card: ip for card, ip in (guest.ipconfig | dict(settings.ipconfig)).items() if ip != IpConfig()
        }
        guest.revision += 1

    def _check_settings(self, call: str, settings: GuestSettings) -> None:
        try:
            wire.settings_params(settings)
        except ValueError as error:
            raise Invalid(str(error), call=call, fields={"ipconfig": str(error)}) from None
        if settings.name is not None and not DNS_NAME.match(settings.name):
            raise _invalid(call, "name", "invalid format - value does not look like a valid DNS name")
        for key, value, least in (("cores", settings.cores, 1), ("memory", settings.memory_mib, 16)):
            if value is not None and value < least:
                raise _invalid(call, key, f"value must have a minimum value of {least}")
        if not all(SSH_KEY.match(key.strip()) for key in settings.ssh_keys or ()):
            raise Refused("SSH public key validation error", call=call)

    def resize(self, guest: FakeGuest, disk: str, size_gib: int) -> str:
        def run() -> str:
            if disk not in guest.volumes:
                return f"disk '{disk}' does not exist"
            if size_gib < guest.disk_gib[disk]:
                return "shrinking disks is not supported"
            guest.disk_gib[disk] = float(size_gib)
            guest.revision += 1
            return "OK"

        return self.locked_task("resize", guest, run)

    def start(self, node: str, vmid: int) -> str:
        guest = self.guests.get(vmid)
        if guest is None or guest.node != node:
            path = f"nodes/{node}/qemu-server/{vmid}.conf"
            return self._failing("qmstart", node, vmid, f"Configuration file '{path}' does not exist")
        return self.locked_task("qmstart", guest, lambda: self._start(guest))

    def _start(self, guest: FakeGuest) -> str:
        if guest.template:
            return "you can't start a vm if it's a template"
        if guest.power != "stopped":
            return f"VM {guest.vmid} already running"
        if guest.vendor_data and guest.cloudinit_drive and guest.vendor_data not in self.snippets:
            return f"volume '{guest.vendor_data}' does not exist"
        self.power_on(guest)
        return "OK"

    def stop(self, node: str, vmid: int, *, overrule: bool) -> str:
        guest = self._running_or_stopped(node, vmid)
        if guest is None:
            return self._absent("qmstop", node, vmid)
        if overrule:
            self._abort("qmshutdown", vmid)
        return self.locked_task("qmstop", guest, lambda: self.power_off(guest))

    def shutdown(self, call: str, node: str, vmid: int, *, force: bool) -> str:
        guest = self._running_or_stopped(node, vmid)
        if guest is None:
            return self._absent("qmshutdown", node, vmid)
        if guest.power == "paused" and not force:
            raise Refused("VM is paused - cannot shutdown", call=call)
        return self.locked_task("qmshutdown", guest, lambda: self._shut_down(guest, force))

    def _shut_down(self, guest: FakeGuest, force: bool) -> str:
        if guest.power == "running" and guest.ignores_shutdown and not force:
            return "VM quit/powerdown failed - got timeout"
        return self.power_off(guest)

    def reboot(self, call: str, guest: FakeGuest) -> str:
        _require_running(guest, call)

        def run() -> str:
            said = self._shut_down(guest, force=False)
            if said == "OK":
                self._start_task("qmstart", guest.node, guest.vmid, lambda: self._start(guest), user="root@pam")
            return said

        return self.locked_task("qmreboot", guest, run)

    def reset(self, call: str, guest: FakeGuest) -> str:
        _require_running(guest, call)

        def run() -> str:
            guest.silent = guest.silent_looks
            return "OK"

        return self.locked_task("qmreset", guest, run)

    def destroy(self, call: str, guest: FakeGuest) -> str:
        if guest.protection:
            raise Refused(f"can't remove VM {guest.vmid} - protection mode enabled", call=call)
        if guest.power != "stopped":
            raise Refused(f"VM {guest.vmid} is running - destroy failed", call=call)

        def run() -> str:
            based = [v for v, owner in self.volumes.items() if f"/base-{guest.vmid}-" in v and owner != guest.vmid]
            if based:
                return f"base volume '{guest.volumes['scsi0']}' is still in use by linked cloned"
            self.remove_guest(guest.vmid)
            return "OK"

        return self.locked_task("qmdestroy", guest, run)

    def power_on(self, guest: FakeGuest) -> None:
        self._counter += 1
        guest.power, guest.pid, guest.started_at = "running", 1000 + self._counter, self.now
        guest.booted_ipconfig, guest.silent = dict(guest.ipconfig), guest.silent_looks
        guest.booted = (guest.cores, guest.memory_mib)
        guest.handed = guest.handed or self.snippets.get(guest.vendor_data, "")

    def power_off(self, guest: FakeGuest) -> str:
        guest.power, guest.pid, guest.booted_ipconfig = "stopped", None, {}
        while guest.screens:
            guest.screens.pop().hang_up()
        return "OK"

    # Tasks

    def plain_task(self, kind: str, node: str, vmid: int, run: Callable[[], str]) -> str:
        """A task that holds no guest."""
        return self._start_task(kind, node, vmid, run)

    def locked_task(
        self, kind: str, guest: FakeGuest, run: Callable[[], str], *, cut_off: Callable[[], None] = lambda: None
    ) -> str:
        """A task that holds the guest's lock; `cut_off` is what a dying worker leaves behind."""
        if self.held(guest.vmid):
            return self._failing(kind, guest.node, guest.vmid, LOCK_TIMEOUT.format(guest.vmid))
        if guest.lock:
            return self._failing(kind, guest.node, guest.vmid, f"VM is locked ({guest.lock})")
        return self._start_task(kind, guest.node, guest.vmid, run, holds=guest.vmid, cut_off=cut_off)

    def _failing(self, kind: str, node: str, vmid: int, text: str) -> str:
        return self._start_task(kind, node, vmid, lambda: text)

    def _absent(self, kind: str, node: str, vmid: int) -> str:
        return self._failing(kind, node, vmid, f"unable to find configuration file for VM {vmid} on node '{node}'")

    def _running_or_stopped(self, node: str, vmid: int) -> FakeGuest | None:
        guest = self.guests.get(vmid)
        return guest if guest and guest.node == node else None

    def _start_task(
        self,
        kind: str,
        node: str,
        vmid: int,
        run: Callable[[], str],
        *,
        undo: Callable[[], None] = lambda: None,
        cut_off: Callable[[], None] = lambda: None,
        holds: int = 0,
        user: str = "root@pam!hostler",
    ) -> str:
        self._counter += 1
        upid = f"UPID:{node}:{self._counter:08X}:{self._counter:08X}:{self.now:08X}:{kind}:{vmid}:{user}:"
        task = FakeTask(upid, node, kind, holds, self.now, run, undo, cut_off, fate=self._take_fate(kind))
        self.tasks[upid] = task
        if self.task_looks == 0:
            self.finish(task)
        return upid

    def _take_fate(self, kind: str) -> str | None:
        fate = next((fate for fate in self._fates if fate[0] == kind), None)
        if fate is None:
            return None
        self._fates.remove(fate)
        return fate[1]

    def finish(self, task: FakeTask) -> None:
        """End a running task as its fate has it."""
        if task.fate:
            (task.cut_off if task.fate == LOST else task.undo)()
        task.exit_text = task.fate or task.run()
        task.ended_at = self.now
        if task.exit_text != LOST:
            task.log.append("TASK OK" if task.exit_text == "OK" else f"TASK ERROR: {task.exit_text}")

    def interrupt(self, upid: str) -> None:
        """SIGTERM for a task's worker: it cleans up and ends."""
        task = self.tasks.get(upid)
        if task is not None and task.exit_text is None:
            task.fate = "received interrupt"
            self.finish(task)

    def _abort(self, kind: str, vmid: int) -> None:
        for task in self.running():
            if task.kind == kind and task.holds == vmid:
                task.fate = "received interrupt"
                self.finish(task)

    def _writable(self, call: str) -> None:
        if not self.quorate:
            raise Busy("cluster not ready - no quorum?", call=call)

    def _new_mac(self) -> str:
        self._counter += 1
        return "BC:24:11:" + ":".join(f"{byte:02X}" for byte in self._counter.to_bytes(3, "big"))

    def _new_uuid(self) -> str:
        self._counter += 1
        return str(uuid.UUID(int=self._counter, version=4))


def _storage(name: str) -> StorageRow:
    content = frozenset({"backup"} if name == "backups" else {"backup", "images", "snippets"})
    return StorageRow(name, "dir", False, True, content, 10 * 1024**4, 8 * 1024**4)


def digest_of(guest: FakeGuest) -> str:
    return f"{guest.vmid:020x}{guest.revision:020x}"


def _require_running(guest: FakeGuest, call: str) -> None:
    if guest.power == "stopped":
        raise Refused(f"VM {guest.vmid} not running", call=call)


def _invalid(call: str, key: str, text: str) -> HypervisorError:
    fields: Mapping[str, str] = {key: text}
    return Invalid(f"Parameter verification failed. {key}: {text}", call=call, fields=fields)

"""The port to a hypervisor: what we ask of it, in our words.

Two things implement it: `proxmox.ProxmoxHypervisor` and `fake.FakeHypervisor`; one test suite holds both.
Every verb may raise the errors of `errors.py`. Effects answer with the UPID of the task that carries them
out; an accepted task proves nothing until it is `succeeded` and the guest has been read again. Memory is in
MiB, disks in GiB, times in epoch seconds of the hypervisor's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

GuestKind = Literal["qemu", "lxc"]
Power = Literal["running", "stopped", "paused"]
RowStatus = Literal["running", "stopped", "paused", "unknown"]
TaskState = Literal["running", "succeeded", "failed", "lost"]
Timeframe = Literal["hour", "day", "week", "month", "year"]
TaskCause = Literal["already", "busy", "conflict", "missing", "refused", "timeout", "unknown"]

# The verbs that change something. What is not named here only looks.
CHANGES = frozenset(
    {
        "clone",
        "configure",
        "resize",
        "migrate",
        "start",
        "stop",
        "shutdown",
        "reboot",
        "reset",
        "destroy",
        "take_snapshot",
        "roll_back",
        "delete_snapshot",
        "take_backup",
        "restore_backup",
        "delete_backup",
        "delete_volume",
        "reimage",
        "drop_unused",
        "set_password",
        "refresh_cloudinit",
        "set_firewall",
        "abort_task",
    }
)


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the cluster. Sizes are 0 where the credentials may not read them."""

    name: str
    online: bool
    cpus: int
    memory_mib: int
    memory_used_mib: int


class GuestRow(NamedTuple):
    """One line of the bulk read, made by the hundred thousand.

    `vmid`, `node`, `lock` and `tags` are live. The rest is up to ten seconds old, and absent for a new guest:
    then `status` is "unknown", `name` is None, `template` is False and the sizes are 0.
    """

    vmid: int
    node: str
    kind: GuestKind
    name: str | None
    status: RowStatus
    lock: str | None
    template: bool
    tags: frozenset[str]
    memory_mib: int
    cores: int
    uptime_s: int


@dataclass(frozen=True, slots=True)
class IpConfig:
    """Addresses of one network card as cloud-init hands them to the guest.

    `address` is CIDR ("10.99.0.100/24") or "dhcp"; `address6` is CIDR, "dhcp" or "auto". A gateway needs an
    address of its family in CIDR form.
    """

    address: str | None = None
    gateway: str | None = None
    address6: str | None = None
    gateway6: str | None = None


@dataclass(frozen=True, slots=True)
class Nic:
    """A network card. `firewall`: whether the guest's firewall filters what goes through it."""

    mac: str
    bridge: str
    firewall: bool
    vlan: int | None = None


@dataclass(frozen=True, slots=True)
class Uplink:
    """What a network card is plugged into; without a VLAN it is untagged."""

    bridge: str
    vlan: int | None = None


@dataclass(frozen=True, slots=True)
class GuestConfig:
    """The configuration of a guest, pending changes included.

    `macs`, `nics` and `ipconfig` are keyed by network card ("net0"), `volumes` and `disk_gib` by drive
    ("scsi0"); CD drives are left out, `cloudinit_drive` names the one that carries the cloud-init seed.
    `unused` holds volumes that belong to the guest and hang on no drive ("unused0"). `vendor_data` is the volume of the
    file that its cloud-init is given besides Proxmox's own. `digest` changes with every edit.
    """

    vmid: int
    node: str
    name: str | None
    description: str
    smbios_uuid: str | None
    macs: Mapping[str, str]
    volumes: Mapping[str, str]
    disk_gib: Mapping[str, float]
    cores: int
    memory_mib: int
    lock: str | None
    digest: str
    ipconfig: Mapping[str, IpConfig]
    template: bool
    tags: frozenset[str]
    protection: bool
    agent_enabled: bool
    cloudinit_drive: str | None
    nics: Mapping[str, Nic] = field(default_factory=dict)
    unused: Mapping[str, str] = field(default_factory=dict)
    vendor_data: str | None = None


@dataclass(frozen=True, slots=True)
class GuestSnapshot:
    """A state that the guest can go back to. One that is not `complete` was left behind by a dead worker."""

    name: str
    description: str
    taken_at: int | None
    with_memory: bool
    complete: bool


@dataclass(frozen=True, slots=True)
class BackupVolume:
    """A backup on a storage; `notes` is what was given with it."""

    volume: str
    vmid: int
    size_bytes: int
    made_at: int
    notes: str
    protected: bool


@dataclass(frozen=True, slots=True)
class StorageRow:
    """A storage as a node sees it; `content` such as "images" and "backup". Sizes are 0 while it is not active."""

    name: str
    kind: str
    shared: bool
    active: bool
    content: frozenset[str]
    total_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class GuestFirewall:
    """The guest's own firewall. `allowed`: per network card, the addresses it may send from."""

    enabled: bool
    mac_filter: bool
    ip_filter: bool
    allowed: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class GuestStatus:
    """What a guest does now. `agent_enabled` says that the agent is configured, not that it answers."""

    power: Power
    lock: str | None
    uptime_s: int
    pid: int | None
    agent_enabled: bool


@dataclass(frozen=True, slots=True)
class GuestAddress:
    """An address the guest agent reports; `mac` is upper case."""

    mac: str
    address: str
    prefix: int
    family: Literal[4, 6]


@dataclass(frozen=True, slots=True)
class GuestSettings:
    """What to change in a guest's configuration: None leaves a setting alone, an empty value removes it.

    `tags=frozenset()` thus drops tags inherited from a template. `ssh_keys` are whole public key lines.
    `ipconfig` and `uplinks` are keyed by network card ("net0"); a card that is not there stays away. `vendor_data` is
    the volume of a snippet, which has to be there whenever the guest starts.
    """

    name: str | None = None
    description: str | None = None
    tags: frozenset[str] | None = None
    cores: int | None = None
    memory_mib: int | None = None
    protection: bool | None = None
    start_at_boot: bool | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ssh_keys: tuple[str, ...] | None = None
    ipconfig: Mapping[str, IpConfig] = field(default_factory=dict)
    uplinks: Mapping[str, Uplink] = field(default_factory=dict)
    nameserver: str | None = None
    search_domain: str | None = None
    upgrade_packages: bool | None = None
    vendor_data: str | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A task of the hypervisor.

    `state` is "lost" when its worker died without a last word: the effect is then unknown, as with
    `Ambiguous`. `cause` sorts the text of a failed task: "already" (it is so), "busy" (try again), "conflict"
    (VMID taken), "missing" (no such guest), "refused" (a definite no), "timeout" (the guest did not react in
    time), "unknown". `warnings` is True when it succeeded with warnings. `vmid` is what the task is filed
    under: the *source* for a clone. `user` is "user@realm" or "user@realm!token".
    """

    upid: str
    node: str
    kind: str
    vmid: int | None
    user: str
    state: TaskState
    text: str
    cause: TaskCause | None
    warnings: bool
    started_at: int
    ended_at: int | None


@dataclass(frozen=True, slots=True)
class Sample:
    """What was measured of a guest in the time up to `at`; None where nothing was.

    `cpu` is the share of its cores (0 to 1), `memory_bytes` what is in use; the rest are bytes per second.
    """

    at: int
    cpu: float | None
    memory_bytes: float | None
    disk_read: float | None
    disk_write: float | None
    net_in: float | None
    net_out: float | None


class Console(Protocol):
    """The screen of a guest: the remote framebuffer protocol from the viewer's ClientInit on, authentication done.

    `read` answers b"" once the guest or the hypervisor has ended it.
    """

    async def read(self) -> bytes: ...

    async def write(self, data: bytes) -> None: ...

    async def close(self) -> None: ...


class Hypervisor(Protocol):
    """One cluster. Safe to share between coroutines."""

    @property
    def cluster(self) -> str: ...

    async def version(self) -> str:
        """The product version, such as "8.4.21"."""
        ...

    async def quorate(self) -> bool:
        """Whether the node that answers belongs to the majority. Without it reads are stale: absence proves
        nothing.
        """
        ...

    async def nodes(self) -> list[Node]: ...

    async def guests(self) -> list[GuestRow]:
        """All guests the credentials may see, in one read."""
        ...

    async def vmid_taken(self, vmid: int) -> bool:
        """Whether any guest of the cluster has this VMID; needs no privilege and reserves nothing."""
        ...

    async def config(self, node: str, vmid: int) -> GuestConfig:
        """Raises Missing when the guest is not on this node."""
        ...

    async def status(self, node: str, vmid: int) -> GuestStatus:
        """Raises Missing when the guest is not on this node."""
        ...

    async def addresses(self, node: str, vmid: int) -> list[GuestAddress]:
        """What the guest agent reports, no loopback or link-local. Raises AgentSilent, Denied, Missing."""
        ...

    async def volumes(self, node: str, storage: str, vmid: int) -> list[str]:
        """Ids of the volumes a storage really holds for this VMID, also those no configuration mentions."""
        ...

    async def mentions(self, node: str, vmid: int, volume: str) -> bool:
        """Whether a guest's configuration, or that of one of its snapshots, names a volume in whatever way. Raises
        Missing when the guest is not on this node.
        """
        ...

    async def delete_volume(self, node: str, storage: str, volume: str) -> str | None:
        """Delete a disk that hangs on no guest; the task, or None when it was done at once. Needs the privilege to
        allocate on the storage as a whole.
        """
        ...

    async def clone(
        self,
        node: str,
        template: int,
        vmid: int,
        *,
        name: str,
        description: str,
        full: bool,
        storage: str | None = None,
        pool: str | None = None,
        target: str | None = None,
    ) -> str:
        """Copy `template`, which lives on `node`, to the new VMID; the task runs on `node`, filed under
        `template`.

        `storage` needs `full`. Raises Conflict when the VMID is seen taken at once; otherwise the task fails
        with cause "conflict". Name and description appear in the configuration only after the first disk is
        copied.
        """
        ...

    async def configure(self, node: str, vmid: int, settings: GuestSettings, digest: str | None = None) -> None:
        """Change settings; of a running guest some stay pending until it is stopped and started.

        With `digest`, raises Stale when the configuration is no longer the one read. Empty settings are no
        call.
        """
        ...

    async def resize(self, node: str, vmid: int, disk: str, size_gib: int) -> str:
        """Grow a drive to an absolute size; the same size succeeds, a smaller one fails in the task
        ("refused").
        """
        ...

    async def start(self, node: str, vmid: int) -> str:
        """A running guest makes the task fail with cause "already"; a missing one with "missing"."""
        ...

    async def stop(self, node: str, vmid: int, *, overrule_shutdown: bool = False) -> str:
        """Cut the power; a stopped guest succeeds. `overrule_shutdown` ends a shutdown that holds the guest's
        lock.
        """
        ...

    async def shutdown(self, node: str, vmid: int, *, timeout_s: int, force: bool) -> str:
        """Ask the guest to shut down; after `timeout_s` the task fails, or cuts the power with `force`."""
        ...

    async def reboot(self, node: str, vmid: int) -> str:
        """Shut down, then start; the task ends before the guest runs again. Raises Refused when stopped."""
        ...

    async def reset(self, node: str, vmid: int) -> str:
        """Press the reset button. Raises Refused when stopped."""
        ...

    async def destroy(self, node: str, vmid: int) -> str:
        """Delete a stopped guest, all its volumes and what refers to it. Raises Refused when running or
        protected.
        """
        ...

    async def pending(self, node: str, vmid: int) -> frozenset[str]:
        """Settings that a running guest takes over only when it has been off and on ("cores", "memory")."""
        ...

    async def snapshots(self, node: str, vmid: int) -> list[GuestSnapshot]:
        """Oldest first."""
        ...

    async def take_snapshot(
        self, node: str, vmid: int, name: str, *, description: str = "", memory: bool = False
    ) -> str:
        """`name`: at most 40 letters, digits, "_" and "-", a letter first. A name that is there makes the task fail
        with cause "conflict".
        """
        ...

    async def roll_back(self, node: str, vmid: int, name: str) -> str:
        """Disks and configuration as they were. The guest is cut off; only from memory does it run again.

        A volume that came after the snapshot becomes unused.
        """
        ...

    async def delete_snapshot(self, node: str, vmid: int, name: str) -> str:
        """A volume that only this snapshot held becomes unused."""
        ...

    async def backups(self, node: str, storage: str, vmid: int) -> list[BackupVolume]:
        """Oldest first."""
        ...

    async def take_backup(self, node: str, vmid: int, *, storage: str, notes: str) -> str:
        """Copy the guest to a storage while it runs; one at a time on a node, others wait in their tasks.

        `notes` (one line) are written last. Raises Missing when the guest is not on this node.
        """
        ...

    async def archive(self, upid: str, storage: str) -> str | None:
        """The volume that the task of a backup makes on the storage, as its log names it, whatever became of it; None
        while it has named none.
        """
        ...

    async def restore_backup(self, node: str, vmid: int, *, volume: str, storage: str) -> str:
        """Put a backup in the place of a stopped guest: same VMID, its configuration and disks."""
        ...

    async def delete_backup(self, node: str, storage: str, volume: str) -> str | None:
        """The task, or None when it was done at once."""
        ...

    async def reimage(self, node: str, vmid: int, *, disk: str, source: str, storage: str) -> str:
        """Put a copy of the volume `source` in the place of a drive; the old one becomes unused.

        The owner of `source` must be on this node.
        """
        ...

    async def drop_unused(self, node: str, vmid: int, volumes: frozenset[str]) -> None:
        """Delete those of these volumes that are unused; what else is unused stays. Raises Refused for one that a
        snapshot holds.
        """
        ...

    async def set_password(self, node: str, vmid: int, user: str, password: str) -> None:
        """Through the guest agent. Raises AgentSilent, and Refused when the guest's system does not want it."""
        ...

    async def refresh_cloudinit(self, node: str, vmid: int) -> None:
        """Write the cloud-init drive anew from the configuration, also that of a running guest."""
        ...

    async def firewall(self, node: str, vmid: int) -> GuestFirewall: ...

    async def set_firewall(self, node: str, vmid: int, *, allowed: Mapping[str, frozenset[str]]) -> None:
        """Let each network card send from its own MAC and exactly these addresses.

        Several calls, each harmless to repeat: after a failure the whole is simply done again.
        """
        ...

    async def ties(self, node: str, vmid: int) -> list[str]:
        """What of a guest is on its node alone, disks and devices; nothing: it can be moved to another."""
        ...

    async def migrate(self, node: str, vmid: int, target: str) -> str:
        """Move a stopped guest that nothing ties to another node."""
        ...

    async def series(self, node: str, vmid: int, timeframe: Timeframe) -> list[Sample]:
        """What was measured of a guest, oldest first, at even distances; of a guest that is not there nothing was."""
        ...

    async def console(self, node: str, vmid: int) -> Console:
        """The screen of a running guest. Raises Missing, or Unreachable when it shows none: it may not run."""
        ...

    async def storages(self, node: str) -> list[StorageRow]: ...

    async def abort_task(self, upid: str) -> None:
        """Have a running task clean up and end; one that has ended is left alone."""
        ...

    async def task(self, upid: str) -> Task:
        """Raises Missing when the task is no longer known, Invalid when this is not a UPID."""
        ...

    async def task_log(self, upid: str, limit: int = 500) -> list[str]: ...

    async def tasks(
        self, node: str, *, vmid: int | None = None, kind: str | None = None, since: int | None = None
    ) -> list[Task]:
        """Running and finished tasks of a node, newest first; `kind` such as "qmclone". Old ones are
        forgotten.
        """
        ...

    async def server_time(self) -> int | None:
        """The hypervisor's clock, carried on from its last answer and never ahead; None before the first."""
        ...

    async def close(self) -> None:
        """Release connections; calls after it fail."""
        ...

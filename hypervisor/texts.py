"""Proxmox's wording, sorted into our errors. Everything here was said by the sources named beside it.

Proxmox answers nearly every failure with status 500 and a sentence, so the sentence decides. Only sentences
that are said *before* anything is changed may be sorted into `NotExecuted`; what is not known stays
ambiguous.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from hypervisor.errors import (
    AgentSilent,
    Ambiguous,
    Busy,
    Conflict,
    Denied,
    HypervisorError,
    Invalid,
    Missing,
    Refused,
    Stale,
    Unreachable,
)
from hypervisor.port import TaskCause

Kind = type[HypervisorError]

SENTENCES: list[tuple[str, Kind]] = [
    # pve-common RESTEnvironment.pm fork_worker: the worker runs, only the list of tasks could not be locked
    (r"\.active\.lock' - got timeout", Ambiguous),
    # pve-guest-common AbstractConfig.pm load_config; pve-cluster Cluster.pm check_vmid_unused
    (r"^Configuration file 'nodes/[^']+\.conf' does not exist", Missing),
    (r"^unable to find configuration file for (VM|CT) \d+ on node", Missing),
    # pve-common Tools.pm assert_if_modified; pve-guest-common AbstractConfig.pm
    (r"^checksum mismatch \(file change by other user\?\)", Stale),
    (r"^detected modified configuration - file changed by other user", Stale),
    # qemu-server API2/Qemu.pm clone_vm; pve-guest-common AbstractConfig.pm create_and_lock_config
    (r"^unable to create (VM|CT) \d+: config file already exists", Conflict),
    (r"^unable to (create|restore) (VM|CT) \d+ - (VM|CT) \d+ already exists on node", Conflict),
    # pve-cluster memdb.c memdb_rename
    (r"close \(rename\) atomic file '/etc/pve/.*failed: File exists", Conflict),
    # pve-guest-common AbstractConfig.pm check_lock; pve-common Tools.pm lock_file
    (r"^(VM|CT) is locked \(", Busy),
    (r"can't lock file '[^']*' - got timeout", Busy),
    # pve-cluster Cluster.pm cfs_lock, check_cfs_quorum
    (r"cfs-lock '[^']*' error: got lock request timeout", Busy),
    (r"'storage-[^']*'-locked command timed out", Busy),
    (r"cluster not ready - no quorum", Busy),
    # pve-common RESTEnvironment.pm fork_worker; pve-manager HTTPServer.pm
    (r"^(unable to fork worker|got no worker upid - start worker failed|starting worker failed)", Busy),
    (r"^RPCEnvironment init request failed", Busy),
    # pve-cluster Cluster.pm remote_node_ip: an unknown node, or a name that cannot be resolved just now
    (r"^hostname lookup '[^']*' failed", Unreachable),
    # qemu-server API2/Qemu/Agent.pm, QemuServer/Agent.pm, QemuServer/Monitor.pm
    (r"^No QEMU guest agent configured", AgentSilent),
    (r"^QEMU guest agent is not running", AgentSilent),
    (r"^VM \d+ is not running$", AgentSilent),
    (r"^VM \d+ (qga|qmp) command 'guest-[^']*' failed", AgentSilent),
    (r"^Agent error:", AgentSilent),
    # qemu-server API2/Qemu.pm destroy_vm, vm_reset, vm_reboot, vm_shutdown
    (r"^VM \d+ is running - destroy failed", Refused),
    (r"protection mode enabled", Refused),
    (r"used in HA resources and purge parameter not set", Refused),
    (r"^VM \d+ not running", Refused),
    (r"^VM is paused - cannot shutdown", Refused),
    # qemu-server API2/Qemu.pm migrate_vm
    (r"^can't migrate running VM without --online", Refused),
    # qemu-server API2/Qemu.pm clone_vm; pve-storage Storage.pm storage_check_node
    (r"^parameter '(storage|format)' not allowed for linked clones", Refused),
    (r"^(Linked|Full) clone feature is not supported for", Refused),
    (r"^can't clone (VM )?to", Refused),
    (r"^cannot clone TPM state while VM is running", Refused),
    (r"^no such cluster node '", Refused),
    (r"^storage '[^']*' (does not exist|is disabled|is not available on node)", Refused),
    (r"^(pool|snapshot) '[^']*' does not exist", Refused),
    # qemu-server API2/Qemu.pm create_vm, create_disks
    (r"^unable to restore VM \d+ - (VM is locked \(|can't lock file )", Busy),
    (r"^unable to restore VM \d+ - vm is running", Refused),
    (r"^unable to restore VM \d+ - ", Refused),
    (r"^volume '[^']*' does not exist", Refused),
    (r"^owner VM \d+ not on local node", Refused),
    # qemu-server QemuServer.pm try_deallocate_drive
    (r"^unable to delete '[^']*' - volume is still in use", Refused),
    # qemu-server API2/Qemu.pm update_vm_api, check_vm_modify_config_perm
    (r"^no options specified", Refused),
    (r"^only root can set '", Refused),
    (r"^SSH public key validation error", Refused),
]

# What only a task says of itself; unlike the above it may have changed things before it failed.
TASK_SENTENCES: list[tuple[str, TaskCause]] = [
    # qemu-server QemuServer.pm vm_start_nolock, _do_vm_stop
    (r"^VM \d+ already running", "already"),
    (r"^VM quit/powerdown failed - got timeout", "timeout"),
    (r"^you can't start a vm if it's a template", "refused"),
    # qemu-server API2/Qemu.pm resize_vm
    (r"^(shrinking disks is not supported|you can't resize a cdrom|disk '[^']*' does not exist)", "refused"),
    # pve-guest-common AbstractConfig.pm snapshot_prepare, snapshot_rollback, snapshot_delete
    (r"^snapshot name '[^']*' already used", "conflict"),
    (r"^(you can't take a snapshot if it's a template|snapshot feature is not available)", "refused"),
    (r"^unable to rollback to incomplete snapshot", "refused"),
    # pve-storage Storage.pm vdisk_free
    (r"is still in use by linked clone", "refused"),
]

CAUSES: dict[Kind, TaskCause] = {
    Missing: "missing",
    Stale: "busy",
    Conflict: "conflict",
    Busy: "busy",
    Refused: "refused",
}


class Answer(NamedTuple):
    """An answer that is no success: `text` is the message of its body or else the reason phrase."""

    status: int
    text: str
    fields: Mapping[str, str]


def sort(answer: Answer, *, mutating: bool) -> Kind:
    """The error an answer amounts to; `mutating` says whether the call could change anything.

    The statuses from 595 on are AnyEvent::HTTP's, passed on by pveproxy: 595 means that it could not connect,
    the others that it stopped listening, after 30 s say, while the handler goes on.
    """
    match answer.status:
        case 400:
            return _sort_fields(answer.fields)
        case 401 | 403:
            return Denied
        case 429:
            return Busy
        case 500:
            return _sentence(answer.text) or _unclear(mutating)
        case 501 | 506:
            return Refused
        case 595:
            return Unreachable
        case 596 if "certificate verify failed" in answer.text:
            return Unreachable
    return Refused if answer.status < 500 else _unclear(mutating)


def sort_task(text: str) -> TaskCause:
    """Why a task failed, from its exit text."""
    for pattern, cause in TASK_SENTENCES:
        if re.search(pattern, text):
            return cause
    kind = _sentence(text)
    return CAUSES.get(kind, "unknown") if kind else "unknown"


def archive(log: Iterable[str], storage: str) -> str | None:
    """The volume that a backup's log says it makes on the storage."""
    for line in log:
        # pve-manager VZDump.pm exec_backup_task
        if named := re.search(r"creating (vzdump|Proxmox Backup Server) archive '([^']+)'", line):
            name = named[2].rpartition("/")[2] if named[1] == "vzdump" else named[2]
            return f"{storage}:backup/{name}"
    return None


def _sort_fields(fields: Mapping[str, str]) -> Kind:
    # pve-manager API2/Cluster.pm nextid; pve-manager API2/Tasks.pm
    if re.search(r"^(VM|CT) \d+ already exists", fields.get("vmid", "")):
        return Conflict
    if fields.get("upid", "").startswith("no such task"):
        return Missing
    return Invalid


def _sentence(text: str) -> Kind | None:
    return next((kind for pattern, kind in SENTENCES if re.search(pattern, text)), None)


def _unclear(mutating: bool) -> Kind:
    return Ambiguous if mutating else Unreachable

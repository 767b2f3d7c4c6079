"""What Hostler must be allowed to do, by release of Proxmox: never more than it uses.

From the `permissions` of each call in qemu-server API2/Qemu.pm, pve-storage API2/Storage and pve-manager API2.
On 8 the guest agent is asked with VM.Monitor. That is gone on 9: VM.GuestAgent.Audit reads addresses, and a password
is set with VM.GuestAgent.Unrestricted alone (qemu-server API2/Qemu/Agent.pm).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

Release = Literal[8, 9]

VM = frozenset(
    {
        *("VM.Allocate", "VM.Audit", "VM.Backup", "VM.Clone", "VM.Console", "VM.Migrate", "VM.PowerMgmt"),
        *("VM.Config.CDROM", "VM.Config.CPU", "VM.Config.Cloudinit", "VM.Config.Disk", "VM.Config.HWType"),
        *("VM.Config.Memory", "VM.Config.Network", "VM.Config.Options", "VM.Snapshot", "VM.Snapshot.Rollback"),
    }
)
AGENT: Mapping[Release, frozenset[str]] = {
    8: frozenset({"VM.Monitor"}),
    9: frozenset({"VM.GuestAgent.Audit", "VM.GuestAgent.Unrestricted"}),
}
STORAGE = frozenset({"Datastore.AllocateSpace", "Datastore.Audit"})
NETWORK = frozenset({"SDN.Use"})
POOL = frozenset({"Pool.Audit"})
CLUSTER = frozenset({"Sys.Audit"})
LOCAL_ZONE = "localnetwork"  # what plain bridges belong to


def release_of(version: str) -> Release | None:
    """The release of a version such as "8.4.21", or None when Hostler does not know it."""
    releases: Mapping[str, Release] = {"8": 8, "9": 9}
    return releases.get(version.partition(".")[0])


def guests(release: Release) -> frozenset[str]:
    """What is needed on `/vms`."""
    return VM | AGENT[release]


def work_role(release: Release) -> frozenset[str]:
    """The role that is granted on guests, storages, network and pool."""
    return guests(release) | STORAGE | NETWORK | POOL


def zone_path(zone: str) -> str:
    """Where the rights on a zone's networks are granted."""
    return f"/sdn/zones/{zone}"


def needed(
    release: Release, storages: Sequence[str], bridge: str, *, zone: str = LOCAL_ZONE, pool: str | None = None
) -> dict[str, frozenset[str]]:
    """Privileges by path: what a token has to have in the end. `zone` is the bridge's."""
    paths = {"/": CLUSTER, "/vms": guests(release)}
    paths |= {f"/storage/{storage}": STORAGE for storage in storages}
    paths |= {f"{zone_path(zone)}/{bridge}": NETWORK}
    return paths | ({f"/pool/{pool}": POOL} if pool else {})

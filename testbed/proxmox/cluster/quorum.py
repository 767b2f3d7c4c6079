"""What a cluster without quorum refuses (pve-cluster PVE/Cluster.pm check_cfs_quorum, cfs_lock)."""

from typing import TYPE_CHECKING

from testbed.proxmox.errors import Die

if TYPE_CHECKING:
    from testbed.proxmox.cluster.cluster import Cluster

#: Calls that change a file of the cluster under its lock, by the beginning of their paths.
LOCKS = {"/access/": "file-user_cfg", "/pools": "file-user_cfg", "/storage": "file-storage_cfg"}
LOGINS = ("/access/ticket", "/access/vncticket", "/access/openid/")


def check_quorum(cluster: "Cluster") -> None:
    """Raise `Die` unless the cluster may change its configuration."""
    if not cluster.quorate:
        raise Die("cluster not ready - no quorum?")


def check_lockable(cluster: "Cluster", method: str, path: str) -> None:
    """Raise `Die` for a call that needs the lock of a file which pmxcfs does not give now."""
    if method == "GET" or cluster.quorate or path.startswith(LOGINS):
        return
    for beginning, lock in LOCKS.items():
        if path.startswith(beginning):
            raise Die(f"cfs-lock '{lock}' error: no quorum!")

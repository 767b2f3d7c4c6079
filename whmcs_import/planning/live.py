"""What Proxmox says, at this moment, about the VMs an import would adopt. It stands beside the plan, not in its hash.

This only looks. Whether a VM is adopted is decided after the import, with more facts than these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from hypervisor.clusters import open_cluster
from hypervisor.errors import HypervisorError
from hypervisor.port import GuestRow
from runtime.settings import Cluster

Guests = dict[int, GuestRow] | str  # the guests of a cluster by VMID, or why it could not be asked


async def look(clusters: Sequence[Cluster], adoption: list[dict[str, Any]]) -> dict[str, Any]:
    """Add what each named VM is to its row of the adoption table; answers with counts and the time.

    A cluster that cannot be asked is no reason to stop: its VMs are `unreachable`, which is not `missing`.

    Raises:
        SettingsError: a token's secret cannot be read.
    """
    guests = {cluster.name: await _guests(cluster) for cluster in clusters}
    named = [row for row in adoption if row["vmid"] is not None]
    for row in named:
        row["live"] = _seen(guests.get(row["cluster"]), row["vmid"], row["sold"])
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "counts": dict(sorted(Counter(row["live"]["state"] for row in named).items())),
        "differ": sum(bool(row["live"].get("differs")) for row in named),
        "errors": {name: found for name, found in guests.items() if isinstance(found, str)},
    }


def _seen(guests: Guests | None, vmid: int, sold: Mapping[str, int]) -> dict[str, Any]:
    if guests is None:
        return {"state": "cluster_not_configured"}
    if isinstance(guests, str):
        return {"state": "unreachable"}
    guest = guests.get(vmid)
    if guest is None:
        return {"state": "missing"}
    state = "template" if guest.template else "container" if guest.kind == "lxc" else "found"
    seen = {"state": state, "node": guest.node, "name": guest.name, "status": guest.status}
    if guest.status == "unknown":  # its sizes are too
        return seen
    actual = {"vcpus": guest.cores, "memory_mib": guest.memory_mib}
    differs = sorted(name for name, size in actual.items() if size != sold[name])
    return {**seen, "actual": actual, "differs": differs}


async def _guests(cluster: Cluster) -> Guests:
    hypervisor = open_cluster(cluster)
    try:
        if not await hypervisor.quorate():
            return "the cluster has no quorum"
        return {guest.vmid: guest for guest in await hypervisor.guests()}
    except HypervisorError as error:
        return str(error)
    finally:
        await hypervisor.close()

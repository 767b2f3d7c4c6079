"""Containers: they are there to be seen and to occupy ids; nothing can be done to them."""

from collections.abc import Iterator
from typing import Any

from testbed.proxmox.store import Store

GIB = 1024**3


class Containers:
    """The LXC containers of an inventory."""

    def __init__(self, store: Store, first_node: str) -> None:
        self._store = store
        kept = store.get("setting", "containers") or []
        self._rows: dict[int, dict[str, Any]] = {row["vmid"]: {"node": first_node, **row} for row in kept}

    def __contains__(self, vmid: int) -> bool:
        return vmid in self._rows

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._rows.values())

    def node(self, vmid: int) -> str:
        """The node of a container."""
        return str(self._rows[vmid]["node"])

    def row(self, vmid: int) -> dict[str, Any]:
        """A container."""
        return self._rows[vmid]

    def of(self, node: str) -> list[dict[str, Any]]:
        """The rows of a node, which they do not name."""
        mine = [row for row in self._rows.values() if row["node"] == node]
        return [{key: value for key, value in row.items() if key != "node"} for row in mine]

    def add(self, node: str, vmid: int, name: str, status: str, cores: int, memory_mib: int, disk_gib: int) -> None:
        """Add one."""
        sizes = {"maxmem": memory_mib * 1024**2, "maxdisk": disk_gib * GIB}
        idle = dict.fromkeys(("cpu", "mem", "disk", "uptime", "netin", "netout", "diskread", "diskwrite"), 0)
        self._rows[vmid] = {"node": node, "vmid": vmid, "name": name, "status": status, "cpus": cores, **sizes, **idle}
        self._store.put("setting", "containers", list(self._rows.values()))

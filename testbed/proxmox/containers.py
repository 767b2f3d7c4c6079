"""Containers: they are there to be seen and to occupy ids; nothing can be done to them."""

from collections.abc import Iterator
from typing import Any

from testbed.proxmox.store import Store

GIB = 1024**3


class Containers:
    """The LXC containers of an inventory."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rows: dict[int, dict[str, Any]] = {row["vmid"]: row for row in store.get("setting", "containers") or []}

    def __contains__(self, vmid: int) -> bool:
        return vmid in self._rows

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._rows.values())

    def add(self, vmid: int, name: str, status: str, cores: int, memory_mib: int, disk_gib: int) -> None:
        """Add one."""
        sizes = {"maxmem": memory_mib * 1024**2, "maxdisk": disk_gib * GIB}
        idle = dict.fromkeys(("cpu", "mem", "disk", "uptime", "netin", "netout", "diskread", "diskwrite"), 0)
        self._rows[vmid] = {"vmid": vmid, "name": name, "status": status, "cpus": cores, **sizes, **idle}
        self._store.put("setting", "containers", list(self._rows.values()))

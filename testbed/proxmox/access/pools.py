"""Pools: named sets of VMs and storages at which rights can be given (pve-access-control user.cfg)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Pool:
    """One pool."""

    comment: str = ""
    vms: set[int] = field(default_factory=set)
    storages: set[str] = field(default_factory=set)


class Pools:
    """All pools by name; a VM is in one of them at most."""

    def __init__(self, kept: Mapping[str, dict[str, Any]] | None = None) -> None:
        self._pools: dict[str, Pool] = {}
        self._of_vm: dict[int, str] = {}
        for name, record in (kept or {}).items():
            self._pools[name] = Pool(record["comment"], set(record["vms"]), set(record["storages"]))
            self._of_vm |= dict.fromkeys(record["vms"], name)

    def kept(self) -> dict[str, dict[str, Any]]:
        """The records to write."""
        return {
            name: {"comment": pool.comment, "vms": sorted(pool.vms), "storages": sorted(pool.storages)}
            for name, pool in self._pools.items()
        }

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._pools))

    def __contains__(self, name: str) -> bool:
        return name in self._pools

    def items(self) -> list[tuple[str, Pool]]:
        """The pools with their names."""
        return sorted(self._pools.items())

    def get(self, name: str) -> Pool | None:
        """A pool, if it exists."""
        return self._pools.get(name)

    def of_vm(self, vmid: int) -> str | None:
        """The pool of a VM."""
        return self._of_vm.get(vmid)

    def create(self, name: str, comment: str = "") -> None:
        """Add an empty pool."""
        self._pools[name] = Pool(comment)

    def delete(self, name: str) -> None:
        """Remove a pool."""
        for vmid in self._pools.pop(name).vms:
            del self._of_vm[vmid]

    def add_vm(self, vmid: int, name: str) -> None:
        """Put a VM into a pool, out of any other."""
        self.remove_vm(vmid)
        self._pools[name].vms.add(vmid)
        self._of_vm[vmid] = name

    def remove_vm(self, vmid: int) -> bool:
        """Take a VM out of its pool; whether it was in one."""
        name = self._of_vm.pop(vmid, None)
        if name is None:
            return False
        self._pools[name].vms.discard(vmid)
        return True

    def remove_storage(self, storage: str) -> None:
        """Take a storage out of all pools."""
        for pool in self._pools.values():
            pool.storages.discard(storage)

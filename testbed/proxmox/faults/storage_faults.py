"""Storages that are full, and locks that somebody holds, on demand."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any

from testbed.proxmox.cluster.cluster import Cluster
from testbed.proxmox.cluster.locks import storage_lock, vm_lock
from testbed.proxmox.cluster.node import Node
from testbed.proxmox.errors import Die, parameter_errors
from testbed.proxmox.storage.storage import Storage

#: How long the holder himself waits for a lock.
PATIENCE = 3600.0


class StorageFaults:
    """Fills storages, and holds locks of storages and VMs."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._held: dict[str, asyncio.Task[None]] = {}

    async def show_storages(self, rest: str, _body: Any) -> Any:
        """Each storage, or the named one, as the first node sees it; bytes."""
        if rest:
            return self._row(self._cluster.storages.check_known(rest))
        return [self._row(storage) for storage in self._cluster.storages]

    def _row(self, storage: Storage) -> dict[str, Any]:
        volumes = self._cluster.first.volumes
        sizes = {"size": storage.size, "used": volumes.used(storage), "free": volumes.room(storage)}
        return {"storage": storage.name, "type": storage.type, "shared": storage.shared, **sizes}

    async def set_storage(self, rest: str, body: dict[str, Any]) -> Any:
        """Set the `size`, or leave only `free` bytes; `full` true or false is none left, or all that is not in use."""
        storage, unknown = self._cluster.storages.check_known(rest), set(body) - {"size", "free", "full"}
        sizes = [body.get("size", 0), body.get("free", 0)]
        if unknown or not all(isinstance(size, int) and size >= 0 for size in sizes):
            raise parameter_errors({"storage": "size and free are bytes, full is true or false"})
        storage.size = body.get("size", storage.size)
        if {"free", "full"} & set(body):
            storage.foreign = 0
        if "free" in body or body.get("full"):
            storage.foreign = max(self._cluster.first.volumes.room(storage) - body.get("free", 0), 0)
        self._cluster.storages.save(storage)
        return self._row(storage)

    async def show_locks(self, _rest: str, _body: Any) -> Any:
        """The locks that are held by hand."""
        return sorted(name for name, task in self._held.items() if not task.done())

    async def hold(self, rest: str, body: dict[str, Any]) -> Any:
        """Hold the lock of a `storage` or a `vmid` for some `seconds`, on a `node` if it is a local one's."""
        node = self._cluster.nodes.get(body.get("node", self._cluster.first.name))
        if node is None or ("storage" in body) == ("vmid" in body) or not isinstance(body.get("seconds"), int | float):
            raise parameter_errors({"lock": "needs storage or vmid, and seconds; node is one of the cluster's"})
        name, lock = self._lock(node, body)
        held = asyncio.Event()
        self._held[name] = self._cluster.soon(_hold(lock, body["seconds"], held))
        await held.wait()
        return await self.show_locks(rest, {})

    def _lock(self, node: Node, body: dict[str, Any]) -> tuple[str, AbstractAsyncContextManager[None]]:
        if "vmid" in body:
            path = vm_lock(int(body["vmid"]))
        else:
            storage = self._cluster.storages.check_known(body["storage"])
            if storage.shared:
                name = f"storage-{storage.name}"
                return name, self._cluster.locks.hold(name, PATIENCE)
            path = storage_lock(storage.name)
        return f"{node.name}:{path}", node.locks.hold(path, PATIENCE)

    async def give_back(self, rest: str, _body: Any) -> Any:
        """Let go of all locks."""
        for task in self._held.values():
            task.cancel()
        await asyncio.gather(*self._held.values(), return_exceptions=True)
        self._held.clear()
        return await self.show_locks(rest, {})


async def _hold(lock: AbstractAsyncContextManager[None], seconds: float, held: asyncio.Event) -> None:
    try:
        async with lock:
            held.set()
            await asyncio.sleep(seconds)
    except Die:
        held.set()

"""Copies of a guest's disks on Proxmox VE: snapshots, backups, and the image a drive is made of."""

from __future__ import annotations

from hypervisor import wire, wire_copies
from hypervisor.calls import Caller, guest_path, segment, volume_path
from hypervisor.errors import Ambiguous, Missing
from hypervisor.port import BackupVolume, GuestSnapshot


class Copies(Caller):
    """The verbs of the port that make, use and delete copies."""

    async def snapshots(self, node: str, vmid: int) -> list[GuestSnapshot]:
        return await self._read(wire_copies.snapshots_of, *guest_path(node, vmid), "snapshot")

    async def take_snapshot(
        self, node: str, vmid: int, name: str, *, description: str = "", memory: bool = False
    ) -> str:
        params = {"snapname": name, "description": description, "vmstate": int(memory)}
        return await self._task("post", *guest_path(node, vmid), "snapshot", **params)

    async def roll_back(self, node: str, vmid: int, name: str) -> str:
        return await self._task("post", *guest_path(node, vmid), "snapshot", segment(name), "rollback")

    async def delete_snapshot(self, node: str, vmid: int, name: str) -> str:
        return await self._task("delete", *guest_path(node, vmid), "snapshot", segment(name))

    async def backups(self, node: str, storage: str, vmid: int) -> list[BackupVolume]:
        path = ("nodes", segment(node), "storage", segment(storage), "content")
        return await self._read(wire_copies.backups_of, *path, content="backup", vmid=vmid)

    async def take_backup(self, node: str, vmid: int, *, storage: str, notes: str) -> str:
        path = ("nodes", segment(node), "vzdump")
        how = {"mode": "snapshot", "compress": "zstd", "remove": 0, "notes-template": _literal(notes)}
        upid = await self._call("post", path, {"vmid": vmid, "storage": storage, **how})
        if upid == "OK":  # pve-manager API2/VZDump.pm: none of the guests is on this node
            raise Missing(f"VM {vmid} is not on this node", call=f"POST /{'/'.join(path)}")
        if not isinstance(upid, str) or wire.upid_of(upid) is None:
            raise Ambiguous(f"answered {upid!r} instead of a task", call=f"POST /{'/'.join(path)}")
        return upid

    async def delete_volume(self, node: str, storage: str, volume: str) -> str | None:
        return await self.delete_backup(node, storage, volume)

    async def mentions(self, node: str, vmid: int, volume: str) -> bool:
        config = await self._read(dict, *guest_path(node, vmid), "config")
        if _names(config, volume) or "parent" not in config:
            return _names(config, volume)
        kept = [await self._config_then(node, vmid, snapshot.name) for snapshot in await self.snapshots(node, vmid)]
        return any(_names(config, volume) for config in kept)

    async def _config_then(self, node: str, vmid: int, snapshot: str) -> wire.Wire:
        return await self._read(dict, *guest_path(node, vmid), "snapshot", segment(snapshot), "config")

    async def restore_backup(self, node: str, vmid: int, *, volume: str, storage: str) -> str:
        params = {"vmid": vmid, "archive": volume, "storage": storage, "force": 1}
        return await self._task("post", "nodes", segment(node), "qemu", **params)

    async def delete_backup(self, node: str, storage: str, volume: str) -> str | None:
        path = ("nodes", segment(node), "storage", segment(storage), "content", volume_path(volume))
        upid = await self._call("delete", path, {})
        return upid if isinstance(upid, str) else None

    async def reimage(self, node: str, vmid: int, *, disk: str, source: str, storage: str) -> str:
        drive = f"{segment(storage)}:0,import-from={volume_path(source)}"
        return await self._task("post", *guest_path(node, vmid), "config", **{segment(disk): drive})

    async def drop_unused(self, node: str, vmid: int, volumes: frozenset[str]) -> None:
        config = await self._read(lambda data: data, *guest_path(node, vmid), "config")
        unused = sorted(key for key, value in config.items() if key.startswith("unused") and _volume(value) in volumes)
        if unused:
            params = {"delete": ",".join(unused), "digest": config["digest"]}
            await self._call("put", (*guest_path(node, vmid), "config"), params)


def _names(config: wire.Wire, volume: str) -> bool:
    return any(volume in value for value in config.values() if isinstance(value, str))


def _volume(drive: str) -> str:
    return drive.partition(",")[0].removeprefix("file=")


def _literal(notes: str) -> str:
    """Notes without what vzdump would fill in or unescape (pve-manager VZDump.pm generate_notes)."""
    return notes.replace("\\", "\\\\").replace("\n", "\\n")

"""Files on storages: ISO images, container templates, images to import. Their bytes are kept only if they came."""

import asyncio
import hashlib
import shutil
from pathlib import Path

from testbed.proxmox.cluster.node import Node
from testbed.proxmox.errors import Die
from testbed.proxmox.storage import contents
from testbed.proxmox.storage.storage import Storage, Volume

QCOW2_MAGIC, QCOW2_SIZE_AT, QCOW2_HEAD = b"QFI\xfb", 24, 32
ALGORITHMS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")


def real_path(node: Node, volume: Volume) -> Path:
    """Where the bytes of a file lie, if they do."""
    owner = volume.node or "shared"
    return node.cluster.directory / "content" / owner / volume.storage / contents.place(volume.name)


def find(node: Node, storage: Storage, name: str) -> Volume | None:
    """The file of a name on a storage."""
    return node.volumes.get(f"{storage.name}:{name}")


def add(node: Node, storage: Storage, name: str, size: int) -> Volume:
    """A new file; it takes the place of one of the same name."""
    shown = contents.parse(name, files=True).format
    volume = Volume(name, 0, size, size, "sim", storage=storage.name, format=shown)
    if old := find(node, storage, name):
        node.volumes.delete(old)
    return node.volumes.save(volume)


async def bring(node: Node, storage: Storage, name: str, source: Path) -> Volume:
    """A new file with the bytes of `source`, which is moved away."""
    volume = add(node, storage, name, await asyncio.to_thread(_size, source))
    await asyncio.to_thread(_move, source, real_path(node, volume))
    return volume


def _size(path: Path) -> int:
    return path.stat().st_size


def _move(source: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(source, path)


def remove(node: Node, volume: Volume) -> None:
    """Remove a file; raises `Die` for a protected one."""
    if volume.protected:
        raise Die(f"cannot remove protected volume '{volume.name}' on '{volume.storage}'")
    real_path(node, volume).unlink(missing_ok=True)
    node.volumes.delete(volume)


async def digest(path: Path, algorithm: str) -> str:
    """The checksum of a file."""
    return await asyncio.to_thread(_digest, path, algorithm)


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def virtual_size(path: Path) -> int:
    """The size of the disk in an image, in bytes: a qcow2's header tells it, other files are taken as they are."""
    with path.open("rb") as file:
        head = file.read(QCOW2_HEAD)
    if head.startswith(QCOW2_MAGIC) and len(head) == QCOW2_HEAD:
        return int.from_bytes(head[QCOW2_SIZE_AT:], "big")
    return path.stat().st_size

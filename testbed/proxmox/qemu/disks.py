"""Volumes as qcow2 or raw files below one folder, handled with qemu-img.

A volume is named as Proxmox names it on a directory storage: `101/vm-101-disk-0.qcow2`, and for a linked
clone `9000/base-9000-disk-0.qcow2/101/vm-101-disk-0.qcow2` (pve-storage Plugin.pm), whose file is
`101/vm-101-disk-0.qcow2` with the base as its backing file.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from testbed.proxmox.guests import GuestError
from testbed.proxmox.qemu.commands import run

_VOLUME = re.compile(r"(?:\d+/[\w][\w.-]*/)?(\d+/[\w][\w.-]*)")


@dataclass(frozen=True, slots=True)
class Disks:
    """The folder that holds the volumes."""

    folder: Path

    def path(self, volume: str) -> Path:
        """The file of a volume."""
        match = _VOLUME.fullmatch(volume)
        if match is None:
            raise GuestError(f"unable to parse volume name '{volume}'")
        return self.folder / match[1]

    async def create(self, volume: str, size_bytes: int) -> None:
        """Allocate an empty volume; one of this name must not exist."""
        path = self._new(volume)
        await run("qemu-img", "create", "-q", "-f", disk_format(path), path, str(size_bytes))

    async def clone(self, source_volume: str, volume: str, full: bool) -> None:
        """Copy a volume (`full`), or lay a qcow2 overlay on it."""
        source, path = self._existing(source_volume), self._new(volume)
        if full:
            await self._copy(source, path)
            return
        backing = Path("..", *source.relative_to(self.folder).parts)
        await run("qemu-img", "create", "-q", "-f", "qcow2", "-b", backing, "-F", disk_format(source), path)

    async def take_in(self, source: Path, volume: str) -> None:
        """Copy an image that lies outside of the folder."""
        await self._copy(source, self._new(volume))

    async def resize(self, volume: str, size_bytes: int) -> None:
        """Grow a volume that no guest uses."""
        path = self._existing(volume)
        await run("qemu-img", "resize", "-q", "-f", disk_format(path), path, str(size_bytes))

    def delete(self, volume: str) -> None:
        """Remove a volume and its folder once that is empty; a volume that is gone is no error."""
        path = self.path(volume)
        path.unlink(missing_ok=True)
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()

    def rename(self, volume: str, new_volume: str) -> None:
        """Rename a volume that no guest uses."""
        source, path = self._existing(volume), self._new(new_volume)
        source.rename(path)

    async def _copy(self, source: Path, path: Path) -> None:
        formats = ("-f", disk_format(source), "-O", disk_format(path))
        try:
            await run("qemu-img", "convert", "-q", "-U", *formats, source, path)
        except BaseException:
            _discard(path)
            raise

    def _existing(self, volume: str) -> Path:
        path = self.path(volume)
        if not path.exists():
            raise GuestError(f"volume '{volume}' does not exist")
        return path

    def _new(self, volume: str) -> Path:
        path = self.path(volume)
        if path.exists():
            raise GuestError(f"volume '{volume}' already exists")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def _discard(path: Path) -> None:
    path.unlink(missing_ok=True)


def disk_format(path: Path) -> str:
    """The image format that qemu-img is told; a suffix other than `.qcow2` and `.vmdk` means raw."""
    return path.suffix[1:] if path.suffix in (".qcow2", ".vmdk") else "raw"

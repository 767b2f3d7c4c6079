"""A simulated guest's file system: names and bytes, kept in memory with its disk."""

import posixpath
from collections.abc import Iterable

DIRECTORIES = ("/", "/bin", "/boot", "/dev", "/etc", "/home", "/mnt", "/opt", "/proc", "/root", "/run", "/srv")
MORE_DIRECTORIES = ("/sys", "/tmp", "/usr", "/usr/bin", "/usr/local", "/var", "/var/lib", "/var/log", "/var/tmp")
#: Longer files are refused as on a full disk: nothing here may fill the memory.
DISK_BYTES = 32 * 1024 * 1024


class Files:
    """Files by absolute path. Raises OSError with the texts of Linux."""

    def __init__(self, files: Iterable[tuple[str, bytes]] = (), directories: Iterable[str] = ()) -> None:
        self._files = dict(files)
        self._directories = {*DIRECTORIES, *MORE_DIRECTORIES, *directories}

    def copy(self) -> "Files":
        """The same files on another disk."""
        return Files(self._files.items(), self._directories)

    def put(self, path: str, text: str) -> None:
        """Write a file with the directories above it."""
        directory = posixpath.dirname(path)
        while directory not in self._directories:
            self._directories.add(directory)
            directory = posixpath.dirname(directory)
        self._files[path] = text.encode()

    def read(self, path: str) -> bytes:
        """The contents of a file."""
        path = posixpath.normpath(path)
        if path in self._directories:
            raise IsADirectoryError("Is a directory")
        if path not in self._files:
            raise FileNotFoundError("No such file or directory")
        return self._files[path]

    def write(self, path: str, data: bytes, append: bool = False) -> None:
        """Write a file into a directory that is there."""
        path = posixpath.normpath(path)
        if path in self._directories:
            raise IsADirectoryError("Is a directory")
        if posixpath.dirname(path) not in self._directories:
            raise FileNotFoundError("No such file or directory")
        data = self._files.get(path, b"") + data if append else data
        if sum(map(len, self._files.values())) - len(self._files.get(path, b"")) + len(data) > DISK_BYTES:
            raise OSError("No space left on device")
        self._files[path] = data

    def remove(self, path: str) -> None:
        """Remove a file."""
        self.read(path)
        del self._files[posixpath.normpath(path)]

    def make_directory(self, path: str) -> None:
        """Make a directory in one that is there."""
        path = posixpath.normpath(path)
        if path in self._directories or path in self._files:
            raise FileExistsError("File exists")
        if posixpath.dirname(path) not in self._directories:
            raise FileNotFoundError("No such file or directory")
        self._directories.add(path)

    def listing(self, path: str) -> list[str]:
        """The names in a directory, or the file itself."""
        path = posixpath.normpath(path)
        if path in self._files:
            return [path]
        if path not in self._directories:
            raise FileNotFoundError("No such file or directory")
        everything = (name for name in (*self._files, *self._directories) if name != "/")
        return sorted(posixpath.basename(name) for name in everything if posixpath.dirname(name) == path)


class Disks:
    """The files on each volume, by the volume's name; kept while the testbed runs."""

    def __init__(self) -> None:
        self._disks: dict[str, Files] = {}
        self._snapshots: dict[tuple[str, str], Files] = {}

    def on(self, volume: str) -> Files:
        """The files on a volume."""
        return self._disks.setdefault(volume, Files())

    def clone(self, source: str, volume: str) -> None:
        """Copy a volume."""
        if source in self._disks:
            self._disks[volume] = self._disks[source].copy()

    def rename(self, volume: str, new: str) -> None:
        """Give a volume another name."""
        if volume in self._disks:
            self._disks[new] = self._disks.pop(volume)

    def delete(self, volume: str) -> None:
        """Forget a volume."""
        self._disks.pop(volume, None)
        for key in [key for key in self._snapshots if key[0] == volume]:
            del self._snapshots[key]

    def snapshot(self, volume: str, name: str) -> None:
        """Keep the files of this moment."""
        if volume in self._disks:
            self._snapshots[volume, name] = self._disks[volume].copy()

    def roll_back(self, volume: str, name: str) -> None:
        """Return to such a moment."""
        kept = self._snapshots.get((volume, name), Files())
        if volume in self._disks or (volume, name) in self._snapshots:
            self._disks[volume] = kept.copy()

    def forget_snapshot(self, volume: str, name: str) -> None:
        """Forget such a moment."""
        self._snapshots.pop((volume, name), None)

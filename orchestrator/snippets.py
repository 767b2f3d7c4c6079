"""Snippets: the files through which a guest's cloud-init is given user data.

Proxmox takes them from the folder of a storage, and its API puts none there; so an operator mounts that storage where
this program runs. Each server has one file at most, named after it; no other is ever touched.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar
from uuid import UUID

from runtime.settings import Cluster, SettingsError
from runtime.settings import Snippets as Named

PATIENCE_SECONDS = 10.0  # for a mounted storage that does not answer
MOST_AT_ONCE = 4
OURS = re.compile(r"(?:hostler-([0-9a-f]{32})\.yaml|\.hostler-([0-9a-f]{32})\.yaml\.new)")
T = TypeVar("T")


class OutOfReach(Exception):
    """The folder does not answer, or does not take the file; the message is for staff."""


class Snippets(Protocol):
    """The snippets of one cluster. What is written is whole or not there; both may be done again."""

    storage: str

    async def write(self, name: str, text: str) -> None: ...

    async def remove(self, name: str) -> None:
        """One that is not there is no error."""
        ...

    async def servers(self) -> dict[UUID, float]:
        """The servers whose files lie there, half written ones too, and for how many seconds nobody touched them."""
        ...


def name_of(server: UUID) -> str:
    """What a server's file is called."""
    return f"hostler-{server.hex}.yaml"


def volume_of(storage: str, server: UUID) -> str:
    """What Proxmox calls it."""
    return f"{storage}:snippets/{name_of(server)}"


def open_snippets(clusters: Iterable[Cluster]) -> dict[str, Snippets]:
    """The snippets of those clusters that have some.

    Raises:
        SettingsError: a folder is not there, or cannot be written.
    """
    return {cluster.name: _opened(cluster.name, cluster.snippets) for cluster in clusters if cluster.snippets}


def _opened(cluster: str, named: Named) -> Folder:
    setting = f"cluster {cluster}: snippets.folder: {named.folder}"
    if not named.folder.is_dir():
        raise SettingsError(f"{setting} is no folder: mount the storage {named.storage} there, or correct it")
    if not os.access(named.folder, os.W_OK | os.X_OK):
        raise SettingsError(f"{setting} cannot be written by this user")
    return Folder(named.storage, named.folder, 0o644 if named.readable_by_all else 0o640)


class Folder:
    """Snippets in a folder. What a mounted storage lets wait holds up nothing else."""

    def __init__(self, storage: str, folder: Path, mode: int = 0o640):
        self.storage = storage
        self._folder = folder
        self._mode = mode
        self._threads = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="snippets")

    async def write(self, name: str, text: str) -> None:
        """Put a file there, in the place of an older one.

        Raises:
            OutOfReach: it could not be done, or was not done in time.
        """
        await self._aside(lambda: _write(self._folder, name, text.encode(), self._mode))

    async def remove(self, name: str) -> None:
        """Take a file away.

        Raises:
            OutOfReach: it could not be done, or was not done in time.
        """
        await self._aside(lambda: _remove(self._folder, name))

    async def servers(self) -> dict[UUID, float]:
        """Whose files lie there, and since when.

        Raises:
            OutOfReach: it could not be found out, or not in time.
        """
        return await self._aside(lambda: _servers(self._folder))

    async def _aside(self, act: Callable[[], T]) -> T:
        try:
            waiting = asyncio.get_running_loop().run_in_executor(self._threads, act)
            return await asyncio.wait_for(waiting, PATIENCE_SECONDS)
        except (OSError, TimeoutError) as error:
            raise OutOfReach(f"{self._folder}: {str(error) or 'no answer'}") from error


def _write(folder: Path, name: str, content: bytes, mode: int) -> None:
    """Beside its place first, so that nobody reads half of it; a link in its place is replaced, not followed."""
    beside = folder / f".{name}.new"
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    beside.replace(folder / name)
    _sync(folder)


def _remove(folder: Path, name: str) -> None:
    (folder / f".{name}.new").unlink(missing_ok=True)
    (folder / name).unlink(missing_ok=True)
    _sync(folder)


def _servers(folder: Path) -> dict[UUID, float]:
    found: dict[UUID, float] = {}
    now = time.time()
    for entry in os.scandir(folder):
        if (match := OURS.fullmatch(entry.name)) is not None:
            id, age = UUID(match[1] or match[2]), now - entry.stat(follow_symlinks=False).st_mtime
            found[id] = min(age, found.get(id, age))
    return found


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

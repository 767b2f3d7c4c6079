"""The node's storage: volumes by name, their sizes and owners. Bytes are the business of the guests' kind."""

import re
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from testbed.proxmox.errors import Die, parameter_errors
from testbed.proxmox.guests import GuestKind
from testbed.proxmox.store import Store

NAME = "local"
PATH = "/var/lib/vz"
CONTENT = "images,rootdir,iso,vztmpl,backup,snippets"
CLOUDINIT_SIZE = 4 * 1024**2
NEW_DISK_USED = 200_704


@dataclass(slots=True)
class Volume:
    """One disk image, such as `101/vm-101-disk-0.qcow2`; a linked clone has a `parent`. Sizes in bytes.

    `snapshots` gives the size that the volume had at each of its snapshots.
    """

    name: str
    vmid: int
    size: int
    used: int
    kind: GuestKind
    parent: str | None = None
    ctime: int = 0
    snapshots: dict[str, int] = field(default_factory=dict)

    @property
    def volid(self) -> str:
        return f"{NAME}:{self.parent}/{self.name}" if self.parent else f"{NAME}:{self.name}"

    @property
    def format(self) -> str:
        return self.name.rsplit(".", 1)[-1]

    @property
    def path(self) -> str:
        return f"{PATH}/images/{self.name}"

    @property
    def cloud_init(self) -> bool:
        return "-cloudinit." in self.name


def volume_name(volid: str) -> str:
    """The name within its storage, without the base a linked clone names in its id."""
    return "/".join(volid.partition(":")[2].split("/")[-2:])


def check_images(storage: str) -> None:
    """Raise `Die` unless this is a storage that exists."""
    if storage != NAME:
        raise Die(f"storage '{storage}' does not exist")


def check_known(storage: str) -> None:
    """Raise what the storage's own calls answer for an unknown one."""
    if storage != NAME:
        raise parameter_errors({"storage": "No such storage."})


class Volumes:
    """All volumes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._volumes: dict[str, Volume] = {}
        self._by_owner: dict[int, dict[str, Volume]] = {}
        self._by_parent: dict[str, dict[str, Volume]] = {}
        for _, record in store.all("volume"):
            self._index(Volume(**record))

    def __iter__(self) -> Iterator[Volume]:
        return iter(list(self._volumes.values()))

    def __len__(self) -> int:
        return len(self._volumes)

    def _index(self, volume: Volume) -> None:
        self._volumes[volume.name] = volume
        self._by_owner.setdefault(volume.vmid, {})[volume.name] = volume
        if volume.parent:
            self._by_parent.setdefault(volume.parent, {})[volume.name] = volume

    def get(self, volid: str) -> Volume | None:
        """The volume of an id, if it exists."""
        return self._volumes.get(volume_name(volid))

    def load(self, volid: str) -> Volume:
        """The volume of an id; raises `Die` when there is none."""
        volume = self.get(volid)
        if volume is None:
            raise Die(f"volume '{volid}' does not exist")
        return volume

    def save(self, volume: Volume) -> Volume:
        """Write a volume, new or changed."""
        volume.ctime = volume.ctime or int(time.time())
        self._index(volume)
        self._store.put("volume", volume.name, asdict(volume))
        return volume

    def delete(self, volume: Volume) -> None:
        """Forget a volume."""
        self._volumes.pop(volume.name, None)
        self._by_owner.get(volume.vmid, {}).pop(volume.name, None)
        self._by_parent.get(volume.parent or "", {}).pop(volume.name, None)
        self._store.delete("volume", volume.name)

    def rename(self, volume: Volume, name: str) -> None:
        """Give a volume another name."""
        self.delete(volume)
        volume.name = name
        self.save(volume)

    def of(self, vmid: int) -> list[Volume]:
        """The volumes that a VM owns by their names."""
        return list(self._by_owner.get(vmid, {}).values())

    def children(self, volume: Volume) -> list[Volume]:
        """The linked clones of a volume."""
        return list(self._by_parent.get(volume.name, {}).values())

    def next_disk(self, vmid: int, extension: str = "qcow2") -> str:
        """The first free `vm-N-disk-i` of a VM."""
        pattern = re.compile(rf"{vmid}/(?:vm|base)-{vmid}-disk-(\d+)\.")
        used = {int(match[1]) for volume in self.of(vmid) if (match := pattern.match(volume.name))}
        number = next(n for n in range(len(used) + 1) if n not in used)
        return f"{vmid}/vm-{vmid}-disk-{number}.{extension}"

    @property
    def used(self) -> int:
        """Bytes in use."""
        return sum(volume.used for volume in self._volumes.values())

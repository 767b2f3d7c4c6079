"""Storages and their volumes: names, sizes and owners. Bytes are the business of the guests' kind."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from testbed.proxmox.cluster.clock import now
from testbed.proxmox.errors import Die, parameter_errors
from testbed.proxmox.guests import GuestKind
from testbed.proxmox.storage import contents
from testbed.proxmox.store import Store

NAME = "local"
PATH = "/var/lib/vz"
CONTENT = "images,rootdir,iso,vztmpl,backup,snippets"
SIZE = 8 * 1024**4
CLOUDINIT_SIZE = 4 * 1024**2
NEW_DISK_USED = 200_704
#: What a directory holds beside volumes.
OVERHEAD = 4 * 1024**3
DISK = re.compile(r"(?:\d+/)?(?:vm|base)-\d+-disk-(\d+)(?:\.|$)")
BASE_NODE = "pve1"


@dataclass(frozen=True, slots=True)
class Plugin:
    """A type of storage: what it can hold and how it names it. `files` are images in a folder."""

    contents: tuple[str, ...]
    default_content: str
    formats: tuple[str, ...] = ("raw",)
    shared: bool = False
    files: bool = False
    #: Whether volumes can be laid on top of others, and whether the upper one's id then names the lower one.
    linked: bool = True
    named_parent: bool = True


_FILES = ("images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import", "none")
_BLOCKS = ("images", "rootdir", "none")
_FORMATS = ("raw", "qcow2", "vmdk")
PLUGINS: dict[str, Plugin] = {
    "dir": Plugin(_FILES, "images,rootdir", _FORMATS, files=True),
    "nfs": Plugin(_FILES, "images", _FORMATS, shared=True, files=True),
    "cifs": Plugin(_FILES, "images", _FORMATS, shared=True, files=True),
    "cephfs": Plugin(("vztmpl", "iso", "backup", "snippets", "import"), "backup", shared=True, files=True),
    "lvm": Plugin(_BLOCKS, "images,rootdir", linked=False),
    "lvmthin": Plugin(_BLOCKS, "images,rootdir", named_parent=False),
    "zfspool": Plugin(_BLOCKS, "images,rootdir"),
    "rbd": Plugin(_BLOCKS, "images", shared=True),
}


@dataclass(slots=True)
class Storage:
    """One section of the storage configuration; `options` are its lines, `size` the bytes it has on each node.

    `foreign` bytes of these somebody else has filled.
    """

    name: str
    type: str = "dir"
    options: dict[str, str] = field(default_factory=dict)
    size: int = SIZE
    foreign: int = 0

    @property
    def plugin(self) -> Plugin:
        return PLUGINS[self.type]

    @property
    def path(self) -> str:
        default = f"/mnt/pve/{self.name}" if self.plugin.shared else f"/dev/{self.options.get('vgname', self.name)}"
        return self.options.get("path", default)

    @property
    def content(self) -> list[str]:
        return self.options.get("content", self.plugin.default_content).split(",")

    @property
    def overhead(self) -> int:
        """The bytes in use beside volumes; a small directory has none."""
        return OVERHEAD if self.plugin.files and self.size > 4 * OVERHEAD else 0

    @property
    def shared(self) -> bool:
        return self.plugin.shared or self.options.get("shared") == "1"

    @property
    def nodes(self) -> list[str]:
        """The nodes that have it; empty for all."""
        return [name for name in self.options.get("nodes", "").split(",") if name]

    @property
    def enabled(self) -> bool:
        return self.options.get("disable") != "1"

    def on(self, node: str) -> bool:
        """Whether a node has it."""
        return not self.nodes or node in self.nodes

    def format(self, wanted: str) -> str:
        """The format for a volume: the wanted one if the storage knows it, or else its default."""
        return wanted if wanted in self.plugin.formats else self.options.get("format", "raw")

    def disk_name(self, vmid: int, stem: str, extension: str) -> str:
        """A volume's name, e.g. `101/vm-101-disk-0.qcow2` for `vm-101-disk-0` in a folder."""
        return f"{vmid}/{stem}.{extension}" if self.plugin.files else stem


DEFAULT = Storage(NAME, "dir", {"path": PATH, "content": CONTENT})


class Storages:
    """The cluster's storage configuration."""

    def __init__(self, store: Store) -> None:
        self._store = store
        kept = store.get("setting", "storages")
        sections = [Storage(**record) for record in kept] if kept else [Storage(**asdict(DEFAULT))]
        self._sections = {section.name: section for section in sections}

    def __iter__(self) -> Iterator[Storage]:
        return iter(list(self._sections.values()))

    def __contains__(self, name: str) -> bool:
        return name in self._sections

    def get(self, name: str) -> Storage | None:
        """A storage, if it is configured."""
        return self._sections.get(name)

    def load(self, name: str) -> Storage:
        """A storage; raises `Die` for one that is not configured."""
        storage = self._sections.get(name)
        if storage is None:
            raise Die(f"storage '{name}' does not exist")
        return storage

    def check_enabled(self, name: str, node: str | None = None) -> Storage:
        """A storage that is on and, if a node is named, there; raises `Die`."""
        storage = self.load(name)
        if not storage.enabled:
            raise Die(f"storage '{name}' is disabled")
        if node is not None and not storage.on(node):
            raise Die(f"storage '{name}' is not available on node '{node}'")
        return storage

    def check_known(self, name: str) -> Storage:
        """A storage; raises what its own calls answer for one that is not configured."""
        if name not in self._sections:
            raise parameter_errors({"storage": "No such storage."})
        return self._sections[name]

    def save(self, storage: Storage) -> None:
        """Write a section, new or changed."""
        self._sections[storage.name] = storage
        self._write()

    def delete(self, name: str) -> None:
        """Remove a section; its volumes stay behind unseen."""
        self._sections.pop(name, None)
        self._write()

    def _write(self) -> None:
        self._store.put("setting", "storages", [asdict(section) for section in self._sections.values()])

    @property
    def digest(self) -> str:
        """SHA-1 of the configuration."""
        text = repr([(section.name, section.type, section.options) for section in self._sections.values()])
        return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


@dataclass(slots=True)
class Volume:
    """One disk image, such as `101/vm-101-disk-0.qcow2`; a linked clone has a `parent`. Sizes in bytes.

    Other files have names such as `iso/debian.iso` (see `contents`) and no owner: their `vmid` is 0.

    `snapshots` gives the size that the volume had at each of its snapshots.
    `node` is empty on a shared storage. `named_parent` says whether the id names the parent too.
    """

    name: str
    vmid: int
    size: int
    used: int
    kind: GuestKind
    parent: str | None = None
    ctime: int = 0
    snapshots: dict[str, int] = field(default_factory=dict)
    storage: str = NAME
    node: str = ""
    format: str = ""
    named_parent: bool = True
    notes: str = ""
    protected: bool = False

    def __post_init__(self) -> None:
        self.format = self.format or (self.name.rsplit(".", 1)[-1] if "." in self.name else "raw")

    @property
    def key(self) -> str:
        """What tells it apart from all others."""
        return f"{self.node}/{self.storage}:{self.name}"

    @property
    def volid(self) -> str:
        inner = f"{self.parent}/{self.name}" if self.parent and self.named_parent else self.name
        return f"{self.storage}:{inner}"

    @property
    def file(self) -> str:
        """What the guests' runner calls it: the plain name on the first node's own `local`, else a name of its own."""
        if self.storage == NAME and self.node in ("", BASE_NODE):
            return self.name
        folder, _, name = self.name.rpartition("/")
        extension = "" if "." in name else ".raw"
        return f"{folder or self.vmid}/{self.node or 'shared'}.{self.storage}.{name}{extension}"

    @property
    def content(self) -> str:
        """Which kind of content it is."""
        return contents.kind(self.name)

    @property
    def cloud_init(self) -> bool:
        return "-cloudinit" in self.name


def storage_of(volid: str) -> str:
    """The storage that a volume's id names."""
    return volid.partition(":")[0]


def volume_name(volid: str) -> str:
    """The name within its storage, without the base a linked clone names in its id."""
    rest = volid.partition(":")[2]
    parts = rest.split("/")
    return "/".join(parts[-2:]) if "." in parts[-1] else parts[-1]


class AllVolumes:
    """The volumes of all storages of the cluster, by their keys."""

    def __init__(self, store: Store, first_node: str) -> None:
        self._store = store
        self.by_key: dict[str, Volume] = {}
        self._by_owner: dict[int, dict[str, Volume]] = {}
        self._by_parent: dict[str, dict[str, Volume]] = {}
        self._counted: dict[str, int] = {}
        self._used: dict[tuple[str, str], int] = {}
        for key, volume in store.all_as("volume", Volume):
            if key != volume.key:
                self._adopt(key, volume, first_node)
            self._index(volume)

    def _adopt(self, key: str, volume: Volume, node: str) -> None:
        """Give a record of the time before there were several storages its present form."""
        volume.node = volume.node or node
        self._store.delete("volume", key)
        self._store.put("volume", volume.key, volume)

    def __iter__(self) -> Iterator[Volume]:
        return iter(list(self.by_key.values()))

    def __len__(self) -> int:
        return len(self.by_key)

    def _index(self, volume: Volume) -> None:
        key = volume.key
        self.by_key[key] = volume
        self._count(key, volume, volume.used)
        self._by_owner.setdefault(volume.vmid, {})[key] = volume
        if volume.parent:
            self._by_parent.setdefault(_parent_key(volume), {})[key] = volume

    def _count(self, key: str, volume: Volume, used: int) -> None:
        place = (volume.node, volume.storage)
        more = used - self._counted.get(key, 0)
        self._used[place] = self._used.get(place, 0) + more
        self._counted[key] = used

    def of(self, vmid: int) -> list[Volume]:
        """The volumes that a VM owns by their names."""
        return list(self._by_owner.get(vmid, {}).values())

    def children(self, volume: Volume) -> list[Volume]:
        """The linked clones of a volume."""
        return list(self._by_parent.get(volume.key, {}).values())

    def save(self, volume: Volume) -> Volume:
        """Write a volume, new or changed."""
        volume.ctime = volume.ctime or int(now())
        self._index(volume)
        self._store.put("volume", volume.key, volume)
        return volume

    def delete(self, volume: Volume) -> None:
        """Forget a volume."""
        self.by_key.pop(volume.key, None)
        self._count(volume.key, volume, 0)
        self._counted.pop(volume.key, None)
        self._by_owner.get(volume.vmid, {}).pop(volume.key, None)
        if volume.parent:
            self._by_parent.get(_parent_key(volume), {}).pop(volume.key, None)
        self._store.delete("volume", volume.key)

    def used(self, storage: Storage, node: str) -> int:
        """Bytes in use of a storage, of a local one on that node."""
        return self._used.get(("" if storage.shared else node, storage.name), 0)


def _parent_key(volume: Volume) -> str:
    return f"{volume.node}/{volume.storage}:{volume.parent}"


class Volumes:
    """What one node can reach: the volumes of its own storages and of the shared ones."""

    def __init__(self, everything: AllVolumes, storages: Storages, node: str) -> None:
        self._all = everything
        self._storages = storages
        self._node = node

    def __iter__(self) -> Iterator[Volume]:
        return (volume for volume in self._all if volume.node in ("", self._node))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def get(self, volid: str) -> Volume | None:
        """The volume of an id, if it exists."""
        name = f"{storage_of(volid)}:{volume_name(volid)}"
        known = self._all.by_key
        return known.get(f"{self._node}/{name}") or known.get(f"/{name}")

    def load(self, volid: str) -> Volume:
        """The volume of an id; raises `Die` when there is none."""
        volume = self.get(volid)
        if volume is None:
            raise Die(f"volume '{volid}' does not exist")
        return volume

    def file_of(self, volid: str) -> str:
        """What the guests' runner calls the volume of an id."""
        volume = self.get(volid)
        return volume.file if volume else volume_name(volid)

    def path(self, volume: Volume) -> str:
        """Where a volume lies."""
        storage = self._storages.load(volume.storage)
        return f"{storage.path}/{contents.place(volume.name) if storage.plugin.files else volume.name}"

    def save(self, volume: Volume) -> Volume:
        """Write a volume, new or changed."""
        storage = self._storages.get(volume.storage)
        if volume.key not in self._all.by_key and not (storage and storage.shared):
            volume.node = volume.node or self._node
        return self._all.save(volume)

    def delete(self, volume: Volume) -> None:
        """Forget a volume."""
        self._all.delete(volume)

    def rename(self, volume: Volume, name: str) -> None:
        """Give a volume another name."""
        self.delete(volume)
        volume.name = name
        self.save(volume)

    def of(self, vmid: int) -> list[Volume]:
        """The volumes that a VM owns by their names."""
        return [volume for volume in self._all.of(vmid) if volume.node in ("", self._node)]

    def children(self, volume: Volume) -> list[Volume]:
        """The linked clones of a volume."""
        return self._all.children(volume)

    def next_disk(self, vmid: int, extension: str = "qcow2", storage: str = NAME) -> str:
        """The name of the first free `vm-N-disk-i` of a VM on a storage."""
        names = [volume.name for volume in self.of(vmid) if volume.storage == storage]
        used = {int(match[1]) for name in names if (match := DISK.match(name))}
        number = next(n for n in range(len(used) + 1) if n not in used)
        return self._storages.load(storage).disk_name(vmid, f"vm-{vmid}-disk-{number}", extension)

    def used(self, storage: Storage) -> int:
        """Bytes in use of a storage as this node sees it."""
        return self._all.used(storage, self._node) + storage.overhead + storage.foreign

    def room(self, storage: Storage) -> int:
        """Bytes that are free."""
        return max(storage.size - self.used(storage), 0)

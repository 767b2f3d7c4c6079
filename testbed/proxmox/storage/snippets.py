"""Snippets: files that an operator puts into a storage's folder, and that a guest's cloud-init drive may be made of
(qemu-server QemuServer/Cloudinit.pm read_cloudinit_snippets_file)."""

from collections.abc import Iterator
from pathlib import Path

from testbed.proxmox.cluster.node import Node
from testbed.proxmox.errors import Die
from testbed.proxmox.storage import contents
from testbed.proxmox.storage.files import real_path
from testbed.proxmox.storage.storage import Storage, Volume, storage_of, volume_name
from testbed.proxmox.vm.devices import CICUSTOM
from testbed.proxmox.vm.vms import Vm, cloud_init_drive

KIND = "snippets"
MOST_BYTES = 1024 * 1024


def folder(node: Node, storage: Storage) -> Path:
    """Where the snippets of a storage lie on this machine: a shared one's are every node's."""
    return real_path(node, _volume(node, storage, "any")).parent


def _volume(node: Node, storage: Storage, name: str, size: int = 0, ctime: int = 0) -> Volume:
    owner = "" if storage.shared else node.name
    return Volume(
        f"{KIND}/{name}", 0, size, size, "sim", ctime=ctime, storage=storage.name, node=owner, format="snippet"
    )


def listed(node: Node, storage: Storage) -> Iterator[Volume]:
    """The snippets that are there."""
    where = folder(node, storage)
    for path in sorted(where.iterdir()) if where.is_dir() else ():
        if path.is_file():
            found = path.stat()
            yield _volume(node, storage, path.name, found.st_size, int(found.st_ctime))


def vendor_data(node: Node, vm: Vm) -> str:
    """What a VM with a cloud-init drive is given besides Proxmox's own files; raises `Die` if any it names is not to be
    had.
    """
    named = CICUSTOM.parse(vm.config.get("cicustom", "")) if cloud_init_drive(vm.config) else {}
    texts = {part: _read(node, volid) for part, volid in named.items()}
    return texts.get("vendor", "")


def _read(node: Node, volid: str) -> str:
    storage = node.cluster.storages.load(storage_of(volid))
    if contents.parse(volid.partition(":")[2], storage.plugin.files).kind != KIND:
        raise Die(f"{volid} is not in the snippets directory")
    storage = node.cluster.storages.check_enabled(storage.name, node.name)
    path = folder(node, storage) / volume_name(volid).partition("/")[2]
    if not path.is_file():
        raise Die(f"volume '{volid}' does not exist")
    content = path.read_bytes()
    if len(content) > MOST_BYTES:
        shown = f"{storage.path}/{contents.place(volume_name(volid))}"
        raise Die(f"file '{shown}' too long - aborting")
    return content.decode(errors="replace")

"""A template that servers are cloned from, made of a cloud image that the operator has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypervisor import wire
from hypervisor.port import GuestConfig
from hypervisor.setup.change import Change
from hypervisor.setup.client import Client
from hypervisor.setup.found import Found, Unsuitable

TAG = "hostler-template"
VOLUME = re.compile(r"^[A-Za-z][A-Za-z0-9._-]+:\S+$")
MAGIC = b"QFI\xfb"
MEMORY_MIB, CORES = 1024, 1


@dataclass(frozen=True, slots=True)
class Template:
    """What is wanted. `key` is what hostler.toml calls it and the machine's name.

    `image` is a file on this machine, the id of a volume ("local:import/debian.qcow2"), or an absolute path on the
    node when `on_node` is set, which only root@pam may use. A file goes to `upload_storage`, or to the first
    storage that takes images to import.
    """

    key: str
    vmid: int
    image: str
    storage: str
    bridge: str = "vmbr0"
    pool: str | None = None
    on_node: bool = False
    upload_storage: str | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """What there is where a template is wanted: the guest with its VMID, and the images ready to be imported."""

    node: str | None = None
    guest: GuestConfig | None = None
    images: Mapping[str, int] = field(default_factory=dict)


async def survey(client: Client, found: Found, wanted: Template) -> Site:
    """Look at the place of a template. Raises HypervisorError."""
    rows = await client.get("cluster", "resources", type="vm")
    node = next((str(row["node"]) for row in rows if int(row["vmid"]) == wanted.vmid), None)
    if node is not None:
        kinds = {int(row["vmid"]): row["type"] for row in rows}
        if kinds[wanted.vmid] != "qemu":
            raise Unsuitable(f"VMID {wanted.vmid} belongs to a container: choose another with --vmid")
        config = await client.get("nodes", node, "qemu", str(wanted.vmid), "config")
        return Site(node, wire.config_of(node, wanted.vmid, config))
    storage = None if _is_volume(wanted) else _upload_storage(found, wanted)
    return Site(images=await _images(client, found, storage) if storage else {})


async def _images(client: Client, found: Found, storage: str) -> dict[str, int]:
    rows = await client.get("nodes", found.node, "storage", storage, "content", content="import")
    return {str(row["volid"]): int(row.get("size") or 0) for row in rows}


def changes(found: Found, wanted: Template, site: Site) -> list[Change]:
    """What has to be done; nothing when the template is there. Raises Unsuitable."""
    if site.guest is not None:
        return _finish(wanted, site.guest)
    uploads, source = _source(found, wanted, site)
    return [*uploads, _create(found, wanted, source), _convert(wanted, found.node)]


def _finish(wanted: Template, guest: GuestConfig) -> list[Change]:
    if guest.name != wanted.key or not (guest.template or TAG in guest.tags):
        raise Unsuitable(f"VMID {wanted.vmid} belongs to {guest.name!r}: choose another with --vmid")
    if guest.template:
        return []
    if guest.lock or not guest.volumes:
        raise Unsuitable(
            f"VM {wanted.vmid} was begun and not finished (lock {guest.lock}): "
            f"remove it with `qm unlock {wanted.vmid} && qm destroy {wanted.vmid}` on {guest.node}, then begin again"
        )
    return [_convert(wanted, guest.node)]


def _source(found: Found, wanted: Template, site: Site) -> tuple[list[Change], str]:
    """What to upload first, and what to import then."""
    if wanted.on_node or _is_volume(wanted):
        return [], wanted.image
    file, storage = Path(wanted.image).expanduser(), _upload_storage(found, wanted)
    if storage is None:
        raise Unsuitable(
            f"no storage of {found.node} takes images to import: allow it with `pvesm set local --content …,import` "
            "(release 8.4 or newer), or copy the file to the node and give its path there with --image-on-node"
        )
    name = image_name(file)
    volume = f"{storage}:import/{name}"
    if volume in site.images:
        return [], _same(volume, site.images[volume], file)
    where = ("nodes", found.node, "storage", storage, "upload")
    words = f"upload {file} ({file.stat().st_size >> 20} MiB) as {volume}"
    return [Change(words, "post", where, {"content": "import", "filename": name}, task=True, file=file)], volume


def _same(volume: str, size: int, file: Path) -> str:
    if size and size != file.stat().st_size:
        raise Unsuitable(f"{volume} is another image than {file}: rename the file, or remove the volume")
    return volume


def image_name(file: Path) -> str:
    """The name an image gets on a storage: Proxmox goes by the ending, distributions by whim (".img").

    Raises Unsuitable when the file cannot be read.
    """
    try:
        with file.open("rb") as stream:
            kind = "qcow2" if stream.read(4) == MAGIC else "raw"
    except OSError as error:
        raise Unsuitable(f"{file}: {error.strerror}") from error
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", file.name)
    return plain if plain.endswith(f".{kind}") else f"{plain.removesuffix('.img')}.{kind}"


def _is_volume(wanted: Template) -> bool:
    return VOLUME.match(wanted.image) is not None and not Path(wanted.image).exists()


def _upload_storage(found: Found, wanted: Template) -> str | None:
    if wanted.on_node:
        return None
    able = [name for name, row in found.storages.items() if "import" in str(row.get("content", "")).split(",")]
    if wanted.upload_storage and wanted.upload_storage not in able:
        raise Unsuitable(f"storage {wanted.upload_storage!r} takes no images to import; there are: {', '.join(able)}")
    return wanted.upload_storage or next(iter(sorted(able)), None)


def _create(found: Found, wanted: Template, source: str) -> Change:
    hardware: dict[str, str | int] = {
        "vmid": wanted.vmid,
        "name": wanted.key,
        "description": f"Template of Hostler, made of {Path(source).name}",
        "tags": TAG,
        "ostype": "l26",
        "cores": CORES,
        "memory": MEMORY_MIB,
        "scsihw": "virtio-scsi-single",
        "scsi0": f"{wanted.storage}:0,import-from={source},discard=on,iothread=1,ssd=1",
        "ide2": f"{wanted.storage}:cloudinit",
        "boot": "order=scsi0",
        "serial0": "socket",
        "agent": "enabled=1",
        "net0": f"virtio,bridge={wanted.bridge},firewall=1",
    }
    pool: dict[str, str | int] = {"pool": wanted.pool} if wanted.pool else {}
    words = f"make VM {wanted.vmid} ({wanted.key}) on {found.node}, its disk on {wanted.storage} from {source}"
    return Change(words, "post", ("nodes", found.node, "qemu"), hardware | pool, task=True)


def _convert(wanted: Template, node: str) -> Change:
    path = ("nodes", node, "qemu", str(wanted.vmid), "template")
    return Change(f"turn VM {wanted.vmid} into a template", "post", path, task=True)


def faults(guest: GuestConfig) -> list[tuple[str, str]]:
    """What keeps a guest from being a template that Hostler can use: what is wrong, and the mend."""
    seen: Sequence[tuple[Any, str, str]] = (
        (guest.template, "is no template", f"qm template {guest.vmid}"),
        (guest.cloudinit_drive, "has no cloud-init drive", f"qm set {guest.vmid} --ide2 STORAGE:cloudinit"),
        (guest.volumes, "has no disk", "make it anew with `hostler-admin proxmox init`"),
        (guest.agent_enabled, "does not have the guest agent switched on", f"qm set {guest.vmid} --agent 1"),
        ("net0" in guest.macs, "has no network card net0", f"qm set {guest.vmid} --net0 virtio,bridge=vmbr0"),
        (guest.lock is None, f"is locked ({guest.lock})", f"see what holds it, then `qm unlock {guest.vmid}`"),
    )
    return [(wrong, mend) for good, wrong, mend in seen if not good]

"""The cluster's storage configuration (pve-storage API2/Storage/Config.pm; Storage/*Plugin.pm options)."""

from collections.abc import Mapping
from typing import Any

from testbed.proxmox import formats
from testbed.proxmox.calls import Call, everybody, perm, route
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.errors import Die, while_doing
from testbed.proxmox.schema import FormatError, Param, Schema
from testbed.proxmox.storage.storage import PLUGINS, Storage

AUDIT = ("Datastore.Audit", "Datastore.AllocateSpace")
ALLOCATE = perm("/storage", "Datastore.Allocate")
TEXT, FLAG, COUNT = Param(), Param("boolean"), Param("integer", minimum=0)
COMMON = ("nodes", "disable", "content", "bwlimit")
FILES = ("maxfiles", "prune-backups", "max-protected-backups", "format", "mkdir", "create-base-path", "create-subdirs")
LOGIN = ("username", "password")
FOLDERS = (*COMMON, *FILES, "preallocation", "content-dirs")
#: By type: the options that a section must have, which never change, and those that it may have.
OPTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "dir": (("path",), (*FOLDERS, "shared", "is_mountpoint")),
    "nfs": (("server", "export"), (*FOLDERS, "path", "options")),
    "cifs": (
        ("server", "share"),
        (*FOLDERS, "path", "options", "username", "password", "domain", "smbversion", "subdir"),
    ),
    "cephfs": ((), (*COMMON, *FILES, "path", "monhost", "username", "fuse", "subdir", "keyring", "options", "fs-name")),
    "lvm": (("vgname",), (*COMMON, "shared", "saferemove", "saferemove_throughput", "base", "tagged_only")),
    "lvmthin": (("vgname", "thinpool"), COMMON),
    "zfspool": (("pool",), (*COMMON, "blocksize", "sparse", "mountpoint")),
    "rbd": ((), (*COMMON, "monhost", "pool", "namespace", "username", "krbd", "data-pool", "keyring")),
}
#: Optional, but fixed once the section is there.
FIXED = ("path", "base", "pool", "vgname")
FLAGS = ("create-base-path", "create-subdirs", "disable", "fuse", "krbd", "mkdir", "saferemove", "shared", "sparse")
CONTENTS = ("images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import", "none")


def contents(text: str) -> None:
    """Check a list of content types."""
    for name in formats.split_list(text):
        if name not in CONTENTS:
            raise FormatError(f"invalid content type '{name}'")


def nodes(text: str) -> None:
    """Check a list of nodes."""
    for name in formats.split_list(text):
        formats.node_name(name)


def _parameters() -> dict[str, Param]:
    names = {name for needed, more in OPTIONS.values() for name in (*needed, *more)}
    special = {
        "content": Param(check=contents, listed=True),
        "nodes": Param(check=nodes, listed=True),
        "format": Param(enum=("raw", "qcow2", "subvol", "vmdk")),
        "maxfiles": COUNT,
        "max-protected-backups": Param("integer", minimum=-1),
        "preallocation": Param(enum=("off", "metadata", "falloc", "full")),
        "tagged_only": FLAG,
    }
    return {name: special.get(name, FLAG if name in FLAGS else TEXT) for name in sorted(names)}


FOR_EVER = ("base", "export", "path", "share", "thinpool")
PARAMETERS = _parameters()
NEW: Schema = {
    **PARAMETERS,
    "storage": Param(optional=False, check=formats.storage_id),
    "type": Param(optional=False, enum=tuple(sorted(PLUGINS))),
}
CHANGED: Schema = {
    **{
        name: param for name, param in PARAMETERS.items() if name not in ("base", "export", "path", "share", "thinpool")
    },
    "delete": Param(max_length=4096, listed=True, check=formats.config_id_list),
    "digest": Param(max_length=64),
}


@route("GET", "/storage", everybody, {"type": Param(enum=tuple(sorted(PLUGINS)))})
async def definitions(call: Call) -> list[Row]:
    """The configured storages that the caller may use."""
    found = [one for one in call.cluster.storages if call.values.get("type", one.type) == one.type]
    may = call.cluster.access.may_any
    return [_row(call, one) for one in found if may(call.who, f"/storage/{one.name}", *AUDIT)]


@route("GET", "/storage/{storage}", perm("/storage/{storage}", "Datastore.Allocate"))
async def definition(call: Call) -> Row:
    """One storage's section."""
    return _row(call, call.cluster.storages.load(call.values["storage"]))


def _row(call: Call, storage: Storage) -> Row:
    row: Row = {"storage": storage.name, "type": storage.type, "digest": call.cluster.storages.digest}
    row["content"] = ",".join(storage.content)
    row |= {key: _json(key, value) for key, value in storage.options.items() if key not in ("content", "password")}
    return row | ({"shared": 1} if storage.plugin.shared else {})


def _json(key: str, value: str) -> Any:
    return int(value) if PARAMETERS[key].type in ("boolean", "integer") else value


@route("POST", "/storage", ALLOCATE, NEW, protected=True)
async def create(call: Call) -> Row:
    """Add a storage."""
    values = {key: value for key, value in call.values.items() if key in PARAMETERS and value != ""}
    name, kind = call.values["storage"], call.values["type"]
    needed, _ = OPTIONS[kind]
    _check_options(kind, values)
    for option in needed:
        if option not in values:
            raise Die(f"missing value for required option '{option}'")
    if PLUGINS[kind].shared and PLUGINS[kind].files:
        values.setdefault("path", f"/mnt/pve/{name}")
    with while_doing("create storage failed"):
        if name in call.cluster.storages:
            raise Die(f"storage ID '{name}' already defined")
        call.cluster.storages.save(Storage(name, kind, values))
    return {"storage": name, "type": kind}


def _check_options(kind: str, values: Mapping[str, str]) -> None:
    needed, more = OPTIONS[kind]
    for option, value in values.items():
        if option not in (*needed, *more):
            raise Die(f"unexpected property '{option}'")
        if option == "content":
            _check_contents(kind, value)


def _check_contents(kind: str, value: str) -> None:
    for content in formats.split_list(value):
        if content not in PLUGINS[kind].contents:
            raise Die(f"storage does not support content type '{content}'")


@route("PUT", "/storage/{storage}", ALLOCATE, CHANGED, protected=True)
async def update(call: Call) -> Row:
    """Set and delete options of a storage."""
    values = {key: value for key, value in call.values.items() if key in PARAMETERS}
    delete = formats.split_list(call.values.get("delete", ""))
    with while_doing("update storage failed"):
        if call.values.get("digest", call.cluster.storages.digest) != call.cluster.storages.digest:
            raise Die("detected modified configuration - file changed by other user? Try again.")
        storage = call.cluster.storages.load(call.values["storage"])
        _check_change(storage, values, delete)
        kept = {key: value for key, value in storage.options.items() if key not in delete}
        storage.options = kept | values
        call.cluster.storages.save(storage)
    return {"storage": storage.name, "type": storage.type}


def _check_change(storage: Storage, values: Mapping[str, str], delete: list[str]) -> None:
    needed, more = OPTIONS[storage.type]
    for option in values:
        if option in (*needed, *FIXED):
            raise Die(f"can't change value of fixed parameter '{option}'")
    _check_options(storage.type, values)
    for option in delete:
        if option not in (*needed, *more):
            raise Die(f"no such option '{option}'")
        if option in needed:
            raise Die(f"unable to delete required option '{option}'")
        if option in FIXED:
            raise Die(f"unable to delete fixed option '{option}'")
        if option in values:
            raise Die(f"cannot set and delete property '{option}' at the same time!")


@route("DELETE", "/storage/{storage}", ALLOCATE, protected=True)
async def delete(call: Call) -> None:
    """Remove a storage from the configuration, with the rights at it; what it holds stays where it is."""
    name, access = call.values["storage"], call.cluster.access
    with while_doing("delete storage failed"):
        call.cluster.storages.load(name)
        call.cluster.storages.delete(name)
    access.forget_storage(name)

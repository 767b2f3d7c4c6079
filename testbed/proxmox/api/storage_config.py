"""The cluster's storage configuration (pve-storage API2/Storage/Config.pm; Storage/*Plugin.pm options)."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from testbed.proxmox import formats
from testbed.proxmox.calls import Call, everybody, perm, route
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.errors import Die, while_doing
from testbed.proxmox.formats import PropertyString
from testbed.proxmox.schema import FormatError, Param, Schema
from testbed.proxmox.storage import retention
from testbed.proxmox.storage.storage import PLUGINS, Storage

AUDIT = ("Datastore.Audit", "Datastore.AllocateSpace")
ALLOCATE = perm("/storage", "Datastore.Allocate")
TEXT, FLAG, COUNT = Param(), Param("boolean"), Param("integer", minimum=0)
COMMON = ("nodes", "disable", "content", "bwlimit")
KEEPING = ("maxfiles", "prune-backups", "max-protected-backups")
FILES = (*KEEPING, "format", "mkdir", "create-base-path", "create-subdirs")
FOLDERS = (*COMMON, *FILES, "preallocation", "content-dirs", "snapshot-as-volume-chain")
LOGIN = ("username", "password")
ISCSI = (("portal", "target"), COMMON)
#: By type: the options that a section must have, which never change, and those that it may have.
OPTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "btrfs": (("path",), (*COMMON, *FILES, "preallocation", "shared", "is_mountpoint", "nocow")),
    "cephfs": ((), (*COMMON, *FILES, "path", "monhost", "username", "fuse", "subdir", "keyring", "options", "fs-name")),
    "cifs": (("server", "share"), (*FOLDERS, *LOGIN, "path", "options", "domain", "smbversion", "subdir")),
    "dir": (("path",), (*FOLDERS, "shared", "is_mountpoint")),
    "esxi": (("server",), (*COMMON, *LOGIN, "shared", "skip-cert-verification")),
    "glusterfs": (("volume",), (*FOLDERS, "path", "server", "server2", "transport")),
    "iscsi": ISCSI,
    "iscsidirect": ISCSI,
    "lvm": (
        ("vgname",),
        (
            *(*COMMON, "shared", "saferemove", "saferemove_throughput", "saferemove-stepsize", "base", "tagged_only"),
            "snapshot-as-volume-chain",
        ),
    ),
    "lvmthin": (("vgname", "thinpool"), COMMON),
    "nfs": (("server", "export"), (*FOLDERS, "path", "options")),
    "pbs": (
        ("server", "datastore"),
        (*COMMON, *KEEPING, *LOGIN, "namespace", "port", "encryption-key", "master-pubkey", "fingerprint"),
    ),
    "rbd": ((), (*COMMON, "monhost", "pool", "namespace", "username", "authsupported", "krbd", "data-pool", "keyring")),
    "zfs": (
        ("portal", "target", "pool", "iscsiprovider", "blocksize"),
        (*COMMON, "nowritecache", "sparse", "comstar_hg", "comstar_tg", "lio_tpg", "zfs-base-path"),
    ),
    "zfspool": (("pool",), (*COMMON, "blocksize", "sparse", "mountpoint")),
}
TYPES_9 = tuple(name for name in OPTIONS if name != "glusterfs")
#: Optional, but fixed once the section is there.
FIXED = ("path", "base", "pool", "vgname")
CONTENTS = ("images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import", "none")
LIMITS = PropertyString(dict.fromkeys(("clone", "default", "migration", "move", "restore"), Param("number", minimum=0)))


def contents(text: str) -> None:
    """Check a list of content types."""
    for name in formats.split_list(text):
        if name not in CONTENTS:
            raise FormatError(f"invalid content type '{name}'")


def nodes(text: str) -> None:
    """Check a list of nodes."""
    for name in formats.split_list(text):
        formats.node_name(name)


def _path(text: str) -> None:
    if not re.match(r"/[^;()]+", text):
        raise FormatError("value does not look like a valid absolute path")


def _server(text: str) -> None:
    try:
        formats.address(text)
    except FormatError:
        raise FormatError("value does not look like a valid server name or IP address") from None


def _portal(text: str) -> None:
    try:
        formats.address(re.sub(r"(?<=[^:\]])\]?:\d+$|[\[\]]", "", text))
    except FormatError:
        raise FormatError("value does not look like a valid portal address") from None


def _mount_options(text: str) -> None:
    if not re.fullmatch(r"\S+", text):
        raise FormatError(f"invalid options '{text}'")


def _group(text: str) -> None:
    if not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9\-_.]*[a-zA-Z0-9]", text):
        raise FormatError(f"lvm name '{text}' contains illegal characters")


def _folder(text: str) -> None:
    kind, separator, path = text.partition("=")
    if not separator or kind not in CONTENTS or ".." in path:
        raise FormatError(f"invalid override '{text}'")


_CHECKED: dict[str, Param] = {
    **dict.fromkeys(("path", "export", "mountpoint", "subdir", "zfs-base-path"), Param(check=_path)),
    **dict.fromkeys(("vgname", "thinpool"), Param(check=_group)),
    **dict.fromkeys(("domain", "password"), Param(max_length=256)),
    "server": Param(check=_server),
    "server2": Param(check=_server, requires="server", until="8"),
    "portal": Param(check=_portal),
    "monhost": Param(check=formats.each(_portal), listed=True),
    "options": Param(check=_mount_options),
    "base": Param(check=formats.volume_id),
    "bwlimit": Param(check=LIMITS.named("bwlimit")),
    "content": Param(check=contents, listed=True),
    "content-dirs": Param(check=formats.each(_folder), listed=True),
    "fs-name": Param(check=formats.config_id),
    "nodes": Param(check=nodes, listed=True),
    "prune-backups": Param(check=retention.parse),
}
_LIMITED: dict[str, Param] = {
    "fingerprint": Param(pattern="([A-Fa-f0-9]{2}:){31}[A-Fa-f0-9]{2}"),
    "format": Param(enum=("raw", "qcow2", "subvol", "vmdk")),
    "maxfiles": Param("integer", minimum=0, until="8"),
    "max-protected-backups": Param("integer", minimum=-1),
    "port": Param("integer", minimum=1, maximum=65535),
    "preallocation": Param(enum=("off", "metadata", "falloc", "full")),
    "saferemove-stepsize": Param("integer", enum=("1", "2", "4", "8", "16", "32"), since="9"),
    "smbversion": Param(enum=("default", "2.0", "2.1", "3", "3.0", "3.11")),
    "snapshot-as-volume-chain": Param("boolean", since="9"),
    "transport": Param(enum=("tcp", "rdma", "unix"), until="8"),
    "volume": Param(until="8"),
    **dict.fromkeys(("create-base-path", "create-subdirs", "disable", "fuse", "krbd", "mkdir"), FLAG),
    **dict.fromkeys(("nocow", "nowritecache", "saferemove", "shared", "skip-cert-verification", "sparse"), FLAG),
    "tagged_only": FLAG,
}
_NAMES = sorted({name for needed, more in OPTIONS.values() for name in (*needed, *more)})
PARAMETERS: dict[str, Param] = {name: _CHECKED.get(name) or _LIMITED.get(name, TEXT) for name in _NAMES}
#: What no change can even name.
FOR_EVER = (
    *(
        "authsupported",
        "base",
        "blocksize",
        "datastore",
        "export",
        "iscsiprovider",
        "path",
        "portal",
        "share",
        "target",
    ),
    *("thinpool", "vgname", "volume"),
)
TYPE = Param(enum=tuple(OPTIONS), enum_9=TYPES_9)
NEW: Schema = {
    **PARAMETERS,
    "storage": Param(optional=False, check=formats.storage_id),
    "type": replace(TYPE, optional=False),
}
CHANGED: Schema = {
    **{name: param for name, param in PARAMETERS.items() if name not in FOR_EVER},
    "delete": Param(max_length=4096, listed=True, check=formats.config_id_list),
    "digest": Param(max_length=64),
}


@route("GET", "/storage", everybody, {"type": TYPE})
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
    if kind not in PLUGINS:
        raise Die(f"create storage failed: {name}: this testbed has no storages of type '{kind}'")
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
        if option == "content" and kind in PLUGINS:
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

"""A node's storages and their use (pve-storage API2/Storage/Status.pm)."""

from testbed.proxmox import formats
from testbed.proxmox.calls import Call, everybody, perm_any, route
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.errors import parameter_errors
from testbed.proxmox.schema import Param
from testbed.proxmox.storage.storage import Storage

AUDIT = ("Datastore.Audit", "Datastore.AllocateSpace")
MAY_AUDIT = perm_any("/storage/{storage}", *AUDIT)
FILTERS = {
    "content": Param(listed=True),
    "enabled": Param("boolean"),
    "format": Param("boolean"),
    "storage": Param(check=formats.storage_id),
    "target": Param(check=formats.node_name),
}
SUBDIRECTORIES = (
    *("content", "download-url", "file-restore", "import-metadata", "prunebackups", "rrd", "rrddata", "status"),
    "upload",
)


def _usable(call: Call, storage: Storage) -> bool:
    return storage.enabled and storage.on(call.node.name)


def _status(call: Call, storage: Storage) -> Row:
    row: Row = {"type": storage.type, "content": ",".join(storage.content), "shared": int(storage.shared)}
    if not _usable(call, storage):
        return row | {"total": 0, "avail": 0, "used": 0, "active": 0, "enabled": 0}
    used = min(call.node.volumes.used(storage), storage.size)
    return row | {"total": storage.size, "avail": storage.size - used, "used": used, "active": 1, "enabled": 1}


def _formats(storage: Storage) -> Row:
    known = dict.fromkeys(storage.plugin.formats, 1)
    return {"format": [known, storage.format("")]}


@route("GET", "/nodes/{node}/storage", everybody, FILTERS, protected=True)
async def listing(call: Call) -> list[Row]:
    """The storages with their use; with `content` those that hold some of it and are there."""
    wanted = call.values.get("storage")
    if wanted and wanted not in call.cluster.storages:
        raise parameter_errors({"storage": "No such storage."})
    may = call.cluster.access.may_any
    found = [one for one in call.cluster.storages if wanted in (None, one.name) and _fits(call, one)]
    return [_row(call, one) for one in found if may(call.who, f"/storage/{one.name}", *AUDIT)]


def _fits(call: Call, storage: Storage) -> bool:
    content = formats.split_list(call.values.get("content", ""))
    if content and not (set(content) & set(storage.content) and _usable(call, storage)):
        return False
    if call.flag("enabled") and not storage.enabled:
        return False
    target = call.values.get("target", call.node.name)
    away = target not in (call.node.name, "localhost")
    return not away or (storage.shared and storage.on(call.node.name) and storage.on(target))


def _row(call: Call, storage: Storage) -> Row:
    row = _status(call, storage) | {"storage": storage.name}
    row |= _formats(storage) if call.flag("format") else {}
    return row | ({"used_fraction": row["used"] / row["total"]} if row["total"] else {})


@route("GET", "/nodes/{node}/storage/{storage}", MAY_AUDIT, at_entry=True)
async def index(_call: Call) -> list[Row]:
    """What can be asked of a storage."""
    return [{"subdir": name} for name in SUBDIRECTORIES]


@route("GET", "/nodes/{node}/storage/{storage}/status", MAY_AUDIT, protected=True)
async def status(call: Call) -> Row:
    """One storage's use."""
    return _status(call, call.cluster.storages.check_known(call.values["storage"]))

"""Storages and their content (pve-storage API2/Storage)."""

from typing import Any

from testbed.proxmox import formats
from testbed.proxmox.calls import Call, everybody, perm_any, route
from testbed.proxmox.schema import Param
from testbed.proxmox.stats import Row
from testbed.proxmox.storage import Storage, Volume

AUDIT = ("Datastore.Audit", "Datastore.AllocateSpace")
FILTERS = {
    "content": Param(listed=True),
    "enabled": Param("boolean"),
    "format": Param("boolean"),
    "storage": Param(check=formats.storage_id),
    "target": Param(check=formats.node_name),
}


def _status(call: Call, storage: Storage) -> Row:
    used, total = call.node.volumes.used(storage), storage.size
    row: Row = {"type": storage.type, "content": ",".join(storage.content), "active": 1, "enabled": 1}
    return row | {"shared": int(storage.shared), "used": used, "total": total, "avail": total - used}


@route("GET", "/nodes/{node}/storage", everybody, FILTERS, protected=True)
async def listing(call: Call) -> list[Row]:
    """The node's storages with their use."""
    values, may = call.values, call.cluster.access.may_any
    wanted = set(formats.split_list(values.get("content", "")))
    found = [one for one in call.node.storages() if wanted <= set(one.content)]
    found = [one for one in found if one.name == values.get("storage", one.name)]
    rows = [
        _status(call, one) | {"storage": one.name} for one in found if may(call.who, f"/storage/{one.name}", *AUDIT)
    ]
    return [row | {"used_fraction": row["used"] / row["total"]} for row in rows]


@route("GET", "/nodes/{node}/storage/{storage}/status", perm_any("/storage/{storage}", *AUDIT), protected=True)
async def status(call: Call) -> Row:
    """One storage's use."""
    return _status(call, call.cluster.storages.check_known(call.values["storage"]))


CONTENT_FILTERS = {"content": Param(), "vmid": Param("integer", check=formats.vmid)}


@route(
    "GET",
    "/nodes/{node}/storage/{storage}/content",
    perm_any("/storage/{storage}", *AUDIT),
    CONTENT_FILTERS,
    protected=True,
)
async def content(call: Call) -> list[Row]:
    """The volumes, of one owner if asked."""
    name = call.values["storage"]
    call.cluster.storages.check_enabled(name, call.node.name)
    if call.values.get("content", "images") != "images":
        return []
    owner = call.values.get("vmid")
    everything = call.node.volumes.of(int(owner)) if owner else call.node.volumes
    volumes = [volume for volume in everything if volume.storage == name]
    return [_row(volume) for volume in sorted(volumes, key=lambda volume: volume.volid)]


def _row(volume: Volume) -> dict[str, Any]:
    return {
        "volid": volume.volid,
        "content": "images",
        "format": volume.format,
        "size": volume.size,
        "used": volume.used,
        "vmid": volume.vmid,
        "ctime": volume.ctime,
        "parent": f"../{volume.parent}" if volume.parent else None,
    }

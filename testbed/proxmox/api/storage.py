"""Storages and their content (pve-storage API2/Storage)."""

from typing import Any

from testbed.proxmox import formats, storage
from testbed.proxmox.calls import Call, everybody, perm_any, route
from testbed.proxmox.schema import Param
from testbed.proxmox.stats import Row
from testbed.proxmox.storage import CONTENT, NAME, PATH, Volume

AUDIT = ("Datastore.Audit", "Datastore.AllocateSpace")
FILTERS = {
    "content": Param(listed=True),
    "enabled": Param("boolean"),
    "format": Param("boolean"),
    "storage": Param(check=formats.storage_id),
    "target": Param(check=formats.node_name),
}


def _status(call: Call) -> Row:
    figures = call.node.stats.node()
    used, total = figures["disk"], figures["maxdisk"]
    row: Row = {"type": "dir", "content": CONTENT, "active": 1, "enabled": 1, "shared": 0}
    return row | {"used": used, "total": total, "avail": total - used}


@route("GET", "/storage", everybody)
async def definitions(call: Call) -> list[Row]:
    """The configured storages."""
    if not call.node.access.may_any(call.who, f"/storage/{NAME}", *AUDIT):
        return []
    return [{"storage": NAME, "type": "dir", "path": PATH, "content": CONTENT}]


@route("GET", "/nodes/{node}/storage", everybody, FILTERS, protected=True)
async def listing(call: Call) -> list[Row]:
    """The node's storages with their use."""
    wanted = formats.split_list(call.values.get("content", ""))
    fits = set(wanted) <= set(CONTENT.split(",")) and call.values.get("storage", NAME) == NAME
    if not fits or not call.node.access.may_any(call.who, f"/storage/{NAME}", *AUDIT):
        return []
    row = _status(call)
    return [row | {"storage": NAME, "used_fraction": row["used"] / row["total"]}]


@route("GET", "/nodes/{node}/storage/{storage}/status", perm_any("/storage/{storage}", *AUDIT), protected=True)
async def status(call: Call) -> Row:
    """One storage's use."""
    storage.check_known(call.values["storage"])
    return _status(call)


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
    storage.check_images(call.values["storage"])
    if call.values.get("content", "images") != "images":
        return []
    owner = call.values.get("vmid")
    volumes = call.node.volumes.of(int(owner)) if owner else call.node.volumes
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

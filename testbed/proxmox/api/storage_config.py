"""The cluster's storage configuration (pve-storage API2/Storage/Config.pm)."""

from testbed.proxmox.calls import Call, everybody, route
from testbed.proxmox.stats import Row
from testbed.proxmox.storage import Storage

AUDIT = ("Datastore.Audit", "Datastore.AllocateSpace")


@route("GET", "/storage", everybody)
async def definitions(call: Call) -> list[Row]:
    """The configured storages."""
    may = call.cluster.access.may_any
    return [_row(one) for one in call.cluster.storages if may(call.who, f"/storage/{one.name}", *AUDIT)]


def _row(storage: Storage) -> Row:
    return {"storage": storage.name, "type": storage.type, **storage.options}

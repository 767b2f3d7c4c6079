"""Which backups of a storage are kept, and removing the rest (pve-storage API2/Storage/PruneBackups.pm)."""

from testbed.proxmox import formats
from testbed.proxmox.api.storage import MAY_AUDIT
from testbed.proxmox.calls import Call, everybody, route
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.cluster.tasks import Worker
from testbed.proxmox.schema import Param
from testbed.proxmox.storage import archives, contents, retention
from testbed.proxmox.storage.retention import Keep
from testbed.proxmox.storage.storage import Storage

PATH = "/nodes/{node}/storage/{storage}/prunebackups"
PARAMETERS = {
    "prune-backups": Param(check=retention.parse),
    "type": Param(enum=("qemu", "lxc")),
    "vmid": Param("integer", check=formats.vmid),
}


def keep_of(storage: Storage) -> Keep:
    """What a storage keeps by its own configuration: everything, unless told."""
    return retention.parse(storage.options.get("prune-backups", "keep-all=1"))


def _keep(call: Call, storage: Storage) -> Keep:
    given = call.values.get("prune-backups")
    return retention.parse(given) if given else keep_of(storage)


def _marked(call: Call, storage: Storage) -> list[Row]:
    owner = call.values.get("vmid")
    volumes = archives.of_storage(call.node, storage, int(owner) if owner else None, call.values.get("type"))
    rows: list[Row] = []
    for volume, entry in archives.marked(volumes, _keep(call, storage)):
        row: Row = {"volid": volume.volid, "ctime": entry.time, "type": contents.backup_type(volume.name)}
        row["mark"] = entry.mark
        vmid = contents.owner(volume.name)
        rows.append(row | ({"vmid": vmid} if vmid else {}))
    return rows


@route("GET", PATH, MAY_AUDIT, PARAMETERS, protected=True)
async def preview(call: Call) -> list[Row]:
    """What would be kept and removed."""
    return _marked(call, call.cluster.storages.check_enabled(call.values["storage"], call.node.name))


@route("DELETE", PATH, everybody, PARAMETERS, protected=True)
async def prune(call: Call) -> str:
    """Remove what is not kept, in a task."""
    name, owner = call.values["storage"], call.values.get("vmid")
    if owner:
        call.check(f"/storage/{name}", "Datastore.AllocateSpace")
        call.check(f"/vms/{owner}", "VM.Backup")
    else:
        call.check(f"/storage/{name}", "Datastore.Allocate")
    identifier = f"{owner}@{name}" if owner else name
    return call.node.tasks.start("prunebackups", identifier, call.who.id, lambda worker: _prune(call, worker))


async def _prune(call: Call, worker: Worker) -> None:
    storage = call.cluster.storages.check_enabled(call.values["storage"], call.node.name)
    for row in _marked(call, storage):
        volume = call.node.volumes.get(row["volid"])
        if row["mark"] == "remove" and volume:
            worker.say(f"removing backup '{volume.volid}'")
            await archives.remove(call.node, volume)

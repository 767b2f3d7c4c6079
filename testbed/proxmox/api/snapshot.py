"""Snapshots of a VM (qemu-server API2/Qemu.pm snapshot_list, snapshot, rollback, delsnapshot)."""

from typing import Any

from testbed.proxmox.api.power import start_task
from testbed.proxmox.calls import SNAPSHOT, Call, everybody, perm, perm_any, route
from testbed.proxmox.cluster.locks import CONFIG_TIMEOUT, vm_lock
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.cluster.tasks import Worker
from testbed.proxmox.errors import Die
from testbed.proxmox.schema import Param
from testbed.proxmox.vm import snapshots
from testbed.proxmox.vm.options import json_value
from testbed.proxmox.vm.vms import Config

LIST = "/nodes/{node}/qemu/{vmid}/snapshot"
ONE = LIST + "/{snapname}"
SNAPSHOT_RIGHT = perm("/vms/{vmid}", "VM.Snapshot")
READ = perm_any("/vms/{vmid}", "VM.Snapshot", "VM.Snapshot.Rollback", "VM.Audit")
ROLLBACK = perm_any("/vms/{vmid}", "VM.Snapshot", "VM.Snapshot.Rollback")


def migration_lock(vmid: int) -> str:
    """The lock that keeps replication and migration away."""
    return f"/var/lock/pve-manager/pve-migrate-{vmid}"


@route("GET", LIST, perm("/vms/{vmid}", "VM.Audit"), protected=True)
async def listing(call: Call) -> list[Row]:
    """All snapshots, and the present as `current`."""
    vm = call.node.vms.load(call.vmid)
    now: Row = {"name": "current", "digest": vm.digest, "description": "You are here!"}
    now["running"] = 1 if call.node.running(vm) else 0
    if "parent" in vm.config:
        now["parent"] = vm.config["parent"]
    return [*(_row(name, snapshot) for name, snapshot in vm.snapshots.items()), now]


def _row(name: str, snapshot: Config) -> Row:
    row: Row = {"name": name, "snaptime": int(snapshot.get("snaptime", 0))}
    row |= {"vmstate": 1 if "vmstate" in snapshot else 0, "description": snapshot.get("description", "")}
    return row | {key: snapshot[key] for key in ("parent", "snapstate") if key in snapshot}


@route(
    "POST",
    LIST,
    SNAPSHOT_RIGHT,
    {"snapname": SNAPSHOT, "vmstate": Param("boolean"), "description": Param()},
    protected=True,
)
async def create(call: Call) -> str:
    """Take a snapshot in a task."""
    node, vmid, name = call.node, call.vmid, call.values["snapname"]
    if name == "current" or name.lower() == "pending":
        raise Die(f"unable to use snapshot name '{'current' if name == 'current' else 'pending'}' (reserved name)")
    node.vms.load(vmid)
    memory, description = call.flag("vmstate"), call.values.get("description", "")

    async def work(worker: Worker) -> None:
        await snapshots.create(node, vmid, name, worker, memory=memory, description=description)

    return node.tasks.start("qmsnapshot", str(vmid), call.who.id, work)


@route("GET", ONE, everybody)
async def index(_call: Call) -> list[Row]:
    """What can be done with a snapshot."""
    return [{"cmd": "rollback"}, {"cmd": "config"}]


@route("DELETE", ONE, SNAPSHOT_RIGHT, {"force": Param("boolean")}, protected=True)
async def delete(call: Call) -> str:
    """Remove a snapshot in a task."""
    node, vmid, name, force = call.node, call.vmid, call.values["snapname"], call.flag("force")

    async def work(worker: Worker) -> None:
        if force:
            await snapshots.delete(node, vmid, name, worker, force)
            return
        async with node.locks.hold(migration_lock(vmid), CONFIG_TIMEOUT, say=worker.say):
            await snapshots.delete(node, vmid, name, worker, force)

    return node.tasks.start("qmdelsnapshot", str(vmid), call.who.id, work)


@route("GET", ONE + "/config", READ)
async def read(call: Call) -> dict[str, Any]:
    """A snapshot's configuration."""
    snapshot = call.node.vms.load(call.vmid).snapshot(call.values["snapname"])
    return {key: json_value(key, text) for key, text in snapshot.items()}


@route("PUT", ONE + "/config", SNAPSHOT_RIGHT, {"description": Param()}, protected=True)
async def describe(call: Call) -> None:
    """Change a snapshot's description."""
    if "description" not in call.values:
        return
    async with call.node.locks.hold(vm_lock(call.vmid), CONFIG_TIMEOUT):
        vm = call.node.vms.load(call.vmid)
        vm.check_lock()
        vm.snapshot(call.values["snapname"])["description"] = call.values["description"].rstrip()
        call.node.vms.save(vm)


@route("POST", ONE + "/rollback", ROLLBACK, {"start": Param("boolean")}, protected=True)
async def rollback(call: Call) -> str:
    """Go back to a snapshot in a task; with `start`, another task then starts the VM."""
    node, vmid, name, start = call.node, call.vmid, call.values["snapname"], call.flag("start")
    if start and not node.access.release.old:
        call.check(f"/vms/{vmid}", "VM.PowerMgmt")

    async def work(worker: Worker) -> None:
        async with node.locks.hold(migration_lock(vmid), CONFIG_TIMEOUT, say=worker.say):
            await snapshots.rollback(node, vmid, name, worker)
            if start and not node.running(node.vms.load(vmid)):
                start_task(node, vmid, call.who.id)

    return node.tasks.start("qmrollback", str(vmid), call.who.id, work)

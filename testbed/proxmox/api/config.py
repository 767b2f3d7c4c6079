"""Reading and changing configurations (qemu-server API2/Qemu.pm vm_config, vm_pending, update_vm_api)."""

from typing import Any

from testbed.proxmox.access.config_rights import ConfigRights
from testbed.proxmox.calls import Call, perm, perm_any, route
from testbed.proxmox.cluster.locks import CONFIG_TIMEOUT, vm_lock
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.cluster.tasks import Worker
from testbed.proxmox.errors import Die, only_root, parameter_errors
from testbed.proxmox.formats import config_id, config_id_list, split_list, storage_id
from testbed.proxmox.schema import Param
from testbed.proxmox.vm import changes, pending_changes
from testbed.proxmox.vm.options import CONFIG_PRIVILEGES, OPTIONS, json_value
from testbed.proxmox.vm.vms import Config, Vm

AUDIT = perm("/vms/{vmid}", "VM.Audit")
CHANGE = perm_any("/vms/{vmid}", *CONFIG_PRIVILEGES)
EXTRA = {
    "delete": Param(check=config_id_list, listed=True),
    "revert": Param(check=config_id_list, listed=True),
    "force": Param("boolean", requires="delete"),
    "digest": Param(max_length=40),
    "skiplock": Param("boolean"),
}
IN_TASK = {
    "background_delay": Param("integer", minimum=1, maximum=30),
    "import-working-storage": Param(check=storage_id),
}
MASK = "**********"
PATH = "/nodes/{node}/qemu/{vmid}/config"
READ = {"current": Param("boolean"), "snapshot": Param(max_length=40, check=config_id)}


def shown(config: Config) -> dict[str, Any]:
    """A configuration as the API shows it."""
    masked = config | ({"cipassword": MASK} if "cipassword" in config else {})
    return {key: json_value(key, value) for key, value in masked.items()}


@route("GET", PATH, AUDIT, READ)
async def read(call: Call) -> dict[str, Any]:
    """The configuration with pending changes, or without them by `current=1`, or a snapshot's."""
    name = call.values.get("snapshot")
    if name and call.flag("current"):
        raise parameter_errors(dict.fromkeys(("snapshot", "current"), "cannot use 'snapshot' parameter with 'current'"))
    vm = call.node.vms.load(call.vmid)
    config = vm.snapshot(name) if name else vm.config if call.flag("current") else vm.merged
    return shown(config) | {"digest": vm.digest}


@route("GET", "/nodes/{node}/qemu/{vmid}/pending", AUDIT)
async def pending(call: Call) -> list[Row]:
    """Every option with its value now and its value after the next cold start."""
    vm = call.node.vms.load(call.vmid)
    rows = [_pending_row(vm, key) for key in {**vm.config, **vm.pending}]
    return [*rows, {"key": "digest", "value": vm.digest}]


def _pending_row(vm: Vm, key: str) -> Row:
    row: Row = {"key": key}
    if key in vm.config:
        row["value"] = shown({key: vm.config[key]})[key]
    if key in vm.pending:
        row["pending"] = shown({key: vm.pending[key]})[key]
    if key in vm.pending_delete:
        row["delete"] = 2 if vm.pending_delete[key] else 1
    return row


@route("PUT", PATH, CHANGE, {**OPTIONS, **EXTRA}, protected=True)
async def update(call: Call) -> None:
    """Change at once, within the request."""
    change = _prepared(call)
    node = call.node
    async with node.locks.hold(vm_lock(call.vmid), CONFIG_TIMEOUT):
        await pending_changes.apply(node, changes.checked(node, call.vmid, change), change)


@route("POST", PATH, CHANGE, {**OPTIONS, **EXTRA, **IN_TASK}, protected=True)
async def update_in_task(call: Call) -> str | None:
    """Change in a task, after the same checks; no UPID for one that ends within `background_delay` seconds."""
    change = _prepared(call)
    node, vmid = call.node, call.vmid

    async def work(worker: Worker) -> None:
        worker.say(f"update VM {vmid}: {change.summary}")
        async with node.locks.hold(vm_lock(vmid), CONFIG_TIMEOUT, say=worker.say):
            await pending_changes.apply(node, changes.checked(node, vmid, change), change, worker.say)

    async with node.locks.hold(vm_lock(vmid), CONFIG_TIMEOUT):
        changes.checked(node, vmid, change)
        upid = node.tasks.start("qmconfig", str(vmid), call.who.id, work)
    seconds = call.number("background_delay", 0)
    if not (seconds and await node.tasks.ended(upid, seconds)):
        return upid
    task = node.tasks.find(upid)
    if task.failed:
        raise Die(f"failed to update VM {vmid}: {task.exitstatus}")
    return None


def _prepared(call: Call) -> changes.Change:
    if call.flag("skiplock") and not call.who.root:
        raise only_root("skiplock")
    return changes.prepare(call)


UNLINK = {"idlist": Param(optional=False, check=config_id_list, listed=True), "force": Param("boolean")}


@route("PUT", "/nodes/{node}/qemu/{vmid}/unlink", perm("/vms/{vmid}", "VM.Config.Disk"), UNLINK, protected=True)
async def unlink(call: Call) -> None:
    """Detach disks; unused ones are removed."""
    node = call.node
    change = changes.Change({}, split_list(call.values["idlist"]), force=call.flag("force"))
    change.rights = ConfigRights(node.access, call.who, call.vmid)
    async with node.locks.hold(vm_lock(call.vmid), CONFIG_TIMEOUT):
        await pending_changes.apply(node, changes.checked(node, call.vmid, change), change)

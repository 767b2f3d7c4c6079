"""What is known of the whole cluster (pve-manager API2/Cluster.pm)."""

from testbed.proxmox.api.nodes import VERSION
from testbed.proxmox.api.tasks import brief
from testbed.proxmox.calls import Call, everybody, perm, route
from testbed.proxmox.errors import Die, parameter_errors
from testbed.proxmox.formats import vmid
from testbed.proxmox.schema import Param
from testbed.proxmox.stats import Row
from testbed.proxmox.storage import CONTENT, NAME
from testbed.proxmox.vms import Vm

#: Where the search for a free id begins and ends (datacenter.cfg next-id, its defaults).
LOWER, UPPER = 100, 1_000_000
RESOURCE_TYPES = ("vm", "storage", "node", "sdn")
RECENT_TASKS = 25


@route("GET", "/", everybody)
async def index(_call: Call) -> list[Row]:
    """The areas of the API."""
    return [{"subdir": name} for name in ("version", "cluster", "nodes", "storage", "access", "pools")]


@route("GET", "/version", everybody)
async def version(_call: Call) -> dict[str, str]:
    """The release."""
    return VERSION


@route("GET", "/cluster/nextid", everybody, {"vmid": Param("integer", check=vmid)})
async def next_id(call: Call) -> str:
    """A free id, reserved for nobody, or whether the given one is free."""
    wanted = call.values.get("vmid")
    if wanted is None:
        return _lowest_free(call)
    if call.node.taken(int(wanted)):
        raise parameter_errors({"vmid": f"VM {wanted} already exists"})
    return wanted


def _lowest_free(call: Call) -> str:
    for candidate in range(LOWER, UPPER):
        if not call.node.taken(candidate):
            return str(candidate)
    raise Die(f"unable to get any free VMID in range [{LOWER}, {UPPER - 1}]")


@route("GET", "/cluster/status", perm("/", "Sys.Audit"))
async def status(call: Call) -> list[Row]:
    """The nodes; a single one has no row for a cluster."""
    name = call.node.name
    row = {"id": f"node/{name}", "type": "node", "name": name, "nodeid": 0, "ip": "127.0.0.1", "level": ""}
    return [row | {"online": 1, "local": 1}]


@route("GET", "/cluster/resources", everybody, {"type": Param(enum=RESOURCE_TYPES)})
async def resources(call: Call) -> list[Row]:
    """VMs, nodes and storages; VM figures are those of the last broadcast."""
    wanted = call.values.get("type")
    rows = [*_vm_rows(call), *_container_rows(call)] if wanted in (None, "vm") else []
    rows += [_node_row(call)] if wanted in (None, "node") else []
    rows += _storage_rows(call) if wanted in (None, "storage") else []
    return rows


def _vm_rows(call: Call) -> list[Row]:
    access = call.node.access
    everything = access.may(call.who, "/vms", "VM.Audit") and not access.acl
    return [
        _vm_row(call, vm) for vm in call.node.vms if everything or access.may(call.who, f"/vms/{vm.vmid}", "VM.Audit")
    ]


def _vm_row(call: Call, vm: Vm) -> Row:
    row: Row = {"id": f"qemu/{vm.vmid}", "type": "qemu", "vmid": vm.vmid, "node": call.node.name, "status": "unknown"}
    row |= call.node.stats.published(vm.vmid) or {}
    return row | {key: vm.config[key] for key in ("lock", "tags") if key in vm.config}


def _container_rows(call: Call) -> list[Row]:
    access, fixed = call.node.access, {"type": "lxc", "node": call.node.name, "template": 0}
    return [
        {"id": f"lxc/{row['vmid']}", **fixed, **row, "maxcpu": row["cpus"]}
        for row in call.node.containers
        if access.may(call.who, f"/vms/{row['vmid']}", "VM.Audit")
    ]


def _node_row(call: Call) -> Row:
    name = call.node.name
    row: Row = {"id": f"node/{name}", "type": "node", "node": name, "status": "online", "level": "", "cgroup-mode": 2}
    audit = call.node.access.may(call.who, f"/nodes/{name}", "Sys.Audit")
    return row | (call.node.stats.node() if audit else {})


def _storage_rows(call: Call) -> list[Row]:
    if not call.node.access.may_any(call.who, f"/storage/{NAME}", "Datastore.Audit", "Datastore.AllocateSpace"):
        return []
    node = call.node
    row: Row = {"id": f"storage/{node.name}/{NAME}", "type": "storage", "storage": NAME, "node": node.name}
    row |= {"status": "available", "plugintype": "dir", "shared": 0, "content": CONTENT}
    figures = node.stats.node()
    return [row | {"disk": figures["disk"], "maxdisk": figures["maxdisk"]}]


@route("GET", "/cluster/tasks", everybody)
async def tasks(call: Call) -> list[Row]:
    """Running and recent tasks. A token's tasks count as its user's, who the token is not."""
    audit = call.node.access.may(call.who, "/", "Sys.Audit")
    running = call.node.tasks.active()
    finished = [task for task, _ in zip(call.node.tasks.archive(), range(RECENT_TASKS), strict=False)]
    recent = [*running, *finished][:RECENT_TASKS]
    return [brief(task) for task in recent if audit or task.user.partition("!")[0] == call.who.id]

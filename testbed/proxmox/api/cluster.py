"""What is known of the whole cluster (pve-manager API2/Cluster.pm)."""

from collections.abc import Callable

from testbed.proxmox.api import cluster_options
from testbed.proxmox.api.tasks import brief
from testbed.proxmox.calls import Call, everybody, perm, route
from testbed.proxmox.cluster.node import Node
from testbed.proxmox.cluster.resources import container_row, guest_row, network_row, pool_row, storage_row, vm_row
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.cluster.tasks import Task
from testbed.proxmox.errors import Die, parameter_errors
from testbed.proxmox.formats import vmid
from testbed.proxmox.schema import Param
from testbed.proxmox.storage.storage import Storage
from testbed.proxmox.vm.vms import Vm

#: Where the search for a free id begins and ends (datacenter.cfg next-id, its defaults).
LOWER, UPPER = 100, 1_000_000
RESOURCE_TYPES = ("vm", "storage", "node", "sdn")
RECENT_TASKS = 25
#: An id below those that VMs can have.
NO_VM = 99


@route("GET", "/", everybody)
async def index(_call: Call) -> list[Row]:
    """The areas of the API."""
    return [{"subdir": name} for name in ("version", "cluster", "nodes", "storage", "access", "pools")]


@route("GET", "/version", everybody)
async def version(call: Call) -> dict[str, str]:
    """The release."""
    return dict(call.cluster.access.release.version)


@route("GET", "/cluster/nextid", everybody, {"vmid": Param("integer", check=vmid)})
async def next_id(call: Call) -> str:
    """A free id, reserved for nobody, or whether the given one is free."""
    wanted = call.values.get("vmid")
    if wanted is None:
        return _lowest_free(call)
    if call.cluster.taken(int(wanted)):
        raise parameter_errors({"vmid": f"VM {wanted} already exists"})
    return wanted


def _lowest_free(call: Call) -> str:
    bounds = cluster_options.PARTS["next-id"].parse(cluster_options.options(call).get("next-id", ""))
    lower, upper = int(bounds.get("lower", LOWER)), int(bounds.get("upper", UPPER))
    for candidate in range(lower, upper):
        if not call.cluster.taken(candidate):
            return str(candidate)
    raise Die(f"unable to get any free VMID in range [{lower}, {upper}]")


@route("GET", "/cluster/status", perm("/", "Sys.Audit"), protected=True)
async def status(call: Call) -> list[Row]:
    """The cluster and its nodes; a single one has no row for a cluster."""
    rows = [_status_row(call, node) for node in call.cluster.nodes.values()]
    if call.cluster.name is None:
        return rows
    row: Row = {"id": "cluster", "type": "cluster", "name": call.cluster.name, "nodes": len(rows)}
    return [row | {"quorate": int(call.cluster.quorate), "version": len(rows)}, *rows]


def _status_row(call: Call, node: Node) -> Row:
    row: Row = {"id": f"node/{node.name}", "type": "node", "name": node.name, "ip": node.address, "level": ""}
    number = node.number if call.cluster.name else 0
    return row | {"nodeid": number, "online": int(node.online), "local": int(node is call.entry)}


@route("GET", "/cluster/resources", everybody, {"type": Param(enum=RESOURCE_TYPES)})
async def resources(call: Call) -> list[Row]:
    """VMs, nodes and storages; VM figures are those of the last broadcast."""
    wanted = call.values.get("type")
    nodes = call.cluster.nodes.values()
    rows = _pool_rows(call) if wanted is None else []
    rows += [*_vm_rows(call), *_container_rows(call)] if wanted in (None, "vm") else []
    rows += [_node_row(call, node) for node in nodes] if wanted in (None, "node") else []
    if wanted in (None, "storage"):
        rows += [storage_row(node, storage) for node in nodes for storage in _seen_storages(call, node)]
    if wanted in (None, "sdn") and call.cluster.access.may(call.who, "/sdn/zones/localnetwork", "SDN.Audit"):
        rows += [network_row(node, call.cluster.pve) for node in nodes]
    return rows


def _seen_pools(call: Call) -> set[str]:
    access = call.cluster.access
    return {name for name in access.pools if access.may(call.who, f"/pool/{name}", "Pool.Audit")}


def _pool_rows(call: Call) -> list[Row]:
    seen, cluster = _seen_pools(call), call.cluster
    members = {name: pool.vms for name, pool in cluster.pools.items() if name in seen}
    return [
        pool_row(name, [row for vmid in vmids if (row := guest_row(cluster, vmid))]) for name, vmids in members.items()
    ]


def _vm_rows(call: Call) -> list[Row]:
    sees, pools = _sight(call), _seen_pools(call)
    return [
        vm_row(vm, published) | _live(call, vm, pools)
        for node in call.cluster.nodes.values()
        for published in [node.stats.published()]
        for vm in node.vms
        if sees(vm.vmid)
    ]


def _sight(call: Call) -> Callable[[int], bool]:
    """Whether the caller sees a VM; those without rights or a pool of their own share one answer."""
    access, own = call.cluster.access, call.cluster.access.acl.paths
    common = access.may(call.who, f"/vms/{NO_VM}", "VM.Audit")

    def sees(vmid: int) -> bool:
        if f"/vms/{vmid}" not in own and access.pools.of_vm(vmid) is None:
            return common
        return access.may(call.who, f"/vms/{vmid}", "VM.Audit")

    return sees


def _live(call: Call, vm: Vm, pools: set[str]) -> Row:
    """What is known at once of a VM: its lock, tags and pool."""
    row: Row = {key: vm.config[key] for key in ("lock", "tags") if key in vm.config}
    if state := call.cluster.ha.wanted(vm.vmid):
        row["hastate"] = state
    pool = call.cluster.access.pools.of_vm(vm.vmid)
    return row | ({"pool": pool} if pool in pools else {})


def _container_rows(call: Call) -> list[Row]:
    access, rows = call.cluster.access, call.cluster.containers
    return [container_row(row) for row in rows if access.may(call.who, f"/vms/{row['vmid']}", "VM.Audit")]


def _node_row(call: Call, node: Node) -> Row:
    name = node.name
    row: Row = {"id": f"node/{name}", "type": "node", "node": name, "level": ""}
    if not node.online:
        return row | {"status": "offline"}
    audit = call.cluster.access.may(call.who, f"/nodes/{name}", "Sys.Audit")
    return row | {"status": "online", "cgroup-mode": 2} | (node.stats.node() if audit else {})


def _seen_storages(call: Call, node: Node) -> list[Storage]:
    may = call.cluster.access.may
    return [storage for storage in node.storages() if may(call.who, f"/storage/{storage.name}", "Datastore.Audit")]


@route("GET", "/cluster/tasks", everybody)
async def tasks(call: Call) -> list[Row]:
    """Running and recent tasks of the nodes that are there. A token's count as its user's, who the token is not."""
    audit = call.cluster.access.may(call.who, "/", "Sys.Audit")
    recent = [task for node in call.cluster.nodes.values() if node.online for task in _recent(node)]
    return [brief(task) for task in recent if audit or task.user.partition("!")[0] == call.who.id]


def _recent(node: Node) -> list[Task]:
    running = node.tasks.active()
    finished = [task for task, _ in zip(node.tasks.archive(), range(RECENT_TASKS), strict=False)]
    return [*running, *finished][: max(RECENT_TASKS, len(running))]

"""Data for the graphs of VMs, nodes and storages (pve-manager API2/Nodes.pm, qemu-server API2/Qemu.pm rrddata)."""

import time
import zlib

from testbed.proxmox.calls import Call, perm, perm_any, route
from testbed.proxmox.cluster import load, rrd
from testbed.proxmox.cluster.rrd import History, Row, Source
from testbed.proxmox.schema import Param
from testbed.proxmox.vm.vms import Vm

FRAMES = ("hour", "day", "week", "month", "year")
CONSOLIDATION = {"cf": Param(enum=("AVERAGE", "MAX"))}
PARAMETERS = {"timeframe": Param(optional=False, enum=FRAMES), **CONSOLIDATION}
NODE_PARAMETERS = {"timeframe": Param(optional=False, enum=FRAMES, enum_9=(*FRAMES, "decade")), **CONSOLIDATION}
PRESSURES = ("cpusome", "cpufull", "iosome", "iofull", "memorysome", "memoryfull")
MIB = 1024**2
SWAP = 8 * 1024 * MIB
#: How fast a storage fills: the part of its use that is new after a month.
GROWTH_PER_MONTH, MONTH = 0.02, 30 * 86_400


def _data(call: Call, source: Source) -> list[Row]:
    release = call.cluster.pve
    return rrd.data(source, call.values["timeframe"], call.values.get("cf", "AVERAGE"), release)


@route(
    "GET",
    "/nodes/{node}/qemu/{vmid}/rrddata",
    perm("/vms/{vmid}", "VM.Audit"),
    PARAMETERS,
    protected=True,
    at_entry=True,
)
async def vm_data(call: Call) -> list[Row]:
    """A VM's figures over time."""
    vm = call.cluster.vms.get(call.vmid)
    release = call.cluster.pve
    if vm is None or not call.cluster.nodes[vm.node].stats.published().get(vm.vmid):
        raise rrd.missing(f"pve-vm-9.0/{call.vmid}" if release == "9" else f"pve2-vm/{call.vmid}")
    return _data(call, _vm_source(call, vm, release))


def _vm_source(call: Call, vm: Vm, release: str) -> Source:
    figures = call.cluster.nodes[vm.node].stats.vm(vm)
    steady = {"maxcpu": vm.cores, "maxmem": figures["maxmem"], "maxdisk": figures["maxdisk"], "disk": 0}

    def moving(when: float) -> Row:
        busy = load.at(vm.vmid, when)
        row = {"cpu": load.cpu(busy), "mem": figures["maxmem"] * load.memory(vm.vmid, busy)}
        row |= {key: 2 * busy * rate for key, rate in load.traffic_rates(vm.vmid).items()}
        return row | (_more_of_9(row["mem"], busy) if release == "9" else {})

    return Source(History(vm.born, vm.switched), steady, moving)


def _more_of_9(memory: float, busy: float) -> Row:
    strain = max(busy - 0.6, 0) * 5
    return {"memhost": memory * 1.05} | {f"pressure{name}": strain for name in PRESSURES}


@route(
    "GET", "/nodes/{node}/rrddata", perm("/nodes/{node}", "Sys.Audit"), NODE_PARAMETERS, protected=True, at_entry=True
)
async def node_data(call: Call) -> list[Row]:
    """A node's figures over time, through what they are now."""
    release, node = call.cluster.pve, call.cluster.nodes.get(call.values["node"])
    if node is None:
        name = call.values["node"]
        raise rrd.missing(f"pve-node-9.0/{name}" if release == "9" else f"pve2-node/{name}")
    figures = node.stats.node()
    seed, now = zlib.crc32(node.name.encode()), time.time()
    cpu = rrd.scaled(seed, now, figures["cpu"])
    memory = rrd.scaled(seed + 1, now, figures["mem"])
    steady = {"maxcpu": figures["maxcpu"], "memtotal": figures["maxmem"], "swaptotal": SWAP, "swapused": 0}
    steady |= {"roottotal": figures["maxdisk"], "rootused": figures["disk"]}

    def moving(when: float) -> Row:
        part = min(cpu(when), 1.0)
        used = min(memory(when), figures["maxmem"])
        row = {"cpu": part, "iowait": part / 40, "loadavg": part * figures["maxcpu"], "memused": used}
        row |= {"netin": part * 40 * MIB, "netout": part * 30 * MIB}
        return row | (_node_of_9(figures["maxmem"] - used, part) if release == "9" else {})

    return _data(call, Source(_always_on(node.boot_time), steady, moving))


def _node_of_9(available: float, part: float) -> Row:
    strain = max(part - 0.6, 0) * 5
    kinds = (name for name in PRESSURES if name != "cpufull")
    return {"memavailable": available, "arcsize": 0} | {f"pressure{name}": strain for name in kinds}


def _always_on(born: float) -> History:
    return History(born, (born,))


STORAGE_RIGHT = perm_any("/storage/{storage}", "Datastore.Audit", "Datastore.AllocateSpace")


@route("GET", "/nodes/{node}/storage/{storage}/rrddata", STORAGE_RIGHT, PARAMETERS, protected=True)
async def storage_data(call: Call) -> list[Row]:
    """A storage's use over time: it grew to what it is now."""
    name, node = call.values["storage"], call.node
    storage = node.cluster.storages.get(name)
    if storage is None:
        path = f"{node.name}/{name}"
        raise rrd.missing(f"pve-storage-9.0/{path}" if node.cluster.pve == "9" else f"pve2-storage/{path}")
    used, now = node.volumes.used(storage), time.time()

    def moving(when: float) -> Row:
        return {"used": used * max(1 - GROWTH_PER_MONTH * (now - when) / MONTH, 0)}

    return _data(call, Source(_always_on(node.boot_time), {"total": storage.size}, moving))

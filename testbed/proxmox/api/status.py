"""VMs as lists and status show them (qemu-server API2/Qemu.pm vmlist, vm_status)."""

from typing import Any

from testbed.proxmox.calls import Call, everybody, perm, route
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.schema import Param
from testbed.proxmox.vm.vms import QEMU_VERSION, Vm, drives

AUDIT = perm("/vms/{vmid}", "VM.Audit")
SUBDIRECTORIES = (
    *("config", "cloudinit", "pending", "status", "unlink", "vncproxy", "termproxy", "migrate", "resize"),
    *("move", "rrd", "rrddata", "monitor", "agent", "snapshot", "spiceproxy", "sendkey", "firewall"),
    *("mtunnel", "remote_migrate"),
)
STATUS_VERBS = ("current", "start", "stop", "reset", "shutdown", "suspend", "reboot")
SUPPORT = {
    "pbs-dirty-bitmap": True,
    "pbs-dirty-bitmap-savevm": True,
    "pbs-dirty-bitmap-migration": True,
    "pbs-library-version": "1.5.1",
    "query-bitmap-info": True,
    "backup-fleecing": True,
    "backup-max-workers": True,
}


@route("GET", "/nodes/{node}/qemu", everybody, {"full": Param("boolean")}, protected=True)
async def listing(call: Call) -> list[Row]:
    """The VMs that the caller may see."""
    access = call.node.access
    seen = [vm for vm in call.node.vms if access.may(call.who, f"/vms/{vm.vmid}", "VM.Audit")]
    if call.flag("full"):
        return [_full(call, vm) for vm in seen]
    return [_listed(call, vm) for vm in seen]


def _listed(call: Call, vm: Vm) -> Row:
    row = call.node.stats.vm(vm)
    return {key: value for key, value in row.items() if key not in ("qmpstatus", "diskread", "diskwrite")}


def _full(call: Call, vm: Vm) -> Row:
    """All figures; those that QEMU's monitor gives are not there before it answers."""
    row = call.node.stats.vm(vm)
    if vm.vmid in call.node.starting:
        asked = {key: value for key, value in row.items() if key not in ("diskread", "diskwrite")}
        return asked | {"nics": _nics(vm, row)}
    return row | (_machine(vm, row) if row["status"] == "running" else {})


def _nics(vm: Vm, row: Row) -> dict[str, Any]:
    numbers = [key.removeprefix("net") for key in vm.config if key.startswith("net") and key[3:].isdigit()]
    return {f"tap{vm.vmid}i{number}": {"netin": row["netin"], "netout": row["netout"]} for number in numbers}


def _machine(vm: Vm, row: Row) -> Row:
    return {
        "nics": _nics(vm, row),
        "blockstat": {key: _block(row, key) for key, _ in drives(vm.config)},
        "running-machine": "pc-i440fx-9.2+pve1",
        "running-qemu": QEMU_VERSION,
        "proxmox-support": SUPPORT,
    }


#: Counters of a drive that stay at 0 here.
UNCOUNTED = (
    *(f"failed_{what}_operations" for what in ("rd", "wr", "flush", "unmap")),
    *(f"invalid_{what}_operations" for what in ("rd", "wr", "flush", "unmap")),
    *("rd_merged", "wr_merged", "unmap_merged", "unmap_bytes", "unmap_operations", "unmap_total_time_ns"),
)
#: Bytes of a usual request, and the time that one takes.
REQUEST_BYTES, REQUEST_NS = 40_960, 150_000


def _block(row: Row, key: str) -> dict[str, Any]:
    read, written = (row["diskread"], row["diskwrite"]) if key in ("scsi0", "virtio0") else (0, 0)
    reads, writes = read // REQUEST_BYTES, written // REQUEST_BYTES
    return {
        **dict.fromkeys(UNCOUNTED, 0),
        "rd_bytes": read,
        "rd_operations": reads,
        "rd_total_time_ns": reads * REQUEST_NS,
        "wr_bytes": written,
        "wr_operations": writes,
        "wr_total_time_ns": writes * REQUEST_NS,
        "wr_highest_offset": written,
        "flush_operations": writes // 8,
        "flush_total_time_ns": writes // 8 * REQUEST_NS,
        "idle_time_ns": row["uptime"] * 10**9 // 100,
        "account_failed": True,
        "account_invalid": True,
        "timed_stats": [],
    }


def _ha(call: Call, vm: Vm) -> Row:
    state = call.cluster.ha.wanted(vm.vmid)
    return {"managed": 1, "state": state} if state else {"managed": 0}


@route("GET", "/nodes/{node}/qemu/{vmid}", everybody)
async def index(_call: Call) -> list[Row]:
    """What can be asked about a VM."""
    return [{"subdir": name} for name in SUBDIRECTORIES]


@route("GET", "/nodes/{node}/qemu/{vmid}/status", everybody)
async def status_index(_call: Call) -> list[Row]:
    """What can be done to a VM."""
    return [{"subdir": name} for name in STATUS_VERBS]


@route("GET", "/nodes/{node}/qemu/{vmid}/status/current", AUDIT, protected=True)
async def current(call: Call) -> Row:
    """One VM now."""
    vm = call.node.vms.load(call.vmid)
    row = _full(call, vm) | {"ha": _ha(call, vm)}
    if "vga" in vm.config:
        row["clipboard"] = None
    if vm.agent:
        row["agent"] = 1
    return row

"""The node itself (pve-manager API2/Nodes.pm)."""

import platform
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from testbed.proxmox import formats
from testbed.proxmox.calls import Call, everybody, perm, route
from testbed.proxmox.cluster.clock import now
from testbed.proxmox.cluster.node import Node
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.schema import Param

GIB = 1024**3
KERNELS = {"8": "6.8.12-4-pve", "9": "6.17.2-1-pve"}
SUBDIRECTORIES = (
    *("aplinfo", "apt", "capabilities", "ceph", "certificates", "config", "disks", "dns", "firewall", "hardware"),
    *("hosts", "journal", "lxc", "migrateall", "netstat", "network", "qemu", "query-url-metadata", "replication"),
    *("report", "rrd", "rrddata", "scan", "services", "spiceshell", "startall", "status", "stopall", "storage"),
    *("subscription", "suspendall", "syslog", "tasks", "termproxy", "time", "version", "vncshell", "vzdump"),
    *("wakeonlan", "sdn"),
)


@route("GET", "/nodes", everybody)
async def nodes(call: Call) -> list[Row]:
    """The nodes, with figures for those who may see them."""
    return [_row(call, node) for node in call.cluster.nodes.values()]


def _row(call: Call, node: Node) -> Row:
    row: Row = {"id": f"node/{node.name}", "type": "node", "node": node.name, "level": ""}
    row |= {"status": "online" if node.online else "offline", "ssl_fingerprint": node.fingerprint}
    audit = node.online and call.cluster.access.may(call.who, f"/nodes/{node.name}", "Sys.Audit")
    return row | (node.stats.node() if audit else {})


@route("GET", "/nodes/{node}", everybody, at_entry=True)
async def index(_call: Call) -> list[Row]:
    """What can be asked below."""
    return [{"name": name} for name in SUBDIRECTORIES]


@route("GET", "/nodes/{node}/version", everybody)
async def version(call: Call) -> dict[str, str]:
    """The release."""
    return dict(call.cluster.access.release.version)


@route("GET", "/nodes/{node}/lxc", everybody, protected=True)
async def containers(call: Call) -> list[Row]:
    """The containers that the caller may see."""
    access = call.node.access
    seen = [
        row
        for row in call.node.containers.of(call.node.name)
        if access.may(call.who, f"/vms/{row['vmid']}", "VM.Audit")
    ]
    return [row | {"type": "lxc"} for row in seen]


@route("GET", "/nodes/{node}/time", perm("/nodes/{node}", "Sys.Audit"))
async def clock(call: Call) -> Row:
    """The node's clock."""
    zone = str(call.node.store.get("setting", f"timezone:{call.node.name}") or "Etc/UTC")
    seconds = int(now())
    ahead = datetime.fromtimestamp(seconds, ZoneInfo(zone)).utcoffset() or timedelta()
    return {"time": seconds, "localtime": seconds + int(ahead.total_seconds()), "timezone": zone}


ZONE = {"timezone": Param(optional=False, check=formats.timezone)}


@route("PUT", "/nodes/{node}/time", perm("/nodes/{node}", "Sys.Modify"), ZONE, protected=True)
async def set_zone(call: Call) -> None:
    """Set the time zone, which only the answer above shows."""
    call.node.store.put("setting", f"timezone:{call.node.name}", call.values["timezone"])


@route("GET", "/nodes/{node}/status", perm("/nodes/{node}", "Sys.Audit"))
async def status(call: Call) -> Row:
    """Load, memory, disk and versions."""
    figures, version = call.node.stats.node(), call.cluster.access.release.version
    load = figures["cpu"] * figures["maxcpu"]
    return _kernel(KERNELS[call.cluster.pve]) | {
        "uptime": figures["uptime"],
        "loadavg": [f"{load:.2f}", f"{load * 0.97:.2f}", f"{load * 0.93:.2f}"],
        "cpu": figures["cpu"],
        "wait": 0,
        "idle": 0,
        "cpuinfo": _cpu(figures["maxcpu"]),
        "memory": _memory(call, figures),
        "rootfs": _space(figures["disk"], figures["maxdisk"]) | {"avail": figures["maxdisk"] - figures["disk"]},
        "swap": _space(0, 8 * GIB),
        "ksm": {"shared": 0},
        "boot-info": {"mode": "legacy-bios"},
        "pveversion": f"pve-manager/{version['version']}/{version['repoid']}",
    }


def _kernel(release: str) -> Row:
    text = f"Linux {release} #1 SMP PREEMPT_DYNAMIC PMX {release.removesuffix('-pve')}"
    names = {"sysname": "Linux", "release": release, "version": text.partition(f"{release} ")[2]}
    return {"kversion": text, "current-kernel": names | {"machine": platform.machine()}}


def _memory(call: Call, figures: Row) -> dict[str, int]:
    row = _space(figures["mem"], figures["maxmem"])
    return row if call.cluster.access.release.old else row | {"available": row["free"]}


def _space(used: int, total: int) -> dict[str, int]:
    return {"used": used, "total": total, "free": total - used}


def _cpu(count: int) -> dict[str, Any]:
    return {
        "cpus": count,
        "cores": count // 2,
        "sockets": 1,
        "model": "AMD EPYC",
        "mhz": "2596.148",
        "user_hz": 100,
        "hvm": "1",
        "flags": "fpu vme de pse tsc msr pae mce cx8 apic sep svm",
    }

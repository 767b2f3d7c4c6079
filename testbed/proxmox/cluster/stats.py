"""Live figures, and the ten-second broadcast that the cluster's overview reads (pve-manager pvestatd.pm)."""

import asyncio
import functools
import time
from typing import TYPE_CHECKING, Any

from testbed.proxmox import formats
from testbed.proxmox.cluster import load
from testbed.proxmox.storage.storage import NAME
from testbed.proxmox.vm import drive_formats
from testbed.proxmox.vm.vms import Vm

if TYPE_CHECKING:
    from testbed.proxmox.cluster.node import Node

Row = dict[str, Any]
#: How soon a changed broadcast period takes effect, in seconds.
LOOK_AGAIN = 0.2
#: How many VMs are looked at before somebody else has a turn.
AT_ONCE = 100
PUBLISHED = ("name", "uptime", "cpu", "mem", "maxmem", "disk", "maxdisk", "netin", "netout")


class Stats:
    """Figures of VMs, node and storage."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._published: dict[int, Row] = {}
        self._at = float("-inf")
        self._node_row: Row = {}
        self._node_at = -1.0

    async def run(self) -> None:
        """Broadcast for ever."""
        last = float("-inf")
        while True:
            if self._node.online and time.monotonic() - last >= self._node.knobs.stat_seconds:
                last = time.monotonic()
                await self._tick_gently()
            left = last + self._node.knobs.stat_seconds - time.monotonic()
            await asyncio.sleep(min(LOOK_AGAIN, left) if left > 0 else LOOK_AGAIN)

    def tick(self) -> None:
        """Broadcast once."""
        self._published = {vm.vmid: self._overview(vm) for vm in self._node.vms}
        self._at = time.monotonic()

    async def _tick_gently(self) -> None:
        """Broadcast without keeping calls waiting."""
        found: dict[int, Row] = {}
        for number, vm in enumerate(self._node.vms, 1):
            found[vm.vmid] = self._overview(vm)
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
        self._published, self._at = found, time.monotonic()

    def published(self) -> dict[int, Row]:
        """The VMs' figures as of the last broadcast; none when that is too long ago."""
        return self._published if time.monotonic() - self._at < self._node.knobs.stat_expiry_seconds else {}

    def _overview(self, vm: Vm) -> Row:
        live = self.vm(vm)
        row = {key: live[key] for key in PUBLISHED}
        row |= {"status": live["qmpstatus"], "maxcpu": live["cpus"], "template": 1 if vm.template else 0}
        return row | {key: live.get(key, 0) for key in ("diskread", "diskwrite")}

    def vm(self, vm: Vm) -> Row:
        """A VM's figures now, as lists of VMs show them, plus `qmpstatus`."""
        running = self._node.running(vm)
        paused = running and self._node.paused(vm)
        row: Row = {
            "vmid": vm.vmid,
            "name": vm.name,
            "status": "running" if running else "stopped",
            "qmpstatus": "paused" if paused else "running" if running else "stopped",
            "cpus": vm.cores,
            "cpu": 0,
            "mem": 0,
            "maxmem": vm.memory_mib * 1024**2,
            "disk": 0,
            "maxdisk": self._boot_disk_size(vm),
            "netin": 0,
            "netout": 0,
            "uptime": 0,
        }
        if "serial0" in vm.config:
            row["serial"] = 1
        if vm.template:
            row["template"] = 1
        row |= {key: vm.config[key] for key in ("lock", "tags") if key in vm.config}
        return row | (self._load(vm, paused) if running else {})

    def _boot_disk_size(self, vm: Vm) -> int:
        key = vm.boot_disk
        return _size(vm.config[key]) if key else 0

    def _load(self, vm: Vm, paused: bool) -> Row:
        info = self._node.guests(vm).info(vm.vmid)
        if info is None:
            return {}
        uptime = max(int(time.time() - info.started), 0)
        busy = load.lately(vm.vmid, time.time())
        row = {
            "pid": info.pid,
            "uptime": uptime,
            "cpu": 0 if paused or not uptime else round(load.cpu(busy), 6),
            "mem": int(vm.memory_mib * 1024**2 * load.memory(vm.vmid, busy)),
            **load.traffic(vm.vmid, uptime),
        }
        return row | dict(info.usage)

    def node(self) -> Row:
        """The node's figures, its guests' as of the last broadcast."""
        now = time.monotonic()
        if now - self._node_at >= 1:
            self._node_row, self._node_at = self._measure_node(), now
        return self._node_row

    def _measure_node(self) -> Row:
        rows = self._published.values()
        cores = sum(row["cpu"] * row["maxcpu"] for row in rows)
        return {
            "cpu": round(min(0.01 + cores / self._node.hardware.cpus, 1.0), 6),
            "maxcpu": self._node.hardware.cpus,
            "mem": 2 * 1024**3 + sum(row["mem"] for row in rows),
            "maxmem": self._node.hardware.memory,
            "disk": self._node.volumes.used(self._node.cluster.storages.load(NAME)),
            "maxdisk": self._node.hardware.disk,
            "uptime": int(time.time() - self._node.boot_time),
        }


@functools.lru_cache(maxsize=65_536)
def _size(drive: str) -> int:
    """The bytes of a drive, 0 for one that does not say."""
    size = drive_formats.DRIVE.parse(drive).get("size")
    return formats.parse_size(size) if size else 0

"""Other people's hands on the cluster, past the API: no task, no lock, no check."""

import asyncio
import random
from typing import Any

import msgspec

from testbed.proxmox import seed
from testbed.proxmox.cluster.cluster import Cluster
from testbed.proxmox.cluster.node import Node
from testbed.proxmox.errors import ApiError, Die, parameter_errors
from testbed.proxmox.firewall import firewall
from testbed.proxmox.sim import SimGuests
from testbed.proxmox.storage import disks
from testbed.proxmox.vm.options import OPTIONS
from testbed.proxmox.vm.vms import Vm

BEHAVIOUR = ("ignore_acpi", "boot_seconds", "shutdown_seconds", "agent_silent")
POWERS = ("start", "stop", "crash", "pause", "resume")
DEEDS = ("take", "create", "rename", "move", "power", "delete")
#: How many deeds are remembered.
REMEMBERED = 1000


class Hands:
    """What can be done to VMs by hand."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def vm(self, text: str) -> Vm:
        """A VM of any node; raises `Die`."""
        vm = self._cluster.vms.get(int(text))
        return vm or self._cluster.first.vms.load(int(text))

    def home(self, vm: Vm) -> Node:
        """The node of a VM."""
        return self._cluster.nodes.get(vm.node, self._cluster.first)

    async def create(self, vmid: int, body: dict[str, Any]) -> None:
        """Make a VM, or a container, as an inventory describes it; raises `ApiError` if it cannot be."""
        if self._cluster.taken(vmid):
            raise parameter_errors({"vmid": f"{vmid} is taken"})
        try:
            machine = msgspec.convert({"name": f"foreign-{vmid}", **body, "vmid": vmid}, seed.Machine)
            await seed.add(self._cluster, machine)
        except (msgspec.ValidationError, seed.InventoryError) as error:
            raise parameter_errors({"vm": str(error)}) from None

    async def change(self, vm: Vm, body: dict[str, Any]) -> None:
        """Change configuration, behaviour, node and power, in this order; raises `ApiError`."""
        unknown = set(body) - {"power", "config", "delete", "node", *BEHAVIOUR}
        if unknown or body.get("power") not in (None, *POWERS):
            raise parameter_errors({"vm": f"unknown: {sorted(unknown)}; power is one of {', '.join(POWERS)}"})
        vm.behaviour |= {key: body[key] for key in BEHAVIOUR if key in body}
        self._configure(vm, body.get("config", {}), body.get("delete", []))
        if "node" in body:
            self.move(vm, body["node"])
        if "power" in body:
            await self._power(vm, body["power"])

    def _configure(self, vm: Vm, config: dict[str, Any], delete: list[str]) -> None:
        for name in [*config, *delete]:
            if name not in OPTIONS:
                raise parameter_errors({name: "no such option"})
        vm.config |= {name: str(value) for name, value in config.items()}
        for name in delete:
            vm.config.pop(name, None)
        self._cluster.vms.save(vm)

    def move(self, vm: Vm, node: str) -> None:
        """Have a VM on another node, its disks and its guest with it."""
        if node not in self._cluster.nodes:
            raise parameter_errors({"node": f"one of {', '.join(self._cluster.nodes)}"})
        for volume in self._cluster.volumes.of(vm.vmid):
            if volume.node and not volume.parent:
                self._cluster.volumes.delete(volume)
                volume.node = node
                self._cluster.volumes.save(volume)
        self._cluster.vms.move(vm, node)

    async def delete(self, vm: Vm) -> None:
        """Remove a VM with its disks, whether it runs or not."""
        node = self.home(vm)
        if node.running(vm):
            await node.guests(vm).stop(vm.vmid)
        for volume in node.volumes.of(vm.vmid):
            if not node.volumes.children(volume):
                await disks.free(node, volume)
        firewall.remove(node.store, vm.vmid)
        self._cluster.vms.delete(vm.vmid)
        self._cluster.access.forget_vm(vm.vmid)

    async def _power(self, vm: Vm, power: str) -> None:
        guests = self._cluster.guests(vm.kind)
        if power == "start":
            if not self.home(vm).running(vm):
                await self.home(vm).start(vm)
        elif power == "stop":
            await guests.stop(vm.vmid)
        elif power == "pause":
            await guests.pause(vm.vmid)
        elif power == "resume":
            await guests.resume(vm.vmid)
        elif isinstance(guests, SimGuests):
            await guests.crash(vm.vmid)
        else:
            raise Die("only guests of kind sim crash on demand; stop this one's process instead")


class Stranger:
    """Somebody who makes, changes and removes VMs of his own, every few moments, in an order that a seed gives.

    He takes the ids that `nextid` would give next; he touches no VM that he has not made.
    """

    def __init__(self, cluster: Cluster, hands: Hands) -> None:
        self._cluster = cluster
        self._hands = hands
        self._deeds: list[dict[str, Any]] = []
        self._own: list[int] = []
        self._dice = random.Random(0)
        self._at_work: asyncio.Task[None] | None = None

    async def show(self, _rest: str, _body: Any) -> Any:
        """Whether he is there, his VMs and his latest deeds."""
        there = self._at_work is not None and not self._at_work.done()
        return {"there": there, "vms": self._own, "deeds": self._deeds}

    async def come(self, rest: str, body: dict[str, Any]) -> Any:
        """Begin, every `seconds`, for `times` deeds (None: until sent away), with the dice of `seed`."""
        seconds, times, does = body.get("seconds", 1.0), body.get("times"), body.get("does", list(DEEDS))
        unknown = set(body) - {"seconds", "times", "seed", "does", "first"} or set(does) - set(DEEDS)
        if unknown or not isinstance(seconds, int | float):
            raise parameter_errors({"stranger": f"has seconds, times, seed, first, does ({', '.join(DEEDS)})"})
        await self.go(rest, {})
        self._deeds, self._dice = [], random.Random(body.get("seed", 0))
        self._at_work = self._cluster.soon(self._work(seconds, times, does, int(body.get("first", 100))))
        return await self.show(rest, {})

    async def go(self, rest: str, _body: Any) -> Any:
        """Send him away; his VMs stay."""
        if self._at_work:
            self._at_work.cancel()
            await asyncio.gather(self._at_work, return_exceptions=True)
        return await self.show(rest, {})

    async def _work(self, seconds: float, times: int | None, does: list[str], first: int) -> None:
        while times is None or len(self._deeds) < times:
            self._own = [vmid for vmid in self._own if vmid in self._cluster.vms]
            what = self._dice.choice(does)
            if not self._own and what not in ("take", "create"):
                what = "create"
            try:
                self._deeds.append(await self._do(what, first))
            except ApiError as error:
                self._deeds.append({"deed": what, "failed": error.text})
            del self._deeds[:-REMEMBERED]
            await asyncio.sleep(seconds)

    async def _do(self, what: str, first: int) -> dict[str, Any]:
        if what in ("take", "create"):
            gap = 0 if what == "take" else self._dice.randrange(1, 50)
            vmid = self._free(first, gap)
            node = self._dice.choice(sorted(self._cluster.nodes))
            await self._hands.create(vmid, {"node": node, "disk_gib": self._dice.randrange(1, 20)})
            self._own.append(vmid)
            return {"deed": what, "vmid": vmid, "node": node}
        vm = self._cluster.vms.get(self._dice.choice(self._own))
        assert vm is not None
        return {"deed": what, "vmid": vm.vmid, **await self._touch(what, vm)}

    async def _touch(self, what: str, vm: Vm) -> dict[str, Any]:
        if what == "delete":
            await self._hands.delete(vm)
            self._own.remove(vm.vmid)
            return {}
        if what == "rename":
            change: dict[str, Any] = {"config": {"name": f"renamed-{self._dice.randrange(10**6)}"}}
        elif what == "move":
            change = {"node": self._dice.choice(sorted(self._cluster.nodes))}
        else:
            change = {"power": "stop" if self._hands.home(vm).running(vm) else "start"}
        await self._hands.change(vm, change)
        return change

    def _free(self, first: int, gap: int) -> int:
        """The lowest free id, or the one after so many free ones."""
        vmid = first
        while self._cluster.taken(vmid) or gap:
            gap -= not self._cluster.taken(vmid) and gap > 0
            vmid += 1
        return vmid

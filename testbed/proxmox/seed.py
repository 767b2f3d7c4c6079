"""The first start of a state directory: the templates, and the VMs of an inventory file."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from testbed.proxmox import formats
from testbed.proxmox.api.template import convert
from testbed.proxmox.cluster.cluster import Cluster
from testbed.proxmox.cluster.node import Node
from testbed.proxmox.guests import GuestKind
from testbed.proxmox.storage import disks
from testbed.proxmox.vm.vms import Vm, creation_meta, new_identity, new_mac

#: How long the machines of an inventory are taken to have been there, for the graphs.
AGE_SECONDS = 90 * 86_400
TEMPLATES = ((9000, "debian-12"), (9001, "ubuntu-24.04"))
TEMPLATE_DISK_GIB = 2
TEMPLATE_USED = 900 * 1024**2


class Machine(msgspec.Struct, forbid_unknown_fields=True):
    """One VM of an inventory; `ip` carries its prefix, `memory` is in MiB."""

    vmid: int
    name: str
    node: str = "pve1"
    cores: int = 1
    memory: int = 512
    disk_gib: int = 10
    mac: str = ""
    ip: str = ""
    gateway: str = ""
    status: Literal["running", "stopped"] = "stopped"
    template: bool = False
    type: Literal["qemu", "lxc"] = "qemu"
    guests: GuestKind = "sim"
    description: str = ""


class InventoryError(Exception):
    """An inventory file that cannot be used; one line."""


def read_inventory(path: Path) -> list[Machine]:
    """The machines of an inventory file; raises `InventoryError`."""
    try:
        document: dict[str, Any] = json.loads(path.read_text())
        return msgspec.convert(document["vms"], list[Machine])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InventoryError(f"{path}: no usable inventory: {error}") from None


async def first_start(cluster: Cluster, inventory: Sequence[Machine], templates: bool = True) -> None:
    """Make the templates, on the first node, and the inventory, once per state directory."""
    if cluster.store.get("setting", "seeded"):
        return
    with cluster.store.together(), cluster.knobs.in_no_time():
        for vmid, name in TEMPLATES if templates else ():
            await _template(cluster.first, vmid, name)
        for machine in inventory:
            await _machine(_home(cluster, machine), machine)
        cluster.store.put("setting", "seeded", 1)
        for machine in inventory:
            await _power(_home(cluster, machine), machine)


async def add(cluster: Cluster, machine: Machine) -> None:
    """Make one more machine, and switch it on if it shall run."""
    node = _home(cluster, machine)
    await _machine(node, machine)
    await _power(node, machine)


def _home(cluster: Cluster, machine: Machine) -> Node:
    if machine.node not in cluster.nodes:
        raise InventoryError(f"VM {machine.vmid}: there is no node {machine.node}; start with more --nodes")
    return cluster.nodes[machine.node]


async def _power(node: Node, machine: Machine) -> None:
    vm = node.vms.get(machine.vmid)
    if vm and machine.status == "running":
        await node.start(vm)


async def _template(node: Node, vmid: int, name: str) -> None:
    vm = Vm(vmid, node.default_kind)
    vm.config = _hardware(name, 1, 1024, new_mac()) | {"tags": "template", "description": f"{name} cloud image"}
    await _disks(node, vm, TEMPLATE_DISK_GIB)
    await convert(node, vm)
    for volume in node.volumes.of(vmid):
        if not volume.cloud_init:
            volume.used = TEMPLATE_USED
            node.volumes.save(volume)


async def _machine(node: Node, machine: Machine) -> None:
    if machine.type == "lxc":
        sizes = machine.cores, machine.memory, machine.disk_gib
        node.containers.add(node.name, machine.vmid, machine.name, machine.status, *sizes)
        return
    vm = Vm(machine.vmid, machine.guests, born=time.time() - AGE_SECONDS)
    if machine.status == "running":
        vm.switched = [vm.born]
    vm.config = _hardware(machine.name, machine.cores, machine.memory, machine.mac or new_mac())
    if machine.description:
        vm.config["description"] = machine.description
    if machine.ip:
        gateway = f",gw={machine.gateway}" if machine.gateway else ""
        vm.config["ipconfig0"] = f"ip={machine.ip}{gateway}"
    await _disks(node, vm, machine.disk_gib)
    if machine.template:
        await convert(node, vm)


def _hardware(name: str, cores: int, memory: int, mac: str) -> dict[str, str]:
    fixed = {"agent": "1", "boot": "order=scsi0", "ostype": "l26", "scsihw": "virtio-scsi-pci", "serial0": "socket"}
    sized = {"name": name, "cores": str(cores), "memory": str(memory), "net0": f"virtio={mac},bridge=vmbr0"}
    return fixed | sized | new_identity() | creation_meta()


async def _disks(node: Node, vm: Vm, gib: int) -> None:
    disk = await disks.allocate(node, vm.vmid, vm.kind, gib * 1024**3)
    drive = await disks.allocate_cloudinit(node, vm.vmid, vm.kind, disks.silent)
    vm.config["scsi0"] = f"{disk.volid},size={formats.format_size(disk.size)}"
    vm.config["ide2"] = f"{drive.volid},media=cdrom"
    node.vms.save(vm)

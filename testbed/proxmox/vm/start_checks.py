"""What a configuration asks of the machine before its process starts (qemu-server QemuServer.pm config_to_command)."""

import re

from testbed.proxmox import formats
from testbed.proxmox.cluster import interfaces
from testbed.proxmox.cluster.node import Node
from testbed.proxmox.cluster.tasks import Worker
from testbed.proxmox.errors import Die
from testbed.proxmox.vm import devices
from testbed.proxmox.vm.options import NET_KEYS
from testbed.proxmox.vm.vms import QEMU_VERSION, Vm

LEAST_MTU, USUAL_MTU = 576, 1500
#: Takes its size from the bridge.
INHERITED = 1


def check(node: Node, vm: Vm, worker: Worker) -> None:
    """Raise `Die` for what the machine cannot run; what it only leaves out becomes a warning of the task."""
    _check_machine(node, vm)
    allowed = node.hardware.cpus
    if int(vm.config.get("cores", 1)) * int(vm.config.get("sockets", 1)) > allowed:
        raise Die(f"MAX {allowed} vcpus allowed per VM on this node")
    for key in NET_KEYS:
        if key in vm.config:
            _check_mtu(node, key, formats.NET.parse(vm.config[key]), worker)


def _check_machine(node: Node, vm: Vm) -> None:
    machine = devices.MACHINE.parse(vm.config.get("machine", "")).get("type", "")
    version = re.match(r"pc-(?:i440fx|q35)-([0-9]+)\.([0-9]+)", machine)
    if version and (int(version[1]), int(version[2])) > tuple(int(part) for part in QEMU_VERSION.split(".")[:2]):
        text = f"Installed QEMU version '{QEMU_VERSION}' is too old to run machine type '{machine}'"
        raise Die(f"{text}, please upgrade node '{node.name}'")


def _check_mtu(node: Node, key: str, card: dict[str, str], worker: Worker) -> None:
    if "mtu" not in card:
        return
    mtu, bridge = int(card["mtu"]), card.get("bridge")
    if bridge is None or card["model"] != "virtio":
        reason = "not using VirtIO" if bridge else "no bridge configured"
        worker.warn(f"netdev {key}: ignoring MTU '{mtu}', {reason}")
        return
    found = interfaces.active(node).get(bridge)
    if found is None:
        raise Die(f"bridge '{bridge}' does not exist")
    most = int(found.get("mtu", USUAL_MTU))
    if INHERITED < mtu < LEAST_MTU:
        raise Die(f"netdev {key}: MTU '{mtu}' is smaller than the IP minimum MTU '{LEAST_MTU}'")
    if mtu > most:
        advice = "adjust the MTU for the network device in the VM configuration, while ensuring that the bridge"
        raise Die(
            f"netdev {key}: MTU '{mtu}' is bigger than the bridge MTU '{most}' - {advice} is configured as desired."
        )

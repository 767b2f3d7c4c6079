"""A node's network interfaces as they are in force."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from testbed.proxmox.cluster.node import Node

Interfaces = dict[str, dict[str, Any]]
BRIDGES = ("bridge", "OVSBridge")


def active(node: "Node") -> Interfaces:
    """The interfaces by name."""
    found: Interfaces = node.store.get("setting", setting(node)) or _installed(node.number)
    return found


def bridges(node: "Node") -> set[str]:
    """The names of the bridges that guests can be plugged into."""
    return {name for name, row in active(node).items() if row["type"] in BRIDGES}


def setting(node: "Node", staged: bool = False) -> str:
    """Where the configuration is kept, the one that waits to be applied if `staged`."""
    return f"network{':new' if staged else ''}:{node.name}"


def _installed(number: int) -> Interfaces:
    address = f"10.99.0.{9 + number}"
    manual = {"method": "manual", "method6": "manual", "families": ["inet"], "active": 1}
    bridge = {"type": "bridge", "bridge_ports": "eno1", "bridge_stp": "off", "bridge_fd": "0", "autostart": 1}
    bridge |= {"address": address, "netmask": "24", "cidr": f"{address}/24", "gateway": "10.99.0.1", "priority": 4}
    return {"eno1": manual | {"type": "eth", "priority": 3}, "vmbr0": manual | bridge | {"method": "static"}}

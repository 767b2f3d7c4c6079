"""The node's network configuration: what is, and changes that wait to be applied (pve-manager API2/Network.pm)."""

import ipaddress
from typing import Any

from testbed.proxmox import formats
from testbed.proxmox.calls import Call, everybody, perm, route
from testbed.proxmox.cluster.interfaces import BRIDGES, Interfaces, active, setting
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.cluster.tasks import Worker
from testbed.proxmox.errors import parameter_errors
from testbed.proxmox.firewall.firewall_rules import interface
from testbed.proxmox.schema import FormatError, Param

MODIFY = perm("/nodes/{node}", "Sys.Modify")
BOOLEAN = Param("boolean")
NAME = Param(optional=False, check=interface, min_length=2, max_length=20)
ANY_NAME = Param(check=interface)
TYPES = ("bridge", "bond", "eth", "alias", "vlan", "OVSBridge", "OVSBond", "OVSPort", "OVSIntPort", "vnet")
TYPES_9 = ("bridge", "bond", "eth", "alias", "vlan", "fabric", *TYPES[5:])
VLAN = Param("integer", minimum=1, maximum=4094)
MODES = (
    *("balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"),
    *("balance-slb", "lacp-balance-slb", "lacp-balance-tcp"),
)
PORTS = ("bridge_ports", "ovs_ports", "slaves", "ovs_bonds")


def _names(text: str) -> None:
    for name in formats.split_list(text):
        interface(name)


def _vlans(text: str) -> None:
    for part in formats.split_list(text):
        formats.vlan_range(part)


def _network(version: int) -> Param:
    def check(text: str) -> None:
        try:
            fits = ipaddress.ip_interface(text).version == version and "/" in text
        except ValueError:
            fits = False
        if not fits:
            raise FormatError(f"value does not look like a valid IPv{version} network")

    return Param(check=check)


OPTIONS: dict[str, Param] = {
    "type": Param(optional=False, enum=(*TYPES, "unknown"), enum_9=(*TYPES_9, "unknown")),
    "comments": Param(),
    "comments6": Param(),
    "autostart": BOOLEAN,
    "bridge_vlan_aware": BOOLEAN,
    "bridge_vids": Param(check=_vlans, listed=True),
    **{name: Param(check=_names, listed=True) for name in PORTS},
    "ovs_tag": VLAN,
    "ovs_options": Param(max_length=1024),
    "ovs_bridge": ANY_NAME,
    "bond_mode": Param(enum=MODES),
    "bond-primary": ANY_NAME,
    "bond_xmit_hash_policy": Param(enum=("layer2", "layer2+3", "layer3+4")),
    "vlan-raw-device": ANY_NAME,
    "vlan-id": VLAN,
    "gateway": Param(check=formats.ipv4),
    "netmask": Param(check=formats.ipv4_mask, requires="address"),
    "address": Param(check=formats.ipv4, requires="netmask"),
    "cidr": _network(4),
    "mtu": Param("integer", minimum=1280, maximum=65520),
    "gateway6": Param(check=formats.ipv6),
    "netmask6": Param("integer", minimum=0, maximum=128, requires="address6"),
    "address6": Param(check=formats.ipv6, requires="netmask6"),
    "cidr6": _network(6),
}
NUMBERS = ("autostart", "bridge_vlan_aware")


def _load(call: Call) -> Interfaces:
    """The configuration with the changes that wait."""
    staged: Interfaces | None = call.node.store.get("setting", setting(call.node, staged=True))
    return staged or active(call.node)


def _stage(call: Call, interfaces: Interfaces) -> None:
    call.node.store.put("setting", setting(call.node, staged=True), interfaces)


def _fits(row: Row, wanted: str | None) -> bool:
    if wanted in ("any_bridge", "any_local_bridge"):
        return row["type"] in BRIDGES
    return wanted in (None, "include_sdn") or row["type"] == wanted


def _visible(call: Call, name: str, row: Row) -> bool:
    path = f"/sdn/zones/localnetwork/{name}"
    return row["type"] not in BRIDGES or call.node.access.may_any(call.who, path, "SDN.Audit", "SDN.Use")


BRIDGES_OF = ("any_bridge", "any_local_bridge")
FILTER = {"type": Param(enum=(*TYPES, *BRIDGES_OF), enum_9=(*TYPES_9, *BRIDGES_OF, "include_sdn"))}


@route("GET", "/nodes/{node}/network", everybody, FILTER)
async def listing(call: Call) -> list[Row]:
    """The interfaces; bridges for those who may use them."""
    wanted, found = call.values.get("type"), _load(call)
    shown = [name for name in sorted(found) if _fits(found[name], wanted) and _visible(call, name, found[name])]
    return [found[name] | {"iface": name} for name in shown]


@route("GET", "/nodes/{node}/network/{iface}", perm("/nodes/{node}", "Sys.Audit"), {"iface": NAME})
async def one(call: Call) -> Row:
    """One interface."""
    return _existing(_load(call), call.values["iface"])


def _existing(interfaces: Interfaces, name: str) -> Row:
    if name not in interfaces:
        raise parameter_errors({"iface": "interface does not exist"})
    return interfaces[name]


def _check_conflicts(interfaces: Interfaces, name: str, wanted: Row) -> None:
    for key, what in (("gateway", "Default gateway"), ("gateway6", "Default ipv6 gateway")):
        for other, row in interfaces.items():
            if key in wanted and other != name and row.get(key):
                raise parameter_errors({key: f"{what} already exists on interface '{other}'."})
    given = next((key for key in PORTS if wanted.get(key)), PORTS[0])
    mine = _ports(wanted)
    for other, row in interfaces.items():
        for port in sorted(mine & _ports(row)) if other != name else ():
            raise parameter_errors({given: f"{port} is already used on interface '{other}'."})


def _ports(row: Row) -> set[str]:
    return {port for key in PORTS for port in formats.split_list(row.get(key, ""))}


def _wanted(call: Call) -> Row:
    row: Row = {key: call.values[key] for key in OPTIONS if key in call.values}
    for number in ("", "6"):
        _split_network(row, number)
    row |= {key: int(row[key]) for key in NUMBERS if key in row}
    if "bridge_vids" in row:
        row["bridge_vids"] = " ".join(formats.split_list(row["bridge_vids"]))
    return row


def _split_network(row: Row, number: str) -> None:
    cidr, address, netmask = (f"{key}{number}" for key in ("cidr", "address", "netmask"))
    for key in (address, netmask):
        if cidr in row and key in row:
            raise parameter_errors({key: f"{key} conflicts with {cidr}"})
    if cidr in row:
        row[address], row[netmask] = row[cidr].split("/")
    elif address in row:
        row[cidr] = f"{row[address]}/{row[netmask]}"


def _completed(row: Row) -> Row:
    """The row as it reads once it has been written to the file."""
    families = [family for family, key in (("inet", "address"), ("inet6", "address6")) if key in row] or ["inet"]
    row |= {"families": families, "method": "static" if "address" in row else "manual"}
    row |= {"method6": "static" if "address6" in row else "manual"}
    return ({"bridge_stp": "off", "bridge_fd": "0"} if row["type"] == "bridge" else {}) | row


@route("POST", "/nodes/{node}/network", MODIFY, {**OPTIONS, "iface": NAME}, protected=True)
async def create(call: Call) -> None:
    """Add an interface; it exists when the changes are applied."""
    interfaces, name = _load(call), call.values["iface"]
    if name in interfaces:
        raise parameter_errors({"iface": "interface already exists"})
    wanted = _wanted(call)
    _check_conflicts(interfaces, name, wanted)
    priority = 1 + max((row.get("priority", 2) for row in interfaces.values()), default=2)
    interfaces[name] = _completed(wanted) | {"priority": priority}
    _stage(call, interfaces)


DELETE = {"delete": Param(check=formats.config_id_list, listed=True)}


@route("PUT", "/nodes/{node}/network/{iface}", MODIFY, {**OPTIONS, **DELETE, "iface": NAME}, protected=True)
async def update(call: Call) -> None:
    """Change an interface."""
    interfaces, name = _load(call), call.values["iface"]
    row = _existing(interfaces, name)
    for key in formats.split_list(call.values.get("delete", "")):
        for part in _parts_of(key):
            row.pop(part, None)
    wanted = _wanted(call)
    _check_conflicts(interfaces, name, wanted)
    interfaces[name] = _completed(row | wanted)
    _stage(call, interfaces)


def _parts_of(key: str) -> tuple[str, ...]:
    number = "6" if key.endswith("6") else ""
    return (key, f"address{number}", f"netmask{number}") if key.startswith("cidr") else (key,)


@route("DELETE", "/nodes/{node}/network/{iface}", MODIFY, {"iface": NAME}, protected=True)
async def remove(call: Call) -> None:
    """Remove an interface."""
    interfaces, name = _load(call), call.values["iface"]
    _existing(interfaces, name)
    del interfaces[name]
    _stage(call, interfaces)


@route("DELETE", "/nodes/{node}/network", MODIFY, protected=True)
async def revert(call: Call) -> None:
    """Forget the changes that wait."""
    call.node.store.delete("setting", setting(call.node, staged=True))


@route("PUT", "/nodes/{node}/network", MODIFY, {"regenerate-frr": Param("boolean", since="9")}, protected=True)
async def apply(call: Call) -> str:
    """Apply them in a task."""
    return call.node.tasks.start("srvreload", "networking", call.who.id, lambda worker: _apply(call, worker))


async def _apply(call: Call, _worker: Worker) -> None:
    staged: Any = call.node.store.get("setting", setting(call.node, staged=True))
    if staged is None:
        return
    for row in staged.values():
        row["active"] = 1
    call.node.store.put("setting", setting(call.node), staged)
    call.node.store.delete("setting", setting(call.node, staged=True))

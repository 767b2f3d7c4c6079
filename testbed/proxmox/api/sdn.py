"""Software defined networks, of which there is only the local one (pve-network API2/Network/SDN)."""

from testbed.proxmox.calls import Call, everybody, perm, route
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.errors import Die
from testbed.proxmox.schema import Param

BOOLEAN = Param("boolean")
PENDING = {"pending": BOOLEAN, "running": BOOLEAN}
AREAS = ("vnets", "zones", "controllers", "ipams", "dns")
LOCAL = "localnetwork"
ZONES = ("evpn", "faucet", "qinq", "simple", "vlan", "vxlan")


@route("GET", "/cluster/sdn", perm("/", "SDN.Audit"))
async def index(_call: Call) -> list[Row]:
    """What can be asked."""
    return [{"id": name} for name in AREAS]


def _empty(path: str, kinds: tuple[str, ...]) -> None:
    @route("GET", path, everybody, {**PENDING, **({"type": Param(enum=kinds)} if kinds else {})})
    async def nothing(_call: Call) -> list[Row]:
        return []


_empty("/cluster/sdn/vnets", ())
_empty("/cluster/sdn/zones", ZONES)
_empty("/cluster/sdn/controllers", ("bgp", "evpn", "faucet", "isis"))
_empty("/cluster/sdn/dns", ("powerdns",))


@route("GET", "/cluster/sdn/ipams", everybody, {"type": Param(enum=("netbox", "phpipam", "pve"))})
async def ipams(call: Call) -> list[Row]:
    """The built-in address management."""
    return [{"ipam": "pve", "type": "pve"}] if call.values.get("type", "pve") == "pve" else []


def _missing(path: str, name: str) -> None:
    @route("GET", f"{path}/{{{name}}}", everybody, {**PENDING, name: Param(optional=False)})
    async def missing(call: Call) -> Row:
        raise Die(f"sdn '{call.values[name]}' does not exist")


_missing("/cluster/sdn/vnets", "vnet")
_missing("/cluster/sdn/zones", "zone")
_missing("/cluster/sdn/controllers", "controller")


# The node's view


@route("GET", "/nodes/{node}/sdn", everybody)
async def node_index(_call: Call) -> list[Row]:
    """What can be asked."""
    return [{"name": "zones"}]


@route("GET", "/nodes/{node}/sdn/zones", everybody)
async def node_zones(call: Call) -> list[Row]:
    """The local network, for those who may see it."""
    seen = call.node.access.may_any(call.who, f"/sdn/zones/{LOCAL}", "SDN.Audit", "SDN.Allocate")
    return [{"zone": LOCAL, "status": "available"}] if seen else []

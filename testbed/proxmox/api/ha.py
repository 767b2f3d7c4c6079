"""High availability, of which nothing is managed (pve-ha-manager API2/HA)."""

from testbed.proxmox.calls import Call, everybody, perm, route
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.errors import Die
from testbed.proxmox.schema import Param

AUDIT = perm("/", "Sys.Audit")


@route("GET", "/cluster/ha", AUDIT)
async def index(_call: Call) -> list[Row]:
    """What can be asked."""
    return [{"id": name} for name in ("status", "resources", "groups")]


@route("GET", "/cluster/ha/status", everybody)
async def status_index(_call: Call) -> list[Row]:
    """Two views of the state."""
    return [{"name": "current"}, {"name": "manager_status"}]


def _quorum(call: Call) -> Row:
    row: Row = {"id": "quorum", "type": "quorum", "node": call.entry.name}
    return row | ({"status": "OK", "quorate": 1} if call.cluster.quorate else {"status": "No quorum!", "quorate": 0})


@route("GET", "/cluster/ha/status/current", AUDIT)
async def current(call: Call) -> list[Row]:
    """Whether there is a quorum; no service, hence no master."""
    return [_quorum(call)]


@route("GET", "/cluster/ha/status/manager_status", AUDIT)
async def manager_status(call: Call) -> Row:
    """The manager's own state."""
    return {
        "manager_status": {},
        "quorum": {"node": call.entry.name, "quorate": str(int(call.cluster.quorate))},
        "lrm_status": {},
    }


@route("GET", "/cluster/ha/resources", AUDIT, {"type": Param(enum=("ct", "vm"))})
async def resources(_call: Call) -> list[Row]:
    """The managed guests: none."""
    return []


@route("GET", "/cluster/ha/resources/{sid}", AUDIT, {"sid": Param(optional=False)})
async def resource(call: Call) -> Row:
    """One managed guest, which there is not."""
    sid = call.values["sid"]
    raise Die(f"no such resource '{sid if ':' in sid else f'vm:{sid}'}'")


@route("GET", "/cluster/ha/groups", AUDIT)
async def groups(_call: Call) -> list[Row]:
    """Groups of nodes: none."""
    return []

"""High availability: which guests are looked after, and how they are (pve-ha-manager API2/HA)."""

import re

from testbed.proxmox.calls import Call, everybody, perm, route
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.errors import Die, while_doing
from testbed.proxmox.formats import config_id, config_id_list, split_list
from testbed.proxmox.schema import FormatError, Param, Schema

AUDIT, CHANGE = perm("/", "Sys.Audit"), perm("/", "Sys.Console")
PATH = "/cluster/ha/resources"


def _sid(text: str) -> None:
    if not re.fullmatch(r"[a-z]+:\S+|\d+", text):
        raise FormatError("value does not look like a valid ha resource id")


COUNT = Param("integer", minimum=0)
OPTIONS: Schema = {
    "comment": Param(max_length=4096),
    "failback": Param("boolean", since="9"),
    "group": Param(check=config_id),
    "max_relocate": COUNT,
    "max_restart": COUNT,
    "state": Param(enum=("started", "stopped", "enabled", "disabled", "ignored")),
}
SID: Schema = {"sid": Param(optional=False, check=_sid)}
TYPE: Schema = {"type": Param(enum=("ct", "vm"))}
UPDATE: Schema = {
    **OPTIONS,
    **SID,
    "delete": Param(max_length=4096, check=config_id_list, listed=True),
    "digest": Param(max_length=64),
}


@route("GET", "/cluster/ha", AUDIT)
async def index(_call: Call) -> list[Row]:
    """What can be asked."""
    return [{"id": name} for name in ("status", "resources", "groups")]


@route("GET", "/cluster/ha/status", everybody)
async def status_index(_call: Call) -> list[Row]:
    """Two views of the state."""
    return [{"name": "current"}, {"name": "manager_status"}]


@route("GET", "/cluster/ha/groups", AUDIT)
async def groups(_call: Call) -> list[Row]:
    """Groups of nodes: none."""
    return []


# Resources


def _vmid(call: Call) -> int:
    """The guest that is meant; raises `Die` for what cannot be looked after here."""
    kind, _, number = call.values["sid"].rpartition(":")
    if kind not in ("", "vm") or not number.isdecimal():
        raise Die(f"no such resource '{call.values['sid']}'")
    return int(number)


def _row(call: Call, vmid: int) -> Row:
    return {"sid": f"vm:{vmid}", "type": "vm", "digest": call.cluster.ha.digest} | call.cluster.ha.load(vmid)


def _options(call: Call) -> Row:
    given = {name: call.values[name] for name in OPTIONS if name in call.values}
    whole = ("integer", "boolean")
    return {name: int(text) if OPTIONS[name].type in whole else text for name, text in given.items()}


@route("GET", PATH, AUDIT, TYPE)
async def resources(call: Call) -> list[Row]:
    """The guests that are looked after."""
    found = [_row(call, vmid) for vmid in sorted(call.cluster.ha.resources)]
    return [row for row in found if call.values.get("type", "vm") == row["type"]]


@route("GET", PATH + "/{sid}", AUDIT, SID)
async def resource(call: Call) -> Row:
    """One of them."""
    return _row(call, _vmid(call))


@route("POST", PATH, CHANGE, {**OPTIONS, **SID, **TYPE}, protected=True)
async def create(call: Call) -> None:
    """Look after one more."""
    vmid, ha = _vmid(call), call.cluster.ha
    if vmid not in call.cluster.vms:
        raise Die(f"resource 'vm:{vmid}' does not exist in cluster")
    with while_doing("create resource failed"):
        if vmid in ha.resources:
            raise Die(f"resource ID 'vm:{vmid}' already defined")
        ha.save(vmid, _options(call))


@route("PUT", PATH + "/{sid}", CHANGE, UPDATE, protected=True)
async def update(call: Call) -> None:
    """Ask for another state, or change something else."""
    vmid, ha = _vmid(call), call.cluster.ha
    with while_doing("update resource failed"):
        if call.values.get("digest", ha.digest) != ha.digest:
            raise Die("detected modified configuration - file changed by other user? Try again.")
        gone = split_list(call.values.get("delete", ""))
        kept = {name: value for name, value in ha.load(vmid).items() if name not in gone}
        ha.save(vmid, kept | _options(call))


@route("DELETE", PATH + "/{sid}", CHANGE, {**SID, "purge": Param("boolean", since="9")}, protected=True)
async def delete(call: Call) -> None:
    """Look no more after one."""
    vmid, ha = _vmid(call), call.cluster.ha
    if vmid not in ha.resources:
        raise Die(f"cannot delete service 'vm:{vmid}', not HA managed!")
    ha.delete(vmid)


# State


def _quorum(call: Call) -> Row:
    row: Row = {"id": "quorum", "type": "quorum", "node": call.entry.name}
    return row | ({"status": "OK", "quorate": 1} if call.cluster.quorate else {"status": "No quorum!", "quorate": 0})


def _service(call: Call, vmid: int) -> Row:
    vm, state = call.cluster.vms.get(vmid), call.cluster.ha.wanted(vmid) or "ignored"
    node = vm.node if vm else ""
    row: Row = {"id": f"service:vm:{vmid}", "type": "service", "sid": f"vm:{vmid}", "node": node, "state": state}
    row |= {"crm_state": state, "request_state": state, "status": f"vm:{vmid} ({node}, {state})"}
    return row | {key: call.cluster.ha.load(vmid).get(key, 1) for key in ("max_restart", "max_relocate")}


@route("GET", "/cluster/ha/status/current", AUDIT)
async def current(call: Call) -> list[Row]:
    """Whether there is a quorum, who decides, and each guest."""
    ha, first = call.cluster.ha, call.cluster.first.name
    if not ha.resources:
        return [_quorum(call)]
    master = {"id": "master", "type": "master", "node": first, "status": f"{first} (active)"}
    return [_quorum(call), master, *(_service(call, vmid) for vmid in sorted(ha.resources))]


@route("GET", "/cluster/ha/status/manager_status", AUDIT)
async def manager_status(call: Call) -> Row:
    """The manager's own state."""
    services = {f"vm:{vmid}": _service(call, vmid) for vmid in call.cluster.ha.resources}
    return {
        "manager_status": {"master_node": call.cluster.first.name, "service_status": services} if services else {},
        "quorum": {"node": call.entry.name, "quorate": str(int(call.cluster.quorate))},
        "lrm_status": {},
    }

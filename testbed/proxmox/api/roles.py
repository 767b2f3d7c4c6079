"""Roles (pve-access-control API2/Role.pm)."""

from collections.abc import Iterable

from testbed.proxmox.access import identities
from testbed.proxmox.calls import Call, everybody, perm, route
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.errors import Die, parameter_errors
from testbed.proxmox.formats import split_list
from testbed.proxmox.schema import Param

MODIFY = perm("/access", "Sys.Modify")
PRIVS = {"privs": Param(listed=True)}
CREATE = {**PRIVS, "roleid": Param(optional=False, check=identities.role_name)}
UPDATE = {**PRIVS, "append": Param("boolean", requires="privs")}


@route("GET", "/access/roles", everybody)
async def roles(call: Call) -> list[Row]:
    """All roles with their privileges."""
    access = call.node.access
    names = {**access.release.roles, **access.roles}
    return [
        {"roleid": name, "privs": ",".join(sorted(access.role(name) or ())), "special": int(_special(call, name))}
        for name in sorted(names)
    ]


def _special(call: Call, name: str) -> bool:
    return name in call.node.access.release.roles


@route("POST", "/access/roles", MODIFY, CREATE, protected=True)
async def create(call: Call) -> None:
    """Add a role."""
    access, name = call.node.access, call.values["roleid"]
    privileges = _privileges(call)
    if name.upper().startswith("PVE"):
        text = "cannot use role ID starting with the (case-insensitive) 'PVE' namespace"
        raise parameter_errors({"roleid": text})
    if access.role(name) is not None:
        raise Die(f"create role failed: role '{name}' already exists")
    access.roles[name] = privileges
    access.save()


def _privileges(call: Call) -> list[str]:
    privileges = split_list(call.values.get("privs", ""))
    for privilege in privileges:
        if privilege not in call.node.access.release.privileges:
            raise parameter_errors({"privs": f"invalid format - invalid privilege '{privilege}'\n"})
    return sorted(set(privileges))


@route("GET", "/access/roles/{roleid}", everybody)
async def read(call: Call) -> dict[str, int]:
    """One role's privileges."""
    return dict.fromkeys(sorted(_role(call)), 1)


def _role(call: Call, doing: str = "") -> Iterable[str]:
    privileges = call.node.access.role(call.values["roleid"])
    if privileges is None:
        raise Die(f"{doing}role '{call.values['roleid']}' does not exist")
    return privileges


@route("PUT", "/access/roles/{roleid}", MODIFY, UPDATE, protected=True)
async def update(call: Call) -> None:
    """Set or extend a role's privileges."""
    access, name, wanted = call.node.access, call.values["roleid"], _privileges(call)
    if _special(call, name):
        raise Die(f"auto-generated role '{name}' cannot be modified")
    before = set(_role(call, "update role failed: "))
    access.roles[name] = sorted({*(before if call.flag("append") else ()), *wanted})
    access.save()


@route("DELETE", "/access/roles/{roleid}", MODIFY, protected=True)
async def delete(call: Call) -> None:
    """Remove a role, and whatever was given by it."""
    access, name = call.node.access, call.values["roleid"]
    if _special(call, name):
        raise Die(f"auto-generated role '{name}' cannot be deleted")
    _role(call, "delete role failed: ")
    del access.roles[name]
    access.acl.forget_role(name)
    access.save()

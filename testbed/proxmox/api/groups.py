"""Groups of users (pve-access-control API2/Group.pm)."""

from typing import Any

from testbed.proxmox.access import identities
from testbed.proxmox.calls import Call, everybody, perm, perm_any, route
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.errors import Die
from testbed.proxmox.schema import Param

ALLOCATE = perm("/access/groups", "Group.Allocate")
SEEN_BY = ("User.Modify", "Sys.Audit", "Group.Allocate")
COMMENT = {"comment": Param()}


@route("GET", "/access/groups", everybody)
async def groups(call: Call) -> list[Row]:
    """The groups that the caller may see."""
    access = call.node.access
    return [
        {"groupid": name, "users": ",".join(sorted(group["users"])), **_comment(group)}
        for name, group in sorted(access.groups.items())
        if access.may_any(call.who, f"/access/groups/{name}", *SEEN_BY)
    ]


def _comment(group: dict[str, Any]) -> Row:
    return {"comment": group["comment"]} if group.get("comment") else {}


CREATE = {**COMMENT, "groupid": Param(optional=False, check=identities.group_name)}


@route("POST", "/access/groups", ALLOCATE, CREATE, protected=True)
async def create(call: Call) -> None:
    """Add an empty group."""
    access, name = call.node.access, call.values["groupid"]
    if name in access.groups:
        raise Die(f"create group failed: group '{name}' already exists")
    access.groups[name] = {"users": [], "comment": call.values.get("comment", "")}
    access.save()


def _group(call: Call, doing: str = "") -> dict[str, Any]:
    name = call.values["groupid"]
    if name not in call.node.access.groups:
        raise Die(f"{doing}group '{name}' does not exist")
    return call.node.access.groups[name]


@route("GET", "/access/groups/{groupid}", perm_any("/access/groups", "Sys.Audit", "Group.Allocate"))
async def read(call: Call) -> Row:
    """One group with its members."""
    group = _group(call)
    return {"members": sorted(group["users"]), **_comment(group)}


@route("PUT", "/access/groups/{groupid}", ALLOCATE, COMMENT, protected=True)
async def update(call: Call) -> None:
    """Change a group's comment."""
    group = _group(call, "update group failed: ")
    group["comment"] = call.values.get("comment", group.get("comment", ""))
    call.node.access.save()


@route("DELETE", "/access/groups/{groupid}", ALLOCATE, protected=True)
async def delete(call: Call) -> None:
    """Remove a group with its rights; its members stay."""
    access, name = call.node.access, call.values["groupid"]
    _group(call, "delete group failed: ")
    access.acl.forget_holder(f"@{name}")
    del access.groups[name]
    access.save()

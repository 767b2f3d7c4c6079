"""Access control lists (pve-access-control API2/ACL.pm)."""

from testbed.proxmox.access import identities
from testbed.proxmox.access.acl import normal_path
from testbed.proxmox.access.identities import ROOT, split_token
from testbed.proxmox.access.permissions import Privileges
from testbed.proxmox.access.rights import modify_at
from testbed.proxmox.calls import Call, everybody, route
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.errors import ApiError, Die, parameter_errors, while_doing
from testbed.proxmox.formats import split_list
from testbed.proxmox.schema import Param

HOLDERS = ("users", "groups", "tokens")
UPDATE = {
    "path": Param(optional=False),
    "roles": Param(optional=False, listed=True, check=identities.role_names),
    "users": Param(listed=True, check=identities.user_names),
    "tokens": Param(listed=True, check=identities.token_names),
    "groups": Param(listed=True, check=identities.group_names),
    "propagate": Param("boolean"),
    "delete": Param("boolean"),
}


@route("GET", "/access/acl", everybody)
async def acl(call: Call) -> list[Row]:
    """The entries at the paths where the caller may give rights; all of them for auditors."""
    access = call.node.access
    audit = access.may(call.who, "/access", "Sys.Audit")
    return [entry for entry in access.acl if audit or _may_modify(call, entry["path"])]


def _may_modify(call: Call, path: str) -> bool:
    try:
        call.node.access.check_modify(call.who, path)
    except ApiError:
        return False
    return True


@route("PUT", "/access/acl", modify_at("{path}"), UPDATE, protected=True)
async def update(call: Call) -> None:
    """Add or remove entries; root's own would change nothing and are not kept."""
    if not any(call.values.get(kind) for kind in HOLDERS):
        raise parameter_errors(dict.fromkeys(HOLDERS, "either 'users', 'groups' or 'tokens' is required."))
    path = _path(call)
    with while_doing("ACL update failed"):
        entries = [(holder, role) for role in _roles(call, path) for holder in _holders(call)]
    for holder, role in entries:
        _put(call, path, holder, role)
    call.node.access.save()


def _path(call: Call) -> str:
    path = normal_path(call.values["path"])
    if path is None or not (call.flag("delete") or call.node.access.known_path(path)):
        raise parameter_errors({"path": f"invalid ACL path '{call.values['path']}'"})
    return path


def _put(call: Call, path: str, holder: str, role: str) -> None:
    if call.flag("delete"):
        call.node.access.acl.revoke(path, holder, role)
    elif holder != ROOT:
        call.node.access.acl.grant(path, holder, role, call.number("propagate", 1))


def _roles(call: Call, path: str) -> list[str]:
    names, access = split_list(call.values["roles"]), call.node.access
    own = access.privileges(call.who, path)
    for name in names:
        if access.role(name) is None:
            raise Die(f"role '{name}' does not exist")
        if "Permissions.Modify" not in own:
            _check_subset(call, name, own)
    return names


def _check_subset(call: Call, role: str, own: Privileges) -> None:
    """Raise 400 unless the caller has all that a role gives, and as far as it is to reach."""
    verb = "remove" if call.flag("delete") else "add"
    reach = call.number("propagate", 1)
    for privilege in call.node.access.role(role) or ():
        if privilege not in own:
            raise _refused(f"Cannot {verb} role '{role}' - requires 'Permissions.Modify' or superset of privileges.")
        if verb == "add" and reach and own[privilege] != reach:
            needed = "requires 'Permissions.Modify' or propagated superset of privileges."
            raise _refused(f"Cannot add role '{role}' with propagation - {needed}")
    if role == "NoAccess":
        raise _refused(f"Cannot {verb} role '{role}' - requires 'Permissions.Modify'")


def _refused(text: str) -> ApiError:
    return parameter_errors({"role": text})


def _holders(call: Call) -> list[str]:
    access = call.node.access
    groups, users, tokens = (split_list(call.values.get(kind, "")) for kind in ("groups", "users", "tokens"))
    for name in groups:
        if name not in access.groups:
            raise Die(f"group '{name}' does not exist")
    for name in users:
        if name not in access.users:
            raise Die(f"user '{name}' does not exist")
    for name in tokens:
        access.token(*(split_token(name) or (name, "")))
    return [*(f"@{name}" for name in groups), *users, *tokens]

"""Logins, users, API tokens, roles and access control lists (pve-access-control API2)."""

from collections.abc import Iterable
from typing import Any

from testbed.proxmox.access import BUILT_IN, Identity
from testbed.proxmox.calls import Call, everybody, perm, route
from testbed.proxmox.errors import ApiError, Die, denied, parameter_errors
from testbed.proxmox.formats import split_list
from testbed.proxmox.schema import Param

TEXT = Param()
TOP_PATHS = ("/", "/access", "/nodes", "/sdn", "/storage", "/vms", "/pool")
LOGIN = {
    "username": Param(optional=False, max_length=64),
    "password": Param(optional=False),
    "realm": Param(max_length=32),
    "otp": TEXT,
    "tfa-challenge": TEXT,
    "path": Param(max_length=64, requires="privs"),
    "privs": Param(max_length=64, requires="path"),
    "new-format": Param("boolean"),
}
USER = {
    "comment": Param(max_length=2048),
    "email": Param(max_length=254),
    "enable": Param("boolean"),
    "expire": Param("integer", minimum=0),
    "firstname": Param(max_length=1024),
    "lastname": Param(max_length=1024),
}
TOKEN = {"comment": TEXT, "expire": Param("integer", minimum=0), "privsep": Param("boolean")}
ACL = {
    "path": Param(optional=False),
    "roles": Param(optional=False, listed=True),
    "users": Param(listed=True),
    "tokens": Param(listed=True),
    "groups": Param(listed=True),
    "propagate": Param("boolean"),
    "delete": Param("boolean"),
}


@route("GET", "/access/ticket", everybody, world=True)
async def ticket_index(_call: Call) -> None:
    """Nothing, as in the original."""


@route("POST", "/access/ticket", everybody, LOGIN, protected=True, world=True, tokens=False)
async def login(call: Call) -> dict[str, Any]:
    """A ticket for a password, or for an unexpired ticket."""
    user, realm = call.values["username"], call.values.get("realm")
    if realm and "@" not in user:
        user = f"{user}@{realm}"
    access = call.node.access
    access.login(user, call.values["password"])
    return {
        "username": user,
        "ticket": access.ticket(user),
        "CSRFPreventionToken": access.csrf_token(user),
        "cap": access.capabilities(user),
    }


@route("GET", "/access/permissions", everybody, {"path": TEXT, "userid": TEXT})
async def permissions(call: Call) -> dict[str, dict[str, int]]:
    """The caller's privileges by path; the value says whether they reach further down."""
    access = call.node.access
    who = Identity(call.values.get("userid", call.who.id))
    if who.user != call.who.user:
        call.check("/access", "Sys.Audit")
    if "path" in call.values:
        paths = [call.values["path"]]
    else:
        paths = [
            "/",
            "/access",
            "/nodes",
            "/sdn",
            "/storage",
            "/vms",
            "/pool",
            *(entry["path"] for entry in access.acl),
        ]
    found = {path: dict.fromkeys(sorted(access.privileges(who, path)), 1) for path in paths}
    return {path: privileges for path, privileges in found.items() if privileges}


@route("GET", "/access/users", everybody, {"enabled": Param("boolean"), "full": Param("boolean")}, protected=True)
async def users(call: Call) -> list[dict[str, Any]]:
    """The users that the caller may see."""
    access = call.node.access
    everyone = access.may_any(call.who, "/access/groups", "User.Modify", "Sys.Audit")
    return [
        {"userid": name, **{key: value for key, value in user.items() if key != "password"}}
        for name, user in access.users.items()
        if everyone or name == call.who.user
    ]


CREATE = {"userid": Param(optional=False, max_length=64), "password": Param(min_length=8, max_length=64), **USER}


@route("POST", "/access/users", perm("/access/groups", "User.Modify"), CREATE, protected=True)
async def create_user(call: Call) -> None:
    """Add a user."""
    users, name = call.node.access.users, call.values["userid"]
    if name in users:
        raise Die(f"create user failed: user '{name}' already exists")
    details = {key: call.values[key] for key in call.values if key not in ("userid", "enable", "expire")}
    users[name] = {"enable": call.number("enable", 1), "expire": call.number("expire", 0), **details}
    call.node.access.save()


@route("PUT", "/access/users/{userid}", perm("/access/groups", "User.Modify"), USER, protected=True)
async def update_user(call: Call) -> None:
    """Change a user."""
    user = _user(call)
    user |= {key: int(call.values[key]) for key in ("enable", "expire") if key in call.values}
    user |= {key: call.values[key] for key in ("comment", "email", "firstname", "lastname") if key in call.values}
    call.node.access.save()


@route("DELETE", "/access/users/{userid}", perm("/access/groups", "User.Modify"), protected=True)
async def delete_user(call: Call) -> None:
    """Remove a user with all tokens and rights."""
    access, name = call.node.access, call.values["userid"]
    _user(call)
    del access.users[name]
    access.tokens = {key: token for key, token in access.tokens.items() if key.partition("!")[0] != name}
    access.acl = [entry for entry in access.acl if entry["ugid"].partition("!")[0] != name]
    access.save()


def _user(call: Call) -> dict[str, Any]:
    name = call.values["userid"]
    if name not in call.node.access.users:
        raise Die(f"no such user ('{name}')")
    return call.node.access.users[name]


def _own_or_modify(call: Call) -> None:
    if call.who.user != call.values["userid"] and not call.node.access.may(call.who, "/access/groups", "User.Modify"):
        raise denied()


@route("GET", "/access/users/{userid}/token", everybody)
async def tokens(call: Call) -> list[dict[str, Any]]:
    """A user's tokens, without their secrets."""
    _own_or_modify(call)
    prefix = call.values["userid"] + "!"
    return [
        {"tokenid": name.removeprefix(prefix), **{key: token[key] for key in token if key != "value"}}
        for name, token in call.node.access.tokens.items()
        if name.startswith(prefix)
    ]


@route("POST", "/access/users/{userid}/token/{tokenid}", everybody, TOKEN, protected=True)
async def create_token(call: Call) -> dict[str, Any]:
    """Make a token."""
    _own_or_modify(call)
    _user(call)
    user, name = call.values["userid"], call.values["tokenid"]
    if f"{user}!{name}" in call.node.access.tokens:
        raise parameter_errors({"tokenid": "Token already exists."})
    info = {key: call.values[key] for key in TOKEN if key in call.values}
    numbers = {key: int(value) for key, value in info.items() if key != "comment"}
    secret = call.node.access.new_token(user, name, **(info | numbers))
    return {"full-tokenid": f"{user}!{name}", "value": secret, "info": {"privsep": "1", **info}}


@route("DELETE", "/access/users/{userid}/token/{tokenid}", everybody, protected=True)
async def delete_token(call: Call) -> None:
    """Remove a token."""
    _own_or_modify(call)
    access, name = call.node.access, f"{call.values['userid']}!{call.values['tokenid']}"
    if access.tokens.pop(name, None) is None:
        raise Die(f"no such token '{call.values['tokenid']}' for user '{call.values['userid']}'")
    access.acl = [entry for entry in access.acl if entry["ugid"] != name]
    access.save()


@route("GET", "/access/roles", everybody)
async def roles(call: Call) -> list[dict[str, Any]]:
    """All roles with their privileges."""
    own = [{"roleid": name, "privs": ",".join(privs), "special": 0} for name, privs in call.node.access.roles.items()]
    return [{"roleid": name, "privs": ",".join(sorted(privs)), "special": 1} for name, privs in BUILT_IN.items()] + own


UPDATE_ROLE = {"privs": Param(listed=True), "append": Param("boolean")}
ROLE = {"roleid": Param(optional=False), "privs": Param(listed=True)}


@route("POST", "/access/roles", perm("/access", "Sys.Modify"), ROLE, protected=True)
async def create_role(call: Call) -> None:
    """Add a role."""
    access, name = call.node.access, call.values["roleid"]
    if access.role(name) is not None:
        raise Die(f"create role failed: role '{name}' already exists")
    access.roles[name] = _privileges(call)
    access.save()


def _privileges(call: Call) -> list[str]:
    privileges = split_list(call.values.get("privs", ""))
    known = {privilege for names in BUILT_IN.values() for privilege in names}
    for privilege in privileges:
        if privilege not in known:
            raise parameter_errors({"privs": f"invalid format - invalid privilege '{privilege}'\n"})
    return privileges


@route("GET", "/access/roles/{roleid}", everybody)
async def role(call: Call) -> dict[str, int]:
    """One role's privileges."""
    return dict.fromkeys(sorted(_role(call)), 1)


def _role(call: Call) -> Iterable[str]:
    privileges = call.node.access.role(call.values["roleid"])
    if privileges is None:
        raise Die(f"role '{call.values['roleid']}' does not exist")
    return privileges


@route("PUT", "/access/roles/{roleid}", perm("/access", "Sys.Modify"), UPDATE_ROLE, protected=True)
async def update_role(call: Call) -> None:
    """Set or extend a role's privileges."""
    access, name = call.node.access, call.values["roleid"]
    kept = list(_role(call)) if call.flag("append") else []
    _role(call)
    if name in BUILT_IN:
        raise Die(f"auto-generated role '{name}' cannot be modified")
    access.roles[name] = sorted({*kept, *_privileges(call)})
    access.save()


@route("DELETE", "/access/roles/{roleid}", perm("/access", "Sys.Modify"), protected=True)
async def delete_role(call: Call) -> None:
    """Remove a role."""
    access, name = call.node.access, call.values["roleid"]
    if access.roles.pop(name, None) is None:
        raise Die(f"role '{name}' does not exist")
    access.save()


@route("GET", "/access/acl", everybody)
async def acl(call: Call) -> list[dict[str, Any]]:
    """The entries at the paths whose permissions the caller may change."""
    access = call.node.access
    may = access.may_any(call.who, "/access", "Sys.Audit", "Permissions.Modify")
    return [entry for entry in access.acl if may]


@route("PUT", "/access/acl", everybody, ACL, protected=True)
async def update_acl(call: Call) -> None:
    """Add or remove entries."""
    path = call.values["path"]
    call.check(path, "Permissions.Modify")
    access = call.node.access
    for role in split_list(call.values["roles"]):
        if access.role(role) is None:
            raise ApiError(400, f"role '{role}' does not exist")
        for kind, holder in _holders(call):
            entry = {"path": path, "roleid": role, "ugid": holder, "type": kind}
            access.acl = [old for old in access.acl if {key: old[key] for key in entry} != entry]
            if not call.flag("delete"):
                access.acl.append({**entry, "propagate": call.number("propagate", 1)})
    access.save()


def _holders(call: Call) -> list[tuple[str, str]]:
    access = call.node.access
    users = [("user", name) for name in split_list(call.values.get("users", ""))]
    tokens = [("token", name) for name in split_list(call.values.get("tokens", ""))]
    for kind, name in [*users, *tokens]:
        if name not in (access.users if kind == "user" else access.tokens):
            raise ApiError(400, f"{kind} '{name}' does not exist")
    return [*users, *tokens]

"""Users (pve-access-control API2/User.pm)."""

from typing import Any

from testbed.proxmox.access import identities
from testbed.proxmox.access.access import REALMS
from testbed.proxmox.access.identities import split_user
from testbed.proxmox.access.passwords import storable
from testbed.proxmox.access.rights import all_of, allocate_user, members_seen, user_in_group
from testbed.proxmox.calls import Call, everybody, route
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.errors import Die, while_doing
from testbed.proxmox.formats import split_list
from testbed.proxmox.schema import Param

TEXTS = ("firstname", "lastname", "email", "comment", "keys")
NUMBERS = ("enable", "expire")
SEEN_BY = ("User.Modify", "Sys.Audit")
USER = {
    "comment": Param(max_length=2048),
    "email": Param(max_length=254, check=identities.email),
    "enable": Param("boolean"),
    "expire": Param("integer", minimum=0),
    "firstname": Param(max_length=1024),
    "groups": Param(listed=True, check=identities.group_names),
    "keys": Param(pattern="[0-9a-zA-Z!=]{0,4096}"),
    "lastname": Param(max_length=1024),
}
FILTERS = {"enabled": Param("boolean"), "full": Param("boolean")}
CREATE = {
    **USER,
    "userid": Param(optional=False, max_length=64, check=identities.user_name),
    "password": Param(min_length=8, max_length=64),
}
MAY_CREATE = all_of(allocate_user, user_in_group("User.Modify", groups=True, new=True))
MAY_DELETE = all_of(allocate_user, user_in_group("User.Modify"))


def shown_token(token: Row) -> Row:
    """A token's fields without its secret; a comment only if there is one."""
    return {key: value for key, value in token.items() if key != "value" and (key != "comment" or value)}


def _shown(user: Row) -> Row:
    row = {key: user[key] for key in NUMBERS} | {key: user[key] for key in TEXTS if user.get(key)}
    after_email = any(user.get(key) for key in ("comment", "keys"))
    return row | ({"email": ""} if after_email and "email" not in row else {})


def _groups(call: Call, name: str) -> list[str]:
    return sorted(group for group, record in call.node.access.groups.items() if name in record["users"])


@route("GET", "/access/users", everybody, FILTERS, protected=True)
async def users(call: Call) -> list[Row]:
    """The users that the caller may see, in any case the caller."""
    access = call.node.access
    everyone = access.may_any(call.who, "/access/groups", *SEEN_BY)
    seen = {call.who.id, *members_seen(access, call.who, *SEEN_BY)}
    return [
        _listed(call, name)
        for name in sorted(access.users)
        if (everyone or name in seen) and _fits(call, access.users[name])
    ]


def _fits(call: Call, user: Row) -> bool:
    return "enabled" not in call.values or bool(user["enable"]) == call.flag("enabled")


def _listed(call: Call, name: str) -> Row:
    row, (_, realm) = _shown(call.node.access.users[name]), split_user(name)
    row |= {"userid": name, **({"realm-type": realm} if realm in REALMS else {})}
    if call.flag("full"):
        tokens = call.node.access.tokens_of(name)
        listed = [{"tokenid": short, **shown_token(token)} for short, token in tokens.items()]
        row |= {"groups": ",".join(_groups(call, name)), "tokens": listed or None}
    return row


@route("POST", "/access/users", MAY_CREATE, CREATE, protected=True)
async def create(call: Call) -> None:
    """Add a user."""
    access, name = call.node.access, call.values["userid"]
    user: Row = {"enable": 1, "expire": 0}
    with while_doing("create user failed"):
        if name in access.users:
            raise Die(f"user '{name}' already exists")
        if "password" in call.values:
            user["password"] = storable(name, call.values["password"])
        groups = _existing_groups(call)
    _change(call, user)
    access.users[name] = user
    _join(call, name, groups)
    access.save()


def _change(call: Call, user: Row) -> None:
    user |= {key: int(call.values[key]) for key in NUMBERS if key in call.values}
    user |= {key: call.values[key] for key in TEXTS if key in call.values}


def _existing_groups(call: Call) -> list[str]:
    wanted = split_list(call.values.get("groups", ""))
    for group in wanted:
        if group not in call.node.access.groups:
            raise Die(f"no such group '{group}'")
    return wanted


def _join(call: Call, name: str, groups: list[str]) -> None:
    for group in groups:
        members = call.node.access.groups[group]["users"]
        members += [] if name in members else [name]


@route("GET", "/access/users/{userid}", user_in_group(*SEEN_BY))
async def read(call: Call) -> Row:
    """One user with groups and tokens."""
    access, name = call.node.access, call.values["userid"]
    row = _shown(access.user(name))
    tokens: Any = {short: shown_token(token) for short, token in access.tokens_of(name).items()}
    return row | {"groups": _groups(call, name), "tokens": tokens or None}


@route(
    "PUT",
    "/access/users/{userid}",
    user_in_group("User.Modify", groups=True),
    {**USER, "append": Param("boolean", requires="groups")},
    protected=True,
)
async def update(call: Call) -> None:
    """Change a user; groups are replaced unless `append` is given."""
    access, name = call.node.access, call.values["userid"]
    with while_doing("update user failed"):
        user, groups = access.user(name), _existing_groups(call)
    if "groups" in call.values and not call.flag("append"):
        for record in access.groups.values():
            record["users"] = [member for member in record["users"] if member != name]
    _join(call, name, groups)
    _change(call, user)
    access.save()


@route("DELETE", "/access/users/{userid}", MAY_DELETE, protected=True)
async def delete(call: Call) -> None:
    """Remove a user with tokens and rights; root may remove one that is not there."""
    call.node.access.forget_user(call.values["userid"])

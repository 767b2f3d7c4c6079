"""API tokens (pve-access-control API2/User.pm)."""

from typing import Any

from testbed.proxmox.access.rights import any_of, oneself, user_in_group
from testbed.proxmox.api.users import shown_token
from testbed.proxmox.calls import Call, route
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.errors import parameter_errors, while_doing
from testbed.proxmox.formats import config_id_list, split_list
from testbed.proxmox.schema import Param

RIGHT = any_of(oneself, user_in_group("User.Modify"))
PATH = "/access/users/{userid}/token"
INFO = {"comment": Param(), "expire": Param("integer", minimum=0), "privsep": Param("boolean")}
UPDATE = {
    **INFO,
    "regenerate": Param("boolean", since="9"),
    "delete": Param(listed=True, check=config_id_list, since="9"),
}
NUMBERS = ("expire", "privsep")


@route("GET", PATH, RIGHT)
async def tokens(call: Call) -> list[Row]:
    """A user's tokens, without their secrets."""
    access, user = call.node.access, call.values["userid"]
    access.user(user)
    return [{"tokenid": name, **shown_token(token)} for name, token in access.tokens_of(user).items()]


@route("GET", PATH + "/{tokenid}", RIGHT)
async def read(call: Call) -> Row:
    """One token, without its secret."""
    return shown_token(call.node.access.token(call.values["userid"], call.values["tokenid"]))


@route("POST", PATH + "/{tokenid}", RIGHT, INFO, protected=True)
async def create(call: Call) -> dict[str, Any]:
    """Make a token; the answer repeats what was asked for as it came."""
    access, user, name = call.node.access, call.values["userid"], call.values["tokenid"]
    access.user(user)
    if f"{user}!{name}" in access.tokens:
        raise parameter_errors({"tokenid": "Token already exists."})
    info = _given(call)
    secret = access.new_token(user, name, **_stored(info))
    return {"full-tokenid": f"{user}!{name}", "value": secret, "info": {"privsep": 1, **info}}


def _given(call: Call) -> dict[str, str]:
    return {key: call.values[key] for key in INFO if key in call.values and (key != "comment" or call.values[key])}


def _stored(info: dict[str, str]) -> dict[str, Any]:
    return info | {key: int(info[key]) for key in NUMBERS if key in info}


@route("PUT", PATH + "/{tokenid}", RIGHT, UPDATE, protected=True)
async def update(call: Call) -> Row:
    """Change a token; 9 can give it a new secret and take its comment away."""
    access, user, name = call.node.access, call.values["userid"], call.values["tokenid"]
    token = access.token(user, name)
    with while_doing("updating token info failed"):
        _delete(token, split_list(call.values.get("delete", "")))
    given = _given(call)
    token |= _stored(given)
    if not access.release.old and call.values.get("comment") == "":
        token.pop("comment", None)
    answer = shown_token(token) | given
    if call.flag("regenerate"):
        details = {key: value for key, value in token.items() if key != "value"}
        answer |= {"value": access.new_token(user, name, **details), "full-tokenid": f"{user}!{name}"}
    access.save()
    return answer


def _delete(token: Row, keys: list[str]) -> None:
    for key in keys:
        if key != "comment":
            raise parameter_errors({"delete": f"unknown option '{key}'"})
    for key in keys:
        token.pop(key, None)


@route("DELETE", PATH + "/{tokenid}", RIGHT, protected=True)
async def delete(call: Call) -> None:
    """Remove a token and its rights."""
    access, user, name = call.node.access, call.values["userid"], call.values["tokenid"]
    access.token(user, name)
    access.acl.forget_holder(f"{user}!{name}")
    del access.tokens[f"{user}!{name}"]
    access.save()

"""Tickets, consoles' tickets, passwords (pve-access-control API2/AccessControl.pm)."""

from typing import Any

from testbed.proxmox.access.acl import normal_path
from testbed.proxmox.access.identities import ROOT, Identity, realm_name, split_user, user_name
from testbed.proxmox.access.passwords import storable
from testbed.proxmox.access.rights import all_of, allocate_user, any_of, oneself, user_in_group
from testbed.proxmox.calls import Call, everybody, route
from testbed.proxmox.errors import ApiError, Die, denied, parameter_errors
from testbed.proxmox.formats import split_list
from testbed.proxmox.schema import Param

TEXT = Param()
FAILED = "authentication failure"
LOGIN = {
    "username": Param(optional=False, max_length=64),
    "password": Param(optional=False),
    "realm": Param(max_length=32, check=realm_name),
    "otp": TEXT,
    "tfa-challenge": TEXT,
    "path": Param(max_length=64, requires="privs"),
    "privs": Param(max_length=64, requires="path", listed=True),
    "new-format": Param("boolean"),
}
VNC = {
    "authid": Param(optional=False, max_length=64),
    "vncticket": Param(optional=False),
    "path": Param(optional=False, max_length=64),
    "privs": Param(optional=False, max_length=64, listed=True),
    "port": Param("integer"),
}
PASSWORD = {
    "userid": Param(optional=False, max_length=64, check=user_name),
    "password": Param(optional=False, min_length=8, max_length=64),
    "confirmation-password": Param(min_length=5, max_length=64),
}


@route("GET", "/access/ticket", everybody, world=True)
async def ticket_index(_call: Call) -> None:
    """Nothing, as in the original."""


@route("POST", "/access/ticket", everybody, LOGIN, protected=True, world=True, tokens=False)
async def login(call: Call) -> dict[str, Any]:
    """A ticket for a password or for an unexpired ticket; or, with `path`, whether these privileges are there."""
    values, access = call.values, call.node.access
    _check_privileges(call)
    user = values["username"] + (f"@{values['realm']}" if "realm" in values else "")
    if "tfa-challenge" in values:
        raise ApiError(401, FAILED)
    answer: dict[str, Any] = {"username": user}
    if "path" in values:
        _verify(call, user)
    else:
        access.login(user, values["password"])
        answer |= {"ticket": access.ticket(user), "CSRFPreventionToken": access.csrf_token(user)}
    answer["cap"] = access.capabilities(user)
    name = call.cluster.name
    return answer | ({"clustername": name} if name and access.may(Identity(user), "/", "Sys.Audit") else {})


def _check_privileges(call: Call) -> None:
    for privilege in split_list(call.values.get("privs", "")):
        if privilege not in call.node.access.release.privileges:
            raise parameter_errors({"privs": f"invalid format - invalid privilege '{privilege}'\n"})


def _verify(call: Call, user: str) -> None:
    access, password = call.node.access, call.values["password"]
    path = normal_path(call.values["path"])
    if path is None or not access.enabled(user):
        raise ApiError(401, FAILED)
    if access.tickets.user_of(password) != user and not _opens_console(call, password, user, path):
        access.login(user, password)
    _check_all(call, user, path)


def _opens_console(call: Call, ticket: str, user: str, path: str, port: int | None = None) -> bool:
    try:
        call.node.access.tickets.verify_vnc(ticket, user, path, port)
    except ApiError:
        return False
    return True


def _check_all(call: Call, user: str, path: str) -> None:
    privileges = split_list(call.values["privs"])
    if not privileges or not call.node.access.may(Identity(user), path, *privileges):
        raise ApiError(401, FAILED)


@route("POST", "/access/vncticket", everybody, VNC, protected=True, world=True)
async def verify_vnc_ticket(call: Call) -> None:
    """Whether a console's ticket is valid and its holder has these privileges."""
    values = call.values
    _check_privileges(call)
    path, who = normal_path(values["path"]), values["authid"]
    port = int(values["port"]) if "port" in values else None
    if path is None or not _opens_console(call, values["vncticket"], who, path, port):
        raise ApiError(401, FAILED)
    _check_all(call, who, path)


MAY_CHANGE = any_of(oneself, all_of(allocate_user, user_in_group("User.Modify")))


@route("PUT", "/access/password", MAY_CHANGE, PASSWORD, protected=True, tokens=False)
async def change_password(call: Call) -> None:
    """Set a password; whoever is not root gives the own one, too."""
    access, name = call.node.access, call.values["userid"]
    _, realm = split_user(name)
    user = access.user(name)
    if not call.who.root:
        _confirm(call, name, realm)
    user["password"] = storable(name, call.values["password"])
    access.save()


def _confirm(call: Call, name: str, realm: str) -> None:
    if name == ROOT:
        raise denied()
    given = call.values.get("confirmation-password")
    if given is None:
        raise parameter_errors({"confirmation-password": "password is required to modify user"})
    if not call.node.access.password_is(call.who.id, given):
        raise Die("invalid credentials")
    if name != call.who.id and realm == "pam":
        raise denied()

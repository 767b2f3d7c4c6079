"""What one may do (pve-access-control API2/AccessControl.pm permissions)."""

from collections.abc import Mapping

from testbed.proxmox.access.identities import USER_OR_TOKEN, Identity
from testbed.proxmox.access.permissions import Privileges
from testbed.proxmox.calls import Call, everybody, route
from testbed.proxmox.schema import Param


@route("GET", "/access/permissions", everybody, {"path": Param(), "userid": Param(pattern=USER_OR_TOKEN)})
async def permissions(call: Call) -> Mapping[str, Privileges]:
    """Privileges by path, of the caller or of whom else it may ask about; the value says whether they reach down."""
    access, who = call.node.access, Identity(call.values.get("userid", call.who.id))
    own_token = who.token is not None and who.user == call.who.id
    if who.id != call.who.id and not own_token:
        call.check("/access", "Sys.Audit")
    path = call.values.get("path")
    return {path: access.privileges(who, path)} if path else access.privileges_everywhere(who)

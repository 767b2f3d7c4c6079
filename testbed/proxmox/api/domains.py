"""The realms that users are of (pve-access-control API2/Domains.pm)."""

import hashlib

from testbed.proxmox.access.access import REALMS
from testbed.proxmox.calls import Call, everybody, perm_any, route
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.errors import Die

PLUGIN = {"pam": {"plugin": "PVE::Auth::PAM"}}
#: Of a domains.cfg that nobody has written.
DIGEST = hashlib.sha1(b"", usedforsecurity=False).hexdigest()


@route("GET", "/access/domains", everybody, world=True)
async def domains(_call: Call) -> list[Row]:
    """The realms; whoever logs in has to know them."""
    return [{"realm": realm, "type": realm, "comment": comment} for realm, comment in REALMS.items()]


@route("GET", "/access/domains/{realm}", perm_any("/access/realm", "Realm.Allocate", "Sys.Audit"))
async def read(call: Call) -> Row:
    """One realm's settings."""
    realm = call.values["realm"]
    if realm not in REALMS:
        raise Die(f"domain '{realm}' does not exist")
    return {"type": realm, "comment": REALMS[realm], "digest": DIGEST, **PLUGIN.get(realm, {})}

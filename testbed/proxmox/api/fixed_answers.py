"""Calls that always answer the same: what is not used here looks as on a fresh installation.

(pve-manager API2/ACMEPlugin.pm, API2/Cluster/Notifications.pm, API2/Ceph.pm, API2/APT.pm; pve-storage API2/Disks.pm)
"""

from dataclasses import dataclass
from typing import Any

from testbed.proxmox.calls import Call, Right, everybody, perm, perm_any, route
from testbed.proxmox.errors import Die
from testbed.proxmox.schema import Param, Schema

NODE = "/nodes/{node}"
AUDIT, NODE_AUDIT, MODIFY = perm("/", "Sys.Audit"), perm(NODE, "Sys.Audit"), perm("/", "Sys.Modify")
NOTIFICATIONS = perm_any("/mapping/notifications", "Mapping.Modify", "Mapping.Audit")
CEPH = perm_any("/", "Sys.Audit", "Datastore.Audit")
NO_CEPH = "binary not installed: /usr/bin/ceph-mon"


@dataclass(frozen=True, slots=True)
class Fixed:
    """Who may ask, what is answered, and the parameters, which change nothing; `failure` is the text of a 500."""

    right: Right
    answer: Any
    parameters: Schema | None = None
    protected: bool = False
    failure: str = ""


def _index(key: str, *names: str) -> Fixed:
    return Fixed(everybody, [{key: name} for name in names])


MAIL = {"name": "mail-to-root", "comment": "Send mails to root@pam's email address", "origin": "builtin"}
MATCHER = {
    "name": "default-matcher",
    "comment": "Route all notifications to mail-to-root",
    "mode": "all",
    "target": ["mail-to-root"],
    "origin": "builtin",
}
LETS_ENCRYPT = (("", "acme-v02"), (" Staging", "acme-staging-v02"))
DIRECTORIES = [
    {"name": f"Let's Encrypt V2{name}", "url": f"https://{host}.api.letsencrypt.org/directory"}
    for name, host in LETS_ENCRYPT
]
REPOSITORIES = [
    {"handle": "enterprise", "name": "Enterprise", "status": 0},
    {"handle": "no-subscription", "name": "No-Subscription", "status": 1},
    {"handle": "test", "name": "Test"},
]
NO_REPOSITORY_FILES: dict[str, list[object]] = {"files": [], "errors": [], "infos": []}
DISK = Param(optional=False, pattern=r"/dev/[a-zA-Z0-9\/]+")
HEALTH = {"health": "PASSED", "type": "text", "text": "\n\nSMART/Health Information (NVMe Log 0x02)\n"}
DEVICE = {"pci-id-or-mapping": Param(optional=False)}

CLUSTER = {
    "/cluster/acme/directories": Fixed(everybody, DIRECTORIES),
    "/cluster/acme/plugins": Fixed(
        MODIFY, [{"plugin": "standalone", "type": "standalone"}], {"type": Param(enum=("dns", "standalone"))}
    ),
    "/cluster/ceph": _index("name", "metadata", "status", "flags"),
    "/cluster/ceph/flags": Fixed(CEPH, None, protected=True, failure=NO_CEPH),
    "/cluster/ceph/metadata": Fixed(
        CEPH, None, {"scope": Param(enum=("all", "versions"))}, protected=True, failure=NO_CEPH
    ),
    "/cluster/ceph/status": Fixed(CEPH, None, protected=True, failure=NO_CEPH),
    "/cluster/notifications": _index("name", "endpoints", "targets", "matchers", "matcher-fields"),
    "/cluster/notifications/endpoints": _index("name", "gotify", "sendmail", "smtp", "webhook"),
    "/cluster/notifications/endpoints/sendmail": Fixed(NOTIFICATIONS, [MAIL | {"mailto-user": ["root@pam"]}]),
    "/cluster/notifications/matchers": Fixed(NOTIFICATIONS, [MATCHER]),
    "/cluster/notifications/targets": Fixed(NOTIFICATIONS, [MAIL | {"type": "sendmail"}]),
    **{f"/cluster/notifications/endpoints/{kind}": Fixed(NOTIFICATIONS, []) for kind in ("gotify", "smtp", "webhook")},
    "/access/openid": _index("subdir", "login", "auth-url"),
}
NODES = {
    "/apt/repositories": Fixed(NODE_AUDIT, NO_REPOSITORY_FILES | {"standard-repos": REPOSITORIES, "digest": "0" * 64}),
    "/ceph": _index("name", "cfg", "cmd-safety", "crush", "fs", "init", "log", "mds", "mgr", "mon", "osd", "pool"),
    "/ceph/status": Fixed(CEPH, None, protected=True, failure=NO_CEPH),
    "/certificates/acme": _index("name", "certificate"),
    "/disks/smart": Fixed(AUDIT, HEALTH, {"disk": DISK, "healthonly": Param("boolean")}, protected=True),
    "/hardware/pci/{pci-id-or-mapping}": Fixed(everybody, [{"method": "mdev"}], DEVICE),
    "/hardware/pci/{pci-id-or-mapping}/mdev": Fixed(NODE_AUDIT, [], DEVICE, protected=True),
    "/replication": Fixed(everybody, [], {"guest": Param("integer", minimum=100)}, protected=True),
    **{f"/scan/{kind}": Fixed(perm("/storage", "Datastore.Allocate"), [], protected=True) for kind in ("lvm", "zfs")},
}


def _add(path: str, fixed: Fixed) -> None:
    @route("GET", path, fixed.right, fixed.parameters, protected=fixed.protected)
    async def answer(_call: Call) -> Any:
        if fixed.failure:
            raise Die(fixed.failure)
        return fixed.answer


for _path, _fixed in {**CLUSTER, **{NODE + path: fixed for path, fixed in NODES.items()}}.items():
    _add(_path, _fixed)

"""Who may do what: tickets, API tokens, users, roles, access control lists (pve-access-control)."""

import base64
import hashlib
import hmac
import re
import secrets
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from testbed.proxmox.errors import ApiError, denied
from testbed.proxmox.store import Store

TICKET_SECONDS = 7200
#: How far a ticket may come from the future (pve-access-control AccessControl.pm get_ticket_age_range).
CLOCK_TOLERANCE = 300
ROOT = "root@pam"

VM = (
    *("VM.Allocate", "VM.Audit", "VM.Backup", "VM.Clone", "VM.Config.CDROM", "VM.Config.CPU"),
    *("VM.Config.Cloudinit", "VM.Config.Disk", "VM.Config.HWType", "VM.Config.Memory", "VM.Config.Network"),
    *("VM.Config.Options", "VM.Console", "VM.Migrate", "VM.Monitor", "VM.PowerMgmt", "VM.Snapshot"),
    "VM.Snapshot.Rollback",
)
NODES = ("Sys.Audit", "Sys.Console", "Sys.Incoming", "Sys.Modify", "Sys.PowerMgmt", "Sys.Syslog", "Sys.AccessNetwork")
STORAGE = ("Datastore.Allocate", "Datastore.AllocateSpace", "Datastore.AllocateTemplate", "Datastore.Audit")
ACCESS = ("User.Modify", "Group.Allocate", "Realm.Allocate", "Realm.AllocateUser", "Permissions.Modify")
SDN = ("SDN.Allocate", "SDN.Audit", "SDN.Use")
MAPPING = ("Mapping.Audit", "Mapping.Modify", "Mapping.Use")
POOL = ("Pool.Allocate", "Pool.Audit")
ALL = frozenset((*VM, *NODES, *STORAGE, *ACCESS, *SDN, *MAPPING, *POOL))

_MODIFY = ("Permissions.Modify",)
#: What a login lists as capabilities, by section.
CAPABILITIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "vms": ("/vms", (*VM, *_MODIFY)),
    "storage": ("/storage", (*STORAGE, *_MODIFY)),
    "nodes": ("/nodes", (*NODES, *_MODIFY)),
    "access": ("/access", ("User.Modify", "Group.Allocate", *_MODIFY)),
    "sdn": ("/sdn", (*SDN, *_MODIFY)),
    "dc": ("/", ("Sys.Audit", "Sys.Modify", *SDN)),
    "mapping": ("/mapping", (*MAPPING, *_MODIFY)),
}
_AUDIT = tuple(privilege for privilege in ALL if privilege.endswith(".Audit"))
_USER = ("VM.Audit", "VM.Backup", "VM.Config.CDROM", "VM.Config.Cloudinit", "VM.Console", "VM.PowerMgmt")
BUILT_IN: dict[str, frozenset[str]] = {
    "Administrator": ALL,
    "NoAccess": frozenset(),
    "PVEAdmin": ALL - {"Permissions.Modify", "Realm.Allocate", "Sys.Modify", "Sys.PowerMgmt", "SDN.Allocate"},
    "PVEAuditor": frozenset(_AUDIT),
    "PVEVMAdmin": frozenset(VM),
    "PVEVMUser": frozenset(_USER),
    "PVETemplateUser": frozenset(("VM.Audit", "VM.Clone")),
    "PVEDatastoreAdmin": frozenset(STORAGE),
    "PVEDatastoreUser": frozenset(("Datastore.AllocateSpace", "Datastore.Audit")),
    "PVESDNAdmin": frozenset(SDN),
    "PVESDNUser": frozenset(("SDN.Audit", "SDN.Use")),
    "PVEPoolAdmin": frozenset(POOL),
    "PVEPoolUser": frozenset(("Pool.Audit",)),
    "PVEUserAdmin": frozenset(("User.Modify", "Group.Allocate", "Realm.AllocateUser")),
    "PVESysAdmin": frozenset(NODES) - {"Sys.Modify", "Sys.PowerMgmt"},
}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is asking. `id` is `user@realm` or `user@realm!token`."""

    id: str

    @property
    def user(self) -> str:
        return self.id.partition("!")[0]

    @property
    def token(self) -> str | None:
        return self.id.partition("!")[2] or None

    @property
    def root(self) -> bool:
        """Root itself; root's API tokens are not."""
        return self.id == ROOT


class Access:
    """Users, tokens, roles and access control lists, kept in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        kept = store.get("setting", "access") or self._first()
        self.users: dict[str, dict[str, Any]] = kept["users"]
        self.tokens: dict[str, dict[str, Any]] = kept["tokens"]
        self.roles: dict[str, list[str]] = kept["roles"]
        self.acl: list[dict[str, Any]] = kept["acl"]
        self._key = bytes.fromhex(kept["key"])
        self.save()

    @staticmethod
    def _first() -> dict[str, Any]:
        password = secrets.token_urlsafe(12)
        users = {ROOT: {"enable": 1, "expire": 0, "email": "root@localhost", "password": password}}
        return {"users": users, "tokens": {}, "roles": {}, "acl": [], "key": secrets.token_hex(32)}

    def save(self) -> None:
        """Write everything."""
        kept = {"users": self.users, "tokens": self.tokens, "roles": self.roles, "acl": self.acl}
        self._store.put("setting", "access", {**kept, "key": self._key.hex()})

    # Tickets

    def ticket(self, user: str) -> str:
        """A new ticket."""
        plain = f"PVE:{user}:{int(time.time()):08X}"
        return f"{plain}::{self._sign(plain)}"

    def csrf_token(self, user: str) -> str:
        """The token that changes by ticket must carry."""
        stamp = f"{int(time.time()):08X}"
        return f"{stamp}:{self._sign(f'CSRF:{stamp}:{user}')}"

    def _sign(self, text: str) -> str:
        digest = hmac.digest(self._key, text.encode(), hashlib.sha256)
        return base64.b64encode(digest).decode().rstrip("=")

    def verify_ticket(self, ticket: str) -> Identity:
        """The user of a ticket; raises 401."""
        plain, separator, signature = ticket.partition("::")
        match = re.fullmatch(r"PVE:([^\s:]+@[^\s:]+):([0-9A-F]{8})", plain)
        genuine = match and separator and hmac.compare_digest(signature.encode(), self._sign(plain).encode())
        if not match or not genuine or not _fresh(match[2]):
            raise ApiError(401, "Authentication failed!")
        self._check_enabled(match[1])
        return Identity(match[1])

    def verify_csrf(self, user: str, token: str | None) -> None:
        """Raise 401 unless the token is the user's."""
        stamp, _, signature = (token or "").partition(":")
        wanted = self._sign(f"CSRF:{stamp}:{user}")
        if not (hmac.compare_digest(signature.encode(), wanted.encode()) and _fresh(stamp)):
            raise ApiError(401, "Permission denied - invalid csrf token")

    def verify_token(self, header: str) -> Identity:
        """The identity of an `Authorization: PVEAPIToken` header's value; raises 401."""
        identifier, _, secret = unquote(header.split(";")[0]).partition("=")
        token = self.tokens.get(identifier)
        if token is None or not hmac.compare_digest(token["value"].encode(), secret.encode()):
            raise ApiError(401, "Authentication failed!")
        if token["expire"] and token["expire"] <= time.time():
            raise ApiError(401, "Authentication failed!")
        identity = Identity(identifier)
        self._check_enabled(identity.user)
        return identity

    def _check_enabled(self, user: str) -> None:
        found = self.users.get(user)
        if found is None or not found["enable"] or (found["expire"] and found["expire"] <= time.time()):
            raise ApiError(401, "Authentication failed!")

    def login(self, user: str, password: str) -> None:
        """Check a password, or an unexpired ticket in its place; raises 401 with one text for every cause."""
        try:
            self._check_enabled(user)
            if password.startswith("PVE:") and self.verify_ticket(password).id == user:
                return
        except ApiError:
            raise ApiError(401, "authentication failure") from None
        known = self.users[user].get("password") or secrets.token_hex()
        if not hmac.compare_digest(known.encode(), password.encode()):
            raise ApiError(401, "authentication failure")

    def new_token(self, user: str, name: str, **details: Any) -> str:
        """Make a token; its secret, shown only now."""
        secret = str(uuid.uuid4())
        self.tokens[f"{user}!{name}"] = {"privsep": 1, "expire": 0, **details, "value": secret}
        self.save()
        return secret

    # Permissions

    def privileges(self, identity: Identity, path: str) -> set[str]:
        """What one may do at a path; a separated token only what its user may too."""
        own = self._granted(identity.user, path)
        if identity.token is None or not self.tokens[identity.id]["privsep"]:
            return own
        return own & self._granted(identity.id, path)

    def _granted(self, holder: str, path: str) -> set[str]:
        if holder == ROOT:
            return set(ALL)
        roles: set[str] = set()
        for level in _levels(path):
            here = {
                entry["roleid"]
                for entry in self.acl
                if entry["path"] == level and entry["ugid"] == holder and (entry["propagate"] or level == path)
            }
            roles = here or roles
        if "NoAccess" in roles:
            return set()
        return {privilege for role in roles for privilege in self.role(role) or ()}

    def role(self, name: str) -> Iterable[str] | None:
        """The privileges of a role, or None."""
        return BUILT_IN.get(name) or self.roles.get(name)

    def may(self, identity: Identity, path: str, *privileges: str) -> bool:
        """Whether all of the privileges are there."""
        return self.privileges(identity, path).issuperset(privileges)

    def may_any(self, identity: Identity, path: str, *privileges: str) -> bool:
        """Whether one of the privileges is there."""
        return not self.privileges(identity, path).isdisjoint(privileges)

    def check(self, identity: Identity, path: str, *privileges: str) -> None:
        """Raise 403 for the first privilege that is missing."""
        held = self.privileges(identity, path)
        for privilege in privileges:
            if privilege not in held:
                raise denied(f"{path}, {privilege}")

    def check_any(self, identity: Identity, path: str, *privileges: str) -> None:
        """Raise 403 if none of the privileges is there."""
        if not self.may_any(identity, path, *privileges):
            raise denied(f"{path}, {'|'.join(privileges)}")

    def capabilities(self, user: str) -> Mapping[str, dict[str, int]]:
        """What a login tells the user interface."""
        identity = Identity(user)
        return {
            section: {privilege: 1 for privilege in names if privilege in self.privileges(identity, path)}
            for section, (path, names) in CAPABILITIES.items()
        }


def _fresh(stamp: str) -> bool:
    if not re.fullmatch("[0-9A-F]{8}", stamp):
        return False
    return -CLOCK_TOLERANCE < time.time() - int(stamp, 16) < TICKET_SECONDS


def _levels(path: str) -> list[str]:
    parts = [part for part in path.split("/") if part]
    return ["/", *("/" + "/".join(parts[: n + 1]) for n in range(len(parts)))]

"""What one may do where (pve-access-control RPCEnvironment.pm permissions, AccessControl.pm roles)."""

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from testbed.proxmox.access.acl import Roles, levels
from testbed.proxmox.access.identities import ROOT, Identity
from testbed.proxmox.access.pools import Pools

if TYPE_CHECKING:
    from testbed.proxmox.access.access import Access

#: Privileges with whether they reach further down; one that is there is held.
Privileges = Mapping[str, int]
TOP_PATHS = ("/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms")
#: Where a login looks for capabilities in any case.
CAPABILITY_PATHS = ("/", "/nodes", "/access/groups", "/vms", "/storage", "/sdn", "/mapping")
#: The sections of a login's capabilities with the beginnings of the privileges they list.
SECTIONS = {
    "vms": r"VM\.|Permissions\.Modify",
    "access": r"(User|Group)\.|Permissions\.Modify",
    "storage": r"Datastore\.|Permissions\.Modify",
    "nodes": r"Sys\.|Permissions\.Modify",
    "sdn": r"SDN\.|Permissions\.Modify",
    "dc": r"Sys\.Audit|Sys\.Modify|SDN\.",
    "mapping": r"Mapping\.|Permissions\.Modify",
}
_NOTHING: Privileges = {}


class Permissions:
    """Computes privileges, and remembers them until users, roles, entries or pools change."""

    def __init__(self, access: "Access") -> None:
        self._access = access
        self._known: dict[str, dict[str, Privileges]] = {}
        self._of_roles: dict[frozenset[tuple[str, int]], Privileges] = {}
        self._by_pool: dict[str, dict[str, set[str]]] = {}
        self._groups: dict[str, list[str]] = {}
        self._above: dict[str, dict[str, Roles]] = {}

    def forget(self) -> None:
        """Compute everything anew from now on."""
        self._known.clear()
        self._of_roles.clear()
        self._by_pool.clear()
        self._groups.clear()
        self._above.clear()

    def of(self, who: Identity, path: str) -> Privileges:
        """What one may do at a path; a separated token only what its user may too."""
        known = self._known.get(who.id)
        if known is None:
            known = self._known[who.id] = self._shared(who)
        if path not in known:
            known[path] = self._effective(who, path)
        return known[path]

    def _shared(self, who: Identity) -> dict[str, Privileges]:
        """Where privileges are remembered: those of an unseparated token are its user's."""
        token = self._access.tokens.get(who.id)
        if token is None or token["privsep"]:
            return {}
        return self._known.setdefault(who.user, {})

    def _effective(self, who: Identity, path: str) -> Privileges:
        if who.root:
            return self._computed({"Administrator": 1})
        if who.token is None:
            return self._granted(who.id, path)
        token = self._access.tokens.get(who.id)
        if token is None:
            return _NOTHING
        if not token["privsep"]:
            return self._effective(Identity(who.user), path)
        own = self._granted(who.id, path)
        if who.user == ROOT:
            return own
        theirs = self.of(Identity(who.user), path)
        return {privilege: reach and theirs[privilege] for privilege, reach in own.items() if privilege in theirs}

    def _granted(self, holder: str, path: str) -> Privileges:
        roles = self.roles(holder, path)
        pooled = self._pooled(holder).get(path)
        if pooled and "NoAccess" not in roles:
            roles = {"NoAccess": 0} if "NoAccess" in pooled else dict.fromkeys(pooled, 0) | roles
        return self._computed(roles)

    def _computed(self, roles: Roles) -> Privileges:
        key = frozenset(roles.items())
        if key not in self._of_roles:
            found: dict[str, int] = {}
            for role, reach in roles.items():
                for privilege in self._access.role(role) or ():
                    found[privilege] = found.get(privilege) or reach
            self._of_roles[key] = found
        return self._of_roles[key]

    def roles(self, holder: str, path: str) -> Roles:
        """The roles of a user or token at a path, from entries alone: deeper ones replace those above."""
        stem = path.rstrip("/")
        above, inside, _ = stem.rpartition("/")
        found = self._inherited(holder, above) if inside else {}
        last = stem if inside and "//" not in stem else levels(path)[-1]
        found = self._roles_here(holder, last, last=True) or found
        return {"NoAccess": found["NoAccess"]} if "NoAccess" in found else found

    def _inherited(self, holder: str, path: str) -> Roles:
        """What reaches down from a path and those above it."""
        known = self._above.setdefault(holder, {})
        if path not in known:
            found = Roles()
            for level in levels(path):
                found = self._roles_here(holder, level, last=False) or found
            known[path] = found
        return known[path]

    def _roles_here(self, holder: str, level: str, last: bool) -> Roles:
        """What counts at one path: the entries of the user, or else those of the user's groups."""
        here = self._access.acl.at(level)
        if not here:
            return {}
        own = {role: reach for role, reach in here.get(holder, {}).items() if last or reach}
        if own:
            return own
        groups = [here.get(f"@{group}", {}) for group in self._groups_of(holder)]
        return {role: reach for roles in groups for role, reach in roles.items() if last or reach}

    def _groups_of(self, user: str) -> list[str]:
        if user not in self._groups:
            self._groups[user] = [name for name, group in self._access.groups.items() if user in group["users"]]
        return self._groups[user]

    def _pooled(self, holder: str) -> dict[str, set[str]]:
        """The roles that pools give at the paths of their members."""
        if holder not in self._by_pool:
            self._by_pool[holder] = self._roles_of_pools(holder, self._access.pools)
        return self._by_pool[holder]

    def _roles_of_pools(self, holder: str, pools: Pools) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for name, pool in pools.items():
            roles = self.roles(holder, f"/pool/{name}")
            members = [*(f"/vms/{vmid}" for vmid in pool.vms), *(f"/storage/{storage}" for storage in pool.storages)]
            for member in members if roles else ():
                found.setdefault(member, set()).update(roles)
        return found

    def everywhere(self, who: Identity) -> dict[str, Privileges]:
        """The privileges at all paths that anything is said about, where there are any."""
        paths = {*TOP_PATHS, *self._access.acl.paths}
        for _, pool in self._access.pools.items():
            paths |= {f"/vms/{vmid}" for vmid in pool.vms} | {f"/storage/{storage}" for storage in pool.storages}
        return {path: privileges for path in sorted(paths) if (privileges := self.of(who, path))}

    def capabilities(self, who: Identity) -> dict[str, dict[str, int]]:
        """What a login tells the user interface: the privileges held anywhere, by section."""
        found: dict[str, dict[str, int]] = {section: {} for section in SECTIONS}
        for path in {*CAPABILITY_PATHS, *self._access.acl.paths}:
            top = path.split("/")[1] or "dc"
            for section in ("vms", "storage") if top == "pool" else (top,):
                found.setdefault(section, {}).update(_matching(section, self.of(who, path)))
        return found


def _matching(section: str, privileges: Collection[str]) -> dict[str, int]:
    pattern = SECTIONS.get(section)
    return {name: 1 for name in privileges if re.match(pattern, name)} if pattern else {}

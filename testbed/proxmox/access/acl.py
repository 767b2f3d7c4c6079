"""Access control lists: which role who has at which path (pve-access-control AccessControl.pm)."""

import re
from collections.abc import Iterator
from typing import Any

from testbed.proxmox.schema import Pve

_NAME = r"[A-Za-z0-9.\-_]+"
_PATHS = (
    *("/", "/access", "/access/groups", f"/access/groups/{_NAME}", "/access/realm", f"/access/realm/{_NAME}"),
    *("/nodes", f"/nodes/{_NAME}", "/pool", rf"/pool/{_NAME}(?:/{_NAME}){{0,2}}"),
    *("/sdn", "/sdn/controllers", r"/sdn/controllers/[A-Za-z0-9_\-]+", "/sdn/dns", "/sdn/dns/[A-Za-z0-9]+"),
    *("/sdn/ipams", "/sdn/ipams/[A-Za-z0-9]+", rf"/sdn/zones(?:/{_NAME}){{0,2}}"),
    *(rf"/sdn/zones/{_NAME}/{_NAME}/[1-9][0-9]{{0,3}}", "/storage", f"/storage/{_NAME}"),
    *("/vms", r"/vms/[1-9][0-9]{2,}", rf"/mapping(?:/{_NAME}){{0,2}}"),
)
_PATHS_9 = tuple(f"/sdn/{area}(?:/[A-Za-z0-9]+)?" for area in ("fabrics", "prefix-lists", "route-maps"))
_KNOWN: dict[Pve, re.Pattern[str]] = {
    "8": re.compile("|".join(_PATHS)),
    "9": re.compile("|".join((*_PATHS, *_PATHS_9))),
}

#: Roles with whether they reach further down.
Roles = dict[str, int]


def normal_path(path: str) -> str | None:
    """A path with single slashes and none at its end; None if it has characters that no path has."""
    path = "/" + "/".join(part for part in path.split("/") if part) if path else ""
    return path if re.fullmatch(r"[A-Za-z0-9.\-_/]+", path) else None


def is_object(path: str, pve: Pve) -> bool:
    """Whether rights can be given at a path."""
    return _KNOWN[pve].fullmatch(path) is not None


def levels(path: str) -> list[str]:
    """The paths from the root to `path`; a path without its first slash does not begin at the root."""
    found, here = [], ""
    for part in path.rstrip("/").split("/"):
        here = f"{here}/{part}" if part else here
        found.append(here or "/")
    return found


def kind_of(holder: str) -> str:
    """`user`, `group` or `token`; groups are written with an @ before their name."""
    if holder.startswith("@"):
        return "group"
    return "token" if "!" in holder else "user"


class Acl:
    """The roles of users, tokens (`user@realm!token`) and groups (`@group`) by path."""

    def __init__(self, kept: "list[dict[str, Any]] | None" = None) -> None:
        self._paths: dict[str, dict[str, Roles]] = {}
        for entry in kept or ():
            holder = entry["ugid"] if entry["type"] != "group" else f"@{entry['ugid']}"
            self.grant(entry["path"], holder, entry["roleid"], entry["propagate"])

    def __bool__(self) -> bool:
        return bool(self._paths)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Every entry as the API lists it."""
        for path, holders in sorted(self._paths.items()):
            for holder, roles in holders.items():
                ends = {"type": kind_of(holder), "ugid": holder.removeprefix("@"), "path": path}
                yield from ({**ends, "roleid": role, "propagate": reach} for role, reach in roles.items())

    def at(self, path: str) -> dict[str, Roles]:
        """The holders at one path with their roles."""
        return self._paths.get(path, {})

    @property
    def paths(self) -> set[str]:
        """Every path with an entry, and those above it."""
        return {level for path in self._paths for level in levels(path)}

    def children(self, path: str) -> list[str]:
        """The paths directly below one."""
        return sorted(level for level in self.paths if level.rpartition("/")[0] == path)

    def grant(self, path: str, holder: str, role: str, propagate: int) -> None:
        """Add an entry, or change how far it reaches."""
        self._paths.setdefault(path, {}).setdefault(holder, {})[role] = propagate

    def revoke(self, path: str, holder: str, role: str) -> None:
        """Remove an entry, if it is there."""
        self.at(path).get(holder, {}).pop(role, None)
        self._prune()

    def forget_holder(self, holder: str) -> None:
        """Remove everything of a user with its tokens, of a token or of a group."""
        for holders in self._paths.values():
            for name in [name for name in holders if name == holder or name.startswith(f"{holder}!")]:
                del holders[name]
        self._prune()

    def forget_role(self, role: str) -> None:
        """Remove all entries of a role."""
        for holders in self._paths.values():
            for roles in holders.values():
                roles.pop(role, None)
        self._prune()

    def forget_path(self, path: str) -> bool:
        """Remove a path with all below it; whether there was something."""
        gone = [one for one in self._paths if one == path or one.startswith(f"{path}/")]
        for one in gone:
            del self._paths[one]
        return bool(gone)

    def _prune(self) -> None:
        kept = {path: {name: roles for name, roles in at.items() if roles} for path, at in self._paths.items()}
        self._paths = {path: holders for path, holders in kept.items() if holders}

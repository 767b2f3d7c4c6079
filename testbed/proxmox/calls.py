"""The table of API calls: path, parameters, needed rights, handler."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from testbed.proxmox import formats
from testbed.proxmox.access import identities
from testbed.proxmox.access.access import Access, Identity
from testbed.proxmox.access.acl import normal_path
from testbed.proxmox.errors import ApiError
from testbed.proxmox.schema import BETWEEN_ITEMS, Param, Pve, Raw, Schema, Values, of_release

if TYPE_CHECKING:
    from testbed.proxmox.cluster.cluster import Cluster
    from testbed.proxmox.cluster.node import Node


@dataclass(slots=True)
class Call:
    """One call that has passed all checks. `node` executes it, `entry` is the one that was asked."""

    node: "Node"
    who: Identity
    values: Values
    entry: "Node"

    @property
    def cluster(self) -> "Cluster":
        return self.node.cluster

    @property
    def vmid(self) -> int:
        return int(self.values["vmid"])

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean parameter."""
        return self.values.get(name, "1" if default else "0") == "1"

    def items(self, name: str) -> list[str]:
        """An array parameter; empty if it is missing."""
        return self.values[name].split(BETWEEN_ITEMS) if name in self.values else []

    def number(self, name: str, default: int) -> int:
        """An integer parameter."""
        return int(self.values.get(name, default))

    def check(self, path: str, *privileges: str) -> None:
        """Raise 403 unless the caller has all of the privileges."""
        self.node.access.check(self.who, path, *privileges)


@dataclass(frozen=True, slots=True)
class Page:
    """A list of which only a part is shown; `total` stands beside `data` in the answer."""

    data: Any
    total: int


#: What must hold before anything else is looked at; raises 403. The values are not verified yet.
Right = Callable[[Access, Identity, Mapping[str, str]], None]
Handler = Callable[[Call], Awaitable[Any]]


def everybody(_access: Access, _who: Identity, _values: Mapping[str, str]) -> None:
    """Any user."""


def perm(path: str, *privileges: str) -> Right:
    """All of the privileges at a path with placeholders."""
    return lambda access, who, values: access.check(who, fill(path, values), *privileges)


def perm_any(path: str, *privileges: str) -> Right:
    """One of the privileges at a path with placeholders."""
    return lambda access, who, values: access.check_any(who, fill(path, values), *privileges)


def fill(path: str, values: Mapping[str, str]) -> str:
    """A path with its placeholders filled in; one without a value becomes a dash."""
    filled = re.sub(r"\{([^}]+)\}", lambda match: values.get(match[1]) or "-", path)
    return normal_path(filled) or ""


@dataclass(frozen=True, slots=True)
class Route:
    """One call. `protected` ones run in pvedaemon, hence behind a proxy; `world` ones need no login.

    `parameters` are those of all releases.
    The node that was asked answers `at_entry` ones itself, whichever node their path names.
    """

    parameters: Schema
    right: Right
    handler: Handler
    protected: bool = False
    world: bool = False
    tokens: bool = True
    at_entry: bool = False
    _known: dict[Pve, Schema] = field(default_factory=dict)

    def known(self, pve: Pve) -> Schema:
        """The parameters that a release knows, made up when they are first asked for."""
        if pve not in self._known:
            self._known[pve] = of_release(self.parameters, pve)
        return self._known[pve]


VMID = Param("integer", optional=False, check=formats.vmid)
SNAPSHOT = Param(optional=False, max_length=40, check=formats.config_id)
PATH_PARAMETERS: dict[str, Param] = {
    "node": Param(optional=False, check=formats.node_name),
    "vmid": VMID,
    "upid": Param(optional=False),
    "storage": Param(optional=False, check=formats.storage_id),
    "userid": Param(optional=False, max_length=64, check=identities.user_name),
    "tokenid": Param(optional=False, pattern=identities.TOKEN),
    "roleid": Param(optional=False, check=identities.role_name),
    "groupid": Param(optional=False, check=identities.group_name),
    "realm": Param(optional=False, max_length=32, check=identities.realm_name),
    "poolid": Param(optional=False, check=identities.pool_name),
    "snapname": SNAPSHOT,
}


@dataclass(slots=True)
class _Level:
    fixed: dict[str, "_Level"] = field(default_factory=dict)
    free: "tuple[str, _Level] | None" = None
    rest: "tuple[str, _Level] | None" = None
    routes: dict[str, Route] = field(default_factory=dict)


class Router:
    """Finds the call of a method and path."""

    def __init__(self) -> None:
        self._root = _Level()

    def add(self, method: str, path: str, route: Route) -> None:
        """Add a call; the parts of `path` in braces become parameters, `{*name}` takes all that is left."""
        level = self._root
        for part in _parts(path):
            level = self._step(level, part)
        level.routes[method] = route

    @staticmethod
    def _step(level: _Level, part: str) -> _Level:
        if not part.startswith("{"):
            return level.fixed.setdefault(part, _Level())
        if part.startswith("{*"):
            level.rest = level.rest or (part.strip("{*}"), _Level())
            return level.rest[1]
        level.free = level.free or (part.strip("{}"), _Level())
        return level.free[1]

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The call and its path parameters; raises 501."""
        level, found = self._root, dict[str, str]()
        parts = _parts(path)
        for index, part in enumerate(parts):
            if part in level.fixed:
                level = level.fixed[part]
            elif level.free:
                name, level = level.free
                found[name] = part
            elif level.rest:
                name, level = level.rest
                found[name] = "/".join(parts[index:])
                break
            else:
                raise not_implemented(method, path)
        if method not in level.routes:
            raise not_implemented(method, path)
        return level.routes[method], found


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def not_implemented(method: str, path: str) -> ApiError:
    """501 for a call that does not exist."""
    return ApiError(501, f"Method '{method} {path}' not implemented")


ROUTER = Router()


def route(
    method: str,
    path: str,
    right: Right,
    parameters: Schema | None = None,
    *,
    protected: bool = False,
    world: bool = False,
    tokens: bool = True,
    at_entry: bool = False,
) -> Callable[[Handler], Handler]:
    """Register the decorated function as a call; `parameters` describes path parameters that are not common ones."""
    names = [part.strip("{*}") for part in _parts(path) if part.startswith("{")]
    schema = {**{name: PATH_PARAMETERS[name] for name in names if name in PATH_PARAMETERS}, **(parameters or {})}

    def register(handler: Handler) -> Handler:
        ROUTER.add(method, path, Route(schema, right, handler, protected, world, tokens, at_entry))
        return handler

    return register


Given = dict[str, Raw]

"""The firewall of cluster, nodes and guests: options, references, logs (pve-firewall API2/Firewall)."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from testbed.proxmox.calls import Call, Page, Right, everybody, perm, route
from testbed.proxmox.errors import parameter_errors
from testbed.proxmox.firewall import firewall, firewall_options
from testbed.proxmox.firewall.firewall import Entry, Firewall
from testbed.proxmox.firewall.firewall_macros import IPV6, MACROS, Match
from testbed.proxmox.firewall.firewall_rules import Place
from testbed.proxmox.formats import split_list
from testbed.proxmox.schema import Param, Schema


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a firewall configuration is reached, and by whom."""

    place: Place
    base: str
    file: Callable[[Call], str]
    audit: Right
    modify: Right
    options: Schema

    def load(self, call: Call) -> Firewall:
        """The configuration that a call is about."""
        return firewall.load(call.node.store, self.file(call))

    def save(self, call: Call, content: Firewall) -> None:
        """Write it back."""
        firewall.save(call.node.store, self.file(call), content)

    def known(self, call: Call, own: Firewall) -> list[Firewall]:
        """The files whose names a rule may use, its own first."""
        return [own] if self.place == "cluster" else [own, firewall.load(call.node.store, firewall.CLUSTER)]


def _guests(place: Place, kind: str) -> Scope:
    audit, modify = perm("/vms/{vmid}", "VM.Audit"), perm("/vms/{vmid}", "VM.Config.Network")
    base = f"/nodes/{{node}}/{kind}/{{vmid}}/firewall"
    return Scope(place, base, lambda call: firewall.guest(call.vmid), audit, modify, firewall_options.GUEST)


CLUSTER = Scope(
    "cluster",
    "/cluster/firewall",
    lambda _call: firewall.CLUSTER,
    perm("/", "Sys.Audit"),
    perm("/", "Sys.Modify"),
    firewall_options.CLUSTER,
)
HOST = Scope(
    "host",
    "/nodes/{node}/firewall",
    lambda call: firewall.host(call.values["node"]),
    perm("/nodes/{node}", "Sys.Audit"),
    perm("/nodes/{node}", "Sys.Modify"),
    firewall_options.HOST,
)
VM, CT = _guests("vm", "qemu"), _guests("ct", "lxc")
GUESTS = (VM, CT)
SCOPES = (CLUSTER, HOST, VM, CT)
WITH_NAMES = (CLUSTER, VM, CT)

#: How long a cluster-wide `enable` of more than 1 holds.
TRIAL_SECONDS = 60
AREAS: dict[Place, tuple[str, ...]] = {
    "cluster": ("aliases", "rules", "options", "groups", "ipset", "macros", "refs"),
    "host": ("rules", "options", "log"),
    "vm": ("rules", "aliases", "ipset", "refs", "options", "log"),
    "ct": ("rules", "aliases", "ipset", "refs", "options", "log"),
}


def _register(scope: Scope) -> None:
    @route("GET", scope.base, everybody, at_entry=True)
    async def index(_call: Call) -> list[Entry]:
        return [{"name": name} for name in AREAS[scope.place]]

    @route("GET", f"{scope.base}/options", scope.audit)
    async def options(call: Call) -> Entry:
        return _shown(scope.load(call).options)

    @route("PUT", f"{scope.base}/options", scope.modify, {**scope.options, **firewall_options.CHANGE}, protected=True)
    async def set_options(call: Call) -> None:
        _set_options(scope, call)


def _shown(options: Entry) -> Entry:
    shown = dict(options)
    if shown.get("enable", 0) > 1 and time.time() - shown["enable"] > TRIAL_SECONDS:
        shown["enable"] = 0
    return shown | {"digest": firewall.digest_of([shown] if shown else [])}


def _set_options(scope: Scope, call: Call) -> None:
    content, values = scope.load(call), call.values
    firewall.check_digest([content.options], values.get("digest"))
    for name in split_list(values.get("delete", "")):
        if name not in scope.options:
            raise parameter_errors({"delete": f"no such option '{name}'"})
        content.options.pop(name, None)
    for name, param in scope.options.items():
        if name in values:
            content.options[name] = _typed(param, values[name])
    if scope is CLUSTER and int(values.get("enable", 0)) > 1:
        content.options["enable"] = int(time.time())
    scope.save(call, content)


def _typed(param: Param, text: str) -> int | str:
    return int(text) if param.type in ("integer", "boolean") else text


for _scope in SCOPES:
    _register(_scope)


# References and macros

REFERENCE_KIND = {"type": Param(enum=("alias", "ipset"))}


def _references(content: Firewall, kind: str | None, scope: str) -> list[Entry]:
    rows: list[Entry] = []
    if kind in (None, "ipset"):
        for name in content.ipset:
            comment = content.ipset_comments.get(name)
            rows.append(_reference("ipset", name, f"+{name}", scope, comment))
    if kind in (None, "alias"):
        for name, alias in content.aliases.items():
            rows.append(_reference("alias", name, name, scope, alias.get("comment")))
    return rows


def _reference(kind: str, name: str, ref: str, scope: str, comment: str | None) -> Entry:
    row = {"type": kind, "name": name, "ref": ref, "scope": scope}
    return row | ({"comment": comment} if comment else {})


@route("GET", "/cluster/firewall/refs", CLUSTER.audit, REFERENCE_KIND)
async def cluster_references(call: Call) -> list[Entry]:
    """The IP sets and aliases that rules may name."""
    return _references(CLUSTER.load(call), call.values.get("type"), "dc")


def _register_guest(scope: Scope) -> None:
    @route("GET", f"{scope.base}/refs", scope.audit, REFERENCE_KIND, at_entry=True)
    async def references(call: Call) -> list[Entry]:
        kind = call.values.get("type")
        own = _references(scope.load(call), kind, "guest")
        return _references(CLUSTER.load(call), kind, "dc") + own

    @route("GET", f"{scope.base}/log", perm("/vms/{vmid}", "VM.Console"), LOG, protected=True)
    async def log(_call: Call) -> Page:
        return EMPTY_LOG


FROM_ZERO = Param("integer", minimum=0)
LOG = {"start": FROM_ZERO, "limit": FROM_ZERO, "since": FROM_ZERO, "until": FROM_ZERO}
EMPTY_LOG = Page([{"n": 1, "t": "no content"}], 1)

for _scope in GUESTS:
    _register_guest(_scope)


@route("GET", "/nodes/{node}/firewall/log", perm("/nodes/{node}", "Sys.Syslog"), LOG, protected=True)
async def node_log(_call: Call) -> Page:
    """Nothing is filtered, so nothing is logged."""
    return EMPTY_LOG


@route("GET", "/cluster/firewall/macros", everybody)
async def macros(_call: Call) -> list[dict[str, Any]]:
    """The macros with what they match."""
    return [{"macro": name, "descr": _described(matches)} for name, matches in (IPV6 | MACROS).items()]


def _described(matches: tuple[Match, ...]) -> str:
    return ", ".join("/".join(match[:2]) for match in matches)

"""IP sets and aliases of cluster and guests (pve-firewall API2/Firewall/IPSet.pm, Aliases.pm)."""

import ipaddress
import re

from testbed.proxmox.api.firewall import WITH_NAMES, Scope
from testbed.proxmox.calls import Call, route
from testbed.proxmox.errors import Die, parameter_errors
from testbed.proxmox.firewall import firewall
from testbed.proxmox.firewall.firewall import Entry, Firewall
from testbed.proxmox.firewall.firewall_rules import DIGEST, LONGEST_NAME, NAME, cidr, cidr_or_alias
from testbed.proxmox.schema import Param

NAMED = {"name": Param(optional=False, pattern=NAME, min_length=2, max_length=LONGEST_NAME)}
RENAME = Param(pattern=NAME, min_length=2, max_length=LONGEST_NAME)
MEMBER = {"cidr": Param(optional=False, check=cidr_or_alias)}
DETAILS = {"nomatch": Param("boolean"), "comment": Param()}
NETWORK = {"cidr": Param(optional=False, check=cidr), "comment": Param()}


def _commented(entry: Entry, comment: str | None) -> Entry:
    return entry | ({"comment": comment} if comment and comment.strip() else {})


def _plain(text: str) -> str:
    """A network without host bits, a single address without its prefix."""
    network = ipaddress.ip_network(text, strict=False)
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


# IP sets


def _set_rows(content: Firewall) -> list[Entry]:
    return [_commented({"name": name}, content.ipset_comments.get(name)) for name in sorted(content.ipset)]


def _members(content: Firewall, call: Call) -> list[Entry]:
    name = call.values["name"]
    if name not in content.ipset:
        raise Die(f"no such IPSet '{name}'")
    return content.ipset[name]


def _create_set(scope: Scope, call: Call) -> None:
    content, name = scope.load(call), call.values["name"]
    if "rename" in call.values:
        _rename_set(content, call)
    elif name in content.ipset:
        raise parameter_errors({"name": f"IPSet '{name}' already exists"})
    else:
        content.ipset[name] = []
    if "comment" in call.values:
        content.ipset_comments[name] = call.values["comment"]
    scope.save(call, content)


def _rename_set(content: Firewall, call: Call) -> None:
    old, new = call.values["rename"], call.values["name"]
    firewall.check_digest(_set_rows(content), call.values.get("digest"))
    if old not in content.ipset:
        raise parameter_errors({"name": f"IPSet '{old}' does not exist"})
    if new in content.ipset and new != old:
        raise parameter_errors({"name": f"IPSet '{new}' does already exist"})
    content.ipset[new] = content.ipset.pop(old)
    if comment := content.ipset_comments.pop(old, None):
        content.ipset_comments[new] = comment


def _delete_set(scope: Scope, call: Call) -> None:
    content, name = scope.load(call), call.values["name"]
    if _members(content, call) and not call.flag("force"):
        raise Die(f"IPSet '{name}' is not empty")
    content.ipset.pop(name)
    content.ipset_comments.pop(name, None)
    scope.save(call, content)


def _add_member(scope: Scope, call: Call) -> None:
    content = scope.load(call)
    members, wanted = _members(content, call), _normal(scope, call, content)
    if any(entry["cidr"] == wanted for entry in members):
        raise parameter_errors({"cidr": f"address '{wanted}' already exists"})
    if re.search(r"/0+$", wanted):
        raise parameter_errors({"cidr": "a zero prefix is not allowed in ipset entries"})
    entry: Entry = {"cidr": wanted} | ({"nomatch": 1} if call.flag("nomatch") else {})
    members.append(_commented(entry, call.values.get("comment")))
    members.sort(key=lambda member: str(member["cidr"]))
    scope.save(call, content)


def _normal(scope: Scope, call: Call, content: Firewall) -> str:
    wanted = call.values["cidr"]
    match = re.fullmatch(rf"(dc/|guest/)?({NAME})", wanted)
    if not match:
        return _plain(wanted)
    files = scope.known(call, content)
    allowed = files[-1:] if match[1] == "dc/" else files[:1] if match[1] == "guest/" else files
    if not any(match[2].lower() in file.aliases for file in allowed):
        raise Die(f"no such alias '{match[2]}'")
    return wanted


def _one(members: list[Entry], call: Call) -> Entry:
    found = next((entry for entry in members if entry["cidr"] == call.values["cidr"]), None)
    if found is None:
        raise parameter_errors({"cidr": "no such IP/Network"})
    return found


def _change_member(scope: Scope, call: Call) -> None:
    content = scope.load(call)
    members = _members(content, call)
    firewall.check_digest(members, call.values.get("digest"))
    entry = _one(members, call)
    changed: Entry = {"cidr": entry["cidr"]} | ({"nomatch": 1} if call.flag("nomatch") else {})
    entry.clear()
    entry.update(_commented(changed, call.values.get("comment")))
    scope.save(call, content)


def _remove_member(scope: Scope, call: Call) -> None:
    content = scope.load(call)
    members = _members(content, call)
    firewall.check_digest(members, call.values.get("digest"))
    content.ipset[call.values["name"]] = [entry for entry in members if entry["cidr"] != call.values["cidr"]]
    scope.save(call, content)


def _register_sets(scope: Scope) -> None:
    base = f"{scope.base}/ipset"
    creation = {**NAMED, "comment": Param(), "rename": RENAME, "digest": DIGEST}

    @route("GET", base, scope.audit, at_entry=True)
    async def sets(call: Call) -> list[Entry]:
        return firewall.with_digest(_set_rows(scope.load(call)))

    @route("POST", base, scope.modify, creation, protected=True, at_entry=True)
    async def create(call: Call) -> None:
        _create_set(scope, call)

    @route(
        "DELETE", f"{base}/{{name}}", scope.modify, NAMED | {"force": Param("boolean")}, protected=True, at_entry=True
    )
    async def delete(call: Call) -> None:
        _delete_set(scope, call)

    @route("GET", f"{base}/{{name}}", scope.audit, NAMED, at_entry=True)
    async def members(call: Call) -> list[Entry]:
        return firewall.with_digest(_members(scope.load(call), call))

    @route("POST", f"{base}/{{name}}", scope.modify, NAMED | MEMBER | DETAILS, protected=True, at_entry=True)
    async def add(call: Call) -> None:
        _add_member(scope, call)

    path = f"{base}/{{name}}/{{*cidr}}"

    @route("GET", path, scope.audit, NAMED | MEMBER, protected=True, at_entry=True)
    async def member(call: Call) -> Entry:
        return _one(firewall.with_digest(_members(scope.load(call), call)), call)

    @route("PUT", path, scope.modify, NAMED | MEMBER | DETAILS | {"digest": DIGEST}, protected=True, at_entry=True)
    async def change(call: Call) -> None:
        _change_member(scope, call)

    @route("DELETE", path, scope.modify, NAMED | MEMBER | {"digest": DIGEST}, protected=True, at_entry=True)
    async def remove(call: Call) -> None:
        _remove_member(scope, call)


# Aliases


def _alias_rows(content: Firewall) -> list[Entry]:
    return [content.aliases[key] for key in sorted(content.aliases)]


def _alias(call: Call) -> Entry:
    network = call.values["cidr"]
    version = ipaddress.ip_interface(network).version
    shown = network.removesuffix("/32" if version == 4 else "/128")
    entry = {"name": call.values["name"], "cidr": shown, "ipversion": version}
    return _commented(entry, call.values.get("comment"))


def _create_alias(scope: Scope, call: Call) -> None:
    content, name = scope.load(call), call.values["name"]
    if name.lower() in content.aliases:
        raise parameter_errors({"name": f"alias '{name}' already exists"})
    content.aliases[name.lower()] = _alias(call)
    scope.save(call, content)


def _existing(content: Firewall, call: Call) -> str:
    key = call.values["name"].lower()
    if key not in content.aliases:
        raise parameter_errors({"name": "no such alias"})
    return key


def _update_alias(scope: Scope, call: Call) -> None:
    content, rename = scope.load(call), call.values.get("rename", "")
    firewall.check_digest(_alias_rows(content), call.values.get("digest"))
    key = _existing(content, call)
    entry = _alias(call)
    if rename and rename.lower() != key:
        if rename.lower() in content.aliases:
            raise parameter_errors({"name": f"alias '{rename}' already exists"})
        content.aliases.pop(key)
        key, entry = rename.lower(), entry | {"name": rename}
    content.aliases[key] = entry
    scope.save(call, content)


def _remove_alias(scope: Scope, call: Call) -> None:
    content = scope.load(call)
    firewall.check_digest(_alias_rows(content), call.values.get("digest"))
    content.aliases.pop(call.values["name"].lower(), None)
    scope.save(call, content)


def _register_aliases(scope: Scope) -> None:
    base = f"{scope.base}/aliases"

    @route("GET", base, scope.audit, at_entry=True)
    async def aliases(call: Call) -> list[Entry]:
        return firewall.with_digest(_alias_rows(scope.load(call)))

    @route("POST", base, scope.modify, NAMED | NETWORK, protected=True, at_entry=True)
    async def create(call: Call) -> None:
        _create_alias(scope, call)

    @route("GET", f"{base}/{{name}}", scope.audit, NAMED, at_entry=True)
    async def alias(call: Call) -> Entry:
        content = scope.load(call)
        return content.aliases[_existing(content, call)]

    @route(
        "PUT",
        f"{base}/{{name}}",
        scope.modify,
        NAMED | NETWORK | {"rename": RENAME, "digest": DIGEST},
        protected=True,
        at_entry=True,
    )
    async def update(call: Call) -> None:
        _update_alias(scope, call)

    @route("DELETE", f"{base}/{{name}}", scope.modify, NAMED | {"digest": DIGEST}, protected=True, at_entry=True)
    async def remove(call: Call) -> None:
        _remove_alias(scope, call)


for _scope in WITH_NAMES:
    _register_sets(_scope)
    _register_aliases(_scope)

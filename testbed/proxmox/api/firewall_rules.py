"""Rules of cluster, nodes, guests and security groups (pve-firewall API2/Firewall/Rules.pm, Groups.pm)."""

from dataclasses import replace

from testbed.proxmox.api.firewall import CLUSTER, HOST, SCOPES, Scope
from testbed.proxmox.calls import Call, everybody, route
from testbed.proxmox.errors import Die, parameter_errors
from testbed.proxmox.firewall import firewall, firewall_rules
from testbed.proxmox.firewall.firewall import Entry, Firewall
from testbed.proxmox.firewall.firewall_rules import DIGEST, NAME, RULE
from testbed.proxmox.formats import config_id_list, split_list
from testbed.proxmox.schema import Param

POSITION = {"pos": Param("integer", optional=False, minimum=0)}
GROUP_NAME = Param(optional=False, pattern=NAME, min_length=2, max_length=18)
CREATION = {
    **RULE,
    "action": Param(optional=False, pattern=NAME, min_length=2, max_length=20),
    "type": Param(optional=False, enum=("in", "out", "forward", "group")),
}
CHANGE = {
    **RULE,
    **POSITION,
    "moveto": Param("integer", minimum=0),
    "delete": Param(check=config_id_list, listed=True),
}
REQUIRED = ("type", "action")
NUMBERS = ("enable",)
GROUP = replace(CLUSTER, place="group", base="/cluster/firewall/groups/{group}")


def _rules(scope: Scope, call: Call, content: Firewall) -> list[Entry]:
    if scope is not GROUP:
        return content.rules
    name = call.values["group"]
    if name not in content.groups:
        raise Die(f"no such security group '{name}'")
    return content.groups[name]


def _at(rules: list[Entry], call: Call) -> Entry:
    position = int(call.values["pos"])
    if position >= len(rules):
        raise Die(f"no rule at position {position}")
    return rules[position]


def _taken_over(rule: Entry, call: Call) -> None:
    """Put the call's properties into a rule; empty ones and `-` remove theirs."""
    for name in RULE:
        value = call.values.get(name)
        if value in ("", "-"):
            rule.pop(name, None)
        elif value is not None and name not in ("pos", "digest"):
            rule[name] = min(int(value), 1) if name in NUMBERS else value
    if not rule.get("comment", "").strip():
        rule.pop("comment", None)


def _forget(rule: Entry, names: str) -> None:
    for name in split_list(names):
        if name not in RULE:
            raise parameter_errors({"delete": f"no such property ('{name}')"})
        if name in REQUIRED:
            raise parameter_errors({"delete": f"unable to delete required property '{name}'"})
        rule.pop(name, None)


def _moved(rules: list[Entry], old: int, new: int) -> None:
    """A rule ends up before the one that was at `new`."""
    rule = rules.pop(old)
    rules.insert(new - 1 if new > old else new, rule)


def _update(scope: Scope, call: Call) -> None:
    content = scope.load(call)
    rules = _rules(scope, call, content)
    firewall.check_digest(rules, call.values.get("digest"))
    rule, position = _at(rules, call), int(call.values["pos"])
    target = call.number("moveto", position)
    if target != position:
        _moved(rules, position, target)
    else:
        _taken_over(rule, call)
        _forget(rule, call.values.get("delete", ""))
        rule.setdefault("enable", 1)
        firewall_rules.verify(rule, scope.place, scope.known(call, content))
    scope.save(call, content)


def _register(scope: Scope, base: str) -> None:
    at_entry = scope is not HOST
    named = {"group": GROUP_NAME} if scope is GROUP else {}

    @route("GET", base, scope.audit, named, at_entry=at_entry)
    async def rules(call: Call) -> list[Entry]:
        listed = firewall.with_digest(_rules(scope, call, scope.load(call)))
        return [rule | {"pos": position} for position, rule in enumerate(listed)]

    @route("GET", f"{base}/{{pos}}", scope.audit, named | POSITION, at_entry=at_entry)
    async def rule(call: Call) -> Entry:
        listed = firewall.with_digest(_rules(scope, call, scope.load(call)))
        return _at(listed, call) | {"pos": int(call.values["pos"])}

    @route("POST", base, scope.modify, named | CREATION, protected=True, at_entry=at_entry)
    async def create(call: Call) -> None:
        content, made = scope.load(call), Entry()
        rules = _rules(scope, call, content)
        _taken_over(made, call)
        firewall_rules.verify(made, scope.place, scope.known(call, content))
        rules.insert(0, {"enable": 0} | made)
        scope.save(call, content)

    @route("PUT", f"{base}/{{pos}}", scope.modify, named | CHANGE, protected=True, at_entry=at_entry)
    async def update(call: Call) -> None:
        _update(scope, call)

    @route(
        "DELETE",
        f"{base}/{{pos}}",
        scope.modify,
        named | POSITION | {"digest": DIGEST},
        protected=True,
        at_entry=at_entry,
    )
    async def remove(call: Call) -> None:
        content = scope.load(call)
        rules = _rules(scope, call, content)
        firewall.check_digest(rules, call.values.get("digest"))
        rules.remove(_at(rules, call))
        scope.save(call, content)


for _scope in SCOPES:
    _register(_scope, f"{_scope.base}/rules")
_register(GROUP, GROUP.base)


# Security groups


def _group_rows(content: Firewall) -> list[Entry]:
    rows: list[Entry] = []
    for name in sorted(content.groups):
        comment = content.group_comments.get(name)
        rows.append({"group": name} | ({"comment": comment} if comment else {}))
    return rows


@route("GET", "/cluster/firewall/groups", everybody)
async def groups(call: Call) -> list[Entry]:
    """The security groups."""
    return firewall.with_digest(_group_rows(CLUSTER.load(call)))


GROUP_CREATION = {
    "group": GROUP_NAME,
    "comment": Param(),
    "rename": Param(pattern=NAME, min_length=2, max_length=18),
    "digest": DIGEST,
}


@route("POST", "/cluster/firewall/groups", CLUSTER.modify, GROUP_CREATION, protected=True)
async def create_group(call: Call) -> None:
    """Make a group, or with `rename` change the name or comment of one."""
    content, name = CLUSTER.load(call), call.values["group"]
    if "rename" in call.values:
        _rename_group(call, content, call.values["rename"])
    elif name in content.groups:
        raise parameter_errors({"group": f"Security group '{name}' already exists"})
    else:
        content.groups[name] = []
    if "comment" in call.values:
        content.group_comments[name] = call.values["comment"]
    CLUSTER.save(call, content)


def _rename_group(call: Call, content: Firewall, old: str) -> None:
    new = call.values["group"]
    firewall.check_digest(_group_rows(content), call.values.get("digest"))
    if old not in content.groups:
        raise parameter_errors({"group": f"Security group '{old}' does not exist"})
    if new in content.groups and new != old:
        raise parameter_errors({"group": f"Security group '{new}' does already exist"})
    content.groups[new] = content.groups.pop(old)
    if comment := content.group_comments.pop(old, None):
        content.group_comments[new] = comment
    _rename_uses(content, old, new)
    for file in firewall.others(call.node.store):
        other = firewall.load(call.node.store, file)
        _rename_uses(other, old, new)
        firewall.save(call.node.store, file, other)


def _rename_uses(content: Firewall, old: str, new: str) -> None:
    for rule in content.rules:
        if rule["type"] == "group" and rule["action"] == old:
            rule["action"] = new


@route("DELETE", GROUP.base, CLUSTER.modify, {"group": GROUP_NAME}, protected=True)
async def delete_group(call: Call) -> None:
    """Remove an empty group."""
    content, name = CLUSTER.load(call), call.values["group"]
    if _rules(GROUP, call, content):
        raise Die(f"Security group '{name}' is not empty")
    content.groups.pop(name)
    content.group_comments.pop(name, None)
    CLUSTER.save(call, content)

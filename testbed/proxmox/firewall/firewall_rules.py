"""What a firewall rule may say (pve-firewall Firewall.pm verify_rule and the formats of its properties)."""

import ipaddress
import re
from collections.abc import Callable
from typing import Any, Literal

from testbed.proxmox import formats
from testbed.proxmox.errors import Die, parameter_errors
from testbed.proxmox.firewall.firewall import Entry, Firewall
from testbed.proxmox.firewall.firewall_macros import IPV6, MACROS
from testbed.proxmox.firewall.firewall_names import ICMP_TYPES, ICMPV6_TYPES, PROTOCOL_NAMES, PROTOCOL_NUMBERS, SERVICES
from testbed.proxmox.schema import FormatError, Param

Place = Literal["vm", "ct", "host", "cluster", "group"]
NAME = r"[A-Za-z][A-Za-z0-9\-_]+"
LONGEST_NAME = 64
LOG_LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug", "nolog")
HIGHEST_PORT, MOST_PORTS = 65535, 15
ICMP = ("icmp", "icmpv6", "ipv6-icmp")
WITH_PORTS = ("udp", "17", "udplite", "136", "tcp", "6", "dccp", "33", "sctp", "132")
DIRECTIONS: dict[Place, tuple[str, ...]] = {
    "ct": ("in", "out", "group"),
    "vm": ("in", "out", "group"),
    "group": ("in", "out", "forward"),
    "cluster": ("in", "out", "forward", "group"),
    "host": ("in", "out", "forward", "group"),
}
PREFERRED = {name.lower(): name for name in (*MACROS, *IPV6)}


# Formats


def _items(text: str) -> list[str]:
    items = text.split(",")
    if "" in items:
        raise FormatError("extraneous commas in list")
    return items


def _network(text: str) -> int:
    """The IP version of an address, network or range."""
    first, _, last = text.partition("-")
    try:
        found = ipaddress.ip_network(first, strict=False)
    except ValueError:
        raise FormatError(f"invalid IP address: Cannot determine IP version for {text}") from None
    if str(found.network_address) != str(ipaddress.ip_address(first.split("/")[0])):
        raise FormatError(f"invalid IP address: Invalid prefix {text}")
    if last:
        formats.ip_address(last)
    return found.version


def addresses(text: str) -> int | None:
    """The IP version of a source or destination; None for the name of an IP set or alias."""
    if re.fullmatch(r"\+\S+", text):
        if len(text) > LONGEST_NAME + 1:
            raise FormatError("ipset name too long")
        return None
    if re.fullmatch(rf"(dc/|guest/)?{NAME}", text):
        if len(text) > LONGEST_NAME:
            raise FormatError("alias name too long")
        return None
    items = _items(text)
    versions = {_network(item) for item in items}
    if len(versions) > 1:
        raise FormatError(f"detected mixed ipv4/ipv6 addresses in address list '{text}'")
    if len(items) > 1 and "-" in text:
        raise FormatError("you can't use a range in a list")
    return versions.pop()


def ports(text: str, icmp: bool = False) -> None:
    """Ports, ranges and service names; with `icmp` also types of ICMP, as older releases stored them."""
    numbers, typed = 0, False
    for item in _items(text):
        if re.fullmatch(r"\d+(:\d+)?", item):
            numbers += _check_range(item)
        elif icmp and item in ICMP_TYPES | ICMPV6_TYPES:
            typed = True
        elif item not in SERVICES:
            raise FormatError(f"invalid port '{item}'")
    if typed and numbers:
        raise FormatError("ICMP ports not allowed in port range")
    if numbers > MOST_PORTS:
        raise FormatError("too many entries in port list (> 15 numbers)")


def _check_range(text: str) -> int:
    ends = text.split(":")
    for end in ends:
        if int(end) > HIGHEST_PORT:
            raise FormatError(f"invalid port '{end}'")
    if int(ends[0]) > int(ends[-1]):
        raise FormatError(f"backwards range '{text}' not allowed, did you mean '{ends[1]}:{ends[0]}'?")
    return len(ends)


def destination_ports(text: str) -> None:
    """Ports that may be types of ICMP."""
    ports(text, icmp=True)


def protocol(text: str) -> None:
    """A protocol's name or number."""
    known = text in PROTOCOL_NAMES or (text.isdigit() and int(text) in PROTOCOL_NUMBERS) or text == "icmpv6"
    if text and not known:
        raise FormatError(f"unknown protocol '{text}'")


def icmp_type(text: str) -> None:
    """A type of ICMP by its name."""
    if text and text not in ICMP_TYPES | ICMPV6_TYPES:
        raise FormatError(f"invalid icmp-type value '{text}'")


def interface(text: str) -> None:
    """A network interface's name."""
    if not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_.:-]{1,20}", text):
        raise FormatError(f"invalid network interface name '{text}'")


def cidr(text: str) -> None:
    """An address or network; host bits may be set."""
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        raise FormatError("value does not look like a valid IP address or CIDR network") from None


def cidr_or_alias(text: str) -> None:
    """The same, or an alias."""
    if not re.fullmatch(rf"(dc/|guest/)?{NAME}", text):
        cidr(text)


LOG_LEVEL = Param(enum=LOG_LEVELS)
DIGEST = Param(max_length=64)
RULE: dict[str, Param] = {
    "pos": Param("integer", minimum=0),
    "digest": DIGEST,
    "type": Param(enum=("in", "out", "forward", "group")),
    "action": Param(pattern=NAME, min_length=2, max_length=20),
    "macro": Param(max_length=128),
    "iface": Param(check=interface, min_length=2, max_length=20),
    "source": Param(check=addresses, max_length=512),
    "dest": Param(check=addresses, max_length=512),
    "proto": Param(check=protocol),
    "enable": Param("integer", minimum=0),
    "log": LOG_LEVEL,
    "sport": Param(check=ports),
    "dport": Param(check=destination_ports),
    "comment": Param(),
    "icmp-type": Param(check=icmp_type),
}


# The rule as a whole


class Checks:
    """Checks a rule for its place; raises 400 for the first fault. `known` are the files whose names it may use."""

    def __init__(self, rule: Entry, place: Place, known: list[Firewall]) -> None:
        self._rule = rule
        self._place = place
        self._known = known
        self._version: int | None = None

    def run(self) -> None:
        """All checks; sets the rule's `ipversion` and its macro's proper name."""
        self._kind()
        self._interface()
        self._macro_name()
        self._protocol()
        self._ports("dport")
        self._icmp_type()
        self._ports("sport")
        for name in ("source", "dest"):
            self._addresses(name)
        self._rule.pop("ipversion", None)
        if self._version:
            self._rule["ipversion"] = self._version
        self._macro()

    def _fail(self, name: str, text: str) -> None:
        raise parameter_errors({name: text})

    def _same_version(self, version: int | None) -> None:
        if version and self._version and version != self._version:
            raise Die("detected mixed ipv4/ipv6 addresses in rule")
        self._version = version or self._version

    def _kind(self) -> None:
        kind, action = self._rule.get("type", ""), self._rule.get("action", "")
        for name, value in (("type", kind), ("action", action)):
            if not value:
                self._fail(name, "missing property")
        if kind not in DIRECTIONS[self._place]:
            self._fail("type", f"invalid rule type '{kind}' for rule_env '{self._place}'")
        if kind == "forward" and action == "REJECT":
            self._fail("action", "cannot define REJECT rules on forward chain")
        if kind != "group" and action not in ("ACCEPT", "DROP", "REJECT"):
            self._fail("action", f"unknown action '{action}'")

    def _interface(self) -> None:
        name = self._rule.get("iface")
        if not name:
            return
        if self._place == "group":
            self._fail("type", "parameter -i not allowed for this rule type")
        if self._place in ("vm", "ct") and not re.fullmatch(r"net\d+", name):
            self._fail("iface", r"value does not match the regex pattern 'net\d+'")

    def _macro_name(self) -> None:
        name = self._rule.get("macro")
        if not name:
            return
        if name.lower() not in PREFERRED:
            self._fail("macro", f"unknown macro '{name}'")
        self._rule["macro"] = PREFERRED[name.lower()]

    @property
    def _icmp(self) -> bool:
        return self._rule.get("proto") in ICMP

    def _protocol(self) -> None:
        name = self._rule.get("proto")
        if name in ICMP:
            self._same_version(4 if name == "icmp" else 6)

    def _ports(self, name: str) -> None:
        value, proto = self._rule.get(name), self._rule.get("proto")
        if not value:
            return
        self._checked(name, lambda text: ports(text, icmp=self._icmp and name == "dport"))
        if not proto:
            self._fail("proto", f"missing property - '{name}' requires this property")
        if proto not in WITH_PORTS and not (self._icmp and name == "dport"):
            self._fail(name, f"protocol '{proto}' does not support ports")

    def _icmp_type(self) -> None:
        value, proto = self._rule.get("icmp-type"), self._rule.get("proto")
        if not value:
            return
        if not self._icmp:
            self._fail("proto", "missing property - 'icmp-type' requires this property")
        if self._rule.get("dport"):
            self._fail("icmp-type", "'icmp-type' cannot be specified together with 'dport'")
        if value not in (ICMP_TYPES if proto == "icmp" else ICMPV6_TYPES):
            self._fail("icmp-type", f"invalid icmp-type '{value}' for proto '{proto}'")

    def _checked(self, name: str, check: Callable[[str], Any]) -> Any:
        try:
            return check(self._rule[name])
        except FormatError as error:
            raise parameter_errors({name: str(error)}) from None

    def _addresses(self, name: str) -> None:
        value = self._rule.get(name)
        if not value:
            return
        self._same_version(self._checked(name, addresses))
        if value.startswith("+"):
            self._ipset(name, value)
        elif match := re.fullmatch(rf"(?:guest/|dc/)?({NAME})", value):
            found = [file.aliases[match[1].lower()] for file in self._known if match[1].lower() in file.aliases]
            if not found:
                self._fail(name, f"no such alias '{value}'")
            self._same_version(found[0].get("ipversion"))

    def _ipset(self, name: str, value: str) -> None:
        match = re.fullmatch(rf"\+(?:guest/|dc/|sdn/)?({NAME})", value)
        if not match:
            self._fail(name, f"invalid ipset name '{value}'")
        elif not any(match[1] in file.ipset for file in self._known):
            self._fail(name, f"no such ipset '{match[1]}'")

    def _macro(self) -> None:
        name = self._rule.get("macro")
        if not name:
            return
        table = IPV6 if name in IPV6 and (self._version == 6 or name not in MACROS) else MACROS
        required = 6 if name not in MACROS else None
        if required and self._version and self._version != required:
            return
        for match in table[name]:
            for key, fixed in zip(("proto", "dport", "sport"), match, strict=False):
                if self._rule.get(key, fixed) != fixed:
                    self._fail(key, f"parameter '{key}' already define in macro (value = '{fixed}')")


def verify(rule: Entry, place: Place, known: list[Firewall]) -> None:
    """Check a rule and complete it; `known` are the own file and the cluster's. Raises `ApiError` 400 or `Die`."""
    Checks(rule, place, known).run()

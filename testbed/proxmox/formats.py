"""The formats of Proxmox values (pve-common JSONSchema.pm, qemu-server Drive.pm, Network.pm, Cloudinit.pm)."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from testbed.proxmox.schema import MISSING, Errors, FormatError, Param, Pve, check_value, of_release

LABEL = r"[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?"
#: How many parsed values each format keeps, since lists of VMs parse the same ones over and over.
REMEMBERED = 50_000
UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}


IPV4_OCTET = "(?:25[0-5]|(?:2[0-4]|1[0-9]|[1-9])?[0-9])"
EMAIL_USER = r"[\w+\-~]+(\.[\w+\-~]+)*"
EMAIL = rf"{EMAIL_USER}@[a-zA-Z0-9\-]+(\.[a-zA-Z0-9\-]+)*"
NETMASKS = frozenset(str(ipaddress.ip_network(f"0.0.0.0/{bits}").netmask) for bits in range(33))
ZONES = Path("/usr/share/zoneinfo/zone.tab")


def _reject(text: str, what: str) -> FormatError:
    return FormatError(f"value does not look like a valid {what}")


def _fits(pattern: str, text: str) -> bool:
    """Whether the whole text matches; a newline at its end is not looked at, as in Perl."""
    return re.search(f"^(?:{pattern})$", text, re.ASCII) is not None


def vmid(text: str) -> None:
    """100 to 999999999 without leading zeros."""
    if not _fits("[1-9][0-9]{2,8}", text):
        raise _reject(text, "VM ID")


def node_name(text: str) -> None:
    """A label, as node names are."""
    if not _fits(LABEL, text):
        raise _reject(text, "node name")


def dns_name(text: str) -> None:
    """Labels joined by dots; no underscore."""
    if not _fits(rf"({LABEL}\.)*{LABEL}", text):
        raise _reject(text, "DNS name")


def storage_id(text: str) -> None:
    """A storage's name."""
    if not _fits(r"[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]", text):
        raise FormatError(f"storage ID '{text}' contains illegal characters")


def bridge_id(text: str) -> None:
    """A network bridge's name."""
    if not _fits(r"[-_.\w\d]+", text):
        raise FormatError(f"invalid bridge ID '{text}'")


def config_id(text: str) -> None:
    """The name of an option or snapshot."""
    if not _fits("[a-zA-Z][a-zA-Z0-9_-]+", text):
        raise FormatError(f"invalid configuration ID '{text}'")


def each(check: Callable[[str], object]) -> Callable[[str], None]:
    """A list (`-list`) of what `check` checks; it may be empty."""

    def check_each(text: str) -> None:
        for item in split_list(text):
            check(item)

    return check_each


def config_id_list(text: str) -> None:
    """Several names of options."""
    each(config_id)(text)


def split_list(text: str) -> list[str]:
    """Items separated by commas, semicolons and blanks, or by NUL if there is any."""
    if "\0" in text:
        return text.rstrip("\0").split("\0")
    return re.sub("[,;]", " ", text).split()


def tag(text: str) -> None:
    """A tag of letters, digits and `_ - + .`."""
    if not _fits(r"[a-zA-Z0-9_][a-zA-Z0-9_\-+.]*", text):
        raise FormatError("invalid characters in tag")


def tag_list(text: str) -> None:
    """Several tags."""
    each(tag)(text)


def normal_tags(text: str) -> str:
    """Lower case, sorted, each once, joined by `;` (the default tag style)."""
    return ";".join(sorted({tag.lower() for tag in split_list(text)}))


def url_encoded(text: str) -> None:
    """Percent-encoded text, as `sshkeys` wants it."""
    if not _fits(r"[-%a-zA-Z0-9_.!~*'()]*", text):
        raise FormatError(f"invalid urlencoded string: {text}")


def email(text: str) -> None:
    """A mail address."""
    if not _fits(EMAIL, text):
        raise _reject(text, "email address")


def email_or_username(text: str) -> None:
    """A mail address, or what could stand before its @."""
    if not _fits(EMAIL, text) and not _fits(EMAIL_USER, text):
        raise _reject(text, "email address or user name")


def _is_ipv4(text: str) -> bool:
    return _fits(rf"(?:{IPV4_OCTET}\.){{3}}{IPV4_OCTET}", text)


def _is_ipv6(text: str) -> bool:
    try:
        return "%" not in text and ipaddress.ip_address(text.removesuffix("\n")).version == 6
    except ValueError:
        return False


def volume_id(text: str) -> None:
    """A storage and a volume in it."""
    if not _fits(r"[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]:.+", text):
        raise FormatError(f"unable to parse volume ID '{text}'")


def volume_or_path(text: str) -> None:
    """A volume or an absolute path."""
    if not text.startswith("/"):
        volume_id(text)


def drive_file(text: str) -> None:
    """The same, or what a drive holds without one."""
    if text not in ("none", "cdrom"):
        volume_or_path(text)


def address_list(text: str) -> None:
    """IP addresses."""
    each(ip_address)(text)


def ip_address(text: str) -> None:
    """One IPv4 or IPv6 address."""
    if not _is_ipv4(text) and not _is_ipv6(text):
        raise _reject(text, "IP address")


def ipv4(text: str) -> None:
    """An IPv4 address."""
    if not _is_ipv4(text):
        raise _reject(text, "IPv4 address")


def ipv6(text: str) -> None:
    """An IPv6 address."""
    if not _is_ipv6(text):
        raise _reject(text, "IPv6 address")


def address(text: str) -> None:
    """An IP address or a DNS name."""
    if not _is_ipv4(text) and not _is_ipv6(text) and not _fits(rf"({LABEL}\.)*{LABEL}", text):
        raise _reject(text, f"address: {text}")


def ipv4_mask(text: str) -> None:
    """A netmask such as 255.255.255.0."""
    if text not in NETMASKS:
        raise _reject(text, "IP netmask")


def _is_cidr4(text: str) -> bool:
    host, separator, prefix = text.partition("/")
    return bool(separator) and _is_ipv4(host) and _fits(r"\d+", prefix) and 7 < int(prefix) <= 32


def _is_cidr6(text: str) -> bool:
    host, separator, prefix = text.partition("/")
    return bool(separator) and _is_ipv6(host) and _fits(r"\d+", prefix) and 7 < int(prefix) <= 128


def cidr4(text: str) -> None:
    """An IPv4 address with a prefix of 8 to 32 bits."""
    if not _is_cidr4(text):
        raise _reject(text, "IPv4 CIDR network")


def cidr6(text: str) -> None:
    """An IPv6 address with a prefix of 8 to 128 bits."""
    if not _is_cidr6(text):
        raise _reject(text, "IPv6 CIDR network")


def cidr(text: str) -> None:
    """Either of them."""
    if not _is_cidr4(text) and not _is_cidr6(text):
        raise _reject(text, "CIDR network")


def ipv4_config(text: str) -> None:
    """An address with its prefix, or `dhcp` or `manual`."""
    if not _fits("dhcp|manual", text) and not _is_cidr4(text):
        raise _reject(text, "ipv4 network configuration")


def ipv6_config(text: str) -> None:
    """The same for IPv6, where `auto` is possible too."""
    if not _fits("auto|dhcp|manual", text) and not _is_cidr6(text):
        raise _reject(text, "ipv6 network configuration")


def mac_address(text: str) -> None:
    """A unicast MAC address."""
    if not _fits("[0-9a-fA-F][02468aceACE](?::[0-9a-fA-F]{2}){5}", text):
        raise _reject(text, "unicast MAC address")


def interface(text: str) -> None:
    """A network interface's name."""
    if not _fits(r"[a-zA-Z][a-zA-Z0-9_]{1,20}([:.]\d+)?", text):
        raise FormatError(f"invalid network interface name '{text}'")


def vlan_range(text: str) -> None:
    """One VLAN tag, or two with a dash between them."""
    if not _fits(r"\d+(?:-\d+)?", text):
        raise FormatError(f"invalid VLAN configuration '{text}'")
    tags = [int(part) for part in text.split("-")]
    for number in tags:
        if not 2 <= number <= 4094:
            raise FormatError(f"invalid VLAN tag '{number}'")
    if len(tags) == 2 and tags[0] >= tags[1]:
        raise FormatError(f"VLAN range must go from lower to higher tag '{text}'")


def timezone(text: str) -> None:
    """UTC or one of the zones that the machine knows."""
    known = {line.split("\t")[2] for line in _lines(ZONES) if not line.startswith("#")}
    if text != "UTC" and text not in known:
        raise FormatError(f"invalid time zone '{text}'")


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def startup_order(text: str) -> None:
    """`order=`, `up=` and `down=` in any order."""
    parts = [part for part in text.split(",") if part.strip()]
    if not text or text == "0" or not all(_fits(r"(order=)?\d+|up=\d+|down=\d+", part) for part in parts):
        raise FormatError("unable to parse startup options")


def task_status(text: str) -> None:
    """How a task may have ended."""
    if text.lower() not in ("ok", "error", "warning", "unknown"):
        raise FormatError(f"invalid status '{text}'")


def id_pairs(check: Callable[[str], object]) -> Callable[[str], None]:
    """A map between names, as `storage-pair-list` and `bridge-pair-list` are, checked item by item."""

    def check_pair(item: str) -> None:
        if item == "1":
            return
        pair = re.fullmatch("([^:]+):([^:]+)", item)
        try:
            for name in pair.groups() if pair else (item,):
                check(name)
        except FormatError as error:
            raise FormatError(f"entry '{item}' contains invalid ID - {error}\n\n\n") from None

    return each(check_pair)


def disk_size(text: str) -> None:
    """A size as `parse_size` takes it."""
    parse_size(text)


def parse_size(text: str) -> int:
    """`32`, `4M`, `1.5G` in bytes."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(?:([KMGT])(?:iB)?)?\n?", text, re.ASCII)
    if not match:
        raise FormatError(f"value does not look like a valid disk size: {text}")
    return int(float(match[1]) * UNITS[match[2] or ""])


def format_size(size: int) -> str:
    """The shortest exact form: `96M`, `1G`."""
    for unit in reversed(UNITS):
        if size >= UNITS[unit] and size % UNITS[unit] == 0:
            return f"{size // UNITS[unit]}{unit}"
    return str(size)


class PropertyString:
    """Values such as `virtio=BC:24:11:00:00:01,bridge=vmbr0`.

    `name` appears in error texts, `default_key` takes the value without a key, and a key of `models` is
    short for the pair (`model`, `macaddr`). `check` looks at all properties together.
    """

    def __init__(
        self,
        properties: Mapping[str, Param],
        default_key: str | None = None,
        aliases: Mapping[str, str] | None = None,
        models: tuple[str, ...] = (),
        needs: Mapping[str, str] | None = None,
        check: Callable[[Mapping[str, str]], object] | None = None,
    ) -> None:
        self._properties = properties
        self._default_key = default_key
        self._aliases = aliases or {}
        self._models = models
        self._needs = needs or {}
        self._check = check
        self._known: dict[str, dict[str, str]] = {}

    def of(self, pve: Pve) -> "PropertyString":
        """What a release takes; the whole takes what either does."""
        properties = of_release(self._properties, pve)
        if properties == self._properties:
            return self
        return PropertyString(properties, self._default_key, self._aliases, self._models, self._needs, self._check)

    def named(self, name: str) -> "PropertyCheck":
        """The check of a value whose errors name `name`."""
        return PropertyCheck(self, name)

    def parse(self, text: str, name: str = "") -> dict[str, str]:
        """The properties; raises `FormatError`."""
        if text not in self._known:
            self._remember(text, self._parsed(text, name))
        return dict(self._known[text])

    def _remember(self, text: str, found: dict[str, str]) -> None:
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[text] = found

    def _parsed(self, text: str, name: str) -> dict[str, str]:
        found: dict[str, str] = {}
        bare = False
        for part in text.split(","):
            if "=" in part:
                self._add(found, part)
            elif part.strip():
                self._add_bare(found, part, bare)
                bare = True
        errors = self._errors(found, name)
        if errors:
            raise FormatError("format error\n" + "".join(f"{key}: {error}\n" for key, error in errors.items()))
        if self._check:
            self._check(found)
        return found

    def _add(self, found: dict[str, str], part: str) -> None:
        key, _, value = part.partition("=")
        if not key or not value:
            raise FormatError("missing key in comma-separated list property")
        if key in found:
            raise FormatError(f"duplicate key in comma-separated list property: {key}")
        if key in self._models:
            if "model" in found:
                raise FormatError("key alias 'model' is already defined")
            found["model"], key = key, "macaddr"
        key = self._aliases.get(key, key)
        if key not in self._properties:
            raise FormatError(f"invalid key in comma-separated list property: {key}")
        found[key] = _boolean(value, self._properties[key])

    def _add_bare(self, found: dict[str, str], part: str, again: bool) -> None:
        key = self._default_key
        if key is None:
            raise FormatError("value without key, but schema does not define a default key")
        if again or found.get(key, "0") not in ("", "0"):
            raise FormatError(f"duplicate key in comma-separated list property: {key}")
        found[key] = part

    def _errors(self, found: Mapping[str, str], name: str) -> Errors:
        errors = Errors()
        prefix = f"{name}." if name else ""
        for key, param in self._properties.items():
            error = check_value(found[key], param) if key in found else None if param.optional else MISSING
            if error is not None:
                errors.add(prefix + key, error)
        for key, needed in self._needs.items():
            if key in found and needed not in found:
                errors.add(prefix + needed, f"missing property - '{prefix}{key}' requires this property")
        return errors

    @staticmethod
    def format(properties: Mapping[str, str], default_key: str | None = None, first: str | None = None) -> str:
        """The text of the properties by name; before them the default key's value without its key, then `first`."""
        start = [properties[default_key]] if default_key and default_key in properties else []
        rest = sorted(properties.keys() - {default_key}, key=lambda key: (key != first, key))
        return ",".join([*start, *(f"{key}={properties[key]}" for key in rest)])


class PropertyCheck:
    """Checks a value that consists of properties."""

    def __init__(self, parser: PropertyString, name: str) -> None:
        self._parser = parser
        self._name = name

    def __call__(self, text: str) -> dict[str, str]:
        return self._parser.parse(text, self._name)

    def of(self, pve: Pve) -> "PropertyCheck":
        """The check of a release."""
        parser = self._parser.of(pve)
        return self if parser is self._parser else PropertyCheck(parser, self._name)


def _boolean(value: str, param: Param) -> str:
    if param.type != "boolean":
        return value
    words = {"on": "1", "yes": "1", "true": "1", "off": "0", "no": "0", "false": "0"}
    return words.get(value.lower(), value)


BOOLEAN = Param("boolean")
MODELS = (
    *("e1000", "e1000-82540em", "e1000-82544gc", "e1000-82545em", "e1000e", "i82551", "i82557b", "i82559er"),
    *("ne2k_isa", "ne2k_pci", "pcnet", "rtl8139", "virtio", "vmxnet3"),
)
NET = PropertyString(
    {
        "model": Param(optional=False, enum=MODELS),
        "macaddr": Param(check=mac_address),
        "bridge": Param(check=bridge_id),
        "firewall": BOOLEAN,
        "link_down": BOOLEAN,
        "mtu": Param("integer", minimum=1, maximum=65520),
        "queues": Param("integer", minimum=0, maximum=64),
        "rate": Param("number", minimum=0),
        "tag": Param("integer", minimum=1, maximum=4094),
        "trunks": Param(pattern=r"\d+(?:-\d+)?(?:;\d+(?:-\d+)?)*"),
    },
    default_key="model",
    models=MODELS,
)
IPCONFIG = PropertyString(
    {
        "ip": Param(check=ipv4_config),
        "gw": Param(check=ipv4),
        "ip6": Param(check=ipv6_config),
        "gw6": Param(check=ipv6),
    },
    needs={"gw": "ip", "gw6": "ip6"},
)
AGENT = PropertyString(
    {
        "enabled": Param("boolean", optional=False),
        "freeze-fs": Param("boolean", since="9"),
        "freeze-fs-on-backup": BOOLEAN,
        "fstrim_cloned_disks": BOOLEAN,
        "type": Param(enum=("virtio", "isa")),
    },
    default_key="enabled",
)
MEMORY = PropertyString({"current": Param("integer", optional=False, minimum=16)}, default_key="current")
SMBIOS = PropertyString(
    {
        "uuid": Param(pattern=r"[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}"),
        "base64": BOOLEAN,
        **{key: Param() for key in ("version", "serial", "manufacturer", "product", "sku", "family")},
    }
)

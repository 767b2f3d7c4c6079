"""The formats of Proxmox values (pve-common JSONSchema.pm, qemu-server Drive.pm, Network.pm, Cloudinit.pm)."""

import ipaddress
import re
from collections.abc import Mapping

from testbed.proxmox.schema import MISSING, UNKNOWN, FormatError, Param, check_value

LABEL = r"[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?"
#: How many parsed values each format keeps, since lists of VMs parse the same ones over and over.
REMEMBERED = 50_000
UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}


def _reject(text: str, what: str) -> FormatError:
    return FormatError(f"value does not look like a valid {what}")


def vmid(text: str) -> None:
    """100 to 999999999 without leading zeros."""
    if not re.fullmatch(r"[1-9]\d{2,8}", text):
        raise _reject(text, "VM ID")


def node_name(text: str) -> None:
    """A label, as node names are."""
    if not re.fullmatch(LABEL, text):
        raise _reject(text, "node name")


def dns_name(text: str) -> None:
    """Labels joined by dots; no underscore."""
    if not re.fullmatch(rf"({LABEL}\.)*{LABEL}", text, re.ASCII):
        raise _reject(text, "DNS name")


def storage_id(text: str) -> None:
    """A storage's name."""
    if not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]", text):
        raise FormatError(f"storage ID '{text}' contains illegal characters")


def config_id(text: str) -> None:
    """The name of an option or snapshot."""
    if not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_-]+", text):
        raise FormatError(f"invalid configuration ID '{text}'")


def config_id_list(text: str) -> None:
    """Several of them."""
    for item in split_list(text):
        config_id(item)


def split_list(text: str) -> list[str]:
    """Items separated by commas, semicolons, blanks or NUL."""
    return [item for item in re.split(r"[,;\s\0]+", text) if item]


def tag_list(text: str) -> None:
    """Tags of letters, digits and `_ - + .`."""
    if not all(re.fullmatch(r"[a-zA-Z0-9_][a-zA-Z0-9_\-+.]*", tag) for tag in split_list(text)):
        raise FormatError("invalid characters in tag")


def normal_tags(text: str) -> str:
    """Lower case, sorted, each once, joined by `;` (the default tag style)."""
    return ";".join(sorted({tag.lower() for tag in split_list(text)}))


def url_encoded(text: str) -> None:
    """Percent-encoded text, as `sshkeys` wants it."""
    if not re.fullmatch(r"[-%a-zA-Z0-9_.!~*'()]*", text):
        raise FormatError(f"invalid urlencoded string: {text}")


def address_list(text: str) -> None:
    """IP addresses."""
    for item in split_list(text):
        ip_address(item)


def ip_address(text: str) -> None:
    """One IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise _reject(text, "IP address") from None


def _cidr(text: str, version: int, words: tuple[str, ...], what: str) -> None:
    if text in words:
        return
    try:
        address, prefix = text.split("/")
        if ipaddress.ip_interface(f"{address}/{int(prefix)}").version == version:
            return
    except ValueError:
        pass
    raise _reject(text, what)


def ipv4_config(text: str) -> None:
    """An address with its prefix, or `dhcp` or `manual`."""
    _cidr(text, 4, ("dhcp", "manual"), "ipv4 network configuration")


def ipv6_config(text: str) -> None:
    """The same for IPv6, where `auto` is possible too."""
    _cidr(text, 6, ("auto", "dhcp", "manual"), "ipv6 network configuration")


def _ip(text: str, version: int) -> None:
    try:
        if ipaddress.ip_address(text).version == version:
            return
    except ValueError:
        pass
    raise _reject(text, f"ipv{version} address")


def ipv4(text: str) -> None:
    """An IPv4 address."""
    _ip(text, 4)


def ipv6(text: str) -> None:
    """An IPv6 address."""
    _ip(text, 6)


def mac_address(text: str) -> None:
    """A unicast MAC address."""
    if not re.fullmatch(r"[0-9a-fA-F][02468aceACE][0-9a-fA-F]?(:[0-9a-fA-F]{2}){5}", text):
        raise _reject(text, "unicast MAC address")


def parse_size(text: str) -> int:
    """`32`, `4M`, `1.5G` in bytes."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)", text)
    if not match:
        raise FormatError("value does not look like a valid disk size")
    return int(float(match[1]) * UNITS[match[2]])


def format_size(size: int) -> str:
    """The shortest exact form: `96M`, `1G`."""
    for unit in reversed(UNITS):
        if size >= UNITS[unit] and size % UNITS[unit] == 0:
            return f"{size // UNITS[unit]}{unit}"
    return str(size)


class PropertyString:
    """Values such as `virtio=BC:24:11:00:00:01,bridge=vmbr0`.

    `name` appears in error texts, `default_key` takes the value without a key, and a key of `models` is
    short for the pair (`model`, `macaddr`).
    """

    def __init__(
        self,
        properties: Mapping[str, Param],
        default_key: str | None = None,
        aliases: Mapping[str, str] | None = None,
        models: tuple[str, ...] = (),
        needs: Mapping[str, str] | None = None,
    ) -> None:
        self._properties = properties
        self._default_key = default_key
        self._aliases = aliases or {}
        self._models = models
        self._needs = needs or {}
        self._known: dict[str, dict[str, str]] = {}

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
        for part in text.split(","):
            if part.strip():
                self._add(found, part)
        errors = [f"{name}.{key}: {error}\n" for key, error in self._errors(found, name).items()]
        if errors:
            raise FormatError("format error\n" + "".join(errors))
        return found

    def _add(self, found: dict[str, str], part: str) -> None:
        key, separator, value = part.partition("=")
        if separator and key in self._models:
            self._set(found, "model", key)
            self._set(found, "macaddr", value)
        elif separator:
            self._set(found, self._aliases.get(key, key), value)
        elif self._default_key is None:
            raise FormatError("value without key, but schema does not define a default key")
        else:
            self._set(found, self._default_key, part)

    @staticmethod
    def _set(found: dict[str, str], key: str, value: str) -> None:
        if key in found:
            raise FormatError(f"duplicate key in comma-separated list property: {key}")
        found[key] = value

    def _errors(self, found: Mapping[str, str], name: str) -> dict[str, str]:
        errors: dict[str, str] = {}
        for key, value in found.items():
            param = self._properties.get(key)
            error = UNKNOWN if param is None else check_value(_boolean(value, param), param)
            if error is not None:
                errors[key] = error
        for key, param in self._properties.items():
            if not param.optional and key not in found:
                errors[key] = MISSING
        for key, needed in self._needs.items():
            if key in found and needed not in found:
                errors[needed] = f"missing property - '{name}.{key}' requires this property"
        return errors

    @staticmethod
    def format(properties: Mapping[str, str], default_key: str | None = None) -> str:
        """The text of the properties, the default key's value first and without its key."""
        first = [properties[default_key]] if default_key and default_key in properties else []
        rest = [f"{key}={value}" for key, value in properties.items() if key != default_key]
        return ",".join([*first, *rest])


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
        "bridge": Param(pattern=r"[-_.\w\d]+"),
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
DRIVE = PropertyString(
    {
        "file": Param(optional=False),
        "aio": Param(enum=("native", "threads", "io_uring")),
        "backup": BOOLEAN,
        "bwlimit": Param("integer"),
        "cache": Param(enum=("none", "writethrough", "writeback", "unsafe", "directsync")),
        "detect_zeroes": BOOLEAN,
        "discard": Param(enum=("ignore", "on")),
        "format": Param(enum=("raw", "qcow", "qed", "qcow2", "vmdk", "cloop")),
        "import-from": Param(),
        "iops": Param("integer"),
        "iops_rd": Param("integer"),
        "iops_wr": Param("integer"),
        "iothread": BOOLEAN,
        "mbps": Param("number"),
        "mbps_rd": Param("number"),
        "mbps_wr": Param("number"),
        "media": Param(enum=("cdrom", "disk")),
        "queues": Param("integer", minimum=2),
        "replicate": BOOLEAN,
        "rerror": Param(enum=("ignore", "report", "stop")),
        "ro": BOOLEAN,
        "serial": Param(),
        "shared": BOOLEAN,
        "size": Param(check=parse_size),
        "snapshot": BOOLEAN,
        "ssd": BOOLEAN,
        "werror": Param(enum=("enospc", "ignore", "report", "stop")),
    },
    default_key="file",
    aliases={"volume": "file"},
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

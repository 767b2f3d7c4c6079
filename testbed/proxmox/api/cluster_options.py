"""Options of the datacenter (pve-manager API2/Cluster.pm, pve-cluster DataCenterConfig.pm)."""

import re

from testbed.proxmox import formats
from testbed.proxmox.calls import Call, everybody, perm, route
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.formats import PropertyString, split_list
from testbed.proxmox.schema import FormatError, Param, Values

BOOLEAN, TEXT, LIMIT = Param("boolean"), Param(), Param("number", minimum=0)
NUMBER = Param("integer")
KEYBOARDS = (
    *("de", "de-ch", "da", "en-gb", "en-us", "es", "fi", "fr", "fr-be", "fr-ca", "fr-ch", "hu", "is", "it", "ja"),
    *("lt", "mk", "nl", "no", "pl", "pt", "pt-br", "sv", "sl", "tr"),
)
LANGUAGES = (
    *("ar", "ca", "da", "de", "en", "es", "eu", "fa", "fr", "hr", "he", "it", "ja", "ka", "kr", "nb", "nl", "nn"),
    *("pl", "pt_BR", "ru", "sl", "sv", "tr", "ukr", "zh_CN", "zh_TW"),
)
TRAFFIC = PropertyString(
    {"type": Param(optional=False, enum=("secure", "insecure")), "network": Param(check=formats.cidr)},
    default_key="type",
)
TAG = r"[a-zA-Z0-9_][a-zA-Z0-9_\-+.]*"
COLOUR = rf"{TAG}:[0-9a-fA-F]{{6}}(?::[0-9a-fA-F]{{6}})?"
SHUTDOWN = ("freeze", "failover", "conditional", "migrate")
WHEN = Param(enum=("always", "never"))
REBALANCE = tuple(f"ha-auto-rebalance-{name}" for name in ("hold-duration", "margin", "threshold"))
#: Options that are shown as their parts.
PARTS = {
    "crs": PropertyString(
        {
            "ha": Param(enum=("basic", "static"), enum_9=("basic", "static", "dynamic")),
            "ha-rebalance-on-start": BOOLEAN,
            "ha-auto-rebalance": Param("boolean", since="9"),
            **dict.fromkeys(REBALANCE, Param("number", minimum=0, since="9")),
            "ha-auto-rebalance-method": Param(enum=("bruteforce", "topsis"), since="9"),
        },
        needs=dict.fromkeys((*REBALANCE, "ha-auto-rebalance-method"), "ha-auto-rebalance"),
    ),
    "ha": PropertyString({"shutdown_policy": Param(optional=False, enum=SHUTDOWN)}),
    "migration": TRAFFIC,
    "next-id": PropertyString({"lower": NUMBER, "upper": NUMBER}),
    "notify": PropertyString(
        {
            "fencing": WHEN,
            "package-updates": Param(enum=("auto", "always", "never")),
            "replication": WHEN,
            **{f"target-{name}": TEXT for name in ("fencing", "package-updates", "replication")},
        }
    ),
    "replication": TRAFFIC,
    "tag-style": PropertyString(
        {
            "case-sensitive": BOOLEAN,
            "color-map": Param(pattern=rf"{COLOUR}(?:;{COLOUR})*"),
            "ordering": Param(enum=("config", "alphabetical")),
            "shape": Param(enum=("full", "circle", "dense", "none")),
        }
    ),
    "u2f": PropertyString({"appid": TEXT, "origin": TEXT}),
    "user-tag-access": PropertyString(
        {
            "user-allow": Param(enum=("none", "list", "existing", "free")),
            "user-allow-list": Param(pattern=rf"{TAG}(?:;{TAG})*"),
        }
    ),
    "webauthn": PropertyString({"allow-subdomains": BOOLEAN, "id": TEXT, "origin": TEXT, "rp": TEXT}),
}
BANDWIDTH = PropertyString(dict.fromkeys(("clone", "default", "migration", "move", "restore"), LIMIT))


def _mac_prefix(text: str) -> None:
    if not re.fullmatch(r"[0-9a-fA-F][02468aceACE](:[0-9a-fA-F]{2}){1,4}:?", text):
        raise FormatError("value is not a valid unicast MAC address prefix")


def _email(text: str) -> None:
    if text:
        formats.email(text)


def _parts(name: str, parser: PropertyString) -> Param:
    return Param(check=parser.named(name), since="9" if name == "replication" else "8")


OPTIONS: dict[str, Param] = {
    **{name: _parts(name, parser) for name, parser in PARTS.items()},
    "bwlimit": _parts("bwlimit", BANDWIDTH),
    "consent-text": Param(max_length=65536),
    "console": Param(enum=("applet", "vv", "html5", "xtermjs")),
    "description": Param(max_length=65536),
    "email_from": Param(check=_email),
    "fencing": Param(enum=("watchdog", "hardware", "both")),
    "http_proxy": Param(pattern=r"http://.*"),
    "keyboard": Param(enum=KEYBOARDS),
    "language": Param(enum=LANGUAGES),
    "mac_prefix": Param(check=_mac_prefix),
    "max_workers": Param("integer", minimum=1),
    "migration_unsecure": BOOLEAN,
    "registered-tags": Param(pattern=rf"(?:{TAG};)*{TAG}"),
}
KEY = "datacenter"
DEFAULTS = {"mac_prefix": "BC:24:11", "description": ""}
FOR_ALL = ("console", "tag-style")
#: Parts that are numbers in the answer.
WHOLE = {"lower", "upper"}


def options(call: Call) -> Values:
    """The options as they were set."""
    found: Values = call.node.store.get("setting", KEY) or {}
    return found


@route("GET", "/cluster/options", everybody)
async def show(call: Call) -> Row:
    """All options for auditors, what the user interface needs for everybody."""
    shown = {name: _shown(name, text) for name, text in options(call).items()}
    if call.node.access.may(call.who, "/", "Sys.Audit"):
        shown = DEFAULTS | shown
    else:
        shown = {name: shown[name] for name in FOR_ALL if name in shown}
    return shown | {"allowed-tags": _tags(call)}


def _shown(name: str, text: str) -> object:
    if name == "registered-tags":
        return split_list(text)
    if name in PARTS:
        return {key: int(part) if key in WHOLE else part for key, part in PARTS[name].parse(text, name).items()}
    return int(text) if OPTIONS[name].type in ("integer", "boolean") else text


def _tags(call: Call) -> list[str]:
    access = call.node.access
    seen = [vm for vm in call.cluster.vms if "tags" in vm.config]
    used = {
        tag
        for vm in seen
        if access.may(call.who, f"/vms/{vm.vmid}", "VM.Audit")
        for tag in split_list(vm.config["tags"])
    }
    return sorted(used | set(split_list(options(call).get("registered-tags", ""))))


CHANGE = {**OPTIONS, "delete": Param(check=formats.config_id_list, listed=True)}


@route("PUT", "/cluster/options", perm("/", "Sys.Modify"), CHANGE, protected=True)
async def change(call: Call) -> None:
    """Set and delete options."""
    kept = options(call) | {name: call.values[name] for name in OPTIONS if name in call.values}
    gone = split_list(call.values.get("delete", ""))
    call.node.store.put("setting", KEY, {name: text for name, text in kept.items() if name not in gone})

"""The mapping file: which option, custom field, addon or product setting of WHMCS means what here.

Top level: `version` (1), `source_timezone`, `defaults`, `targets`, `extras`, `products`, `servers`, `ignore`,
`adoption`. `default_mapping.yaml` is used when no file is given, and shows the grammar. Unknown keys are refused with
their line, so that a typing error can never silently drop a value.
"""

from __future__ import annotations

import fnmatch
import hashlib
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from whmcs_import.mapping.checked_yaml import MappingError, Reader, hint, is_close
from whmcs_import.source.values import UNITS, normalise

__all__ = ["MappingError", "MappingFile", "load", "parse"]

TARGET_TYPES = {
    "memory_mib": "quantity",
    "disk_gib": "quantity",
    "vcpus": "int",
    "image": "enum",
    "location": "enum",
    "hostname": "string",
}
EXTRA_TYPES = ("bool", "int", "string", "enum", "ip_list")
TARGET_ALIASES = {"os_template": "image", "cores": "vcpus"}
RANGES = {"memory_mib": (128, 1024 * 1024), "disk_gib": (1, 65536), "vcpus": (1, 512)}
SOURCES = {
    "option": {"any", "id", "key"},
    "custom_field": {"any", "id", "key"},
    "addon": {"any", "addon_id"},
    "product": {"configoption"},
    "plan": {"field"},
    "service": {"field"},
    "server": set[str](),
    "pve_node": set[str](),
}
PLAN_FIELDS = {"memory_mib": "memory", "vcpus": "vcpus", "disk_gib": "disk"}
SERVICE_FIELDS = ("domain", "username", "dedicatedip")
TAKES = ("value", "key", "label", "qty")
OPERATIONS = ("set", "base", "add")
UNMAPPED = ("quarantine", "passthrough", "null")


@dataclass(frozen=True, slots=True)
class Match:
    """Which rows a source reads: any of the names (an alias, or `re:` and a pattern), or one id."""

    names: tuple[str, ...] = ()
    id: int | None = None
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a source applies; an empty tuple means everywhere."""

    products: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()
    modules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """One place a target's value may come from."""

    kind: str
    match: Match = Match()
    take: str = "value"
    unit: str | None = None  # an explicit unit beats whatever the text says
    default_unit: str | None = None
    below: int | None = None  # a bare number below this one is in `below_unit`
    below_unit: str | None = None
    scale: int = 1
    op: str = "set"
    scope: Scope = Scope()


@dataclass(frozen=True, slots=True)
class Target:
    """One field of a server and where to look for it: the first `set` or `base` wins, every `add` is added."""

    name: str
    type: str
    sources: tuple[Source, ...]
    required: bool = True
    range: tuple[int, int] | None = None
    default: str | int | None = None
    values: tuple[tuple[str, str], ...] = ()
    on_unmapped: str = "quarantine"


@dataclass(frozen=True, slots=True)
class ProductRule:
    """What one product means: `plan` its key here, `set` fixed values, `skip` why it is left out."""

    plan: str | None = None
    set: Mapping[str, str | int] = field(default_factory=dict)
    skip: str | None = None


@dataclass(frozen=True, slots=True)
class Defaults:
    """Policies for what the file does not name."""

    stale_options: str = "use_if_missing"
    unknown_value: str = "quarantine"
    unknown_option: str = "report"
    fix_mojibake: str = "report"


@dataclass(frozen=True, slots=True)
class MappingFile:
    """A checked mapping file; `digest` identifies its meaning, comments and layout left out."""

    source_timezone: str
    defaults: Defaults
    targets: Mapping[str, Target]
    extras: Mapping[str, Target]  # kept beside the server under names of the operator's choice
    products: tuple[tuple[str, ProductRule], ...]
    servers: Mapping[int, str]
    ignore: tuple[str, ...]
    vmid_fields: tuple[str, ...]
    username_is_vmid: tuple[str, ...]
    digest: str
    known_rules: dict[tuple[int, str], ProductRule | None] = field(default_factory=dict, compare=False, repr=False)

    def product_rule(self, product_id: int, name: str) -> ProductRule | None:
        """The rule of a product: by its id first, then the first pattern or name that fits."""
        key = product_id, name
        if key not in self.known_rules:
            rule = dict(self.products).get(str(product_id))
            fitting = (rule for pattern, rule in self.products if names(pattern, name))
            self.known_rules[key] = next(fitting, None) if rule is None else rule
        return self.known_rules[key]

    def ignores(self, name: str) -> bool:
        """Whether the operator said that this option or custom field is not to be imported."""
        return any(names(pattern, name) for pattern in self.ignore)


def load(path: Path | None) -> MappingFile:
    """Read and check a mapping file, or the built-in one when `path` is None.

    Raises:
        MappingError: it cannot be read, is not YAML, or says something that has no meaning.
    """
    if path is None:
        return parse(
            resources.files("whmcs_import.mapping").joinpath("default_mapping.yaml").read_text("utf-8"), "default"
        )
    try:
        return parse(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise MappingError(f"{path}: cannot be read ({reason}): check --mapping") from None


def parse(text: str, name: str) -> MappingFile:
    """Check mapping text; `name` stands in errors. Raises MappingError."""
    try:
        loader = yaml.SafeLoader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise MappingError(f"{name}:{line}: the character {error.character:#x} is not allowed: remove it") from None
    try:
        node = loader.get_single_node()
        if node is None:
            raise MappingError(f"{name}:1: the file is empty: it needs at least version, source_timezone, targets")
        reader = Reader(name, loader)
        reader.check_storable(node)
        return _mapping_file(reader, node)
    except RecursionError:
        raise MappingError(f"{name}:1: a part of it contains itself, or too many others: write it out") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise MappingError(f"{name}:{line}: not valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise MappingError(f"{name}:1: not valid YAML: {error}") from None
    finally:
        loader.dispose()


def _mapping_file(r: Reader, node: yaml.Node) -> MappingFile:
    top = r.section(
        node,
        "the mapping file",
        {
            "version": r.integer,
            "source_timezone": lambda n: _timezone(r, n),
            "defaults": lambda n: _defaults(r, n),
            "targets": lambda n: n,
            "extras": lambda n: n,
            "products": lambda n: _products(r, n),
            "servers": lambda n: _servers(r, n),
            "ignore": lambda n: r.many(n, r.name),
            "adoption": lambda n: _adoption(r, n),
        },
    )
    for key in ("version", "source_timezone", "targets"):
        if key not in top:
            raise r.refuse(node, f"{key} is missing: add it at the top of the file")
    if top["version"] != 1:
        raise r.refuse(node, f"version {top['version']} is not known: this program reads version 1")
    defaults = top.get("defaults", Defaults())
    adoption = top.get("adoption", {})
    targets, extras = _targets(r, top["targets"], defaults)
    if "extras" in top:
        extras |= _extras(r, top["extras"], defaults, extras)
    return MappingFile(
        source_timezone=top["source_timezone"],
        defaults=defaults,
        targets=targets,
        extras=extras,
        products=top.get("products", ()),
        servers=top.get("servers", {}),
        ignore=top.get("ignore", ()),
        vmid_fields=adoption.get("vmid_fields", ("vmid", "vm id", "proxmox vmid")),
        username_is_vmid=adoption.get("username_is_vmid", ("proxmoxvm",)),
        digest=hashlib.sha256(repr(_meaning(node)).encode()).hexdigest(),
    )


def _targets(r: Reader, node: yaml.Node, defaults: Defaults) -> tuple[dict[str, Target], dict[str, Target]]:
    """The targets, and those of names of the operator's own: what has a type and looks like no misspelling of ours."""
    targets: dict[str, Target] = {}
    own: dict[str, Target] = {}
    for key, value in r.pairs(node, "targets"):
        name = TARGET_ALIASES.get(str(key.value), str(key.value))
        if name in TARGET_TYPES:
            targets[name] = _target(r, name, value, defaults)
        elif _has_type(value) and not is_close(name, (*TARGET_TYPES, *TARGET_ALIASES)):
            own[name] = _extra(r, name, value, f"targets.{name}", defaults)
        else:
            raise r.refuse(key, f"unknown target {key.value!r} in targets{hint(key.value, TARGET_TYPES)}")
    for name in PLAN_FIELDS.keys() - targets.keys():
        sources = (Source("plan", Match(field=PLAN_FIELDS[name])),)
        targets[name] = Target(name, TARGET_TYPES[name], sources, range=RANGES[name])
    return targets, own


def _has_type(node: yaml.Node) -> bool:
    keys = [key.value for key, _ in node.value] if isinstance(node, yaml.MappingNode) else []
    return "type" in keys


def _target(r: Reader, name: str, node: yaml.Node, defaults: Defaults) -> Target:
    what = f"targets.{name}"
    values = r.section(
        node,
        what,
        {
            "type": r.one_of(*sorted(set(TARGET_TYPES.values()))),
            "required": r.boolean,
            "range": lambda n: _range(r, n),
            "default": r.scalar,
            "sources": lambda n: r.many(n, lambda item: _source(r, item, f"{what}.sources")),
            "values": lambda n: _values(r, n, f"{what}.values"),
            "on_unmapped": r.one_of(*UNMAPPED),
        },
    )
    expected = TARGET_TYPES[name]
    if values.get("type", expected) not in (expected, "quantity" if expected == "int" else expected):
        raise r.refuse(node, f"{what} is of type {expected}, not {values['type']}")
    if "sources" not in values and "default" not in values:
        raise r.refuse(node, f"{what} has no sources: say where it comes from")
    if expected in ("int", "quantity") and not isinstance(values.get("default", 0), int):
        raise r.refuse(node, f"{what}.default must be a whole number, not {values['default']!r}")
    return Target(
        name=name,
        type=expected,
        sources=values.get("sources", ()),
        required=values.get("required", expected in ("quantity", "int")),
        range=values.get("range", RANGES.get(name)),
        default=values.get("default"),
        values=values.get("values", ()),
        on_unmapped=values.get("on_unmapped", defaults.unknown_value),
    )


def _extras(r: Reader, node: yaml.Node, defaults: Defaults, known: Mapping[str, Target]) -> dict[str, Target]:
    extras = {}
    for key, value in r.pairs(node, "extras"):
        name = str(key.value)
        if name in known:
            raise r.refuse(key, f"{name!r} stands in targets and in extras: remove one")
        extras[name] = _extra(r, name, value, f"extras.{name}", defaults)
    return extras


def _extra(r: Reader, name: str, node: yaml.Node, what: str, defaults: Defaults) -> Target:
    values = r.section(
        node,
        what,
        {
            "type": r.one_of(*EXTRA_TYPES),
            "sources": lambda n: r.many(n, lambda item: _source(r, item, f"{what}.sources")),
            "required": r.boolean,
            "range": lambda n: _range(r, n),
            "default": r.scalar,
            "values": lambda n: _values(r, n, f"{what}.values"),
            "on_unmapped": r.one_of(*UNMAPPED),
        },
    )
    if not {"type", "sources"} <= set(values):
        raise r.refuse(node, f"{what} needs `type` ({', '.join(EXTRA_TYPES)}) and `sources`")
    if "range" in values and values["type"] != "int":
        raise r.refuse(node, f"{what} is no number: it has no range")
    closed = values["type"] == "enum"
    return Target(
        name=name,
        type=values["type"],
        sources=values["sources"],
        required=values.get("required", False),
        range=values.get("range"),
        default=values.get("default"),
        values=values.get("values", ()),
        on_unmapped=values.get("on_unmapped", defaults.unknown_value if closed else "passthrough"),
    )


def _source(r: Reader, node: yaml.Node, what: str) -> Source:
    units = tuple(UNITS)
    values = r.section(
        node,
        what,
        {
            "from": r.one_of(*SOURCES),
            "match": lambda n: n,
            "take": r.one_of(*TAKES),
            "unit": lambda n: _unit(r, n, ("auto", *units)),
            "default_unit": lambda n: _unit(r, n, units),
            "heuristic": lambda n: r.section(
                n, f"{what}.heuristic", {"below": r.integer, "unit": lambda u: _unit(r, u, units)}
            ),
            "scale": r.integer,
            "op": r.one_of(*OPERATIONS),
            "scope": lambda n: _scope(r, n, what),
        },
    )
    if "from" not in values:
        raise r.refuse(node, f"a source in {what} needs `from`: one of {', '.join(SOURCES)}")
    heuristic = values.get("heuristic", {})
    if heuristic and set(heuristic) != {"below", "unit"}:
        raise r.refuse(node, f"heuristic in {what} needs both `below` and `unit`")
    unit = values.get("unit")
    return Source(
        kind=values["from"],
        match=_match(r, node, values.get("match"), values["from"], what),
        take=values.get("take", "value"),
        unit=None if unit == "auto" else unit,
        default_unit=values.get("default_unit"),
        below=heuristic.get("below"),
        below_unit=heuristic.get("unit"),
        scale=_scale(r, node, values.get("scale", 1)),
        op=values.get("op", "set"),
        scope=values.get("scope", Scope()),
    )


def _scale(r: Reader, node: yaml.Node, scale: int) -> int:
    if scale < 1:
        raise r.refuse(node, f"scale {scale} is below 1: it is how many units one of them stands for")
    return scale


def _match(r: Reader, source: yaml.Node, node: yaml.Node | None, kind: str, what: str) -> Match:
    allowed = SOURCES[kind]
    if node is None:
        if allowed:
            raise r.refuse(source, f"a source from {kind} in {what} needs `match` with {' or '.join(sorted(allowed))}")
        return Match()
    readers: dict[str, Callable[[yaml.Node], Any]] = {
        "any": lambda n: r.many(n, r.name),
        "key": r.name,
        "id": r.integer,
        "addon_id": r.integer,
        "configoption": r.integer,
        "field": r.one_of(*(PLAN_FIELDS.values() if kind == "plan" else SERVICE_FIELDS)),
    }
    values = r.section(node, f"{what}.match", {key: readers[key] for key in sorted(allowed)})
    if not values:
        raise r.refuse(node, f"match in {what} is empty")
    if "configoption" in values and not 1 <= values["configoption"] <= 24:
        raise r.refuse(node, "configoption is a number from 1 to 24")
    names = values.get("any", ()) + ((values["key"],) if "key" in values else ())
    number = values.get("id", values.get("addon_id", values.get("configoption")))
    return Match(names=names, id=number, field=values.get("field"))


def _scope(r: Reader, node: yaml.Node, what: str) -> Scope:
    return Scope(
        **r.section(
            node,
            f"{what}.scope",
            {
                "products": lambda n: r.many(n, r.integer),
                "groups": lambda n: r.many(n, r.integer),
                "modules": lambda n: r.many(n, r.text),
            },
        )
    )


def _products(r: Reader, node: yaml.Node) -> tuple[tuple[str, ProductRule], ...]:
    rules = []
    for key, value in r.pairs(node, "products"):
        r.name(key)
        what = f"products.{key.value}"
        values = r.section(value, what, {"plan": r.text, "set": lambda n: n, "skip": r.text})
        fixed = _fixed(r, values["set"], f"{what}.set") if "set" in values else {}
        rules.append((str(key.value), ProductRule(values.get("plan"), fixed, values.get("skip"))))
    return tuple(rules)


def _fixed(r: Reader, node: yaml.Node, what: str) -> dict[str, str | int]:
    values = r.section(node, what, dict.fromkeys((*TARGET_TYPES, *TARGET_ALIASES), r.scalar))
    fixed = {TARGET_ALIASES.get(name, name): value for name, value in values.items()}
    for name, value in fixed.items():
        if TARGET_TYPES[name] in ("int", "quantity") and not isinstance(value, int):
            raise r.refuse(node, f"{what}.{name} must be a whole number, not {value!r}")
    return fixed


def _servers(r: Reader, node: yaml.Node) -> dict[int, str]:
    return {r.integer(key): r.text(value) for key, value in r.pairs(node, "servers")}


def _adoption(r: Reader, node: yaml.Node) -> dict[str, Any]:
    return r.section(
        node,
        "adoption",
        {"vmid_fields": lambda n: r.many(n, r.name), "username_is_vmid": lambda n: r.many(n, r.text)},
    )


def _defaults(r: Reader, node: yaml.Node) -> Defaults:
    return Defaults(
        **r.section(
            node,
            "defaults",
            {
                "stale_options": r.one_of("use_if_missing", "ignore", "quarantine"),
                "unknown_value": r.one_of(*UNMAPPED),
                "unknown_option": r.one_of("report", "quarantine", "refuse"),
                "fix_mojibake": r.one_of("auto", "report"),
            },
        )
    )


def _values(r: Reader, node: yaml.Node, what: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for key, value in r.pairs(node, what):
        if key.value.startswith("re:"):
            r.name(key)
        pairs.append((str(key.value), r.text(value)))
    return tuple(pairs)


def _range(r: Reader, node: yaml.Node) -> tuple[int, int]:
    numbers = r.many(node, r.integer)
    if len(numbers) != 2 or numbers[0] > numbers[1]:
        raise r.refuse(node, "range is [lowest, highest]")
    return numbers[0], numbers[1]


def _unit(r: Reader, node: yaml.Node, allowed: tuple[str, ...]) -> str:
    text = r.text(node)
    known = {unit.casefold(): unit for unit in allowed}
    if text.casefold() not in known:
        raise r.refuse(node, f"{text!r} is not a unit{hint(text, allowed)}: one of {', '.join(allowed)}")
    return known[text.casefold()]


def _timezone(r: Reader, node: yaml.Node) -> str:
    name = r.text(node)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise r.refuse(node, f"{name!r} is not a time zone: use a name such as Europe/Berlin") from None
    return name


def _meaning(node: yaml.Node) -> Any:
    """The content of a node without comments and layout; order is kept, since it decides which rule wins."""
    if isinstance(node, yaml.MappingNode):
        return tuple((_meaning(key), _meaning(value)) for key, value in node.value)
    if isinstance(node, yaml.SequenceNode):
        return [_meaning(item) for item in node.value]
    return (node.tag, node.value)


def names(pattern: str, name: str) -> bool:
    """Whether an alias of the file means this name: spelled alike, or by its `re:` pattern, or by `*` and `?`."""
    if pattern.startswith("re:"):
        return re.search(pattern[3:], name) is not None
    if "*" in pattern or "?" in pattern:
        plain = unicodedata.normalize("NFKC", name).casefold().strip()
        return fnmatch.fnmatchcase(plain, pattern.casefold()) or plain == pattern.casefold()
    return normalise(pattern) == normalise(name)

"""A draft of a mapping file, made of what a source sells: real names, how often they occur, what they say.

It can be used as it stands: what the built-in mapping knows is mapped, values of images and places that nobody knows
keep a name made of what they say, and what means no size is kept beside the servers in the words of the source. What
only the operator can know stands in it as a comment: which cluster a server of WHMCS is, what a product of an unknown
module is, and what may be a part of a size; services that have such a thing are set aside.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from whmcs_import.mapping import mapping, mapping_file, options, rows, shop, targets
from whmcs_import.mapping.mapping_file import Target
from whmcs_import.mapping.options import Refused, Value
from whmcs_import.mapping.shop import QUANTITY, YES_NO, Product, Shop
from whmcs_import.source.extract import SourceInfo
from whmcs_import.source.staging import Staging
from whmcs_import.source.values import Piped, normalise

SAMPLES = 5
# What may be a part of a size, and what comes on top of one: "Extra RAM (x512MB)", "RAM +1GB".
SIZE_WORDS = {
    "memory_mib": re.compile(r"(?<![a-z])(ram|memory|arbeitsspeicher)(?![a-z])|内存|озу"),
    "vcpus": re.compile(r"(?<![a-z])(v?cpus?|v?cores?|prozessor\w*)(?![a-z])|核"),
    "disk_gib": re.compile(r"(?<![a-z])(dis[kc]s?|storage|ssd|hdd|nvme|space|festplatte|speicherplatz)(?![a-z])|磁盘"),
}
ON_TOP = re.compile(r"\+|(?<![a-z])(extra|additional|more|zusätzlich\w*|plus|add)(?![a-z])")
PIECE = re.compile(r"(\d+)\s*([mgt])i?b(?![a-z])")
SIZES = ("memory_mib", "vcpus", "disk_gib")
NAMES = ("image", "location")
# embire2/WHMCS-Proxmox-Manager: configoption4 cores, configoption5 RAM in MB, configoption6 disk in GB
SETTINGS_OF_PROXMOXVM = {"memory_mib": (5, "MiB"), "vcpus": (4, ""), "disk_gib": (6, "GiB")}


@dataclass(slots=True)
class Seen:
    """One option, field or addon on live services."""

    kind: str
    id: int
    name: Piped
    count: int = 0
    says: Counter[Piped] = field(default_factory=Counter)
    services: list[int] = field(default_factory=list)

    def add(self, service: int, value: Value) -> None:
        self.count += 1
        self.says[value.reading] += 1
        if len(self.services) < 3:
            self.services.append(service)


@dataclass(slots=True)
class Sales:
    """What live services are made of."""

    seen: dict[tuple[str, int], Seen] = field(default_factory=dict)
    products: Counter[int] = field(default_factory=Counter)
    servers: Counter[int] = field(default_factory=Counter)


def draft(staging: Staging, source: SourceInfo) -> str:
    """A mapping file for this source, with counts and samples as comments."""
    sold = shop.read(staging)
    return "\n".join(_lines(sold, _sales(staging, sold), source)) + "\n"


def _sales(staging: Staging, sold: Shop) -> Sales:
    sales = Sales()
    services = (rows.Services(staging, sold, span) for span in staging.spans())
    for service in chain.from_iterable(services):
        product = sold.products.get(service.product)
        if product is None or not product.is_vps or service.status not in mapping.IMPORTED_STATUSES:
            continue
        sales.products[product.id] += 1
        sales.servers[service.server] += 1
        try:
            read = options.read(sold, product.id, service.options, service.fields, service.addons)
        except Refused:
            continue
        for value in read.values:
            sales.seen.setdefault((value.kind, value.id), Seen(value.kind, value.id, value.name)).add(service.id, value)
    return sales


def _lines(sold: Shop, sales: Sales, source: SourceInfo) -> Iterator[str]:
    known = mapping_file.load(None)
    placed: set[tuple[str, int]] = set()
    yield f"# Drafted from {source.address}, WHMCS {source.version}, read {source.snapshot_at}."
    yield f"# {sum(sales.products.values())} live services of virtual servers. Look at every line before you trust it."
    yield "version: 1"
    yield "source_timezone: UTC  # the zone of the server WHMCS runs on: its dates are meant in it"
    yield "defaults: {stale_options: use_if_missing, unknown_value: quarantine, unknown_option: quarantine}"
    yield "targets:"
    tops = [(seen, top) for seen in _ordered(sales) if (top := _on_top(seen, sold)) is not None]
    for name in (*SIZES, *NAMES):
        fitting = [seen for seen in _ordered(sales) if _fits(known.targets[name], seen)]
        placed |= {(seen.kind, seen.id) for seen in fitting}
        above = [(seen, line) for seen, (target, line) in tops if target == name and (seen.kind, seen.id) not in placed]
        placed |= {(seen.kind, seen.id) for seen, _ in above}
        yield from _target(name, fitting, above, sold, sales, known.targets[name])
    fitting = [seen for seen in _ordered(sales) if _fits(known.targets["hostname"], seen)]
    placed |= {(seen.kind, seen.id) for seen in fitting}
    yield from _hostname(fitting)
    yield from _products(sold, sales)
    yield from _servers(sold, sales)
    left = [seen for seen in _ordered(sales) if (seen.kind, seen.id) not in placed and not _vmid(seen)]
    yield from _left_over(left, sold)


def _size_of(seen: Seen) -> str | None:
    """The size of which something may be a part, by its name."""
    words = f"{seen.name.key} {seen.name.label}".casefold()
    return next((name for name, pattern in SIZE_WORDS.items() if pattern.search(words)), None)


def _on_top(seen: Seen, sold: Shop) -> tuple[str, str] | None:
    """The size that something adds to, and how: only what is counted and says how much each of them is.

    A disk more is not a larger disk, so that nothing is said of those.
    """
    words, name = f"{seen.name.key} {seen.name.label}".casefold(), _size_of(seen)
    counted = seen.kind == "addon" or (seen.kind == "option" and sold.options[seen.id].kind == QUANTITY)
    if name not in ("memory_mib", "vcpus") or not counted or not ON_TOP.search(words):
        return None
    match = "addon_id" if seen.kind == "addon" else "id"
    start = f"{{from: {seen.kind}, match: {{{match}: {seen.id}}}, take: qty"
    piece = PIECE.search(words)
    if name == "vcpus":
        return None if re.search(r"\d", words) else (name, f"{start}, op: add}}")
    if piece is None:
        return None
    return name, f"{start}, scale: {piece[1]}, unit: {piece[2].upper()}iB, op: add}}"


def _vmid(seen: Seen) -> bool:
    names = set(map(normalise, mapping_file.load(None).vmid_fields))
    return seen.kind == "custom_field" and bool(names & {normalise(seen.name.key), normalise(seen.name.label)})


def _ordered(sales: Sales) -> list[Seen]:
    return [seen for _, seen in sorted(sales.seen.items())]


def _fits(target: Target, seen: Seen) -> bool:
    return any(
        source.kind == seen.kind and targets.matches(source.match, seen.id, seen.name) for source in target.sources
    )


def _target(
    name: str, fitting: list[Seen], above: list[tuple[Seen, str]], sold: Shop, sales: Sales, known: Target
) -> Iterator[str]:
    yield f"  {name}:"
    if name in NAMES:
        yield "    on_unmapped: quarantine"
    yield "    sources:"
    for kind in ("option", "custom_field"):
        names = list(dict.fromkeys(seen.name.key for seen in fitting if seen.kind == kind))
        for seen in (seen for seen in fitting if seen.kind == kind):
            yield f"      # {_told(seen)}"
        if names:
            yield f"      - {{from: {kind}, match: {{any: {_text(names)}}}{_unit(name)}}}"
    for seen, line in above:
        yield f"      # {_told(seen)}"
        yield f"      - {line}"
    yield from _elsewhere(name, sold)
    if name in NAMES:
        yield from _values(name, fitting, sold, sales, known)


def _hostname(fitting: list[Seen]) -> Iterator[str]:
    yield "  hostname:"
    yield "    sources:"
    for seen in fitting:
        yield f"      # {_told(seen)}"
    if names := list(dict.fromkeys(seen.name.key for seen in fitting)):
        yield f"      - {{from: custom_field, match: {{any: {_text(names)}}}}}"
    yield "      - {from: service, match: {field: domain}}"


def _unit(name: str) -> str:
    return {
        "memory_mib": ", default_unit: MiB, heuristic: {below: 128, unit: GiB}",
        "disk_gib": ", default_unit: GiB",
    }.get(name, "")


def _elsewhere(name: str, sold: Shop) -> Iterator[str]:
    """Where modules keep what the product itself has."""
    if name == "location":
        yield "      - {from: server}"
    if name not in SIZES:
        return
    if any(product.plan is not None for product in sold.products.values()):
        plan_field = {"memory_mib": "memory", "vcpus": "vcpus", "disk_gib": "disk"}[name]
        yield f"      - {{from: plan, match: {{field: {plan_field}}}}}"
    number, unit = SETTINGS_OF_PROXMOXVM[name]
    if any(product.module == "proxmoxvm" for product in sold.products.values()):
        means = f", unit: {unit}" if unit else ""
        yield f"      - {{from: product, match: {{configoption: {number}}}{means}, scope: {{modules: [proxmoxvm]}}}}"


def _values(name: str, fitting: list[Seen], sold: Shop, sales: Sales, known: Target) -> Iterator[str]:
    says: Counter[Piped] = Counter()
    for seen in fitting:
        says.update(seen.says)
    if name == "location":
        says.update({Piped(server, server): sales.servers[id] for id, server in sold.servers.items() if server})
    if not says:
        return
    yield "    values:  # what it says there: what it is here"
    written = set()
    for said, count in sorted(says.items(), key=lambda item: (-item[1], str(item[0]))):
        if said.key in written:
            continue
        written.add(said.key)
        here = targets.translated(known, said)
        known_here = "" if here else ", unknown here: the name is made of it"
        name = _text(here or _slug(said))
        yield f"      {_text(said.key)}: {name}  # {count} times: {_plain(said.label)}{known_here}"


def _products(sold: Shop, sales: Sales) -> Iterator[str]:
    yield "products:"
    for product in sorted(sold.products.values(), key=lambda p: p.id):
        live = sales.products[product.id]
        about = f"# {_plain(product.name)}, module {_plain(product.module) or 'none'}, {live} live services"
        if product.unknown is not None:
            yield f"  # {product.id}: {{}}  {about}: {product.unknown[0]}, set aside until this line says more"
        else:
            yield f"  {product.id}: {_rule(product)}  {about}"


def _rule(product: Product) -> str:
    return "{}" if product.is_vps else "{skip: not_a_vps}"


def _slug(said: Piped) -> str:
    """A name of letters, digits and dashes for what nobody knows."""
    words = [re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-") for text in (said.label, said.key)]
    return next((word for word in words if word), "unknown")


def _servers(sold: Shop, sales: Sales) -> Iterator[str]:
    yield "servers:  # the cluster of hostler.toml on which the VMs of each WHMCS server run"
    for id, name in sorted(sold.servers.items()):
        yield f"  # {id}: CLUSTER  # {_plain(name)}, {sales.servers[id]} live services"


def _left_over(seen: list[Seen], sold: Shop) -> Iterator[str]:
    """What no target reads, each as the line that keeps it beside its servers."""
    if seen:
        yield "# Nothing else is known of these: they are kept beside the servers as they are. Map above what means an"
        yield "# image or a place, and list under ignore what nobody needs. What may be a part of a size is only named:"
        yield "# until it is mapped above or its # is taken away, services that have it are set aside."
    yield "extras:"
    names: set[str] = set()
    for each in seen:
        name = re.sub(r"\W+", "_", each.name.key.casefold()).strip("_") or each.kind
        name = f"{name}_{each.id}" if name in names else name
        names.add(name)
        comment = "# " if _size_of(each) is not None else ""
        yield f"  {comment}{_text(name)}: {_extra(each, sold)}  # {_told(each)}"
    yield "ignore: []"


def _extra(seen: Seen, sold: Shop) -> str:
    kind = sold.options[seen.id].kind if seen.kind == "option" else None
    counted = seen.kind == "addon" or kind == QUANTITY
    type, take = ("bool", "") if kind == YES_NO else ("int", ", take: qty") if counted else ("string", "")
    match = "addon_id" if seen.kind == "addon" else "id"
    return f"{{type: {type}, sources: [{{from: {seen.kind}, match: {{{match}: {seen.id}}}{take}}}]}}"


def _told(seen: Seen) -> str:
    samples = ", ".join(f"{_plain(str(said))} ({n})" for said, n in seen.says.most_common(SAMPLES))
    where = ", ".join(map(str, seen.services))
    return f"{seen.kind} {seen.id} {_plain(str(seen.name))}: {seen.count} services (such as {where}): {samples}"


def _text(value: object) -> str:
    """Text as YAML reads it back: JSON is a part of YAML."""
    return json.dumps(value, ensure_ascii=False)


def _plain(text: str) -> str:
    """Text that fits into a comment."""
    return "".join(c if c.isprintable() else " " for c in text)[:60]

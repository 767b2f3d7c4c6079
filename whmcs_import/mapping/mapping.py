"""One service of the source becomes a server, is skipped, or is set aside with a reason. Pure.

A service is skipped when importing it would be wrong (it ended, it is no virtual server), and quarantined when it
should be imported but something about it cannot be known: then nothing of it is written.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from domain import ids
from whmcs_import.mapping import options
from whmcs_import.mapping.adoption import Hint, Link, NoHint
from whmcs_import.mapping.mapping_file import MappingFile
from whmcs_import.mapping.options import AddonRow, FieldRow, Note, OptionRow, Refused, Sold
from whmcs_import.mapping.shop import Product, Shop
from whmcs_import.mapping.targets import Context, Named, Resolver
from whmcs_import.source import values
from whmcs_import.source.values import Piped, normalise

IMPORTED_STATUSES = ("Active", "Suspended")
KNOWN_STATUSES = (*IMPORTED_STATUSES, "Pending", "Completed", "Terminated", "Cancelled", "Fraud")
CLIENT_STATUSES = ("Active", "Inactive", "Closed")
CYCLES = {
    "freeaccount": "free",
    "free": "free",
    "onetime": "one_time",
    "monthly": "monthly",
    "quarterly": "quarterly",
    "semiannually": "semi_annually",
    "annually": "annually",
    "biennially": "biennially",
    "triennially": "triennially",
}
NOTHING_SAID = NoHint("no_vm_link")
OVERDUE = "overdue on payment"  # the reason WHMCS itself writes, and takes back when the invoice is paid
_AMOUNT = re.compile(r"-?[0-9]{1,14}(\.[0-9]{1,30})?")  # the column is a decimal(16,2)
_VMID_IN_NOTES = re.compile(r"\bvm\s?id\b\D{0,3}(\d{3,9})", re.IGNORECASE)
_ABUSE = re.compile(r"abus|spam|phish|malware|botnet|ddos|attack|fraud|dmca|copyright|hack|scan", re.IGNORECASE)


class Service(Struct, frozen=True):
    """A row of tblhosting, and the rows that hang on it in the order in which they were written."""

    id: int
    client: int
    product: int
    server: int
    domain: str
    amount: str
    cycle: str
    next_due: str | None
    status: str
    username: str
    dedicated_ip: str
    assigned_ips: str
    registered: str | None = None
    qty: int | str | None = 1
    suspend_reason: str = ""
    override: int | None = 0
    override_until: str | None = None
    notes: str = ""
    options: tuple[OptionRow, ...] = ()
    fields: tuple[FieldRow, ...] = ()
    addons: tuple[AddonRow, ...] = ()
    links: tuple[Link, ...] = ()

    def __repr__(self) -> str:
        return f"Service({self.id})"  # what staff wrote of it is nobody else's business


class Client(Struct, frozen=True):
    """What a service needs to know of its client."""

    status: str
    currency: int


@dataclass(frozen=True, slots=True)
class World:
    """Everything the mapping of a single service depends on besides its own rows."""

    source: str
    mapping: MappingFile
    resolver: Resolver
    shop: Shop
    clients: Mapping[int, Client]
    memory: options.Memory = field(default_factory=options.Memory)


@dataclass(frozen=True, slots=True)
class Mapped:
    """A server to be: `payload` are the fields of `ServerImported` as plain values, run and mode left out."""

    payload: dict[str, Any]
    sold: Sold
    notes: list[Note] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Skipped:
    reason: str


@dataclass(frozen=True, slots=True)
class Quarantined:
    reason: str
    detail: str
    sold: Sold | None = None  # as far as it could be read
    value: str = ""  # what the mapping has no value for


def map_service(service: Service, world: World, hint: Hint | NoHint = NOTHING_SAID) -> Mapped | Skipped | Quarantined:
    """Decide about one service; `hint` is what its VM is. The same rows and the same mapping give the same answer."""
    if (reason := skip_reason(service, world)) is not None:
        return Skipped(reason)
    sold = None
    try:
        product, client = _checked(service, world)
        sold = options.read(
            world.shop,
            product.id,
            service.options,
            service.fields,
            service.addons,
            stale=world.mapping.defaults.stale_options,
            memory=world.memory,
        )
        return _server(service, product, client, sold, hint, world)
    except Refused as refused:
        return Quarantined(refused.code, refused.detail, sold, refused.value)
    except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError) as error:
        # A row that nobody foresaw must not stop the others.
        return Quarantined("row_unreadable", f"{type(error).__name__}: {error}")


def skip_reason(service: Service, world: World) -> str | None:
    """Why a service is left out for good, or None."""
    product = world.shop.products.get(service.product)
    if product is not None:
        rule = world.mapping.product_rule(product.id, product.name)
        if rule is not None and rule.skip is not None:
            return rule.skip
        if rule is None and not product.is_vps and product.unknown is None:
            return "not_a_vps"
    if service.status in KNOWN_STATUSES and service.status not in IMPORTED_STATUSES:
        return service.status.lower()
    return None


def stream(world: World, service: int) -> UUID:
    """The stream of the server a service becomes."""
    return ids.imported(world.source, "service", str(service))


def _server(
    service: Service, product: Product, client: Client, sold: Sold, hint: Hint | NoHint, world: World
) -> Mapped:
    billing = _billing(service, client, world)
    notes = [*_oddities(service), *sold.notes]
    _refuse_unreadable(sold, world)
    _refuse_unknown(sold, world)
    context = _context(service, product, sold, world)
    image = _named("image", context, world, notes)
    location = _named("location", context, world, notes)
    notes += _suggestion(service, hint)
    payload = {
        "source": world.source,
        "source_id": str(service.id),
        "account_id": str(ids.imported(world.source, "client", str(service.client))),
        "plan": _plan(product, context, world, notes),
        "image": _image(image),
        "location": _location(location),
        "addresses": _addresses(service, notes),
        "hint": _hint(hint),
        # Nothing to adopt is no objection: whoever looks for guests says so.
        "quarantine": None if hint == NOTHING_SAID else hint.refused,
        "suspension": _suspension(service),
        "billing": billing,
        "name": _name(service, context, world, notes),
        "raw": _raw(service, sold, world.resolver.extras(context, notes)),
    }
    return Mapped(payload, sold, notes)


def _checked(service: Service, world: World) -> tuple[Product, Client]:
    """The product and client of a service that can be imported."""
    if service.status not in KNOWN_STATUSES:
        raise Refused("status_unknown", f"status {service.status!r}")
    if service.id < 1:
        raise Refused("id_unreadable", f"{service.id} is the id of no row that WHMCS writes")
    product = world.shop.products.get(service.product)
    if product is None:
        raise Refused("product_missing", f"product {service.product} does not exist")
    client = world.clients.get(service.client)
    if client is None or service.client < 1:
        raise Refused("client_missing", f"client {service.client} does not exist")
    if client.status not in CLIENT_STATUSES:
        raise Refused("client_status_unknown", f"status {client.status!r} of client {service.client}")
    if client.status == "Closed":
        raise Refused(
            "closed_client_live_service", f"client {service.client} is closed, the service is {service.status}"
        )
    if product.is_cloud:
        raise Refused("many_vms_per_service", f"module {product.module} keeps several VMs for one service")
    if product.is_of_foreign_panel:
        raise Refused("foreign_panel", f"module {product.module} is of another panel: its numbers are no VMIDs")
    if product.unknown is not None and world.mapping.product_rule(product.id, product.name) is None:
        code, found = product.unknown
        raise Refused(code, f"{found}: say under products which plan it is, or skip it")
    if service.qty is not None and not isinstance(service.qty, int):
        raise Refused("quantity_unreadable", f"it stands for {service.qty!r} units")
    if service.qty not in (None, 0, 1):
        raise Refused("multi_unit_service", f"it stands for {service.qty} units")
    return product, client


def _plan(product: Product, context: Context, world: World, notes: list[Note]) -> dict[str, Any]:
    sizes = {name: world.resolver.size(name, context, notes) for name in ("vcpus", "memory_mib", "disk_gib")}
    return {"id": str(plan_id(world.source, product, world.mapping)), "name": product.name, **sizes}


def _named(target: str, context: Context, world: World, notes: list[Note]) -> Named | None:
    named = world.resolver.named(target, context, notes)
    if named is None:
        notes.append(Note(f"{target}_missing", f"nothing says which {target} it has: it is called unknown here"))
    elif not named.mapped:
        detail = f"{target}: {named.label!r} is not in the mapping's values"
        notes.append(Note("value_passed_through", detail, str(Piped(named.key, named.label))))
    return named


def _refuse_unreadable(sold: Sold, world: World) -> None:
    """Set aside what says something in a way that nobody knows; what the operator ignores says nothing."""
    for value in list(sold.values):
        if value.unreadable is not None:
            if not any(map(world.mapping.ignores, (value.name.key, value.name.label))):
                code, found = value.unreadable
                raise Refused(code, f"{found}: mend it, or list it under ignore")
            sold.values.remove(value)


def _refuse_unknown(sold: Sold, world: World) -> None:
    if world.mapping.defaults.unknown_option != "quarantine":
        return
    unknown = [value for value in sold.values if not value.stale and not world.resolver.claims(value)]
    if unknown:
        raise Refused("option_unmapped", ", ".join(f"{value.kind} {value.name}" for value in unknown))


def plan_id(source: str, product: Product, mapping: MappingFile) -> UUID:
    """The catalogue item a product is: the one its rule names, or one of its own."""
    rule = mapping.product_rule(product.id, product.name)
    return _plan_id(source, product.id, rule.plan if rule is not None else None)


@lru_cache(maxsize=4096)
def _plan_id(source: str, product: int, plan: str | None) -> UUID:
    return ids.imported(source, "product", str(product)) if plan is None else ids.catalogue("plan", plan)


def _context(service: Service, product: Product, sold: Sold, world: World) -> Context:
    name = world.shop.servers.get(service.server)
    return Context(
        product=product,
        sold=sold,
        fields={"domain": service.domain, "username": service.username, "dedicatedip": service.dedicated_ip},
        server=Piped(name, name) if name else None,
        node=next((link.node for link in service.links if link.node), None),
    )


def _oddities(service: Service) -> list[Note]:
    notes = []
    for name, raw in (("next due date", service.next_due), ("registration date", service.registered)):
        if (problem := values.day(raw).problem) is not None:
            notes.append(Note(problem, f"{name} {raw}"))
    return notes


def _suggestion(service: Service, hint: Hint | NoHint) -> list[Note]:
    """A number in what staff wrote: nothing to act on, but something to look at."""
    found = _VMID_IN_NOTES.search(service.notes) if hint == NOTHING_SAID else None
    return [Note("vmid_suggested", f"its notes speak of VM {found[1]}")] if found else []


def _billing(service: Service, client: Client, world: World) -> dict[str, Any]:
    cycle = CYCLES.get(normalise(service.cycle))
    if cycle is None:
        raise Refused("billing_cycle_unknown", f"billing cycle {service.cycle!r}")
    currency = world.shop.currencies.get(client.currency)
    if currency is None:
        raise Refused("currency_missing", f"currency {client.currency} of client {service.client} does not exist")
    if not currency:
        raise Refused("currency_missing", f"currency {client.currency} of client {service.client} has no code")
    due = values.day(service.next_due).iso
    if due is None and cycle not in ("free", "one_time"):
        raise Refused("next_due_missing", f"{service.cycle} without a next due date ({service.next_due})")
    if not _is_amount(service.amount):
        raise Refused("amount_unreadable", f"amount {service.amount!r}")
    return {
        "cycle": cycle,
        "amount": service.amount,
        "currency": currency,
        "next_due": due,
        "registered": values.day(service.registered).iso,
        "source_status": service.status,
        "override_until": _override(service, world.mapping.source_timezone),
    }


@lru_cache(maxsize=4096)
def _is_amount(raw: str) -> bool:
    return _AMOUNT.fullmatch(raw) is not None


def _override(service: Service, timezone: str) -> str | None:
    """The moment until which WHMCS was told not to suspend: the day's first in the source's own time."""
    until = values.day(service.override_until).iso
    if not service.override or until is None:
        return None
    return datetime.combine(date.fromisoformat(until), time(), ZoneInfo(timezone)).isoformat()


def _suspension(service: Service) -> str | None:
    if service.status != "Suspended":
        return None
    reason = values.text(service.suspend_reason).value
    if reason.casefold() == OVERDUE:
        return "non_payment"
    return "abuse" if _ABUSE.search(reason) else "admin"


@lru_cache(maxsize=4096)
def _item(kind: Literal["image", "location"], key: str) -> str:
    return str(ids.catalogue(kind, key))


def _image(image: Named | None) -> dict[str, Any]:
    key, label, template = ("", "unknown", "") if image is None else (image.key, image.label, image.key)
    return {
        "id": _item("image", key),
        "name": label,
        "template": template if image is not None and image.mapped else "",
    }


def _location(location: Named | None) -> dict[str, Any]:
    key, label = ("", "unknown") if location is None else (location.key, location.label)
    return {"id": _item("location", key), "name": label, "key": key}


def _hint(hint: Hint | NoHint) -> dict[str, Any] | None:
    if isinstance(hint, NoHint):
        return None
    return {"cluster": hint.cluster, "vmid": hint.vmid, "kind": hint.kind, "evidence": list(hint.evidence)}


def addresses(service: Service) -> values.Addresses:
    """Those in the columns of the service, then those of which a module keeps a list of its own.

    The one address that a module keeps beside its VMID counts where the columns have none.
    """
    said = values.addresses(service.dedicated_ip, service.assigned_ips)
    known = values.addresses(*(link.address for link in service.links if not (link.names_vm and said.found))).found
    written = {address for address, _ in said.found}
    return values.Addresses(said.found + tuple(each for each in known if each[0] not in written), said.junk)


def _addresses(service: Service, notes: list[Note]) -> list[dict[str, Any]]:
    read = addresses(service)
    if read.junk:
        notes.append(Note("ip_unparsed", ", ".join(read.junk)))
    return [_address(text, prefix, service.links, first=n == 0) for n, (text, prefix) in enumerate(read.found)]


def _address(text: str, prefix: int | None, links: tuple[Link, ...], *, first: bool) -> dict[str, Any]:
    link = next((link for link in links if _names(link, text)), None)
    family, longest = (6, 128) if ":" in text else (4, 32)
    if prefix is None and link is not None:
        prefix = _prefix(link.netmask, family)
    return {
        "address": text,
        "prefix": longest if prefix is None else prefix,
        "gateway": None if link is None else _gateway(link.gateway),
        "family": family,
        "primary": first,
    }


def _names(link: Link, address: str) -> bool:
    return link.address == address or any(address == named for named, _ in _read_address(link.address))


@lru_cache(maxsize=4096)
def _read_address(raw: str) -> tuple[tuple[str, int | None], ...]:
    return values.addresses(raw).found


@lru_cache(maxsize=1024)
def _prefix(netmask: str, family: int) -> int | None:
    try:
        return ipaddress.ip_network(f"{'::' if family == 6 else '0.0.0.0'}/{netmask.strip()}").prefixlen
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _gateway(raw: str) -> str | None:
    try:
        gateway = ipaddress.ip_address(raw.strip())  # of IPv6 it may be a link-local one
    except ValueError:
        return None
    return None if gateway.is_unspecified else str(gateway)


def _name(service: Service, context: Context, world: World, notes: list[Note]) -> str:
    said = list(world.resolver.text("hostname", context, notes)) or [service.domain]
    for raw in said:
        if (name := values.hostname(values.text(raw).value)) is not None:
            if name != raw.strip():
                notes.append(Note("name_changed", f"{raw!r} became {name}"))
            return name
    notes.append(Note("name_missing", "it has no host name"))
    return f"service-{service.id}"


def _raw(service: Service, sold: Sold, extras: Mapping[str, Any]) -> dict[str, Any]:
    """What was sold in the source's own words; passwords are not among them."""
    said: dict[str, list[dict[str, Any]]] = {"option": [], "custom_field": [], "addon": []}
    for value in sold.values:
        entry = {"id": value.id, "name": str(value.name), "value": str(value.reading), "qty": value.qty}
        said[value.kind].append({**entry, "stale": True} if value.stale else entry)
    return {
        "domain": values.storable(service.domain),
        "product_id": service.product,
        "server_id": service.server,
        "suspend_reason": values.text(service.suspend_reason).value,
        "options": said["option"],
        "fields": said["custom_field"],
        "addons": said["addon"],
        "extras": dict(extras),
    }

"""What the source sells: products, configurable options, custom fields, addons, servers. Small, held in memory."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from whmcs_import.source.staging import Copy, as_number
from whmcs_import.source.values import Piped, quantity, split_pipe, storable, text

LARGEST = 1 << 31
NOBODY = -1
DROPDOWN, RADIO, YES_NO, QUANTITY = 1, 2, 3, 4
# Modules of other panels: what they sell are virtual servers, but not ones whose VMs can be known from here.
FOREIGN_PANELS = {
    *("virtfusiondirect", "virtualizor", "virtualizor_cloud", "solusiovps", "solusvmpro", "solusvm", "midgard"),
    *("convoy", "nokvm", "autovm", "hetznervps", "vultr"),
}
PRODUCT_TYPES = {"hostingaccount", "reselleraccount", "server", "other"}  # developers.whmcs.com, AddProduct
FIELD_TYPES = {"text", "link", "password", "dropdown", "tickbox", "textarea"}


@dataclass(frozen=True, slots=True)
class ShopPlan:
    """What a module has a product consist of: memory in MiB, disk in GiB, vcpus = sockets x cores."""

    memory: int
    vcpus: int
    disk: int


@dataclass(frozen=True, slots=True)
class Product:
    id: int
    group: int
    name: str
    module: str
    type: str
    settings: tuple[str, ...]  # configoption1 to configoption24
    plan: ShopPlan | None = None

    @property
    def is_of_foreign_panel(self) -> bool:
        """Whether its VMs are another panel's."""
        return self.module.casefold() in FOREIGN_PANELS

    @property
    def is_of_proxmox(self) -> bool:
        """Whether its module drives Proxmox, as all of them say in their names."""
        return "proxmox" in self.module.casefold() or self.module.casefold().startswith("pve")

    @property
    def is_cloud(self) -> bool:
        """Whether one service of it has as many VMs as the customer likes."""
        return self.is_of_proxmox and "cloud" in self.module.casefold()

    @property
    def is_vps(self) -> bool:
        """Whether a product that no rule speaks of is a virtual server."""
        return self.type == "server" or self.is_of_proxmox or self.is_of_foreign_panel

    @property
    def unknown(self) -> tuple[str, str] | None:
        """Why nobody can tell what it is unless a rule does: a reason, and what was found."""
        if not self.is_vps and self.type not in PRODUCT_TYPES:
            return "product_type_unknown", f"product {self.id} is of type {self.type!r}"
        if self.type == "server" and self.module and not (self.is_of_proxmox or self.is_of_foreign_panel):
            return "module_unknown", f"product {self.id} is of module {self.module!r}"
        return None


@dataclass(frozen=True, slots=True)
class Option:
    """A configurable option; `kind` 0 is none that is known, `type` what stands there; `maximum` 0 means none."""

    id: int
    group: int
    name: Piped
    kind: int
    maximum: int
    type: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A sub-option: one value of a dropdown, or the unit of a quantity."""

    id: int
    option: int
    name: Piped


@dataclass(frozen=True, slots=True)
class CustomField:
    """A custom field of products; `product` 0 means of all of them."""

    id: int
    product: int
    name: Piped
    kind: str


@dataclass(slots=True)
class Shop:
    """The whole catalogue by id. `linked` holds the pairs (option group, product)."""

    products: dict[int, Product] = field(default_factory=dict)
    options: dict[int, Option] = field(default_factory=dict)
    choices: dict[int, Choice] = field(default_factory=dict)
    linked: set[tuple[int, int]] = field(default_factory=set)
    fields: dict[int, CustomField] = field(default_factory=dict)
    addons: dict[int, str] = field(default_factory=dict)
    servers: dict[int, str] = field(default_factory=dict)
    currencies: dict[int, str] = field(default_factory=dict)
    client_groups: dict[int, str] = field(default_factory=dict)


def refers(raw: int | None) -> int:
    """The id that a row refers to; what cannot be read refers to nothing, not even to what has the id 0."""
    return NOBODY if raw is None else raw


def read(staging: Copy) -> Shop:
    """The catalogue that was staged."""
    shop = Shop()
    plans, settled = _plans(staging), _settled_plans(staging)
    settings = ", ".join(f"configoption{n}" for n in range(1, 25))
    for row in staging.rows(
        f"SELECT id, gid, name, servertype, type, {settings} FROM tblproducts WHERE id IS NOT NULL"
    ):
        module, options = str(row[3] or "").strip(), tuple(str(value or "") for value in row[5:])
        plan = plans.get(options[0].strip()) if module.casefold() == "pvewhmcs" else settled.get(row[0])
        shop.products[row[0]] = Product(
            row[0], refers(row[1]), text(row[2]).value, module, _word(row[4]), options, plan
        )
    for id, group, name, kind, maximum in staging.rows(
        "SELECT id, gid, optionname, optiontype, qtymaximum FROM tblproductconfigoptions WHERE id IS NOT NULL"
    ):
        # The type is a number in a TEXT column.
        number = as_number(str(kind))
        known = number if number in (DROPDOWN, RADIO, YES_NO, QUANTITY) else 0
        shop.options[id] = Option(id, refers(group), _piped(name), known, maximum or 0, "" if known else _word(kind))
    for id, option, name in staging.rows(
        "SELECT id, configid, optionname FROM tblproductconfigoptionssub WHERE id IS NOT NULL"
    ):
        shop.choices[id] = Choice(id, refers(option), _piped(name))
    shop.linked = set(staging.rows("SELECT gid, pid FROM tblproductconfiglinks WHERE gid + pid IS NOT NULL"))
    for id, product, name, kind in staging.rows(
        "SELECT id, relid, fieldname, fieldtype FROM tblcustomfields"
        " WHERE trim(lower(type)) = 'product' AND id IS NOT NULL"
    ):
        shop.fields[id] = CustomField(id, refers(product), _piped(name), _word(kind))
    shop.addons = _names(staging, "SELECT id, name FROM tbladdons WHERE id IS NOT NULL")
    shop.servers = _names(staging, "SELECT id, name FROM tblservers WHERE id IS NOT NULL")
    shop.currencies = _names(staging, "SELECT id, code FROM tblcurrencies WHERE id IS NOT NULL")
    shop.client_groups = _names(staging, "SELECT id, groupname FROM tblclientgroups WHERE id IS NOT NULL")
    return shop


def _plans(staging: Copy) -> dict[str, ShopPlan]:
    """The plans of the pvewhmcs module by their id, which is configoption1 of a product."""
    rows = staging.rows("SELECT id, memory, cpus, cores, disk FROM mod_pvewhmcs_plans")
    made = {str(id): _plan(memory, cpus or 1, cores or 1, disk) for id, memory, cpus, cores, disk in rows}
    return {id: plan for id, plan in made.items() if plan is not None}


def _settled_plans(staging: Copy) -> dict[int, ShopPlan]:
    """What the Proxmox module of ModulesGarden has of each product: settings as JSON, one in a row."""
    settings: dict[int, dict[str, Any]] = {}
    for product, setting, value in staging.rows(
        "SELECT product_id, setting, value FROM ProxmoxAddon_ProductConfiguration WHERE product_id IS NOT NULL"
    ):
        settings.setdefault(product, {})[str(setting)] = _json(value)
    plans = {}
    for product, said in settings.items():
        memory = _sized(said.get("memory"), said.get("memoryUnit") or "mb", "MiB")
        disk = _sized(said.get("diskSize"), said.get("storageUnit") or "gb", "GiB")
        if (plan := _plan(memory, said.get("sockets") or 1, said.get("cores") or 1, disk)) is not None:
            plans[product] = plan
    return plans


def _plan(memory: Any, sockets: Any, cores: Any, disk: Any) -> ShopPlan | None:
    """A plan of numbers above nothing, or None: a range or a word is no size."""
    try:
        numbers = [int(str(each).strip()) for each in (memory, sockets, cores, disk)]
    except ValueError:
        return None
    if min(numbers) < 1 or max(numbers) > LARGEST:
        return None
    return ShopPlan(numbers[0], numbers[1] * numbers[2], numbers[3])


def _json(raw: Any) -> Any:
    """What a text says as JSON, or the text itself: lists and tables are no sizes, and may be too deep to read."""
    try:
        read = json.loads(str(raw))
    except (ValueError, RecursionError):
        return raw
    return raw if isinstance(read, list | dict) else read


def _sized(number: Any, unit: Any, wanted: str) -> int | None:
    read = quantity(f"{number} {unit}")
    return None if read is None else read.whole(wanted)


def _word(raw: Any) -> str:
    return storable(str(raw or "")).strip().casefold()


def _names(staging: Copy, query: str) -> dict[int, str]:
    return {id: text(name).value for id, name in staging.rows(query)}


def _piped(raw: str | None) -> Piped:
    return split_pipe(text(raw).value)

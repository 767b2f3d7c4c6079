"""What the sample's shop sells: products, configurable options, custom fields, prices and the servers behind them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from testbed.whmcs.vms import DEMO_NETWORK, NODE, TEMPLATE_VMID
from testbed.whmcs.world import World, number

DROPDOWN, RADIO, YES_NO, QUANTITY = "1", "2", "3", "4"
PVEWHMCS, PROXMOX_CUSTOM, PROXMOXVM = "pvewhmcs", "proxmox_custom", "proxmoxvm"
VMID_FIELD = "vmid"
OPENED = "2019-03-04 09:00:00"
CYCLES = ("monthly", "quarterly", "semiannually", "annually", "biennially", "triennially")
OS_FIELD, LOCATION_FIELD, HOSTNAME_FIELD, PASSWORD_FIELD = (
    "OS_Image_Template",
    "DataCenter_Location",
    "Hostname",
    "Password",
)
IMAGES = ("debian-12|Debian 12", "ubuntu-24.04|Ubuntu 24.04")
SERVERS = {PVEWHMCS: 1, PROXMOX_CUSTOM: 2, "cpanel": 3}
VPS_GROUP = 1
EXTRA_IP_ADDON, BACKUP_ADDON, LICENCE_ADDON = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Size:
    """How big a VPS is sold: memory in MiB, cores, disk in GiB."""

    memory_mib: int
    vcpus: int
    disk_gib: int


@dataclass(slots=True)
class Option:
    """A configurable option with the sub-option ids by the value each stands for."""

    id: int
    type: str
    choices: dict[int, int]

    def chosen(self, value: int) -> tuple[int, int]:
        """`(optionid, qty)` as a service's row holds them for *value*.

        Only yes/no and quantity options count by qty; for the others it has no meaning (WHMCS UpdateClientProduct).
        """
        if self.type in (YES_NO, QUANTITY):
            return next(iter(self.choices.values())), value
        return self.choices[value], 0


@dataclass(slots=True)
class Product:
    """A product, its size without options, its options by name and its custom fields' ids by name."""

    id: int
    name: str
    module: str
    size: Size
    price: Decimal
    options: dict[str, Option] = field(default_factory=dict)
    fields: dict[str, int] = field(default_factory=dict)
    server: int = 0

    def __post_init__(self) -> None:
        self.server = self.server or SERVERS[self.module]


@dataclass(slots=True)
class Shop:
    """The products by what they are good for, and the fields which belong to no single product."""

    small: Product
    medium: Product
    large: Product
    flex: Product
    container: Product
    one_time: Product
    old: Product
    web: Product
    custom: Product
    vmid_field: int
    client_location_field: int


def open_shop(world: World) -> Shop:
    """Add the whole catalogue to *world*."""
    _add_house(world)
    _add_servers(world)
    _add_addons(world)
    standard, flex, old, custom = (add(world) for add in (_standard, _flex, _old, _custom))
    group = number(world.add("tblproductgroups", name="Virtual Servers", slug="vps", order=1, created_at=OPENED))
    assert group == VPS_GROUP
    web_group = number(world.add("tblproductgroups", name="Web Hosting", slug="web", order=2, created_at=OPENED))
    small = add_vps(world, group, 1, "VPS S", Size(1024, 1, 20), "4.90")
    products = {
        "small": small,
        "medium": add_vps(world, group, 2, "VPS M", Size(2048, 2, 40), "9.90"),
        "large": add_vps(world, group, 3, "VPS L", Size(8192, 4, 80), "29.90"),
        "flex": add_vps(world, group, 4, "Flex VPS", Size(2048, 1, 20), "7.50", module=PROXMOX_CUSTOM),
        "container": add_vps(world, group, 5, "Linux Container", Size(1024, 1, 10), "3.00", vmtype="lxc"),
        "one_time": add_vps(world, group, 6, "VPS One Time", Size(1024, 1, 20), "99.00", paytype="onetime"),
        "old": add_vps(world, group, 7, "Old VPS 2019", Size(512, 1, 10), "5.00", retired=1),
        "custom": add_vps(world, group, 9, "VPS Custom", Size(2048, 2, 40), "12.00", hidden=1),
    }
    for options, names in (
        (standard, ("small", "medium", "large", "one_time")),
        (flex, ("flex",)),
        (old, ("old",)),
        (custom, ("custom",)),
    ):
        for name in names:
            link_options(world, products[name], options)
    web = _add_web(world, web_group)
    vmid_field = _add_module_fields(world)
    client_field = add_field(world, "client", 0, LOCATION_FIELD)
    return Shop(**products, web=web, vmid_field=vmid_field, client_location_field=client_field)


def add_field(world: World, kind: str, relid: int, name: str, choices: str = "", *, fieldtype: str = "") -> int:
    """Add a custom field and return its id; with *choices*, comma separated, it is a dropdown, else text."""
    row = world.add(
        "tblcustomfields",
        type=kind,
        relid=relid,
        fieldname=name,
        fieldtype=fieldtype or ("dropdown" if choices else "text"),
        fieldoptions=choices,
        created_at=OPENED,
    )
    return number(row)


def add_option(
    world: World,
    group: int,
    name: str,
    optiontype: str,
    choices: Mapping[int, str],
    *,
    bounds: tuple[int, int] = (0, 0),
    hidden: int = 0,
) -> Option:
    """Add a configurable option to option group *group*, its choices given as `{value: name of the sub-option}`."""
    row = world.add(
        "tblproductconfigoptions",
        gid=group,
        optionname=name,
        optiontype=optiontype,
        qtyminimum=bounds[0],
        qtymaximum=bounds[1],
        hidden=hidden,
    )
    option = Option(number(row), optiontype, {})
    for value, label in choices.items():
        option.choices[value] = add_choice(world, option, label, hidden=hidden)
    return option


def add_choice(world: World, option: Option, label: str, *, hidden: int = 0) -> int:
    """Add a sub-option to *option* with its price of nothing, and return its id."""
    row = world.add("tblproductconfigoptionssub", configid=option.id, optionname=label, hidden=hidden)
    world.add("tblpricing", type="configoptions", currency=1, relid=row["id"])
    return number(row)


Options = tuple[int, dict[str, Option]]


def _standard(world: World) -> Options:
    group = option_group(world, "VPS Resources")
    options = {
        "RAM": add_option(
            world, group, "RAM", DROPDOWN, {size: f"{size}|{size // 1024} GB" for size in (1024, 2048, 4096, 8192)}
        ),
        "CPU Cores": add_option(
            world, group, "CPU Cores", RADIO, {1: "1|1 Core", 2: "2|2 Cores", 4: "4|4 Cores", 8: "8|8 Cores"}
        ),
        "Disk Space": add_option(
            world, group, "Disk Space", DROPDOWN, {size: f"{size} GB" for size in (20, 40, 80, 160)}
        ),
        "Backups": add_option(world, group, "Backups", YES_NO, {1: "Daily backups"}),
        "Extra IPv4": add_option(world, group, "Extra IPv4", QUANTITY, {0: "Address"}, bounds=(0, 8)),
        "Support Level": add_option(
            world, group, "Support Level", DROPDOWN, {1: "basic|Basic", 2: "gold|Gold"}, hidden=1
        ),
    }
    return group, options


def _flex(world: World) -> Options:
    group = option_group(world, "Flex Resources")
    options = {
        "RAM": add_option(world, group, "RAM", DROPDOWN, {size * 1024: f"{size} GB" for size in (1, 2, 4, 8, 16)}),
        "CPU Cores": add_option(world, group, "CPU Cores", QUANTITY, {0: "Cores"}, bounds=(1, 16)),
        "Disk Space": add_option(world, group, "Disk Space", QUANTITY, {0: "GB"}, bounds=(10, 500)),
    }
    return group, options


def _old(world: World) -> Options:
    group = option_group(world, "Old VPS Resources")
    options = {
        "RAM": add_option(world, group, "RAM", DROPDOWN, {512: "512|512 MB", 1024: "1024|1 GB"}),
        "CPU Cores": add_option(world, group, "CPU Cores", DROPDOWN, {1: "1|1 Core", 2: "2|2 Cores"}),
        "Disk Space": add_option(world, group, "Disk Space", DROPDOWN, {10: "10|10 GB", 20: "20|20 GB"}),
    }
    return group, options


def _custom(world: World) -> Options:
    group = option_group(world, "Custom Resources")
    options = {
        "RAM": add_option(world, group, "RAM|Memory", DROPDOWN, {2048: "2048|2 GB", 4096: "4096|4 GB"}),
        "CPU Cores": add_option(world, group, "cores|CPU Cores", DROPDOWN, {2: "2|2 Cores", 4: "4|4 Cores"}),
        "Disk Space": add_option(world, group, "Disk Space", DROPDOWN, {40: "40|40 GB", 80: "80|80 GB"}),
    }
    return group, options


def option_group(world: World, name: str) -> int:
    """Add a group of configurable options and return its id."""
    return number(world.add("tblproductconfiggroups", name=name))


def link_options(world: World, product: Product, options: Options) -> None:
    """Sell *product* with a group of options."""
    world.add("tblproductconfiglinks", gid=options[0], pid=product.id)
    product.options.update(options[1])


def add_vps(
    world: World,
    group: int,
    product_id: int,
    name: str,
    size: Size,
    price: str,
    *,
    module: str = PVEWHMCS,
    vmtype: str = "kvm",
    paytype: str = "recurring",
    retired: int = 0,
    hidden: int = 0,
    server: int = 0,
) -> Product:
    """Add a product that is a virtual server with its price, plan and custom fields; it has no options yet."""
    product = Product(product_id, name, module, size, Decimal(price), server=server)
    plan = _add_plan(world, name, size, vmtype) if module == PVEWHMCS else ""
    world.add(
        "tblproducts",
        id=product_id,
        type="server",
        gid=group,
        name=name,
        slug=name.lower().replace(" ", "-"),
        paytype=paytype,
        servertype=module,
        configoption1=str(plan),
        configoption2="1" if module == PVEWHMCS else str(size.memory_mib),
        autosetup="payment",
        retired=retired,
        hidden=hidden,
        created_at=OPENED,
    )
    _add_price(world, product, onetime=paytype == "onetime")
    for field_name, choices in _product_fields(module).items():
        product.fields[field_name] = add_field(world, "product", product_id, field_name, choices)
    return product


def _product_fields(module: str) -> dict[str, str]:
    fields = {OS_FIELD: ",".join(IMAGES), LOCATION_FIELD: "Frankfurt,fra1|Frankfurt", HOSTNAME_FIELD: ""}
    # The module keeps the root password, in plain text, in a field of this name.
    return {**fields, PASSWORD_FIELD: ""} if module == PVEWHMCS else fields


def _add_plan(world: World, title: str, size: Size, vmtype: str) -> int:
    row = world.add(
        "mod_pvewhmcs_plans",
        title=title,
        vmtype=vmtype,
        ostype="l26",
        cpus=1,
        cores=size.vcpus,
        memory=size.memory_mib,
        disk=size.disk_gib,
        storage="local",
        vmbr=0,
        netmodel="virtio",
        kvm=1,
        onboot=1,
    )
    return number(row)


def _add_price(world: World, product: Product, *, onetime: bool) -> None:
    # -1.00 is how a cycle that is not offered is written.
    months = {cycle: Decimal("-1.00") for cycle in CYCLES}
    months["monthly"] = product.price
    if not onetime:
        months["annually"] = product.price * 10
    world.add("tblpricing", type="product", currency=1, relid=product.id, **months)


def _add_web(world: World, group: int) -> Product:
    product = Product(8, "Web Hosting Basic", "cpanel", Size(0, 0, 0), Decimal("2.50"))
    world.add(
        "tblproducts",
        id=8,
        type="hostingaccount",
        gid=group,
        name=product.name,
        paytype="recurring",
        servertype="cpanel",
        created_at=OPENED,
    )
    _add_price(world, product, onetime=False)
    return product


def _add_module_fields(world: World) -> int:
    """The fields which joaquinv98/whmcs-proxmox creates for no product in particular; returns the id of `VMID`."""
    vmid, *_ = (add_field(world, "product", 0, name) for name in ("VMID", "IP", "Last Reinstall Time"))
    return vmid


def add_server(world: World, server_id: int, name: str, module: str, *, disabled: int = 0) -> None:
    """Add a server on which *module* works."""
    world.add(
        "tblservers",
        id=server_id,
        name=name,
        hostname=f"{name}.example.net",
        ipaddress="192.0.2.10",
        type=module,
        username="root",
        active=1,
        **({"disabled": 1} if disabled else {}),
    )


def _add_servers(world: World) -> None:
    for module, server_id in SERVERS.items():
        name = {PVEWHMCS: "pve-demo", PROXMOX_CUSTOM: "pve-demo-flex", "cpanel": "web1"}[module]
        add_server(world, server_id, name, module)
    world.add("tblservergroups", name="Proxmox", filltype=1)
    world.add_without_id("tblservergroupsrel", groupid=1, serverid=1)
    world.add("mod_pvewhmcs", start_vmid=100, debug_mode=0)
    world.add("mod_pvewhmcs_ip_pools", title="Frankfurt", gateway=str(DEMO_NETWORK.network_address + 1))
    world.add("mod_pvewhmcs_nodes", pve_id=1, pve_name=NODE, whmcs_id=1, title=NODE, ip="192.0.2.10", created=OPENED)
    world.add("mod_pvewhmcs_templates", tpl_id=TEMPLATE_VMID, title="Debian 12", ostype="l26")


def _add_addons(world: World) -> None:
    for addon_id, name, module in (
        (EXTRA_IP_ADDON, "Extra IP", ""),
        (BACKUP_ADDON, "Backups", ""),
        (LICENCE_ADDON, "Panel Licence", "panellicence"),
    ):
        world.add("tbladdons", id=addon_id, name=name, billingcycle="recurring", module=module, created_at=OPENED)


def _add_house(world: World) -> None:
    settings = {"Version": "8.3.1-release.1", "Charset": "utf-8", "CompanyName": "Demo Hosting"}
    for setting, value in {**settings, "SystemURL": "https://billing.example.net/"}.items():
        world.add("tblconfiguration", setting=setting, value=value, created_at=OPENED)
    world.add("tblcurrencies", code="EUR", prefix="€", suffix=" EUR", format=3, rate=Decimal("1.00000"), default=1)
    world.add("tblcurrencies", code="USD", prefix="$", suffix=" USD", format=2, rate=Decimal("1.08000"))
    world.add("tblclientgroups", groupname="Resellers", groupcolour="#ddeeff", discountpercent=Decimal("10.00"))
    for order, title in enumerate(("Pending", "Active", "Cancelled", "Fraud")):
        world.add("tblorderstatuses", title=title, sortorder=order)

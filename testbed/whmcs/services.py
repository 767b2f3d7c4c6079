"""Selling a VPS: every row that one order leaves in WHMCS and its module, and what importing them must give.

A case first sells in good order, then spoils the rows it is about.
"""

import base64
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from testbed.whmcs.catalogue import (
    HOSTNAME_FIELD,
    LOCATION_FIELD,
    OS_FIELD,
    PROXMOXVM,
    PVEWHMCS,
    VMID_FIELD,
    Product,
    Shop,
    Size,
)
from testbed.whmcs.people import Client
from testbed.whmcs.truth import Expect, ServiceTruth, VmTruth
from testbed.whmcs.vms import NODE, Address, Vm
from testbed.whmcs.world import TODAY, Row, World, at, number

VmState = Literal["running", "stopped", "gone", "none"]
OVERDUE = "Overdue on Payment"
CURRENCIES = {1: "EUR", 2: "USD", 3: "JPY", 4: "KWD"}
IMAGE_NAMES = {"debian-12": "Debian 12", "ubuntu-24.04": "Ubuntu 24.04"}
OUTCOMES: dict[str, tuple[Expect, str]] = {
    "Active": ("import", ""),
    "Suspended": ("import", ""),
    "Pending": ("report", "pending"),
    "Completed": ("report", "completed"),
    "Terminated": ("skip", "terminated"),
    "Cancelled": ("skip", "cancelled"),
    "Fraud": ("skip", "fraud"),
}


@dataclass(frozen=True, slots=True)
class Order:
    """What is bought, and how it stands; `vm` tells whether Proxmox has the VM to which the service points."""

    product: Product
    name: str
    size: Size | None = None
    image: str = "debian-12"
    status: str = "Active"
    vm: VmState = "none"
    vmid: int | None = None
    service_id: int | None = None


@dataclass(slots=True)
class Service:
    """The rows of one service, by option and by field name, for a case to spoil."""

    row: Row
    truth: ServiceTruth
    address: Address
    options: dict[str, Row] = field(default_factory=dict)
    fields: dict[str, Row] = field(default_factory=dict)
    link: Row | None = None
    vm: Vm | None = None

    @property
    def id(self) -> int:
        """The id in tblhosting."""
        return number(self.row)


def sell(world: World, shop: Shop, client: Client, order: Order) -> Service:
    """Let *client* buy *order*; the service's truth is that of flawless rows."""
    service = _add_service(world, client, order)
    size = order.size or order.product.size
    for name, value in (("RAM", size.memory_mib), ("CPU Cores", size.vcpus), ("Disk Space", size.disk_gib)):
        if name in order.product.options:
            choose(world, service, order.product, name, value)
    _fill_fields(world, service, order)
    if order.vm != "none":
        _place(world, shop, client, service, order, size)
    return service


def choose(world: World, service: Service, product: Product, option: str, value: int) -> Row:
    """Add the row by which *service* has *value* of one of *product*'s options."""
    chosen = product.options[option]
    optionid, qty = chosen.chosen(value)
    row = world.add("tblhostingconfigoptions", relid=service.id, configid=chosen.id, optionid=optionid, qty=qty)
    service.options[option] = row
    return row


def fill(world: World, service_id: int, field_id: int, value: str) -> Row:
    """Add the value of one custom field."""
    return world.add("tblcustomfieldsvalues", fieldid=field_id, relid=service_id, value=value)


def _add_service(world: World, client: Client, order: Order) -> Service:
    product, address = order.product, world.vms.address()
    registered = TODAY - timedelta(days=world.chance.randrange(20, 900))
    overdue = order.status == "Suspended"
    ended = order.status in ("Terminated", "Cancelled")
    due = TODAY + timedelta(days=-20 if overdue else world.chance.randrange(1, 28))
    row = world.add(
        "tblhosting",
        id=order.service_id,
        userid=client.id,
        orderid=_add_order(world, client, product, registered, order.status),
        packageid=product.id,
        server=product.server,
        regdate=registered,
        domain=order.name,
        paymentmethod="banktransfer",
        firstpaymentamount=product.price,
        amount=product.price,
        billingcycle="Monthly",
        nextduedate=due,
        nextinvoicedate=due,
        termination_date=TODAY - timedelta(days=10) if ended else "0000-00-00",
        domainstatus=order.status,
        # Encrypted with a key that is not in the database: no importer can read it.
        password=base64.b64encode(world.chance.randbytes(33)).decode(),
        suspendreason=OVERDUE if overdue else "",
        overidesuspenduntil="0000-00-00",
        dedicatedip=str(address.ip),
        created_at=at(registered, 10, 30),
    )
    _add_invoice(world, client, number(row), product, registered)
    truth = _truth(number(row), client, order, address)
    truth.currency = CURRENCIES.get(number(client.row, "currency"), "")
    truth.registered, truth.next_due = str(registered), str(due)
    world.truth.services[truth.service_id] = truth
    return Service(row, truth, address)


def _truth(service_id: int, client: Client, order: Order, address: Address) -> ServiceTruth:
    size = order.size or order.product.size
    truth = ServiceTruth(service_id, client.truth.case, client.id, name=order.name, status=order.status)
    truth.expect, truth.reason = OUTCOMES[order.status]
    truth.memory_mib, truth.vcpus, truth.disk_gib = size.memory_mib, size.vcpus, size.disk_gib
    truth.os, truth.location, truth.address = order.image, "fra1", str(address.ip)
    truth.suspension = "non_payment" if order.status == "Suspended" else None
    truth.plan, truth.amount = order.product.name, str(order.product.price)
    if order.product.module == "cpanel":
        truth.becomes("skip", "not_a_vps")
    return truth


def _fill_fields(world: World, service: Service, order: Order) -> None:
    image = IMAGE_NAMES[order.image]
    values = {
        OS_FIELD: world.chance.choice((image, f"{order.image}|{image}")),
        LOCATION_FIELD: world.chance.choice(("Frankfurt", "fra1|Frankfurt")),
        HOSTNAME_FIELD: order.name,
    }
    for name, value in values.items():
        if name in order.product.fields:
            service.fields[name] = fill(world, service.id, order.product.fields[name], value)


def _place(world: World, shop: Shop, client: Client, service: Service, order: Order, size: Size) -> None:
    vmid = order.vmid or world.vms.vmid()
    exists = order.vm != "gone"
    importable = service.truth.expect == "import"
    if exists:
        name = f"vps{service.id}-cus{client.id}" if order.product.module == PVEWHMCS else f"vm{service.id}"
        vm = Vm(vmid, name, size.vcpus, size.memory_mib, size.disk_gib, service.address, status=order.vm)
        service.vm = world.vms.add(vm)
    service.truth.vm = VmTruth(vmid, exists, exists and importable, order.vm if exists else None)
    if not exists:
        service.truth.vm.reason = "vm_gone"
    elif not importable:
        service.truth.vm.reason = "not_imported"
    _link(world, shop, client, service, order.product, vmid)


def _link(world: World, shop: Shop, client: Client, service: Service, product: Product, vmid: int) -> None:
    if product.module == PROXMOXVM:
        service.link = world.add("mod_proxmoxvm", service_id=service.id, vmid=vmid, node=NODE)
        return
    if product.module != PVEWHMCS:
        service.link = fill(world, service.id, product.fields.get(VMID_FIELD, shop.vmid_field), str(vmid))
        return
    network = service.address.network
    service.link = world.add(
        "mod_pvewhmcs_vms",
        id=service.id,
        vmid=vmid,
        user_id=client.id,
        vtype="qemu",
        ipaddress=str(service.address.ip),
        subnetmask=str(network.netmask),
        gateway=service.address.gateway,
        created=service.row["created_at"],
        v6prefix="off",
    )
    world.add("mod_pvewhmcs_ip_addresses", pool_id=1, ipaddress=str(service.address.ip), mask=str(network.netmask))


def _add_order(world: World, client: Client, product: Product, placed: date, status: str) -> int:
    row = world.add(
        "tblorders",
        ordernum=world.chance.randrange(10**9, 10**10),
        userid=client.id,
        date=at(placed, 10, 15),
        amount=product.price,
        paymentmethod="banktransfer",
        status={"Pending": "Pending", "Fraud": "Fraud"}.get(status, "Active"),
    )
    return number(row)


def _add_invoice(world: World, client: Client, service_id: int, product: Product, issued: date) -> None:
    invoice = world.add(
        "tblinvoices",
        userid=client.id,
        date=issued,
        duedate=issued + timedelta(days=14),
        datepaid=at(issued, 18),
        subtotal=product.price,
        total=product.price,
        taxrate=Decimal("0.000"),
        status="Paid",
        paymentmethod="banktransfer",
    )
    world.add(
        "tblinvoiceitems",
        invoiceid=invoice["id"],
        userid=client.id,
        type="Hosting",
        relid=service_id,
        description=product.name,
        amount=product.price,
    )

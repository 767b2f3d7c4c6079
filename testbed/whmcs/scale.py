"""Any number of ordinary clients, in the mixture of a shop that has been open for years."""

from testbed.whmcs.catalogue import Product, Size
from testbed.whmcs.people import Client
from testbed.whmcs.services import VmState
from testbed.whmcs.stage import Stage

CASE = "clean"
LIVE = ("Active", "Suspended")
STATUSES = {
    "Active": 70,
    "Suspended": 6,
    "Terminated": 9,
    "Cancelled": 8,
    "Pending": 3,
    "Fraud": 2,
    "Completed": 2,
}
GONE_PERCENT = 8
HOSTS = ("web", "db", "mail", "shop", "game", "vpn", "git", "build", "cache", "files")


def add_clients(stage: Stage, clients: int) -> None:
    """Add *clients* flawless clients, each with a user and mostly one or two services."""
    for index in range(clients):
        _add_client(stage, index)


def _add_client(stage: Stage, index: int) -> None:
    statuses = [_status(stage) for _ in range(stage.chance.choice((0, 1, 1, 1, 2, 2, 3)))]
    live = any(status in LIVE for status in statuses)
    standing = "Active" if live or not statuses else stage.chance.choice(("Active", "Inactive", "Closed"))
    currency = 2 if stage.chance.random() < 0.1 else 1
    client = stage.owner(CASE, f"client{index + 1}", status=standing, currency=currency)
    for number, status in enumerate(statuses, start=1):
        _add_service(stage, client, index, number, status)


def _add_service(stage: Stage, client: Client, index: int, number: int, status: str) -> None:
    shop = stage.shop
    products = (shop.small, shop.medium, shop.medium, shop.large, shop.flex, shop.web)
    product = stage.chance.choice(products)
    host = stage.chance.choice(HOSTS)
    stage.sell(
        client,
        product,
        name=f"{host}{number}.client{index + 1}.example",
        size=_size(stage, product),
        image=stage.chance.choice(("debian-12", "ubuntu-24.04")),
        status=status,
        vm=_vm(stage, product, status),
    )


def _status(stage: Stage) -> str:
    return stage.chance.choices(tuple(STATUSES), tuple(STATUSES.values()))[0]


def _size(stage: Stage, product: Product) -> Size:
    """The product's own size, or a size put together from its options."""
    if not product.options or stage.chance.random() < 0.5:
        return product.size
    memory = stage.chance.choice((1024, 2048, 4096))
    return Size(memory, stage.chance.choice((1, 2, 4)), stage.chance.choice((20, 40, 80)))


def _vm(stage: Stage, product: Product, status: str) -> VmState:
    if status not in LIVE or product is stage.shop.web:
        return "none"
    if stage.chance.randrange(100) < GONE_PERCENT:
        return "gone"
    return "running" if status == "Active" else "stopped"

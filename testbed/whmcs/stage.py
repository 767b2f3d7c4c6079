"""What a case is given to work with: the world, the shop, and short ways to the usual people and services."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from random import Random

from testbed.whmcs.catalogue import Product, Shop, Size, open_shop
from testbed.whmcs.passwords import Password, bcrypted, md5_salted, random_password, salt_of
from testbed.whmcs.people import Client, add_owner
from testbed.whmcs.services import Order, Service, VmState, sell
from testbed.whmcs.world import Value, World

# One bcrypt hash takes some 60 ms: people whose password is beside the point share these few.
BCRYPT_POOL, SALTED_POOL = 2, 6


@dataclass(slots=True)
class Stage:
    """The world under construction."""

    world: World
    shop: Shop
    _passwords: Iterator[Password]
    # How often the cases were put in already: addresses to sign in with are unique.
    echo: int = 0

    @property
    def chance(self) -> Random:
        """The one source of chance."""
        return self.world.chance

    def password(self) -> Password:
        """A password for somebody of whom only a right one is wanted."""
        return next(self._passwords)

    def owner(self, case: str, mailbox: str = "", **columns: Value) -> Client:
        """A client with one user who owns it, at `<mailbox or case>@example.net`."""
        echo = f".{self.echo}" if self.echo else ""
        email = f"{mailbox or case.lower()}{echo}@example.net"
        return add_owner(self.world, case, email, self.password(), **columns)

    def sell(
        self,
        client: Client,
        product: Product | None = None,
        *,
        name: str = "",
        size: Size | None = None,
        image: str = "debian-12",
        status: str = "Active",
        vm: VmState = "none",
        vmid: int | None = None,
        service_id: int | None = None,
    ) -> Service:
        """Sell a service, VPS M unless another product is named; the name tells case and number."""
        named = name or f"{client.truth.case.lower()}-{len(self.world.truth.services) + 1}.example.net"
        order = Order(product or self.shop.medium, named, size, image, status, vm, vmid, service_id)
        return sell(self.world, self.shop, client, order)


def set_stage(seed: int) -> Stage:
    """An empty installation with its catalogue, made from *seed*."""
    chance = Random(seed)
    world = World(chance)
    pool = [bcrypted(random_password(chance), chance) for _ in range(BCRYPT_POOL)]
    pool += [md5_salted(random_password(chance), salt_of(chance)) for _ in range(SALTED_POOL)]
    return Stage(world, open_shop(world), cycle(pool))

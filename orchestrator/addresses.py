"""Which addresses a new server gets from the pools of its place: pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from domain.server.events import Address
from runtime.settings import Pool

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Given:
    """Addresses for a server; `networks` are the prefixes that are its own as a whole, addresses within included."""

    addresses: list[Address]
    networks: list[str]

    @property
    def claims(self) -> list[str]:
        """What is promised: the prefixes, and the addresses outside of them."""
        within = [ip_network(network) for network in self.networks]
        return [*self.networks, *(a.address for a in self.addresses if not any(_in(a.address, net) for net in within))]


def _in(address: str, network: Network) -> bool:
    found = ip_address(address)
    return found.version == network.version and found in network


def give(pools: Sequence[Pool], taken: Iterable[str]) -> Given | None:
    """As many of each family as the pools say, the lowest that nobody has; None when one is missing.

    `taken`: addresses and prefixes. The first IPv4 address is the primary one, without any the first of IPv6.
    """
    held = [ip_network(text, strict=False) for text in taken]
    found: list[tuple[Pool, Network]] = []
    for version in (4, 6):
        family = [pool for pool in pools if pool.network.version == version]
        wanted = max((pool.per_server for pool in family), default=0)
        free = [(pool, network) for pool in family for network in _free(pool, held, wanted)]
        if len(free) < wanted:
            return None
        found += free[:wanted]
    addresses = [_address(pool, network, primary=n == 0) for n, (pool, network) in enumerate(found)]
    return Given(addresses, [str(network) for pool, network in found if pool.server_prefix is not None])


def _free(pool: Pool, held: Sequence[Network], wanted: int) -> list[Network]:
    """The lowest of the pool's addresses, or prefixes, that nobody has."""
    length = pool.server_prefix or pool.network.max_prefixlen
    shift = pool.network.max_prefixlen - length
    own = [net for net in held if net.version == pool.network.version]
    taken = {int(net.network_address) >> shift for net in own if net.prefixlen >= length}
    wide = [net for net in own if net.prefixlen < length]
    blocked = [(int(low) >> shift, int(high) >> shift) for low, high in pool.kept]
    blocked += [(int(net.network_address) >> shift, int(net.broadcast_address) >> shift) for net in wide]
    free: list[Network] = []
    for number in _numbers(int(pool.first) >> shift, int(pool.last) >> shift, taken, sorted(blocked)):
        if len(free) == wanted:
            break
        free.append(type(pool.network)((number << shift, length)))
    return free


def _numbers(first: int, last: int, taken: set[int], blocked: Sequence[tuple[int, int]]) -> Iterator[int]:
    number = first
    while number <= last:
        if (high := next((high for low, high in blocked if low <= number <= high), None)) is not None:
            number = high
        elif number not in taken:
            yield number
        number += 1


def _address(pool: Pool, network: Network, *, primary: bool) -> Address:
    own = pool.server_prefix is not None
    return Address(
        address=str(network.network_address + 1 if own else network.network_address),
        prefix=network.prefixlen if own else pool.network.prefixlen,
        gateway=str(pool.gateway),
        family=pool.network.version,
        primary=primary,
    )

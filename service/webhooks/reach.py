"""Which servers may be asked: public ones, so that nobody looks into a private network from here.

A name is resolved once, and the connection goes to the address that was checked.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
RESOLVE_SECONDS = 5.0
NO_SERVER = "No public server answers to this name: it is not known, or leads into a private network."

# https://www.iana.org/assignments/iana-ipv4-special-registry: what is no ordinary server of the internet.
NOT_PUBLIC = [
    ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        # Of IPv6 only 2000::/3 is given out, and these parts of it lead elsewhere, or wrap an IPv4 address.
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
]
GIVEN_OUT = ip_network("2000::/3")


class Unreachable(ValueError):
    """It may not be asked, or is not there; the message says why."""


def public(address: Address) -> bool:
    """Whether an address is one of the internet's."""
    if address.version == 6 and address not in GIVEN_OUT:
        return False
    return not any(address in network for network in NOT_PUBLIC if network.version == address.version)


def permitted(address: Address, networks: Sequence[Network]) -> bool:
    """Whether an address may be asked: a public one, or one in `networks`."""
    return public(address) or any(address in network for network in networks if network.version == address.version)


def checked(url: str, *, http: bool) -> SplitResult:
    """The parts of an address that a message may be sent to. `http`: also without TLS.

    Raises:
        Unreachable: it is none.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Unreachable("This is no address such as https://example.com/hooks.") from None
    if parts.scheme not in (("https", "http") if http else ("https",)):
        raise Unreachable("The address must begin with https://.")
    if not parts.hostname or port == 0 or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise Unreachable("This is no address such as https://example.com/hooks.")
    if "@" in parts.netloc or "#" in url:
        raise Unreachable("The address must have no user name and no #.")
    return parts


async def resolved(host: str, port: int, networks: Sequence[Network]) -> Address:
    """Where to connect to for a name.

    Raises:
        Unreachable: it is not known, or one of its addresses may not be asked.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [ip_address(str(entry[4][0])) for entry in found]
    except (OSError, UnicodeError, ValueError, TimeoutError):
        raise Unreachable(NO_SERVER) from None
    if not addresses or not all(permitted(address, networks) for address in addresses):
        raise Unreachable(NO_SERVER)
    return addresses[0]

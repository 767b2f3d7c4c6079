"""The addresses that may be given to servers."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from pydantic import Field, IPvAnyAddress, model_validator

from runtime.settings.section import Address, Section


def _range(text: str) -> tuple[Address, Address]:
    """The first and the last of a range such as "10.0.0.2-10.0.0.9", of a network, or of a single address."""
    low, dash, high = (part.strip() for part in text.partition("-"))
    try:
        network = ip_network(low, strict=False)
        first, last = (ip_address(low), ip_address(high)) if dash else (network[0], network[-1])
    except ValueError:
        raise ValueError(f"reserved {text!r} is no address, network or range") from None
    if first.version != last.version or int(first) > int(last):
        raise ValueError(f"reserved {text!r} is no address, network or range")
    return first, last


class Pool(Section):
    """Addresses that may be given to servers of a location."""

    name: str
    location: str
    network: IPv4Network | IPv6Network
    gateway: IPvAnyAddress
    first: IPvAnyAddress
    last: IPvAnyAddress
    nameserver: str | None = None
    cluster: str | None = None  # only for servers there; otherwise wherever the location is
    bridge: str | None = None  # instead of the cluster's
    vlan: int | None = Field(None, ge=1, le=4094)
    per_server: int = Field(1, ge=0, le=64)  # how many of this family each server gets
    server_prefix: int | None = Field(None, ge=1, le=127)  # IPv6: each server gets a prefix of this length of its own
    reserved: list[str] = []  # never given: addresses, networks, or ranges such as "10.0.0.2-10.0.0.9"

    @model_validator(mode="after")
    def _inside(self) -> Pool:
        for name in ("gateway", "first", "last"):
            address = ip_address(str(getattr(self, name)))
            near = name == "gateway" and address.version == self.network.version and address.is_link_local
            if address not in self.network and not near:
                raise ValueError(f"{name} is not inside {self.network}")
        if self.server_prefix is not None and not self.network.prefixlen <= self.server_prefix < self._longest:
            raise ValueError(f"server_prefix is not one of an IPv6 network within {self.network}")
        for text in self.reserved:
            _range(text)
        return self

    @property
    def _longest(self) -> int:
        return 128 if self.network.version == 6 else 0

    @property
    def kept(self) -> list[tuple[Address, Address]]:
        """What is never given, as ranges: the gateway and what is reserved."""
        gateway = ip_address(str(self.gateway))
        ranges = [(gateway, gateway), *(_range(text) for text in self.reserved)]
        return [(low, high) for low, high in ranges if low.version == self.network.version]

    @property
    def size(self) -> int:
        """How many addresses, or prefixes for whole servers, may be given."""
        shift = self.network.max_prefixlen - (self.server_prefix or self.network.max_prefixlen)
        free, last = int(self.first) >> shift, int(self.last) >> shift
        size = last - free + 1
        for low, high in sorted((int(low) >> shift, int(high) >> shift) for low, high in self.kept):
            size -= max(0, min(high, last) - max(low, free) + 1)
            free = max(free, high + 1)
        return size

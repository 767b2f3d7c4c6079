"""The addresses of a simulated guest."""

import hashlib

from testbed.proxmox.formats import IPCONFIG
from testbed.proxmox.guests import GuestSpec, Interface


def interfaces(spec: GuestSpec) -> list[Interface]:
    """Loopback, and eth0 with the addresses of the cloud-init drive that the guest was started with."""
    loopback = Interface("lo", "00:00:00:00:00:00", (("127.0.0.1", 8), ("::1", 128)))
    return [loopback, *([_eth0(spec)] if spec.mac else [])]


def _eth0(spec: GuestSpec) -> Interface:
    wanted = IPCONFIG.parse(spec.cloud_init.ip_configs[0]) if spec.cloud_init.ip_configs else {}
    fixed = [wanted[key] for key in ("ip", "ip6") if "/" in wanted.get(key, "")]
    leased = [_lease(spec.mac)] if wanted.get("ip", "dhcp") == "dhcp" else []
    pairs = [value.split("/") for value in (*leased, *fixed)]
    addresses = [(address, int(prefix)) for address, prefix in pairs]
    return Interface("eth0", spec.mac.lower(), (*addresses, (_link_local(spec.mac), 64)))


def _lease(mac: str) -> str:
    number = hashlib.sha256(mac.encode()).digest()
    return f"192.168.{number[0]}.{number[1] % 250 + 2}/16"


def _link_local(mac: str) -> str:
    parts = [int(part, 16) for part in mac.split(":")]
    parts[0] ^= 2
    return f"fe80::{parts[0]:x}{parts[1]:02x}:{parts[2]:x}ff:fe{parts[3]:02x}:{parts[4]:x}{parts[5]:02x}"

"""The cloud-init drive: a NoCloud seed ISO with the four files that Proxmox writes.

The YAML has one fixed shape, since the guest's init reads it with sed and awk. Shape and the instance-id,
a hash of user data and network configuration, follow qemu-server Cloudinit.pm (`nocloud_*`).
"""

import hashlib
import ipaddress
import tempfile
from collections.abc import Mapping
from pathlib import Path

from testbed.proxmox.guests import CloudInit
from testbed.proxmox.qemu.commands import run


async def write_seed(path: Path, cloud_init: CloudInit, mac: str) -> None:
    """Write the seed of one guest to the ISO file `path`; raises `GuestError` if xorriso fails."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        _lay_out(Path(folder), seed_files(cloud_init, mac), path)
        await run("xorriso", "-as", "genisoimage", "-quiet", "-o", path, "-V", "cidata", "-J", "-r", folder)


def _lay_out(folder: Path, files: Mapping[str, str], path: Path) -> None:
    for name, text in files.items():
        (folder / name).write_text(text)
    path.unlink(missing_ok=True)


def seed_files(cloud_init: CloudInit, mac: str) -> dict[str, str]:
    """The files of the seed by name."""
    user, network = _user_data(cloud_init), _network_config(cloud_init, mac)
    instance = hashlib.sha1((user + network).encode(), usedforsecurity=False).hexdigest()
    files = {"user-data": user, "network-config": network, "meta-data": f"instance-id: {instance}\n"}
    return files | {"vendor-data": cloud_init.vendor_data}


def _user_data(cloud_init: CloudInit) -> str:
    host, domain = cloud_init.hostname, cloud_init.searchdomain
    lines = ["#cloud-config", f"hostname: {host}", "manage_etc_hosts: true"]
    lines += [f"fqdn: {host}.{domain}"] if domain else []
    lines += [f"user: {cloud_init.user}"] if cloud_init.user else []
    lines += [f"password: {cloud_init.password_hash}"] if cloud_init.password_hash else []
    keys = [key.strip() for key in cloud_init.ssh_keys if key.strip()]
    lines += ["ssh_authorized_keys:", *(f"  - {key}" for key in keys)] if keys else []
    return "\n".join([*lines, "chpasswd:", "  expire: False", "users:", "  - default", ""])


def _network_config(cloud_init: CloudInit, mac: str) -> str:
    lines = ["version: 1", "config:"]
    lines += ["    - type: physical", "      name: eth0", f"      mac_address: '{mac.lower()}'"]
    subnets = [line for text in cloud_init.ip_configs[:1] for line in _subnets(parse_ip_config(text))]
    lines += ["      subnets:", *subnets] if subnets else []
    lines += _resolver(cloud_init)
    return "\n".join(lines) + "\n"


def parse_ip_config(text: str) -> dict[str, str]:
    """The parts of an `ipconfigN` value; neither `ip` nor `ip6` means DHCP on both (qemu-server)."""
    parts = dict(part.split("=", 1) for part in text.split(",") if "=" in part)
    return parts if "ip" in parts or "ip6" in parts else {"ip": "dhcp", "ip6": "dhcp"}


def _subnets(parts: Mapping[str, str]) -> list[str]:
    return _subnet4(parts) + _subnet6(parts)


def _subnet4(parts: Mapping[str, str]) -> list[str]:
    ip = parts.get("ip", "manual")
    if ip in ("dhcp", "manual"):
        return ["      - type: dhcp4"] if ip == "dhcp" else []
    interface = ipaddress.IPv4Interface(ip)
    lines = [
        "      - type: static",
        f"        address: '{interface.ip}'",
        f"        netmask: '{interface.netmask}'",
    ]
    return lines + ([f"        gateway: '{parts['gw']}'"] if "gw" in parts else [])


def _subnet6(parts: Mapping[str, str]) -> list[str]:
    ip = parts.get("ip6", "manual")
    if ip in ("dhcp", "auto", "manual"):
        kind = {"dhcp": "dhcp6", "auto": "ipv6_slaac"}.get(ip)
        return [f"      - type: {kind}"] if kind else []
    lines = ["      - type: static6", f"        address: '{ip}'"]
    return lines + ([f"        gateway: '{parts['gw6']}'"] if "gw6" in parts else [])


def _resolver(cloud_init: CloudInit) -> list[str]:
    servers = (cloud_init.nameserver or "").replace(",", " ").split()
    lines = ["    - type: nameserver", "      address:", *(f"      - '{server}'" for server in servers)]
    if cloud_init.searchdomain:
        lines += ["      search:", f"      - '{cloud_init.searchdomain}'"]
    return lines if servers else []

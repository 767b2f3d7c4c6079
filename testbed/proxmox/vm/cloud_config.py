"""The files of a cloud-init drive as the API shows them (qemu-server QemuServer/Cloudinit.pm)."""

import hashlib
import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import unquote

from testbed.proxmox import formats
from testbed.proxmox.vm.vms import Config, Vm

#: What the made-up node itself asks for names; a VM without options of its own gets it.
HOST_DNS = "10.99.0.1"
MASK = "**********"


def dump(vm: Vm, kind: str, masked: bool) -> str:
    """The file `kind` (user, network or meta), its password hidden if `masked`."""
    if kind == "user":
        return user_data(vm, masked)
    windows = vm.config.get("ostype", "").startswith("w")
    nocloud = vm.config.get("citype", "configdrive2" if windows else "nocloud") == "nocloud"
    network = _network(vm.config) if nocloud else _interfaces(vm.config)
    if kind == "network":
        return network
    identifier = hashlib.sha1((user_data(vm, False) + network).encode(), usedforsecurity=False).hexdigest()
    if nocloud:
        return f"instance-id: {identifier}\n"
    return f'{{\n     "uuid": "{identifier}",\n     "network_config": {{ "content_path": "/content/0000" }}\n}}\n'


def user_data(vm: Vm, masked: bool) -> str:
    """The file with user, password and keys."""
    config = vm.config
    host, _, domain = config.get("name", f"VM{vm.vmid}").partition(".")
    fqdn = ".".join(part for part in (host, domain or config.get("searchdomain", "")) if part)
    user = config.get("ciuser")
    lines = ["#cloud-config", f"hostname: {host}", "manage_etc_hosts: true", f"fqdn: {fqdn}"]
    lines += [f"user: {user}"] if user else []
    lines += ["disable_root: False"] if user == "root" else []
    lines += [f"password: {MASK if masked else config['cipassword']}"] if "cipassword" in config else []
    if "sshkeys" in config:
        keys = [key for key in unquote(config["sshkeys"]).split("\n") if key.strip()]
        lines += ["ssh_authorized_keys:", *(f"  - {key}" for key in keys)]
    lines += ["chpasswd:", "  expire: False"]
    lines += ["users:", "  - default"] if user != "root" else []
    lines += ["package_upgrade: true"] if config.get("ciupgrade", "1") == "1" else []
    return "".join(f"{line}\n" for line in lines)


def _cards(config: Config) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Number, address and `ipconfig` of each network card that has one."""
    for name in sorted(key for key in config if re.fullmatch(r"net\d+", key)):
        number = name.removeprefix("net")
        if f"ipconfig{number}" in config:
            mac = formats.NET.parse(config[name]).get("macaddr", "")
            yield number, mac, formats.IPCONFIG.parse(config[f"ipconfig{number}"])


def _names(config: Config) -> tuple[list[str], list[str]]:
    return config.get("nameserver", HOST_DNS).split(), config.get("searchdomain", "").split()


def _netmask(address: str) -> tuple[str, str]:
    interface = ipaddress.ip_interface(address)
    return str(interface.ip), str(interface.netmask)


def _network(config: Config) -> str:
    lines = ["version: 1", "config:"]
    for number, mac, ip in _cards(config):
        lines += ["    - type: physical", f"      name: eth{number}", f"      mac_address: '{mac.lower()}'"]
        lines += ["      subnets:", *(f"      {line}" for line in (*_subnet(ip), *_subnet6(ip)))]
    servers, domains = _names(config)
    lines.append("    - type: nameserver")
    lines += ["      address:", *(f"      - '{server}'" for server in servers)] if servers else []
    lines += ["      search:", *(f"      - '{domain}'" for domain in domains)] if domains else []
    return "".join(f"{line}\n" for line in lines)


def _subnet(ip: dict[str, str]) -> list[str]:
    if ip.get("ip") is None:
        return []
    if "/" not in ip["ip"]:
        return ["- type: dhcp4"]
    address, mask = _netmask(ip["ip"])
    gateway = [f"  gateway: '{ip['gw']}'"] if "gw" in ip else []
    return ["- type: static", f"  address: '{address}'", f"  netmask: '{mask}'", *gateway]


def _subnet6(ip: dict[str, str]) -> list[str]:
    address = ip.get("ip6")
    if address is None:
        return []
    if address in ("dhcp", "auto"):
        return ["- type: dhcp6" if address == "dhcp" else "- type: ipv6_slaac"]
    gateway = [f"  gateway: '{ip['gw6']}'"] if "gw6" in ip else []
    return ["- type: static6", f"  address: '{address}'", *gateway]


def _interfaces(config: Config) -> str:
    lines = ["auto lo", "iface lo inet loopback", ""]
    servers, domains = _names(config)
    lines += [f"        dns_nameservers {' '.join(servers)}"] if servers else []
    lines += [f"        dns_search {' '.join(domains)}"] if domains else []
    for number, _mac, ip in _cards(config):
        lines += [f"auto eth{number}", *_interface(number, ip), *_interface6(number, ip)]
    return "".join(f"{line}\n" for line in lines)


def _interface(number: str, ip: dict[str, str]) -> list[str]:
    if "/" not in ip.get("ip", ""):
        return [f"iface eth{number} inet dhcp"] if "ip" in ip else []
    address, mask = _netmask(ip["ip"])
    gateway = [f"        gateway {ip['gw']}"] if "gw" in ip else []
    return [f"iface eth{number} inet static", f"        address {address}", f"        netmask {mask}", *gateway]


def _interface6(number: str, ip: dict[str, str]) -> list[str]:
    address, _, mask = ip.get("ip6", "").partition("/")
    if not mask:
        return [f"iface eth{number} inet6 {address}"] if address else []
    gateway = [f"        gateway {ip['gw6']}"] if "gw6" in ip else []
    return [f"iface eth{number} inet6 static", f"        address {address}", f"        netmask {mask}", *gateway]

"""The three files of a cloud-init drive, as Proxmox writes them."""

from dataclasses import replace

import pytest

from testbed.proxmox.guests import CloudInit
from testbed.proxmox.qemu.seed import seed_files

MAC = "BC:24:11:00:00:01"
PLAIN = CloudInit(hostname="web1", ip_configs=("ip=10.99.0.100/24,gw=10.99.0.1",))


def test_a_static_address_is_written_with_netmask_and_gateway() -> None:
    assert seed_files(PLAIN, MAC)["network-config"] == (
        "version: 1\n"
        "config:\n"
        "    - type: physical\n"
        "      name: eth0\n"
        "      mac_address: 'bc:24:11:00:00:01'\n"
        "      subnets:\n"
        "      - type: static\n"
        "        address: '10.99.0.100'\n"
        "        netmask: '255.255.255.0'\n"
        "        gateway: '10.99.0.1'\n"
    )


@pytest.mark.parametrize(
    ("ip_config", "kinds"),
    [
        ("ip=dhcp", ["dhcp4"]),
        ("ip=dhcp,ip6=auto", ["dhcp4", "ipv6_slaac"]),
        ("ip=10.0.0.2/8,ip6=fd00::2/64,gw6=fd00::1", ["static", "static6"]),
        ("ip6=dhcp", ["dhcp6"]),
        ("ip=manual", []),
        ("gw=10.0.0.1", ["dhcp4", "dhcp6"]),
    ],
)
def test_each_kind_of_address(ip_config: str, kinds: list[str]) -> None:
    text = seed_files(replace(PLAIN, ip_configs=(ip_config,)), MAC)["network-config"]
    assert [line.split()[-1] for line in text.splitlines() if "      - type:" in line] == kinds


def test_user_password_and_keys_stand_in_the_user_data() -> None:
    rich = replace(PLAIN, user="debian", password_hash="$5$a$b", ssh_keys=("ssh-rsa A a", "", "ssh-rsa B b"))
    lines = seed_files(rich, MAC)["user-data"].splitlines()
    assert lines[0] == "#cloud-config"
    assert {
        "hostname: web1",
        "user: debian",
        "password: $5$a$b",
        "  - ssh-rsa A a",
        "  - ssh-rsa B b",
    } <= set(lines)


def test_the_instance_changes_with_what_the_guest_is_told_and_only_then() -> None:
    first = seed_files(PLAIN, MAC)["meta-data"]
    assert seed_files(PLAIN, MAC)["meta-data"] == first
    assert seed_files(replace(PLAIN, hostname="web2"), MAC)["meta-data"] != first
    assert seed_files(replace(PLAIN, nameserver="9.9.9.9"), MAC)["meta-data"] != first

"""What a guest gets from its host."""

import pytest

from testbed.proxmox.qemu.arguments import granted_memory_mib, user_network


@pytest.mark.parametrize(("requested", "granted"), [(16, 96), (100, 100), (128, 128), (8192, 128)])
def test_memory_is_capped_and_never_too_small_to_boot(requested: int, granted: int) -> None:
    assert granted_memory_mib(requested, 128) == granted


def test_the_network_is_the_guests_own_with_its_gateway_in_it() -> None:
    options = user_network("ip=10.99.0.100/24,gw=10.99.0.1")
    assert options == ",ipv6=off,net=10.99.0.0/24,host=10.99.0.1,dns=10.99.0.254,dhcpstart=10.99.0.236"


def test_the_resolver_takes_no_address_that_is_in_use() -> None:
    assert "dns=10.99.0.252" in user_network("ip=10.99.0.254/24,gw=10.99.0.253")


@pytest.mark.parametrize(
    "ip_config",
    ["ip=dhcp", "ip=10.99.0.5/24", "ip=10.99.0.5/32,gw=10.99.0.1", "ip=10.99.0.5/29,gw=10.99.0.1"],
)
def test_a_guest_without_a_gateway_in_reach_gets_the_common_network(ip_config: str) -> None:
    assert user_network(ip_config) == ",ipv6=off"

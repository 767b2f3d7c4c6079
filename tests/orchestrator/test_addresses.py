"""Addresses: none twice, none that is kept, prefixes of a server's own, several of each family."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from orchestrator.addresses import give
from runtime.settings import Pool


def _pool(**changes: Any) -> Pool:
    plain = {
        "name": "v4",
        "location": "fra1",
        "network": "10.99.0.0/24",
        "gateway": "10.99.0.1",
        "first": "10.99.0.0",
        "last": "10.99.0.9",
    }
    return Pool.model_validate(plain | changes)


V6: dict[str, Any] = {
    "name": "v6",
    "network": "2001:db8::/48",
    "gateway": "fe80::1",
    "first": "2001:db8:0:1::",
    "last": "2001:db8:0:3::",
    "server_prefix": 64,
}


def test_the_lowest_that_nobody_has() -> None:
    given = give([_pool(reserved=["10.99.0.2-10.99.0.3", "10.99.0.0"])], ["10.99.0.4"])
    assert given is not None
    (address,) = given.addresses
    assert (address.address, address.prefix, address.gateway, address.primary) == (
        "10.99.0.5",
        24,
        "10.99.0.1",
        True,
    )


def test_a_server_gets_both_families_and_several_of_one() -> None:
    given = give([_pool(**V6), _pool(per_server=2)], ["10.99.0.2", "2001:db8:0:1::/64"])
    assert given is not None
    assert [(a.address, a.prefix, a.primary) for a in given.addresses] == [
        ("10.99.0.0", 24, True),
        ("10.99.0.3", 24, False),
        ("2001:db8:0:2::1", 64, False),
    ]
    assert given.networks == ["2001:db8:0:2::/64"]
    assert sorted(given.claims) == ["10.99.0.0", "10.99.0.3", "2001:db8:0:2::/64"]


def test_a_second_pool_takes_over_when_the_first_is_used_up() -> None:
    pools = [_pool(last="10.99.0.2", per_server=2), _pool(name="more", first="10.99.0.50", last="10.99.0.60")]
    given = give(pools, ["10.99.0.0"])
    assert given is not None
    assert [a.address for a in given.addresses] == ["10.99.0.2", "10.99.0.50"]


def test_without_one_family_there_is_nothing_to_give() -> None:
    used_up = [f"2001:db8:0:{n}::9" for n in (1, 2, 3)]
    assert give([_pool(), _pool(**V6)], used_up) is None


def test_a_pool_of_a_whole_prefix_is_not_counted_through() -> None:
    """2^64 addresses, the first million reserved."""
    pool = _pool(
        network="2001:db8::/64",
        gateway="2001:db8::1",
        first="2001:db8::",
        last="2001:db8::ffff:ffff:ffff:ffff",
        reserved=["2001:db8::-2001:db8::f:ffff"],
    )
    given = give([pool], ["2001:db8::10:0"])
    assert given is not None
    assert given.addresses[0].address == "2001:db8::10:1"


addresses = st.integers(0, 9).map(lambda n: f"10.99.0.{n}")


@given(st.sets(addresses), st.lists(st.tuples(addresses, addresses)), st.integers(1, 3))
def test_what_is_given_is_free_inside_and_counted(
    taken: set[str], reserved: list[tuple[str, str]], per_server: int
) -> None:
    ranges = [tuple(sorted(pair)) for pair in reserved]
    pool = _pool(per_server=per_server, reserved=[f"{low}-{high}" for low, high in ranges])
    found = give([pool], taken)
    kept = {f"10.99.0.{n}" for n in range(10) if any(low <= f"10.99.0.{n}" <= high for low, high in ranges)}
    free = {f"10.99.0.{n}" for n in range(10)} - taken - kept - {"10.99.0.1"}
    assert pool.size == len({f"10.99.0.{n}" for n in range(10)} - kept - {"10.99.0.1"})
    if found is None:
        assert len(free) < per_server
    else:
        given = {address.address for address in found.addresses}
        assert len(given) == per_server
        assert given <= free


@given(st.sets(st.integers(1, 3)))
def test_a_prefix_is_given_once(taken: set[int]) -> None:
    found = give([_pool(**V6)], [f"2001:db8:0:{n}::/64" for n in taken])
    if found is None:
        assert taken == {1, 2, 3}
    else:
        assert ip_address(found.addresses[0].address) in ip_network(found.networks[0])
        assert found.networks[0] not in {f"2001:db8:0:{n}::/64" for n in taken}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"reserved": ["10.99.0.9-10.99.0.2"]}, "is no address, network or range"),
        ({"reserved": ["somewhere"]}, "is no address, network or range"),
        ({"server_prefix": 28}, "server_prefix"),
        ({"gateway": "10.98.0.1"}, "gateway is not inside"),
        ({**V6, "server_prefix": 40}, "server_prefix"),
    ],
)
def test_a_wrong_pool_is_named(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        _pool(**wrong)

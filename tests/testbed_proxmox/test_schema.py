"""The texts of parameter verification, value by value."""

from typing import Any

import pytest

from testbed.proxmox import formats
from testbed.proxmox.errors import ApiError
from testbed.proxmox.formats import PropertyString
from testbed.proxmox.schema import MISSING, UNKNOWN, FormatError, Param, Raw, of_release, verify

pytestmark = pytest.mark.pve


def errors(given: dict[str, Raw], **schema: Param) -> dict[str, str]:
    with pytest.raises(ApiError) as caught:
        verify(given, schema)
    assert (caught.value.status, caught.value.message) == (400, "Parameter verification failed.")
    return caught.value.errors or {}


@pytest.mark.parametrize(
    ("param", "raw", "text"),
    [
        (Param("integer"), "x", "type check ('integer') failed - got 'x'"),
        (Param("integer"), "", "type check ('integer') failed - got ''"),
        (Param("integer"), " 5", "type check ('integer') failed - got ' 5'"),
        (Param("integer"), "1.0", "type check ('integer') failed - got '1.0'"),
        (Param("integer"), 1.5, "type check ('integer') failed - got '1.5'"),
        (Param("integer"), True, "type check ('integer') failed - got JSON::PP::Boolean"),
        (Param("number"), "1e", "type check ('number') failed - got '1e'"),
        (Param("boolean"), "yes", "type check ('boolean') failed - got 'yes'"),
        (Param("boolean"), ["1", "0"], "type check ('boolean') failed - got ARRAY"),
        (Param(), {"a": 1}, "type check ('string') failed - got HASH"),
        (Param("array"), {"a": 1}, "type check ('array') failed"),
        (Param("array"), "", "type check ('array') failed"),
        (Param(pattern="[a-z]+"), "A", "value does not match the regex pattern"),
        (Param(max_length=2), "abc", "value may only be 2 characters long"),
        (Param(min_length=2), "a", "value must be at least 2 characters long"),
        (Param("integer", maximum=999999999), "1000000000", "value must have a maximum value of 999999999"),
        (Param("number", minimum=0.5), "0.25", "value must have a minimum value of 0.5"),
        (Param(maximum=3), "4", "value must have a maximum value of 3"),
        (Param(enum=("a", "b")), "c", "value 'c' does not have a value in the enumeration 'a, b'"),
        (Param("integer", check=formats.vmid), "99", "invalid format - value does not look like a valid VM ID\n"),
    ],
)
def test_the_text_for_one_value(param: Param, raw: Raw, text: str) -> None:
    assert errors({"p": raw}, p=param) == {"p": text}


@pytest.mark.parametrize(
    ("param", "raw", "value"),
    [
        (Param("integer"), "+5", "+5"),
        (Param("integer"), "-05", "-05"),
        (Param("integer"), 1.0, "1"),
        (Param("number"), ".5e3", ".5e3"),
        (Param("number"), "5.", "5."),
        (Param("boolean"), True, "1"),
        (Param("boolean"), False, "0"),
        (Param(listed=True), ["a", "b"], "a,b"),
        (Param("array"), ["a", "b"], "a\0b"),
        (Param("array"), "a", "a"),
        (Param(maximum=3), "many", "many"),
        (Param(pattern="[a-z]+"), "a\n", "a\n"),
    ],
)
def test_what_fits_is_passed_on_as_text(param: Param, raw: Raw, value: str) -> None:
    assert verify({"p": raw}, {"p": param}) == {"p": value}


def test_a_value_of_null_is_not_there() -> None:
    assert verify({"p": None}, {"p": Param()}) == {}
    assert errors({"p": None}, p=Param(optional=False)) == {"p": MISSING}
    assert errors({"q": None}) == {"q": UNKNOWN}


def test_items_of_arrays_are_named_by_their_place() -> None:
    schema = Param("array", items=Param("integer"))
    assert errors({"p": ["1", "x"]}, p=schema) == {"p[1]": "type check ('integer') failed - got 'x'"}


def test_several_errors_of_one_parameter_are_joined() -> None:
    found = errors({"a": "1", "b": "1"}, a=Param(requires="c"), b=Param(requires="c"), c=Param(optional=False))
    assert found["c"].split("\\n") == [
        MISSING,
        "missing property - 'a' requires this property",
        "missing property - 'b' requires this property",
    ]


def test_release_9_words_what_is_required_differently() -> None:
    with pytest.raises(ApiError) as caught:
        verify({"a": "1"}, {"a": Param(requires="c"), "c": Param()}, "9")
    assert caught.value.errors == {"c": "missing property required by 'a'"}


def test_each_release_has_its_own_parameters_and_values() -> None:
    part = PropertyString({"old": Param(until="8"), "new": Param(since="9"), "any": Param()})
    schema = {
        "old": Param(until="8"),
        "new": Param(since="9"),
        "frame": Param(enum=("hour",), enum_9=("hour", "decade")),
        "part": Param(check=part.named("part")),
    }
    eight, nine = of_release(schema, "8"), of_release(schema, "9")
    good: dict[str, Raw] = {"new": "1", "frame": "decade", "part": "new=1,any=1"}
    assert verify(good, nine, "9") == good
    unknown = "invalid format - invalid key in comma-separated list property: {}\n"
    assert errors(good, **eight) == {
        "new": UNKNOWN,
        "frame": "value 'decade' does not have a value in the enumeration 'hour'",
        "part": unknown.format("new"),
    }
    assert errors({"old": "1", "part": "old=1"}, **nine) == {"old": UNKNOWN, "part": unknown.format("old")}


def test_what_has_no_name_is_the_roots() -> None:
    assert errors({"": None}) == {"_root": UNKNOWN}


MULTICAST = "01:00:00:00:00:00"
PROPERTIES = PropertyString(
    {"size": Param("integer", optional=False, minimum=2), "on": Param("boolean"), "ip": Param(check=formats.ipv4)},
    default_key="size",
)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("4,5", "duplicate key in comma-separated list property: size"),
        ("4,size=5", "duplicate key in comma-separated list property: size"),
        ("4,what=1", "invalid key in comma-separated list property: what"),
        ("4,on=", "missing key in comma-separated list property"),
        ("=4", "missing key in comma-separated list property"),
        ("on=1", f"format error\np.size: {MISSING}\n"),
        ("1", "format error\np.size: value must have a minimum value of 2\n"),
        (
            "2,on=maybe,ip=1",
            "format error\np.on: type check ('boolean') failed - got 'maybe'\n"
            "p.ip: invalid format - value does not look like a valid IPv4 address\n\n",
        ),
    ],
)
def test_property_strings(text: str, error: str) -> None:
    with pytest.raises(FormatError) as caught:
        PROPERTIES.parse(text, "p")
    assert str(caught.value) == error


def test_words_for_booleans_are_taken_in_property_strings() -> None:
    assert PROPERTIES.parse(" ,4,on=Yes,") == {"size": "4", "on": "1"}


@pytest.mark.parametrize(
    ("check", "good", "bad", "text"),
    [
        (formats.node_name, "a-1", "a-", "value does not look like a valid node name"),
        (formats.dns_name, "a.b-c", "a..b", "value does not look like a valid DNS name"),
        (formats.storage_id, "a.b-c_1", "a", "storage ID 'a' contains illegal characters"),
        (formats.bridge_id, "vmbr0.1", "a b", "invalid bridge ID 'a b'"),
        (formats.config_id, "a_", "a", "invalid configuration ID 'a'"),
        (formats.url_encoded, "a%20b", "a b", "invalid urlencoded string: a b"),
        (formats.email, "a.b+c@d-e.f", "a@", "value does not look like a valid email address"),
        (formats.email_or_username, "root", "@a", "value does not look like a valid email address or user name"),
        (formats.ipv4, "10.0.0.1", "10.0.0.01", "value does not look like a valid IPv4 address"),
        (formats.ipv6, "::1", "::1%lo", "value does not look like a valid IPv6 address"),
        (formats.ip_address, "fe80::", "1.2.3", "value does not look like a valid IP address"),
        (formats.address, "a.b", "a_b", "value does not look like a valid address: a_b"),
        (formats.ipv4_mask, "255.255.0.0", "255.0.255.0", "value does not look like a valid IP netmask"),
        (formats.cidr4, "10.0.0.1/08", "10.0.0.0/7", "value does not look like a valid IPv4 CIDR network"),
        (formats.cidr6, "fd00::/8", "fd00::/129", "value does not look like a valid IPv6 CIDR network"),
        (formats.cidr, "fd00::/8", "10.0.0.0", "value does not look like a valid CIDR network"),
        (formats.ipv4_config, "dhcp", "auto", "value does not look like a valid ipv4 network configuration"),
        (formats.ipv6_config, "auto", "10.0.0.1/8", "value does not look like a valid ipv6 network configuration"),
        (formats.mac_address, "BC:24:11:00:00:01", "01", "value does not look like a valid unicast MAC address"),
        (formats.mac_address, "02:00:00:00:00:01", MULTICAST, "value does not look like a valid unicast MAC address"),
        (formats.interface, "eth0.1", "0eth", "invalid network interface name '0eth'"),
        (formats.vlan_range, "2-4094", "5-4", "VLAN range must go from lower to higher tag '5-4'"),
        (formats.vlan_range, "2", "1", "invalid VLAN tag '1'"),
        (formats.timezone, "UTC", "Mars/Base", "invalid time zone 'Mars/Base'"),
        (formats.startup_order, "order=1,up=2", "order=x", "unable to parse startup options"),
        (formats.task_status, "OK", "fine", "invalid status 'fine'"),
        (formats.tag_list, "a;b c", "a,+", "invalid characters in tag"),
        (formats.disk_size, "1.5GiB", "1P", "value does not look like a valid disk size: 1P"),
        (
            formats.id_pairs(formats.storage_id),
            "ab:cd,ef",
            "ab:c!",
            "entry 'ab:c!' contains invalid ID - storage ID 'c!' contains illegal characters\n\n\n",
        ),
    ],
)
def test_formats(check: Any, good: str, bad: str, text: str) -> None:
    check(good)
    with pytest.raises(FormatError) as caught:
        check(bad)
    assert str(caught.value) == text

"""The firewall's configuration: rules in their order, sets of addresses, what follows a VM."""

from typing import Any

import pytest

from tests.testbed_proxmox.bed import NODE, Bed

pytestmark = pytest.mark.pve
EMPTY = "da39a3ee5e6b4b0d3255bfef95601890afd80709"


async def refused(bed: Bed, method: str, path: str, **params: Any) -> tuple[int, str, dict[str, str]]:
    response = await bed.call(method, path, params)
    return response.status_code, response.reason_phrase, response.json().get("errors", {})


async def test_options_of_every_place_begin_empty(bed: Bed) -> None:
    vm = await bed.cloned(100)
    for path in ("/cluster/firewall", f"/nodes/{NODE}/firewall", f"{vm}/firewall"):
        assert await bed.get(f"{path}/options") == {"digest": EMPTY}
    assert await bed.get(f"{vm}/firewall/rules") == []


async def test_options_are_set_deleted_and_guarded_by_their_digest(bed: Bed) -> None:
    path = f"{await bed.cloned(100)}/firewall/options"
    await bed.put(path, enable=1, ipfilter=1, policy_in="DROP")
    found = await bed.get(path)
    assert {key: found[key] for key in ("enable", "ipfilter", "policy_in")} == {
        "enable": 1,
        "ipfilter": 1,
        "policy_in": "DROP",
    }
    stale = await refused(bed, "PUT", path, enable=0, digest=EMPTY)
    assert stale[:2] == (500, "detected modified configuration - file changed by other user? Try again.")
    await bed.put(path, delete="policy_in", digest=found["digest"])
    assert "policy_in" not in await bed.get(path)
    assert (await refused(bed, "PUT", path, delete="nonsense"))[2] == {"delete": "no such option 'nonsense'"}


async def test_new_rules_come_first_and_can_be_moved(bed: Bed) -> None:
    path = f"{await bed.cloned(100)}/firewall/rules"
    for port in (22, 80, 443):
        await bed.post(path, type="in", action="ACCEPT", proto="tcp", dport=port)
    assert [rule["dport"] for rule in await bed.get(path)] == ["443", "80", "22"]
    await bed.put(f"{path}/0", moveto=2)
    assert [rule["dport"] for rule in await bed.get(path)] == ["80", "443", "22"]
    await bed.put(f"{path}/2", moveto=0)
    assert [rule["dport"] for rule in await bed.get(path)] == ["22", "80", "443"]
    await bed.delete(f"{path}/1")
    rules = await bed.get(path)
    assert [(rule["pos"], rule["dport"], rule["enable"]) for rule in rules] == [(0, "22", 0), (1, "443", 0)]
    assert (await refused(bed, "GET", f"{path}/2"))[:2] == (500, "no rule at position 2")


async def test_rules_that_say_nonsense_are_refused(bed: Bed) -> None:
    path = f"{await bed.cloned(100)}/firewall/rules"
    rule = {"type": "in", "action": "ACCEPT"}
    wanted = {
        "proto": ({"dport": "80"}, "missing property - 'dport' requires this property"),
        "action": ({"action": "NOPE"}, "unknown action 'NOPE'"),
        "macro": ({"macro": "nope"}, "unknown macro 'nope'"),
        "source": ({"source": "+nope"}, "no such ipset 'nope'"),
        "dest": ({"dest": "nope"}, "no such alias 'nope'"),
        "iface": ({"iface": "eth0"}, r"value does not match the regex pattern 'net\d+'"),
    }
    for name, (change, text) in wanted.items():
        assert (await refused(bed, "POST", path, **rule | change))[2] == {name: text}
    await bed.post(path, **rule, macro="ssh", source="10.0.0.0/8")
    kept = (await bed.get(path))[0]
    assert (kept["macro"], kept["ipversion"]) == ("SSH", 4)


async def test_addresses_of_a_set_hold_slashes(bed: Bed) -> None:
    path = f"{await bed.cloned(100)}/firewall/ipset"
    await bed.post(path, name="ipfilter-net0", comment="its own")
    await bed.post(f"{path}/ipfilter-net0", cidr="192.0.2.7/32")
    await bed.post(f"{path}/ipfilter-net0", cidr="192.0.2.17/28", nomatch=1)
    members = await bed.get(f"{path}/ipfilter-net0")
    assert [(row["cidr"], row.get("nomatch")) for row in members] == [("192.0.2.16/28", 1), ("192.0.2.7", None)]
    again = await refused(bed, "POST", f"{path}/ipfilter-net0", cidr="192.0.2.7")
    assert again[2] == {"cidr": "address '192.0.2.7' already exists"}
    await bed.put(f"{path}/ipfilter-net0/192.0.2.16/28", comment="all of them")
    assert (await bed.get(f"{path}/ipfilter-net0/192.0.2.16/28"))["comment"] == "all of them"
    assert (await refused(bed, "DELETE", f"{path}/ipfilter-net0"))[1] == "IPSet 'ipfilter-net0' is not empty"
    await bed.delete(f"{path}/ipfilter-net0/192.0.2.16/28")
    await bed.delete(f"{path}/ipfilter-net0", force=1)
    assert await bed.get(path) == []


async def test_aliases_sets_and_groups_of_the_cluster_serve_its_guests(bed: Bed) -> None:
    vm = await bed.cloned(100)
    await bed.post("/cluster/firewall/aliases", name="Office", cidr="203.0.113.0/24")
    await bed.post("/cluster/firewall/ipset", name="bastions")
    await bed.post("/cluster/firewall/groups", group="web")
    await bed.post("/cluster/firewall/groups/web", type="in", action="ACCEPT", macro="HTTPS")
    await bed.post(f"{vm}/firewall/rules", type="in", action="DROP", source="office", dest="+dc/bastions")
    await bed.post(f"{vm}/firewall/rules", type="group", action="web")
    references = await bed.get(f"{vm}/firewall/refs")
    assert {(row["ref"], row["scope"]) for row in references} == {("office", "dc"), ("+bastions", "dc")}
    await bed.post("/cluster/firewall/groups", group="shop", rename="web")
    assert [rule["action"] for rule in await bed.get(f"{vm}/firewall/rules")] == ["shop", "DROP"]
    assert (await refused(bed, "DELETE", "/cluster/firewall/groups/shop"))[1] == "Security group 'shop' is not empty"


async def test_a_clone_takes_the_firewall_along_and_a_destroyed_vm_leaves_none(bed: Bed) -> None:
    vm = await bed.cloned(100)
    await bed.put(f"{vm}/firewall/options", enable=1)
    clone = await bed.cloned(101, source=100, full=1)
    assert (await bed.get(f"{clone}/firewall/options"))["enable"] == 1
    assert await bed.run("DELETE", clone) == "OK"
    assert await bed.get(f"{clone}/firewall/options") == {"digest": EMPTY}

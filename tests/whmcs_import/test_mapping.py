"""One service becomes a server, is skipped, or is set aside."""

from dataclasses import replace
from typing import Any

import pytest

from domain import ids
from tests.whmcs_import import given
from tests.whmcs_import.given import HOSTING, LOCATION, OS, service
from whmcs_import.mapping import mapping
from whmcs_import.mapping.adoption import Hint, Link
from whmcs_import.mapping.mapping import Mapped, Quarantined, Skipped
from whmcs_import.mapping.options import Memory
from whmcs_import.mapping.targets import Resolver


def mapped(**changes: Any) -> dict[str, Any]:
    outcome = mapping.map_service(service(**changes), given.world())
    assert isinstance(outcome, Mapped), outcome
    return outcome.payload


def notes(**changes: Any) -> list[str]:
    outcome = mapping.map_service(service(**changes), given.world())
    assert isinstance(outcome, Mapped), outcome
    return [note.code for note in outcome.notes]


def test_a_clean_service_becomes_the_server_that_was_sold() -> None:
    payload = mapped()
    assert payload["account_id"] == str(ids.imported("whmcs", "client", "5"))
    assert payload["plan"] == {
        "id": str(ids.imported("whmcs", "product", "1")),
        "name": "Product 1",
        "vcpus": 2,
        "memory_mib": 2048,
        "disk_gib": 40,
    }
    assert payload["image"] == {
        "id": str(ids.catalogue("image", "debian-12")),
        "name": "Debian 12",
        "template": "debian-12",
    }
    assert payload["location"] == {"id": str(ids.catalogue("location", "fra1")), "name": "Frankfurt", "key": "fra1"}
    assert payload["billing"] == {
        "cycle": "monthly",
        "amount": "9.90",
        "currency": "EUR",
        "next_due": "2026-12-01",
        "registered": "2024-02-29",
        "source_status": "Active",
        "override_until": None,
    }
    assert (payload["name"], payload["suspension"], payload["hint"]) == ("web.example.com", None, None)
    assert payload["quarantine"] is None


@pytest.mark.parametrize("status", ["Pending", "Completed", "Terminated", "Cancelled", "Fraud"])
def test_a_service_that_is_not_live_is_skipped(status: str) -> None:
    assert mapping.map_service(service(status=status), given.world()) == Skipped(status.lower())


def test_what_is_no_virtual_server_is_skipped_unless_the_mapping_says_it_is() -> None:
    assert mapping.map_service(service(product=HOSTING), given.world()) == Skipped("not_a_vps")
    text = given.MAPPING + "products:\n  3: {set: {memory_mib: 1024, vcpus: 1, disk_gib: 10}}\n  1: {skip: sold off}\n"
    assert isinstance(mapping.map_service(service(product=HOSTING), given.world(text=text)), Mapped)
    assert mapping.map_service(service(), given.world(text=text)) == Skipped("sold off")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": ""}, "status_unknown"),
        ({"client": 6}, "client_missing"),
        ({"product": 99}, "product_missing"),
        ({"qty": 3}, "multi_unit_service"),
        ({"qty": ""}, "quantity_unreadable"),
        ({"id": 0}, "id_unreadable"),
        ({"next_due": "31.12.2026"}, "next_due_missing"),
        ({"cycle": "Every 5 Weeks"}, "billing_cycle_unknown"),
        ({"next_due": "0000-00-00"}, "next_due_missing"),
        ({"next_due": None}, "next_due_missing"),
        ({"fields": ((OS, "CentOS 6"),)}, "image_unmapped"),
        ({"fields": ((OS, "Debian 12"), (LOCATION, "4|Manchester"))}, "location_unmapped"),
    ],
)
def test_what_cannot_be_known_is_set_aside(changes: dict[str, Any], reason: str) -> None:
    outcome = mapping.map_service(service(**changes), given.world())
    assert isinstance(outcome, Quarantined)
    assert outcome.reason == reason
    assert outcome.detail


def test_a_live_service_of_a_closed_client_is_set_aside() -> None:
    outcome = mapping.map_service(service(), given.world(status="Closed"))
    assert isinstance(outcome, Quarantined)
    assert outcome.reason == "closed_client_live_service"


def test_a_service_of_a_client_of_unknown_standing_or_without_an_id_is_set_aside() -> None:
    outcome = mapping.map_service(given.service(), given.world(status=""))
    assert isinstance(outcome, Quarantined)
    assert outcome.reason == "client_status_unknown"
    world = given.world()
    nobodys = replace(world, clients={0: world.clients[5], -1: world.clients[5]})
    for client in (0, -1):
        outcome = mapping.map_service(given.service(client=client), nobodys)
        assert isinstance(outcome, Quarantined)
        assert outcome.reason == "client_missing"


def test_a_service_without_a_currency_is_set_aside() -> None:
    shop = given.shop()
    shop.currencies = {}
    outcome = mapping.map_service(service(), given.world(shop))
    assert isinstance(outcome, Quarantined)
    assert outcome.reason == "currency_missing"


@pytest.mark.parametrize(
    ("reason", "kind"),
    [("Overdue on Payment", "non_payment"), ("Abuse &amp; spam", "abuse"), ("", "admin"), ("asked for it", "admin")],
)
def test_the_kind_of_a_suspension_is_kept(reason: str, kind: str) -> None:
    assert mapped(status="Suspended", suspend_reason=reason)["suspension"] == kind
    assert mapped(suspend_reason=reason)["suspension"] is None


def test_a_grace_until_a_day_ends_where_that_day_begins_in_the_sources_time_zone() -> None:
    payload = mapped(override=1, override_until="2027-01-31")
    assert payload["billing"]["override_until"] == "2027-01-31T00:00:00+01:00"
    assert mapped(override=0, override_until="2027-01-31")["billing"]["override_until"] is None


@pytest.mark.parametrize("cycle", ["monthly", "Monthly", "Semi-Annually", "One-Time", "Free Account"])
def test_billing_cycles_are_read_however_they_are_spelled(cycle: str) -> None:
    due = None if cycle in ("One-Time", "Free Account") else "2026-12-01"
    assert mapped(cycle=cycle, next_due=due)["billing"]["cycle"] in mapping.CYCLES.values()


def test_addresses_take_prefix_and_gateway_from_the_module_where_it_has_them() -> None:
    link = Link("mod_pvewhmcs_vms", 105, "qemu", None, "203.0.113.7", "255.255.255.0", "203.0.113.1")
    payload = mapped(links=(link,), assigned_ips="2001:db8::7\r\n198.51.100.9")
    assert payload["addresses"] == [
        {"address": "203.0.113.7", "prefix": 24, "gateway": "203.0.113.1", "family": 4, "primary": True},
        {"address": "2001:db8::7", "prefix": 128, "gateway": None, "family": 6, "primary": False},
        {"address": "198.51.100.9", "prefix": 32, "gateway": None, "family": 4, "primary": False},
    ]
    assert notes(dedicated_ip="N/A") == ["ip_unparsed"]


def test_addresses_of_which_only_a_module_knows_come_after_those_of_the_service() -> None:
    own = Link("mod_pvewhmcs_vms", 105, address="203.0.113.9", netmask="255.255.255.0", gateway="203.0.113.1")
    listed = Link("mg_proxmox_addon_ip", "", address=" 2001:DB8::5 ", netmask="64", gateway="fe80::1", names_vm=False)
    read = mapped(links=(own, listed))["addresses"]
    assert [address["address"] for address in read] == ["203.0.113.7", "2001:db8::5"]
    assert (read[1]["prefix"], read[1]["gateway"]) == (64, "fe80::1")
    read = mapped(links=(own, listed), dedicated_ip="N/A")["addresses"]
    assert [(a["address"], a["prefix"], a["gateway"], a["primary"]) for a in read] == [
        ("203.0.113.9", 24, "203.0.113.1", True),
        ("2001:db8::5", 64, "fe80::1", False),
    ]


def test_a_name_is_made_a_host_name_and_the_change_is_said() -> None:
    assert mapped(domain="My Server")["name"] == "my-server"
    assert notes(domain="My Server") == ["name_changed"]
    assert mapped(domain="")["name"] == "service-7"
    assert notes(domain="") == ["name_missing"]


def test_an_image_and_a_place_that_nothing_says_are_unknown_and_that_is_said() -> None:
    silent: dict[str, Any] = {"fields": (), "server": 0}
    payload = mapped(**silent)
    assert (payload["image"]["name"], payload["location"]["name"]) == ("unknown", "unknown")
    assert notes(**silent) == ["image_missing", "location_missing"]
    assert notes() == []


def test_the_hint_and_what_speaks_against_it_are_carried() -> None:
    hint = Hint("demo", 105, "qemu", ("mod_pvewhmcs_vms",), "vmid_clash")
    outcome = mapping.map_service(service(), given.world(), hint)
    assert isinstance(outcome, Mapped)
    assert outcome.payload["hint"] == {"cluster": "demo", "vmid": 105, "kind": "qemu", "evidence": ["mod_pvewhmcs_vms"]}
    assert outcome.payload["quarantine"] == "vmid_clash"


def test_an_option_nobody_mapped_refuses_only_when_the_file_says_so() -> None:
    rows = ((given.EXTRA_RAM, given.EXTRA_UNIT, 1),)
    text = given.MAPPING.replace("match: {any: [Extra RAM]}", "match: {any: [Something]}")
    strict = text.replace("{unknown_value: quarantine}", "{unknown_value: quarantine, unknown_option: quarantine}")
    assert isinstance(mapping.map_service(service(options=rows), given.world(text=text)), Mapped)
    outcome = mapping.map_service(service(options=rows), given.world(text=strict))
    assert isinstance(outcome, Quarantined)
    assert outcome.reason == "option_unmapped"


def test_the_numbers_of_another_panel_are_no_vmids_and_a_cloud_is_no_single_vm() -> None:
    for module, reason in (("VirtFusionDirect", "foreign_panel"), ("proxmoxCloud", "many_vms_per_service")):
        shop = given.shop()
        shop.products[given.VPS] = replace(shop.products[given.VPS], module=module)
        outcome = mapping.map_service(service(), given.world(shop))
        assert isinstance(outcome, Quarantined)
        assert outcome.reason == reason


def test_a_number_in_the_notes_is_a_suggestion_and_no_link() -> None:
    assert notes(notes="customer called, VM ID: 4711, see ticket") == ["vmid_suggested"]
    assert notes(notes="VMware licence 4711") == []
    assert mapped(notes="VM ID: 4711")["hint"] is None
    outcome = mapping.map_service(service(notes="vmid 4711"), given.world(), Hint("demo", 105, "qemu", ()))
    assert isinstance(outcome, Mapped)
    assert outcome.notes == []


@pytest.mark.parametrize(
    ("table", "id", "changes", "reason"),
    [
        ("products", given.VPS, {"module": "mystery"}, "module_unknown"),
        ("products", given.VPS, {"type": "widget", "module": ""}, "product_type_unknown"),
        ("products", given.VPS, {"type": "", "module": "cpanel"}, "product_type_unknown"),
        ("options", given.RAM, {"kind": 0, "type": "5"}, "option_type_unknown"),
        ("fields", OS, {"kind": "color"}, "field_type_unknown"),
        ("currencies", 1, None, "currency_missing"),
    ],
)
def test_kinds_of_things_that_nobody_knows_set_their_services_aside(
    table: str, id: int, changes: dict[str, Any] | None, reason: str
) -> None:
    shop = given.shop()
    known = getattr(shop, table)
    known[id] = replace(known[id], **changes) if changes else ""
    sold = service(options=((given.RAM, given.RAM_4, 1),))
    outcome = mapping.map_service(sold, given.world(shop))
    assert isinstance(outcome, Quarantined)
    assert outcome.reason == reason
    told = given.MAPPING + "products: {1: {plan: vps-s}}\nignore: [Memory, OS]\n"
    outcome = mapping.map_service(sold, given.world(shop, told))
    assert isinstance(outcome, Mapped) == (table != "currencies")
    if isinstance(outcome, Mapped) and table != "products":
        assert id not in {
            said["id"] for said in (*outcome.payload["raw"]["options"], *outcome.payload["raw"]["fields"])
        }


def test_an_addon_of_unknown_standing_sets_its_service_aside_and_a_suspended_one_is_named() -> None:
    assert notes(addons=((5, "Suspended", "", 1),)) == ["addon_suspended"]
    for status in ("Waiting", "", None):
        outcome = mapping.map_service(service(addons=((5, status, "", 1),)), given.world())
        assert isinstance(outcome, Quarantined)
        assert (outcome.reason, "Extra IP" in outcome.detail) == ("addon_status_unknown", True)


@pytest.mark.parametrize(
    "amount", ["", "free", "NaN", "1.2.3", "9,90", "1_000", "1e5", "Infinity", "999999999999999.00", "٤"]
)
def test_an_amount_that_is_no_number_is_set_aside(amount: str) -> None:
    outcome = mapping.map_service(service(amount=amount), given.world())
    assert isinstance(outcome, Quarantined)
    assert outcome.reason == "amount_unreadable"


@pytest.mark.parametrize("amount", ["-5.00", "1500.00", "4.25", "0.00", "99999999999999.99"])
def test_an_amount_is_kept_to_the_last_digit(amount: str) -> None:
    assert mapped(amount=amount)["billing"]["amount"] == amount


def test_a_row_nobody_foresaw_is_set_aside_and_stops_nothing() -> None:
    outcome = mapping.map_service(service(fields=((OS, 5),)), given.world())
    assert isinstance(outcome, Quarantined)
    assert outcome.reason == "row_unreadable"


@pytest.mark.parametrize("qty", ["many", None, "1.5"])
def test_a_quantity_that_is_no_number_is_never_taken_for_one(qty: str | None) -> None:
    outcome = mapping.map_service(service(options=((given.DISK, 0, qty),)), given.world())
    assert isinstance(outcome, Quarantined)
    assert outcome.reason == "quantity_unreadable"


def test_what_is_set_aside_still_says_what_was_sold() -> None:
    outcome = mapping.map_service(service(fields=((OS, "CentOS 6"),)), given.world())
    assert isinstance(outcome, Quarantined)
    assert outcome.sold is not None
    assert [str(value.reading) for value in outcome.sold.values] == ["CentOS 6"]


VARIANTS = [
    given.service(product=product, server=server, options=options, fields=fields, addons=addons, links=links)
    for product, server in ((given.VPS, 1), (given.OLD, 1), (given.VPS, 0))
    for options in (
        (),
        ((given.RAM, given.RAM_4, 0), (given.CORES, given.CORES_2, 1), (given.DISK, given.DISK_UNIT, 60)),
        ((given.RAM, given.RAM_4, 0), (given.RAM, given.RAM_8, 0), (given.OLD_RAM, given.RAM_2_OLD, 0), (99, 1, 1)),
        ((given.EXTRA_RAM, given.EXTRA_UNIT, 9), (given.BACKUPS, given.NO, 1)),
        ((given.EXTRA_RAM, given.EXTRA_UNIT, -1),),
    )
    for fields in ((), given.GOOD.fields, ((given.OS, "CentOS 6"),), ((given.OS_OLD, "101|Ubuntu"),))
    for addons in ((), ((4, "Active", None, 2), (5, "Cancelled", None, 1)))
    for links in ((), (Link("mod_proxmoxvm", 105, node="pve-two"),))
]


@pytest.mark.parametrize("stale", ["use_if_missing", "ignore", "quarantine"])
def test_what_is_remembered_of_one_service_changes_nothing_for_another(stale: str) -> None:
    nodes = given.MAPPING.replace("{from: server}]", "{from: server}, {from: pve_node}]")
    text = nodes.replace("defaults: {", f"defaults: {{stale_options: {stale}, ")
    shared = given.world(text=text)
    together = [mapping.map_service(service, shared) for service in (*VARIANTS, *VARIANTS[::-1])]
    fresh = (replace(shared, resolver=Resolver(shared.mapping), memory=Memory()) for _ in VARIANTS)
    apart = [mapping.map_service(service, world) for service, world in zip(VARIANTS, fresh, strict=True)]
    assert together == [*apart, *apart[::-1]]
    assert {type(one) for one in apart} == {Mapped, Quarantined}

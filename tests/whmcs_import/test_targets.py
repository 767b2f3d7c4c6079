"""How sizes and names come out of what was sold."""

from typing import Any

import pytest
from msgspec.structs import replace

from tests.whmcs_import import given
from tests.whmcs_import.given import MAPPING, OLD
from whmcs_import.mapping.options import Note, Refused, Sold, Value
from whmcs_import.mapping.targets import Named, Resolver
from whmcs_import.source.values import split_pipe


def option(name: str, said: str, *, id: int = 1, qty: int = 0, stale: bool = False, kind: str = "option") -> Value:
    return Value(kind, id, split_pipe(name), split_pipe(said), qty, stale)


def memory(*values: Value, text: str = MAPPING, product: int = given.VPS) -> tuple[int, list[str]]:
    notes: list[Note] = []
    size = Resolver(given.mapping(text)).size("memory_mib", given.context(Sold(list(values)), product=product), notes)
    return size, [note.code for note in notes]


def refusal(*values: Value, text: str = MAPPING, product: int = given.VPS) -> str:
    with pytest.raises(Refused) as caught:
        memory(*values, text=text, product=product)
    return caught.value.code


@pytest.mark.parametrize(
    ("said", "mib"),
    [
        ("4096|4 GB", 4096),
        ("4|4 GB", 4096),
        ("|4 GB", 4096),
        ("4096|", 4096),
        ("4 GB", 4096),
        ("0.5 GB", 512),
        ("small|2 GB RAM", 2048),
        ("4|4 x 256MB", 1024),
        ("4|4 512 MB", 2048),
    ],
)
def test_a_choice_is_read_by_its_key_and_the_label_tells_its_unit(said: str, mib: int) -> None:
    assert memory(option("RAM", said)) == (mib, [])


def test_a_bare_small_number_is_read_by_the_heuristic_and_said_so() -> None:
    assert memory(option("RAM", "4")) == (4096, ["unit_heuristic"])
    assert memory(option("RAM", "512")) == (512, [])


def test_the_unit_in_a_name_counts_where_the_text_has_none() -> None:
    anything = MAPPING.replace("any: [RAM]", 'any: ["*"]', 1)
    assert memory(option("RAM (GB)", "256"), text=anything) == (262144, [])
    assert memory(option("RAM (MB)", "64"), text=anything.replace("[128,", "[1,")) == (64, [])
    assert memory(option("RAM (GB)", "4096 MB"), text=anything) == (4096, [])


@pytest.mark.parametrize("said", ["a|b|c", "Unlimited", "101|4 GB", "4 Gigs", "1.3 MB"])
def test_what_cannot_be_read_for_sure_is_refused(said: str) -> None:
    assert refusal(option("RAM", said)) == "memory_mib_unreadable"


def test_a_size_outside_the_range_is_refused() -> None:
    assert refusal(option("RAM", "2 TB")) == "memory_mib_out_of_range"


def test_an_explicit_unit_beats_what_the_text_says() -> None:
    text = MAPPING.replace("default_unit: MiB, heuristic: {below: 128, unit: GiB}", "unit: MiB")
    assert memory(option("RAM", "4096 GB"), text=text) == (4096, [])


def test_a_product_may_read_the_same_option_in_its_own_unit() -> None:
    scoped = "      - {from: option, match: {any: [RAM]}, unit: GiB, scope: {products: [2]}}\n"
    text = MAPPING.replace("    sources:\n      - {from: option", f"    sources:\n{scoped}      - {{from: option", 1)
    assert memory(option("RAM", "512"), text=text) == (512, [])
    assert memory(option("RAM", "512"), text=text, product=OLD) == (512 * 1024, [])


def test_increments_come_on_top_of_the_base() -> None:
    extra = option("Extra RAM", "3|3 x 512MB", id=2, qty=3)
    addon = option("RAM +1 GB", "2", id=4, qty=2, kind="addon")
    assert memory(extra, addon) == (2048 + 1536 + 2048, [])
    assert memory(option("RAM", "4096|4 GB"), extra) == (4096 + 1536, [])


def test_increments_without_a_base_are_no_size() -> None:
    assert refusal(option("Extra RAM", "3", id=2, qty=3), product=OLD) == "memory_mib_missing"


def test_a_live_option_wins_over_a_stale_one_and_a_stale_one_over_the_plan() -> None:
    stale = option("RAM", "1024|1 GB", id=20, stale=True)
    assert memory(option("RAM", "4096|4 GB"), stale) == (4096, [])
    assert memory(stale) == (1024, [])
    assert memory() == (2048, [])


def test_two_live_options_that_differ_are_reported_and_the_higher_id_holds() -> None:
    assert memory(option("RAM", "4 GB", id=1), option("ram", "8 GB", id=2)) == (8192, ["option_conflict"])


def test_a_product_rule_stands_in_where_nothing_else_speaks() -> None:
    text = MAPPING + "products:\n  2: {set: {memory_mib: 768}}\n"
    assert memory(text=text, product=OLD) == (768, [])
    assert memory(option("RAM", "4 GB"), text=text, product=OLD) == (4096, [])


def image(said: str | None, text: str = MAPPING) -> Named | None:
    values = [] if said is None else [option("OS", said, kind="custom_field")]
    return Resolver(given.mapping(text)).named("image", given.context(Sold(values)), [])


@pytest.mark.parametrize(
    ("said", "key"),
    [("101|Ubuntu", "ubuntu-24.04"), ("Debian 12 (bookworm)", "debian-12"), ("x|ubuntu 24.04 LTS", "ubuntu-24.04")],
)
def test_a_name_is_translated_by_key_label_and_pattern(said: str, key: str) -> None:
    named = image(said)
    assert named is not None
    assert (named.key, named.mapped) == (key, True)


def test_a_name_without_a_value_is_refused_passed_on_or_dropped_as_the_file_says() -> None:
    with pytest.raises(Refused) as caught:
        image("CentOS 6")
    assert caught.value.code == "image_unmapped"
    passed = image("c6|CentOS 6", MAPPING.replace("unknown_value: quarantine", "unknown_value: passthrough"))
    assert passed == Named("c6", "CentOS 6", False)
    assert image("CentOS 6", MAPPING.replace("unknown_value: quarantine", "unknown_value: 'null'")) is None
    assert image(None) is None


def test_extras_are_read_and_what_nobody_speaks_of_is_known() -> None:
    resolver = Resolver(given.mapping(MAPPING + "ignore: [Support]\n"))
    backups = option("Backups", "yes", id=30)
    assert resolver.extras(given.context(Sold([backups])), []) == {"backups": True}
    assert resolver.claims(backups)
    assert resolver.claims(option("Support", "gold", id=31))
    assert not resolver.claims(option("Panel", "x", id=32))


def test_what_a_services_own_columns_say_can_be_kept() -> None:
    text = MAPPING.replace("{from: custom_field, match: {any: [OS]}}", "{from: service, match: {field: username}}")
    resolver = Resolver(given.mapping(text.replace("unknown_value: quarantine", "unknown_value: passthrough")))
    context = replace(given.context(Sold()), fields={"username": "my\x00os\ud800"})
    assert resolver.named("image", context, []) == Named("myos", "myos", False)


def test_extras_are_translated_limited_and_required_as_targets_are() -> None:
    def asked(sold: Sold, **keys: str) -> dict[str, Any]:
        said = "".join(f", {name}: {value}" for name, value in keys.items())
        text = given.MAPPING.replace("type: bool, sources: [{from: option, match: {any: [Backups]}}]", "X")
        text = text.replace("X", f"sources: [{{from: option, match: {{any: [Backups]}}}}]{said}")
        return Resolver(given.mapping(text)).extras(given.context(sold), [])

    def option(text: str) -> Sold:
        return Sold([Value("option", given.BACKUPS, split_pipe("Backups"), split_pipe(text), 1)])

    words = '{"Daily*": "yes", none: "no"}'
    assert asked(option("Daily backups"), type="bool", values=words) == {"backups": True}
    assert asked(option("None"), type="bool", values=words) == {"backups": False}
    assert asked(Sold(), type="int", default="3") == {"backups": 3}
    assert asked(option("2x|two"), type="int", range="[1, 2]") == {"backups": 2}
    assert asked(option("192.0.2.4, 2001:db8::4/64"), type="ip_list") == {"backups": ["192.0.2.4", "2001:db8::4"]}
    assert asked(option("d|Daily"), type="enum", values="{d: daily}") == {"backups": "daily"}
    assert asked(option("w|Weekly"), type="enum", values="{d: daily}", on_unmapped="passthrough") == {"backups": "w"}
    assert asked(option("w|Weekly"), type="enum", values="{d: daily}", on_unmapped='"null"') == {}
    for sold, keys, code in (
        (option("w|Weekly"), {"type": "enum", "values": "{d: daily}"}, "backups_unmapped"),
        (option("3"), {"type": "int", "range": "[1, 2]"}, "backups_out_of_range"),
        (Sold(), {"type": "int", "required": "true"}, "backups_missing"),
    ):
        with pytest.raises(Refused) as caught:
            asked(sold, **keys)
        assert caught.value.code == code


def test_a_field_that_names_the_vm_is_spoken_of() -> None:
    resolver = Resolver(given.mapping())
    assert resolver.claims(Value("custom_field", given.VMID, split_pipe("vmid|VMID"), split_pipe("105"), 1))
    assert not resolver.claims(Value("option", given.VMID, split_pipe("vmid|VMID"), split_pipe("105"), 1))

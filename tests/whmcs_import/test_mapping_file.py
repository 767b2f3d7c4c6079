"""The mapping file: what it says is kept, what it misspells is refused with its line."""

from pathlib import Path

import pytest

from whmcs_import.mapping import mapping_file
from whmcs_import.mapping.mapping_file import MappingError

GOOD = """\
version: 1
source_timezone: Europe/Berlin
targets:
  memory_mib:
    sources:
      - {from: option, match: {any: [RAM, "re:(?i)^memory"]}, unit: gib}
      - {from: addon, match: {addon_id: 4}, take: qty, scale: 512, unit: MiB, op: add}
  cores: {sources: [{from: option, match: {id: 7}}]}
  disk_gib: {sources: {from: plan, match: {field: disk}}}
  os_template:
    sources: [{from: custom_field, match: {key: os}}]
    values: {"101": ubuntu-24.04}
extras:
  backups: {type: bool, sources: [{from: option, match: {any: Backups}}]}
products:
  12: {plan: vps-s, set: {memory_mib: 2048, cores: 1}}
  "re:(?i)dedicated": {skip: not a VPS}
servers: {3: fra, 4: ams}
ignore: [Support Level]
"""


def test_a_good_file_says_what_it_means() -> None:
    mapping = mapping_file.parse(GOOD, "map.yaml")
    memory = mapping.targets["memory_mib"]
    assert [source.kind for source in memory.sources] == ["option", "addon"]
    assert memory.sources[0].unit == "GiB"
    assert (memory.sources[1].op, memory.sources[1].scale, memory.sources[1].match.id) == ("add", 512, 4)
    assert set(mapping.targets) == {"memory_mib", "vcpus", "disk_gib", "image"}
    assert mapping.targets["image"].values == (("101", "ubuntu-24.04"),)
    assert mapping.servers == {3: "fra", 4: "ams"}
    assert mapping.extras["backups"].type == "bool"


def test_a_product_is_found_by_id_before_name() -> None:
    mapping = mapping_file.parse(GOOD, "map.yaml")
    by_id = mapping.product_rule(12, "Dedicated 1")
    by_name = mapping.product_rule(13, "Dedicated 1")
    assert by_id is not None
    assert by_id.set == {"memory_mib": 2048, "vcpus": 1}
    assert by_name is not None
    assert by_name.skip == "not a VPS"
    assert mapping.product_rule(14, "VPS") is None


def test_the_built_in_mapping_is_valid() -> None:
    assert mapping_file.load(None).targets["memory_mib"].required


def test_layout_and_comments_do_not_change_the_digest_and_order_does() -> None:
    digest = mapping_file.parse(GOOD, "a").digest
    assert (
        mapping_file.parse("# a comment\n" + GOOD.replace("{3: fra, 4: ams}", "{ 3: fra,  4: ams }"), "b").digest
        == digest
    )
    assert mapping_file.parse(GOOD.replace("{3: fra, 4: ams}", "{3: ams, 4: fra}"), "c").digest != digest


@pytest.mark.parametrize(
    ("old", "new", "line", "part"),
    [
        ("memory_mib:\n", "memroy_mib:\n", 4, "did you mean 'memory_mib'"),
        ("unit: gib", "unit: gibb", 6, "not a unit"),
        ("scale: 512", "scael: 512", 7, "did you mean 'scale'"),
        ("from: addon", "from: addons", 7, "did you mean 'addon'"),
        ("{id: 7}", "{id: seven}", 8, "whole number"),
        ("source_timezone: Europe/Berlin", "source_timezone: Europe/Bärlin", 2, "time zone"),
        ("version: 1", "version: 2", 1, "version 2"),
        ('"re:(?i)^memory"', '"re:(?i^memory"', 6, "pattern"),
        ("ignore: [Support Level]", "ignroe: [Support Level]", 19, "did you mean 'ignore'"),
        ("servers: {3: fra, 4: ams}", "servers: {3: fra, 3: ams}", 18, "stands twice"),
        ("{from: option, match: {id: 7}}", "{from: option}", 8, "needs `match`"),
        ("memory_mib: 2048, cores: 1", "memory_mib: lots", 16, "whole number"),
        ("version: 1", "version: [1", 2, "not valid YAML"),
    ],
)
def test_a_mistake_is_refused_with_its_line_and_the_mend(old: str, new: str, line: int, part: str) -> None:
    assert old in GOOD
    with pytest.raises(MappingError) as caught:
        mapping_file.parse(GOOD.replace(old, new), "map.yaml")
    assert str(caught.value).startswith(f"map.yaml:{line}: ")
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (("fra, 4", '"f\\0ra", 4'), 18),
        (("Support Level", '"\\ud800"'), 19),
        (("not a VPS", "not a\x00 VPS"), 17),
        (("scale: 512", "scale: 0"), 7),
        (("scale: 512", "scale: -512"), 7),
        (("ignore: [Support Level]", "ignore: &i [*i]"), 1),
        (("ignore: [Support Level]", "ignore: " + "[" * 5000), 1),
    ],
)
def test_what_no_database_keeps_or_what_means_nothing_is_refused_with_its_line(
    change: tuple[str, str], line: int
) -> None:
    with pytest.raises(MappingError) as caught:
        mapping_file.parse(GOOD.replace(*change), "map.yaml")
    assert str(caught.value).startswith(f"map.yaml:{line}: ")


def test_a_file_that_is_missing_or_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="cannot be read"):
        mapping_file.load(tmp_path / "none.yaml")
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    with pytest.raises(MappingError, match="empty"):
        mapping_file.load(tmp_path / "empty.yaml")


@pytest.mark.parametrize(
    ("alias", "name", "fits"),
    [
        ("RAM", "r.a.m", True),
        ("RAM", "RAM 2", False),
        ("Extra*", "Extra RAM (x512MB)", True),
        ("Extra*", "An extra", False),
        ("Backups?", "Backups?", True),
        ("*", "anything", True),
        ("re:(?i)^(ram|memory)( ?\\((mb|gb)\\))?$", "Memory (GB)", True),
        ("re:(?i)^(ram|memory)( ?\\((mb|gb)\\))?$", "Memory Limit", False),
        ("Disk Space", "Ｄｉｓｋ\u00a0Ｓｐａｃｅ", True),
        ("CPU核心数", "cpu核心数", True),
    ],
)
def test_an_alias_fits_by_spelling_pattern_or_glob(alias: str, name: str, fits: bool) -> None:
    assert mapping_file.names(alias, name) is fits


def test_a_target_of_the_operators_own_has_a_type_and_a_misspelled_one_is_refused() -> None:
    text = GOOD.replace(
        "extras:",
        "  spare_ips: {type: ip_list, sources: [{from: custom_field, match: {any: [IPs]}}]}\n"
        "  panel:\n    type: enum\n    required: true\n    sources: [{from: option, match: {any: [Panel]}}]\n"
        "    values: {none: none}\nextras:",
    )
    mapping = mapping_file.parse(text, "map.yaml")
    assert {name: extra.type for name, extra in mapping.extras.items()} == {
        "spare_ips": "ip_list",
        "panel": "enum",
        "backups": "bool",
    }
    assert (mapping.extras["panel"].required, mapping.extras["panel"].on_unmapped) == (True, "quarantine")
    for wrong in ("memory_mb: {type: int", "diskgib: {type: int", "spare_ips: {", "backups: {type: bool"):
        with pytest.raises(MappingError, match=r"map\.yaml:(13|20)"):
            mapping_file.parse(text.replace("spare_ips: {type: ip_list", wrong), "map.yaml")


def test_a_size_of_which_the_file_says_nothing_is_what_the_plan_says() -> None:
    lines = [line for line in GOOD.splitlines() if "cores: {sources" not in line]
    vcpus = mapping_file.parse("\n".join(lines), "map.yaml").targets["vcpus"]
    assert [(source.kind, source.match.field) for source in vcpus.sources] == [("plan", "vcpus")]
    assert (vcpus.required, vcpus.range) == (True, (1, 512))

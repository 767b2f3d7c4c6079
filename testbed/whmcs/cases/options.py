"""Configurable options: names, units, quantities, rows that are there twice or too long."""

from testbed.whmcs.cases.common import NOBODY, sell_memory
from testbed.whmcs.catalogue import (
    DROPDOWN,
    LOCATION_FIELD,
    OS_FIELD,
    QUANTITY,
    VPS_GROUP,
    YES_NO,
    Option,
    Size,
    add_choice,
    add_option,
    add_vps,
    link_options,
    option_group,
)
from testbed.whmcs.services import choose
from testbed.whmcs.stage import Stage
from testbed.whmcs.world import World, number

EXTRA_RAM_ADDON = 4


def e27_pipe_variants(stage: Stage) -> None:
    """`key|label`, with spaces, with too many pipes, with one half empty."""
    for label in ("4096|4 GB", " 4096 | 4 GB ", "|4 GB", "4096|"):
        sell_memory(stage, "E27", label, 4096)
    sell_memory(stage, "E27", "a|b|c", None)


def e28_unit_zoo(stage: Stage) -> None:
    """Memory as people write it."""
    readable = {
        "4 GB": 4096,
        "4096MB": 4096,
        "4g": 4096,
        "0.5 GB": 512,
        "1,5 GB": 1536,
        "2,048 MB": 2048,
        "4 GB DDR4 ECC": 4096,
    }
    for label, memory in readable.items():
        sell_memory(stage, "E28", label, memory)
    sell_memory(stage, "E28", "4", 4096).truth.warnings.append("unit_heuristic")
    for label in ("Unlimited", "٤ GB"):
        sell_memory(stage, "E28", label, None)
    huge = sell_memory(stage, "E28", "2TB", 2 * 1024 * 1024)
    huge.truth.becomes("quarantine", "memory_mib_out_of_range")


def e31_yesno(stage: Stage) -> None:
    """Yes is a quantity of one; a second installation made two choices of it, and contradicts itself."""
    client = stage.owner("E31")
    for quantity in (1, 0):
        service = stage.sell(client)
        choose(stage.world, service, stage.shop.medium, "Backups", quantity)
        service.truth.extras["backups"] = bool(quantity)
    group = stage.world.add("tblproductconfiggroups", name="Two Choices")
    stage.world.add("tblproductconfiglinks", gid=group["id"], pid=stage.shop.custom.id)
    option = add_option(stage.world, number(group), "Backups", YES_NO, {0: "No", 1: "Yes"})
    torn = stage.sell(client, stage.shop.custom)
    stage.world.add("tblhostingconfigoptions", relid=torn.id, configid=option.id, optionid=option.choices[1], qty=0)
    torn.truth.warnings.append("yes_no_contradiction")


def e32_quantity(stage: Stage) -> None:
    """Quantities of none, of some, below nothing and above the maximum."""
    client = stage.owner("E32")
    for quantity in (0, 7, -1, 20):
        service = stage.sell(client)
        choose(stage.world, service, stage.shop.medium, "Extra IPv4", quantity)
        service.truth.extras["extra_ipv4"] = quantity
        if quantity < 0:
            service.truth.becomes("quarantine", "quantity_negative")
        elif quantity > 8:
            service.truth.warnings.append("quantity_over_maximum")


def e33_stale_options(stage: Stage) -> None:
    """The product was changed; what was chosen for the old one is still there."""
    service = stage.sell(stage.owner("E33"), size=Size(4096, 2, 40), vm="running")
    stale = choose(stage.world, service, stage.shop.old, "RAM", 512)
    stage.world.truth.row("tblhostingconfigoptions", stale, "E33", "skip", "stale_option")
    service.truth.warnings.append("stale_option")


def e34_stale_only(stage: Stage) -> None:
    """Only the old product's choice of memory exists: better than the plan's."""
    service = stage.sell(stage.owner("E34"))
    stage.world.drop("tblhostingconfigoptions", service.options["RAM"])
    stale = choose(stage.world, service, stage.shop.old, "RAM", 1024)
    stage.world.truth.row("tblhostingconfigoptions", stale, "E34", "warn", "stale_option")
    service.truth.memory_mib = 1024
    service.truth.warnings.append("stale_option")


def e35_dup_option_rows(stage: Stage) -> None:
    """The same option twice, alike and different: the younger row holds."""
    client = stage.owner("E35")
    twin = choose(stage.world, stage.sell(client), stage.shop.medium, "RAM", 2048)
    stage.world.truth.row("tblhostingconfigoptions", twin, "E35", "merge")
    torn = stage.sell(client)
    stage.world.truth.row("tblhostingconfigoptions", torn.options["RAM"], "E35", "skip", "option_conflict")
    choose(stage.world, torn, stage.shop.medium, "RAM", 8192)
    torn.truth.memory_mib = 8192
    torn.truth.warnings.append("option_conflict")


def e37_hidden_options(stage: Stage) -> None:
    """What is no longer offered is still sold: a hidden option and a hidden choice."""
    service = stage.sell(stage.owner("E37"))
    choose(stage.world, service, stage.shop.medium, "Support Level", 2)
    ram = stage.shop.medium.options["RAM"]
    service.options["RAM"]["optionid"] = add_choice(stage.world, ram, "16384|16 GB", hidden=1)
    service.truth.memory_mib = 16384


def e40_os_value_forms(stage: Stage) -> None:
    """Operating systems by number, by name, by key, two that are no longer to be had, and none at all."""
    client = stage.owner("E40")
    forms = {
        "101|Ubuntu 24.04": "ubuntu-24.04",
        "Ubuntu 24.04 LTS": "ubuntu-24.04",
        "ubuntu-24.04": "ubuntu-24.04",
        "rfvt:77|Debian 12": "debian-12",
        "CentOS 6": None,
        "local:vztmpl/arch-base.tar.zst": None,
    }
    for stored, image in forms.items():
        service = stage.sell(client)
        service.fields[OS_FIELD]["value"] = stored
        service.truth.os = image
        if image is None:
            service.truth.becomes("quarantine", "image_unmapped")
    silent = stage.sell(client)
    silent.fields[OS_FIELD]["value"] = ""
    silent.truth.os = ""
    silent.truth.warnings.append("image_missing")


def e41_location_forms(stage: Stage) -> None:
    """Places by name, by key, not at all, and one that is not mapped."""
    client = stage.owner("E41")
    for stored in ("Frankfurt, DE", "fsn1-dc14|Falkenstein, Germany", ""):
        stage.sell(client).fields[LOCATION_FIELD]["value"] = stored
    unmapped = stage.sell(client)
    unmapped.fields[LOCATION_FIELD]["value"] = "4|Manchester"
    unmapped.truth.location = None
    unmapped.truth.becomes("quarantine", "location_unmapped")


def e29_base_plus_extra(stage: Stage) -> None:
    """Memory that adds up: the plan's, an option that counts in halves, and an addon bought twice."""
    world = stage.world
    product = add_vps(world, VPS_GROUP, 10, "VPS Base", Size(2048, 2, 40), "10.00")
    group = option_group(world, "Extras")
    extra = add_option(world, group, "Extra RAM (x512MB)", QUANTITY, {0: "x 512MB"}, bounds=(0, 16))
    link_options(world, product, (group, {"Extra RAM": extra}))
    world.add("tbladdons", id=EXTRA_RAM_ADDON, name="RAM +1GB", billingcycle="recurring")
    service = stage.sell(stage.owner("E29"), product)
    choose(world, service, product, "Extra RAM", 3)
    world.add(
        "tblhostingaddons",
        hostingid=service.id,
        addonid=EXTRA_RAM_ADDON,
        userid=service.row["userid"],
        name="RAM +1GB",
        qty=2,
        billingcycle="Monthly",
        status="Active",
    )
    service.truth.memory_mib = 2048 + 3 * 512 + 2 * 1024


def e30_mb_vs_gb_same_name(stage: Stage) -> None:
    """`RAM` counts megabytes in one product and gigabytes in another; only the product tells."""
    client = stage.owner("E30")
    for product_id, name, choices in (
        (11, "VPS Counted in MB", {2048: "2048", 4096: "4096"}),
        (12, "VPS Counted in GB", {4096: "4", 262144: "256"}),
    ):
        product = add_vps(stage.world, VPS_GROUP, product_id, name, Size(2048, 2, 40), "10.00")
        group = option_group(stage.world, name)
        link_options(stage.world, product, (group, {"RAM": add_option(stage.world, group, "RAM", DROPDOWN, choices)}))
        for memory in choices:
            stage.sell(client, product, size=Size(memory, 2, 40))


def e36_broken_refs(stage: Stage) -> None:
    """A choice that is none, one that was deleted, one of another option, an option that was deleted."""
    client, shop = stage.owner("E36"), stage.shop
    for column, value in (
        ("optionid", 0),
        ("optionid", NOBODY),
        ("optionid", shop.medium.options["Disk Space"].choices[80]),
        ("configid", NOBODY),
    ):
        service = stage.sell(client)
        service.options["RAM"][column] = value
        service.truth.warnings.append("broken_reference")
        stage.world.truth.row(
            "tblhostingconfigoptions", service.options["RAM"], "E36", "quarantine", "broken_reference"
        )


def e38_option_same_name_two_groups(stage: Stage) -> None:
    """`RAM` in two groups of one product: the younger option holds, and the report says so."""
    product = add_vps(stage.world, VPS_GROUP, 13, "VPS Two Groups", Size(1024, 2, 40), "10.00")
    service = stage.sell(stage.owner("E38"), product)
    for name, memory in (("Group A", 2048), ("Group B", 4096)):
        group = option_group(stage.world, name)
        ram = add_option(stage.world, group, "RAM", DROPDOWN, {memory: f"{memory}|{memory // 1024} GB"})
        link_options(stage.world, product, (group, {name: ram}))
        choose(stage.world, service, product, name, memory)
    service.truth.memory_mib = 4096
    service.truth.warnings.append("option_conflict")


def e39_unicode_option_names(stage: Stage) -> None:
    """Options named in other scripts, in wide letters, with a space that does not break."""
    client = stage.owner("E39")
    for product_id, names in (
        (15, ("ＲＡＭ", "CPU核心数", "Disk\u00a0Space")),
        (16, ("Arbeitsspeicher", "CPU Cores", "Disk Space")),
        (18, ("ОЗУ", "CPU Cores", "Disk Space")),
    ):
        product = add_vps(stage.world, VPS_GROUP, product_id, f"VPS Named {product_id}", Size(1024, 1, 20), "10.00")
        link_options(stage.world, product, _named_options(stage.world, product.name, names))
        stage.sell(client, product, size=Size(4096, 4, 80))


def _named_options(world: World, title: str, names: tuple[str, str, str]) -> tuple[int, dict[str, Option]]:
    group = option_group(world, title)
    choices = ({4096: "4096|4 GB"}, {4: "4|4 Cores"}, {80: "80 GB"})
    keys = ("RAM", "CPU Cores", "Disk Space")
    return group, {
        key: add_option(world, group, name, DROPDOWN, choice)
        for key, name, choice in zip(keys, names, choices, strict=True)
    }

"""Names that were escaped, garbled or typed by hand."""

from testbed.whmcs.catalogue import VPS_GROUP, Size, add_field, add_vps
from testbed.whmcs.services import fill
from testbed.whmcs.stage import Stage
from testbed.whmcs.world import number


def e16_html_entities(stage: Stage) -> None:
    """Names escaped once, escaped twice, and only seemingly escaped."""
    for stored, name, warnings in (
        ("O&#039;Brien &amp; Sons", "O'Brien & Sons", []),
        ("A &amp;amp; B", "A &amp; B", ["double_encoded"]),
        ("R&D &copy 2020", "R&D &copy 2020", []),
    ):
        client = stage.owner("E16", f"e16-{len(stage.world.truth.clients)}", companyname=stored)
        client.truth.name = name
        client.truth.warnings += warnings
        stage.sell(client)


def e17_mojibake(stage: Stage) -> None:
    """UTF-8 read as Windows-1252 once; and capitals that merely look like it."""
    broken = stage.owner("E17", "e17-broken", companyname="JosÃ© MÃ¼ller â‚¬")
    broken.truth.name = "José Müller €"
    broken.truth.warnings.append("mojibake_repaired")
    stage.sell(broken)
    stage.sell(stage.owner("E17", "e17-genuine", companyname="IRMÃOS ASSUNÇÃO LTDA"))


def e18_latin1_table(stage: Stage) -> None:
    """Tables in latin1, an emoji in one that can hold it, and question marks where one could not."""
    world = stage.world
    world.charsets |= {"tblproducts": "latin1", "tblclientgroups": "latin1"}
    group = number(world.add("tblclientgroups", groupname="Société", discountpercent="0.00"))
    product = add_vps(world, VPS_GROUP, 14, "VPS Médium", Size(2048, 2, 40), "11.00")
    client = stage.owner("E18", groupid=group, companyname="Rocket 🚀 GmbH")
    client.truth.profile["group"] = "Société"
    stage.sell(client, product)
    stage.sell(stage.owner("E18", "e18-lost", companyname="Caf? ???? GmbH"))


def e19_control_chars(stage: Stage) -> None:
    """Characters that cannot be seen: NUL, which PostgreSQL refuses, and others that change how a name reads."""
    for stored, name, warning in (
        ("Null\x00 GmbH", "Null GmbH", "illegal_characters_removed"),
        ("Tab\x0b GmbH", "Tab\x0b GmbH", "control_characters"),
        ("\u202eHbmG \u202c Right", "\u202eHbmG \u202c Right", "control_characters"),
        ("Zero\u200bWidth", "Zero\u200bWidth", "control_characters"),
    ):
        client = stage.owner("E19", f"e19-{len(stage.world.truth.clients)}", companyname=stored)
        client.truth.name = name
        client.truth.warnings.append(warning)
        stage.sell(client)


def e65_giant_notes(stage: Stage) -> None:
    """A megabyte of notes, and a custom field almost as long as its column."""
    stage.world.alter("ALTER TABLE tblhosting MODIFY notes mediumtext NOT NULL")
    product = add_vps(stage.world, VPS_GROUP, 19, "VPS Commented", Size(2048, 2, 40), "10.00")
    comment = add_field(stage.world, "product", product.id, "Comment", fieldtype="textarea")
    service = stage.sell(stage.owner("E65"), product)
    service.row["notes"] = "All that was ever said. " * 45_000
    said = "It was a dark and stormy night. " * 1875
    fill(stage.world, service.id, comment, said)
    service.truth.extras["comment"] = said.strip()

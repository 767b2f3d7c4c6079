"""Databases that were not converted to the end: MyISAM among InnoDB, latin1 and utf8mb3 among utf8mb4."""

from itertools import cycle
from random import Random

from testbed.whmcs.world import World

# Those in which a change that is half seen does harm come first; keys of all are short enough for MyISAM.
STARRED = ("tblhosting", "tblhostingconfigoptions", "tblcustomfieldsvalues")
OTHERS = (
    "tblclients",
    "tblcustomfields",
    "tblhostingaddons",
    "tblinvoices",
    "tblorders",
    "tblproductconfigoptions",
    "tblproductconfigoptionssub",
    "tblproducts",
    "tblservers",
)
CHARSETS = ("latin1", "utf8mb3")


def mix_engines(world: World, seed: int, tables: int) -> None:
    """Keep so many *tables* in MyISAM, the most harmful first, then as *seed* has it."""
    others = Random(f"engines {seed}").sample(OTHERS, len(OTHERS))
    world.engines |= dict.fromkeys((*STARRED, *others)[:tables], "MyISAM")


def mix_charsets(world: World, seed: int, tables: int) -> None:
    """Keep so many *tables* in older charsets, by turns, of those whose text survives it."""
    candidates = [table for table in OTHERS + STARRED if table in world.tables and table not in world.charsets]
    Random(f"charsets {seed}").shuffle(candidates)
    charsets = cycle(CHARSETS)
    charset = next(charsets)
    for table in candidates:
        if tables > 0 and _fits(world, table, charset):
            world.charsets[table] = charset
            charset, tables = next(charsets), tables - 1


def _fits(world: World, table: str, charset: str) -> bool:
    text = "".join(value for row in world.tables[table] for value in row.values() if isinstance(value, str))
    if charset == "utf8mb3":
        return all(ord(character) < 0x10000 for character in text)
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True

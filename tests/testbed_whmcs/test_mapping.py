"""The mapping file beside the sample fits it."""

from pathlib import Path

import pytest

import testbed.whmcs
from testbed.whmcs import sample
from testbed.whmcs.world import World
from whmcs_import.mapping.mapping_file import MappingFile, load
from whmcs_import.source.values import normalise, split_pipe

FILE = Path(testbed.whmcs.__file__).with_name("mapping.yaml")


@pytest.fixture(scope="module")
def world() -> World:
    """The sample as it is by default."""
    return sample.make(sample.SEED, sample.SCALE, "all")


@pytest.fixture(scope="module")
def mapping() -> MappingFile:
    """The file as the importer reads it."""
    return load(FILE)


def named(mapping: MappingFile, kind: str) -> set[str]:
    """Every option or custom field name which the file reads, as names are compared."""
    targets = [*mapping.targets.values(), *mapping.extras.values()]
    names = {
        name for target in targets for source in target.sources if source.kind == kind for name in source.match.names
    }
    return {normalise(name) for name in names}


def unplaced(mapping: MappingFile, kind: str, names: set[str]) -> set[str]:
    known = named(mapping, kind) | {normalise(name) for name in mapping.vmid_fields}
    return {
        name
        for name in names
        if not mapping.ignores(name)
        and not {normalise(split_pipe(name).key), normalise(split_pipe(name).label)} & known
    }


def test_every_option_sold_is_mapped_or_ignored(world: World, mapping: MappingFile) -> None:
    names = {str(row["optionname"]) for row in world.tables["tblproductconfigoptions"]}
    assert unplaced(mapping, "option", names) == set()


def test_every_product_field_is_mapped_or_ignored(world: World, mapping: MappingFile) -> None:
    names = {str(row["fieldname"]) for row in world.tables["tblcustomfields"] if row["type"] == "product"}
    assert unplaced(mapping, "custom_field", names) == set()


def test_every_product_and_server_is_named(world: World, mapping: MappingFile) -> None:
    assert {int(key) for key, _ in mapping.products} == {row["id"] for row in world.tables["tblproducts"]}
    assert set(mapping.servers.values()) == {"demo", "ams"}
    unknown = {row["id"] for row in world.tables["tblservers"]} - mapping.servers.keys()
    assert unknown == {3, 8, 11, 12, 13, 14, 15}  # what is not Proxmox, or many VMs at once

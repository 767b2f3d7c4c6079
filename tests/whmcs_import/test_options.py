"""Which of a service's rows count, and what is said about the others."""

import pytest

from tests.whmcs_import import given
from tests.whmcs_import.given import (
    BACKUPS,
    CORES,
    CORES_2,
    DISK,
    DISK_UNIT,
    EXTRA_RAM,
    EXTRA_UNIT,
    NO,
    OLD_RAM,
    OS,
    OS_ANY,
    OS_OLD,
    RAM,
    RAM_2_OLD,
    RAM_4,
    RAM_8,
    VPS,
    YES,
)
from whmcs_import.mapping import options
from whmcs_import.mapping.options import AddonRow, FieldRow, OptionRow, Refused, Sold


def read(
    *rows: OptionRow,
    fields: tuple[FieldRow, ...] = (),
    addons: tuple[AddonRow, ...] = (),
    stale: str = "use_if_missing",
) -> Sold:
    return options.read(given.shop(), VPS, rows, fields, addons, stale=stale)


def said(sold: Sold) -> dict[str, str]:
    return {f"{value.kind} {value.id}": str(value.reading) for value in sold.values}


def codes(sold: Sold) -> list[str]:
    return [note.code for note in sold.notes]


def test_each_kind_of_option_says_what_its_kind_means() -> None:
    sold = read((RAM, RAM_4, 0), (CORES, CORES_2, 1), (DISK, DISK_UNIT, 60), (BACKUPS, YES, 1))
    assert said(sold) == {
        f"option {RAM}": "4096|4 GB",
        f"option {CORES}": "2 Cores",
        f"option {DISK}": "60|60 GB",
        f"option {BACKUPS}": "yes",
    }
    assert codes(sold) == []


def test_an_option_of_a_group_the_product_has_not_is_stale_and_reported() -> None:
    sold = read((RAM, RAM_4, 0), (OLD_RAM, RAM_2_OLD, 0))
    assert [(value.id, value.stale) for value in sold.values] == [(RAM, False), (OLD_RAM, True)]
    assert codes(sold) == ["stale_option"]
    assert len(read((OLD_RAM, RAM_2_OLD, 0), stale="ignore").values) == 0
    with pytest.raises(Refused) as caught:
        read((OLD_RAM, RAM_2_OLD, 0), stale="quarantine")
    assert caught.value.code == "stale_option"


def test_equal_rows_collapse_and_of_different_ones_the_younger_holds() -> None:
    equal = read((RAM, RAM_4, 0), (RAM, RAM_4, 1))
    torn = read((RAM, RAM_4, 0), (RAM, RAM_8, 0))
    assert (said(equal), codes(equal)) == ({f"option {RAM}": "4096|4 GB"}, [])
    assert (said(torn), codes(torn)) == ({f"option {RAM}": "8192|8 GB"}, ["option_conflict"])


@pytest.mark.parametrize("row", [(99, 1, 0), (RAM, 0, 0), (RAM, 999, 0), (RAM, CORES_2, 0)])
def test_a_row_that_points_nowhere_says_nothing_and_is_reported(row: OptionRow) -> None:
    sold = read(row)
    assert sold.values == []
    assert codes(sold) == ["broken_reference"]


def test_yes_and_no_count_by_quantity_and_a_contradiction_is_reported() -> None:
    assert said(read((BACKUPS, NO, 0))) == {f"option {BACKUPS}": "no"}
    torn = read((BACKUPS, YES, 0))
    assert said(torn) == {f"option {BACKUPS}": "no"}
    assert codes(torn) == ["yes_no_contradiction"]


def test_quantities_below_nothing_are_refused_and_above_the_maximum_reported() -> None:
    with pytest.raises(Refused) as caught:
        read((EXTRA_RAM, EXTRA_UNIT, -1))
    assert caught.value.code == "quantity_negative"
    assert codes(read((EXTRA_RAM, EXTRA_UNIT, 9))) == ["quantity_over_maximum"]
    assert codes(read((EXTRA_RAM, EXTRA_UNIT, 0))) == []


def test_a_field_of_the_product_counts_before_one_of_all_products_and_one_of_an_older_product() -> None:
    everywhere = read(fields=((OS_OLD, "old"), (OS_ANY, "any"), (OS, "own")))
    assert said(everywhere) == {f"custom_field {OS}": "own"}
    assert said(read(fields=((OS_OLD, "old"), (OS_ANY, "any")))) == {f"custom_field {OS_ANY}": "any"}
    old = read(fields=((OS_OLD, "old"),))
    assert (said(old), codes(old)) == ({f"custom_field {OS_OLD}": "old"}, ["field_of_old_product"])


def test_of_many_values_of_a_field_the_youngest_that_is_not_blank_holds() -> None:
    sold = read(fields=((OS, "first"), (OS, "second"), (OS, "")))
    assert (said(sold), codes(sold)) == ({f"custom_field {OS}": "second"}, ["field_conflict"])
    assert codes(read(fields=((OS, "same"), (OS, "same")))) == []
    assert read(fields=((OS, " "),)).values == []


def test_values_of_fields_that_are_not_of_products_are_not_the_services() -> None:
    assert read(fields=((77, "of a client with the same number"),)).values == []


def test_only_live_addons_count() -> None:
    sold = read(addons=((5, "Active", "", 2), (5, "Cancelled", "", 1), (4, "Active", "", None)))
    assert [(value.id, value.qty) for value in sold.values] == [(5, 2), (4, 1)]


def test_a_service_with_many_damaged_rows_is_not_told_of_row_by_row() -> None:
    missing = [(5000 + n, 1, 0) for n in range(options.MOST_NOTES + 7)]
    sold = read(*[(RAM, choice, 0) for choice in (RAM_4, RAM_8) * 100], *missing)
    assert codes(sold) == ["option_conflict"] + ["broken_reference"] * (options.MOST_NOTES + 1)
    assert sold.notes[-1].detail == "and 7 more"
    assert said(sold) == {f"option {RAM}": "8192|8 GB"}

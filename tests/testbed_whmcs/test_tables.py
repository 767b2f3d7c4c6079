"""What is in the database is what was made up, awkward values included."""

import pytest

from testbed.whmcs import sample
from tests.testbed_whmcs.running import Testbed

pytestmark = pytest.mark.mariadb

REQUIRED = {
    "tblusers": {"email", "password", "second_factor"},
    "tblusers_clients": {"auth_user_id", "client_id", "owner", "permissions"},
    "tblclients": {"uuid", "firstname", "companyname", "email", "currency", "groupid", "status"},
    "tblhosting": {"userid", "packageid", "server", "domain", "domainstatus", "suspendreason", "dedicatedip", "qty"},
    "tblproducts": {"servertype", "configoption1", "configoption24", "paytype", "order"},
    "tblhostingconfigoptions": {"relid", "configid", "optionid", "qty"},
    "tblcustomfieldsvalues": {"fieldid", "relid", "value"},
    "mod_pvewhmcs_vms": {"vmid", "vtype", "ipaddress"},
    "mod_pvewhmcs_plans": {"cores", "memory", "disk", "ssh-keys"},
    "tblupgrades": {"relid", "status"},
}


def test_the_schema_is_that_of_8_3(testbed: Testbed) -> None:
    found: dict[str, set[str]] = {}
    for table, column in testbed.rows(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'whmcs'"
    ):
        found.setdefault(table, set()).add(column)
    assert {table: columns - found.get(table, set()) for table, columns in REQUIRED.items()} == {
        table: set() for table in REQUIRED
    }
    assert testbed.rows("SELECT value FROM tblconfiguration WHERE setting = 'Version'")[0][0].startswith("8.3")


def test_every_row_arrived(testbed: Testbed) -> None:
    world = sample.make(sample.SEED, sample.SCALE, "all")
    for table, rows in world.tables.items():
        assert testbed.rows(f"SELECT count(*) FROM {table}") == [(len(rows),)], table


def test_every_table_is_transactional(testbed: Testbed) -> None:
    engines = "SELECT DISTINCT engine FROM information_schema.tables WHERE table_schema = 'whmcs'"
    assert testbed.rows(engines) == [("InnoDB",)]


def test_zero_dates_are_stored_as_zeros(testbed: Testbed) -> None:
    assert testbed.rows("SELECT regdate, nextduedate FROM tblhosting WHERE billingcycle = 'Free Account'") == [
        ("0000-00-00", "0000-00-00")
    ]


def test_days_that_never_were_are_stored_as_given(testbed: Testbed) -> None:
    found = testbed.rows("SELECT regdate FROM tblhosting WHERE CAST(regdate AS char) LIKE '2024-02-%' ORDER BY regdate")
    assert found == [("2024-02-00",), ("2024-02-30",)]


def test_tables_have_the_charsets_of_their_cases(testbed: Testbed) -> None:
    tables = "SELECT table_name, table_collation FROM information_schema.tables WHERE table_schema = 'whmcs'"
    collations = {name: collation.partition("_")[0] for name, collation in testbed.rows(tables)}
    assert {name for name, charset in collations.items() if charset == "latin1"} == {"tblclientgroups", "tblproducts"}
    assert testbed.rows("SELECT hex(name) FROM tblproducts WHERE id = 14") == [
        ("56505320 4DE96469756D".replace(" ", ""),)
    ]


def test_a_megabyte_is_kept(testbed: Testbed) -> None:
    assert testbed.rows("SELECT max(length(notes)) > 1000000 FROM tblhosting") == [(1,)]
    assert testbed.rows("SELECT max(length(value)) = 60000 FROM tblcustomfieldsvalues") == [(1,)]


def test_a_column_may_be_missing_and_others_be_there(testbed: Testbed) -> None:
    found = {column for (column,) in testbed.rows("SELECT column_name FROM information_schema.columns")}
    assert "qtyminimum" not in found
    assert {"reseller_note", "margin"} <= found


def test_a_status_outside_the_enum_is_blank(testbed: Testbed) -> None:
    assert testbed.rows("SELECT count(*) FROM tblhosting WHERE domainstatus = ''") == [(1,)]


def test_text_arrives_as_it_was_written(testbed: Testbed) -> None:
    assert testbed.rows("SELECT companyname FROM tblclients WHERE companyname LIKE 'O&%'") == [
        ("O&#039;Brien &amp; Sons",)
    ]
    assert testbed.rows("SELECT count(*) FROM tblproductconfigoptionssub WHERE BINARY optionname = '٤ GB'") == [(1,)]

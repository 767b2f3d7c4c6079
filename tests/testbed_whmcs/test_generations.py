"""Older and newer generations: what is there of them, and who signs in where there are no users yet."""

import hashlib
from collections.abc import Callable

import pytest

from testbed.whmcs import sample
from testbed.whmcs.truth import UserTruth
from testbed.whmcs.world import World, number
from tests.testbed_whmcs.running import Testbed
from tests.testbed_whmcs.test_sample import opens

Start = Callable[..., Testbed]


def made(schema: str) -> World:
    return sample.make(sample.SEED, 5, "all", schema=schema)


@pytest.fixture(scope="module", params=["v5", "v7"])
def old(request: pytest.FixtureRequest) -> World:
    """The sample without users."""
    return made(request.param)


def signs_in(world: World, table: str) -> dict[int, UserTruth]:
    return {user.user_id: user for user in world.truth.users.values() if user.table == table}


def test_every_client_and_contact_signs_in_where_there_are_no_users(old: World) -> None:
    assert not {"tblusers", "tblusers_clients"} & old.tables.keys()
    assert set(signs_in(old, "tblclients")) == {number(row) for row in old.tables["tblclients"]}
    assert set(signs_in(old, "tblcontacts")) == {number(row) for row in old.tables["tblcontacts"]} != set()


def test_their_passwords_open(old: World) -> None:
    for table in ("tblclients", "tblcontacts"):
        for row in old.tables[table]:
            user = signs_in(old, table)[number(row)]
            assert user.password is None or opens(user, str(row["password"])), user


def test_an_address_signs_in_one_of_them(old: World) -> None:
    able = [user.email for user in old.truth.users.values() if user.expect == "import"]
    assert len(able) == len(set(able))
    collided = [user for user in old.truth.users.values() if user.reason == "email_collision"]
    assert {"E06", "E08", "E10", "E11"} <= {user.case for user in collided}
    assert {user.email for user in collided} <= set(able)


def test_bcrypt_came_with_6_3() -> None:
    assert "bcrypt" in {user.scheme for user in made("v7").truth.users.values()}
    assert "bcrypt" not in {user.scheme for user in made("v5").truth.users.values()}


def test_quantities_are_rows_where_there_is_no_column(old: World) -> None:
    [service] = [service for service in old.truth.services.values() if service.case == "E29"]
    addons = [row for row in old.tables["tblhostingaddons"] if row["hostingid"] == service.service_id]
    assert (len(addons), service.memory_mib) == (2, 2048 + 1536 + 2048)


@pytest.mark.mariadb
@pytest.mark.parametrize(
    ("schema", "has", "lacks"),
    [
        ("v5", "tblclients.password", "tblcustomfieldsvalues.id tblclients.uuid tblhosting.created_at tblusers.id"),
        ("v7", "tblclients.uuid tblcustomfieldsvalues.id", "tblusers.id tblhosting.qty"),
        ("v8.13", "tblservergroupsrel.id tblhosting.upsell_from_products tblusers.id", "tblclients.cardnum"),
    ],
)
def test_a_generation_has_its_columns_and_all_rows(start: Start, schema: str, has: str, lacks: str) -> None:
    bed = start("--schema", schema, "--scale", "5")
    columns = "SELECT concat(table_name, '.', column_name) FROM information_schema.columns WHERE table_schema = 'whmcs'"
    found = {column for (column,) in bed.rows(columns)}
    assert set(has.split()) <= found
    assert not set(lacks.split()) & found
    tables = {column.partition(".")[0] for column in found}
    for table, rows in made(schema).tables.items():
        if table in tables:
            assert bed.rows(f"SELECT count(*) FROM `{table}`") == [(len(rows),)], table


@pytest.mark.mariadb
def test_engines_and_charsets_are_mixed_without_losing_a_letter(start: Start) -> None:
    bed = start("--scale", "5", "--engine-mix", "4", "--charset-mix", "6")
    tables = "SELECT table_name, engine, table_collation FROM information_schema.tables WHERE table_schema = 'whmcs'"
    found = bed.rows(tables)
    loose = {table for table, engine, _ in found if engine == "MyISAM"}
    assert len(loose) == 4
    assert {"tblhosting", "tblhostingconfigoptions", "tblcustomfieldsvalues"} < loose
    charsets = [collation.partition("_")[0] for _, _, collation in found]
    assert charsets.count("latin1") == 2 + 3
    assert charsets.count("utf8mb3") == 3
    stored = bed.rows("SELECT id, CONVERT(domain USING utf8mb4) FROM tblhosting ORDER BY id", "dsn")
    digest = hashlib.sha256(repr(stored).encode()).hexdigest()
    made_up = sorted((number(row), row["domain"]) for row in made("v8.3").tables["tblhosting"])
    assert digest == hashlib.sha256(repr(made_up).encode()).hexdigest()

"""Reading a source that others write to, in tables with and without snapshots, of every generation."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.testbed_whmcs.running import Testbed
from whmcs_import.mapping import rows, shop, users
from whmcs_import.source import extract
from whmcs_import.source.extract import SourceError
from whmcs_import.source.staging import Staging, private_copy

pytestmark = [pytest.mark.mariadb]


@pytest.fixture
def staging() -> Iterator[Staging]:
    with private_copy() as copy:
        yield copy


def read(testbed: Testbed, staging: Staging, loose: extract.Looseness = "prove", meanwhile: str = "") -> str:
    """How the source was read; `meanwhile` is done to it each time its first table has been copied."""

    def progress(table: str, done: int, about: int | None) -> None:
        if table == "tblcurrencies" and meanwhile:
            testbed.rows(meanwhile, "dsn")

    dsn = extract.parse_dsn(testbed.ready["readonly_dsn" if loose != "lock" else "dsn"])
    return extract.extract(dsn, staging, progress, loose=loose, allow_writer=True).method


def test_a_table_without_snapshots_is_read_twice_and_refused_when_it_changes(
    changing: Testbed, staging: Staging
) -> None:
    assert read(changing, staging) == "snapshot"
    staging.clear()
    changing.rows("ALTER TABLE tblhosting ENGINE = MyISAM", "dsn")
    changes = "UPDATE tblhosting SET amount = amount + 1 LIMIT 1"
    with pytest.raises(SourceError, match=r"tblhosting is not InnoDB and changed.*--lock-source"):
        read(changing, staging, meanwhile=changes)
    staging.clear()
    assert read(changing, staging, "accept", meanwhile=changes) == "inconsistent"
    staging.clear()
    assert read(changing, staging) == "two_passes"
    assert staging.count("tblhosting") == changing.rows("SELECT count(*) FROM tblhosting")[0][0]


@pytest.mark.parametrize("ends", ["read", "refused"])
def test_the_source_is_let_go_before_anything_is_made_of_it(
    changing: Testbed, staging: Staging, ends: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, connect = [], extract._connect

    def connected(dsn: extract.Dsn) -> extract.Connection:
        opened.append(connect(dsn))
        return opened[-1]

    monkeypatch.setattr(extract, "_connect", connected)
    if ends == "refused":
        changing.rows("DROP TABLE tblcurrencies", "dsn")
        with pytest.raises(SourceError, match="no WHMCS"):
            read(changing, staging)
    else:
        read(changing, staging)
    assert opened
    assert not [connection for connection in opened if connection.open]


def fields_of(staging: Staging) -> set[int]:
    """The custom fields of which values are staged."""
    heaps = [staging.owned("tblcustomfieldsvalues", span) for span in staging.spans()]
    return {row[1] for heap in heaps for rows in heap.values() for row in rows}


def test_values_without_snapshots_of_fields_with_one_are_read(changing: Testbed, staging: Staging) -> None:
    changing.rows("ALTER TABLE tblcustomfieldsvalues ENGINE = Aria", "dsn")
    assert read(changing, staging) == "two_passes"


def test_what_is_written_otherwise_means_the_same(changing: Testbed, staging: Staging) -> None:
    """MariaDB compares without regard to case, and so does WHMCS; what is a password is never read."""
    for sql in (
        "UPDATE tblcustomfields SET type = 'Product' WHERE type = 'product'",
        "UPDATE tblcustomfields SET fieldtype = 'Password ' WHERE fieldname = 'OS_Image_Template'",
        "UPDATE tblproducts SET servertype = 'PveWhmcs' WHERE servertype = 'pvewhmcs'",
    ):
        changing.rows(sql, "dsn")
    read(changing, staging)
    sold = shop.read(staging)
    hidden = {id for id, field in sold.fields.items() if field.kind == "password"}
    assert hidden
    assert not hidden & fields_of(staging)
    assert any(product.plan for product in sold.products.values() if product.module == "PveWhmcs")


def test_values_of_clients_and_tickets_are_left_where_they_are(changing: Testbed, staging: Staging) -> None:
    """There may be millions. A field whose id is no number is nobody's, and stops nothing."""
    changing.rows("ALTER TABLE tblcustomfields MODIFY id VARCHAR(20) NOT NULL", "dsn")
    changing.rows(
        "INSERT INTO tblcustomfields (id, type, relid, fieldname, fieldtype) VALUES ('x', 'product', 0, 'odd', 'text'),"
        " ('990', 'client', 0, 'of clients', 'text'), ('991', 'support', 0, 'of tickets', 'text')",
        "dsn",
    )
    changing.rows("INSERT INTO tblcustomfieldsvalues (fieldid, relid, value) SELECT 990, id, '' FROM tblclients", "dsn")
    read(changing, staging)
    fields = fields_of(staging)
    assert fields
    assert fields <= shop.read(staging).fields.keys()


def test_locked_tables_do_not_change_while_they_are_read(changing: Testbed, staging: Staging) -> None:
    changing.rows("ALTER TABLE tblhosting ENGINE = MyISAM", "dsn")
    waiting = "SET STATEMENT lock_wait_timeout = 1 FOR UPDATE tblhosting SET amount = amount + 1 LIMIT 1"
    with pytest.raises(Exception, match="Lock wait timeout"):
        read(changing, staging, "lock", meanwhile=waiting)
    staging.clear()
    assert read(changing, staging, "lock") == "lock"


def test_before_8_clients_and_their_sub_accounts_sign_in(
    changing: Testbed, staging: Staging, before_8: Callable[[Testbed], None]
) -> None:
    before_8(changing)
    read(changing, staging)
    found = {users.key(row.id): row for row in rows.users(staging)}
    client, contact = changing.rows("SELECT userid, id FROM tblcontacts WHERE subaccount = 1")[0]
    assert found[f"client-{client}"].password
    assert found[f"contact-{contact}"].email == "sub@example.net"
    members = {(users.key(m.user), m.client, m.owner) for m in rows.memberships(staging)}
    assert {(f"client-{client}", client, True), (f"contact-{contact}", client, False)} <= members
    assert all(users.number(key) == row.id for key, row in found.items())
    assert not any("plain@" in row.email for row in found.values())


def test_bytes_that_are_no_text_do_not_end_the_reading(changing: Testbed, staging: Staging) -> None:
    changing.rows("ALTER TABLE tblclients MODIFY companyname BLOB NOT NULL", "dsn")
    changing.rows("UPDATE tblclients SET companyname = X'4AFF4B' ORDER BY id LIMIT 1", "dsn")
    read(changing, staging)
    assert next(staging.rows("SELECT companyname FROM tblclients ORDER BY id"))[0] == "J\ufffdK"

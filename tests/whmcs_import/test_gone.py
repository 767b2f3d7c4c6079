"""A database that goes away while an import runs: one line names it, nothing is half-written, the next run goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import asyncpg
import pymysql
import pytest

from tests.testbed_whmcs.running import Testbed
from tests.whmcs_import.conftest import Importer, until_gone, until_held
from whmcs_import.source import extract
from whmcs_import.source.extract import InvalidSource

pytestmark = [pytest.mark.pg, pytest.mark.mariadb]


async def test_postgresql_that_goes_away_is_named_and_the_next_run_goes_on(
    importer: Importer, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    await database.execute("SELECT pg_advisory_lock(4711)")
    await database.execute(
        "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NEW; END $$"
    )
    await database.execute(
        "CREATE TRIGGER hold BEFORE INSERT ON source_key FOR EACH ROW"
        " WHEN (NEW.entity = 'service') EXECUTE FUNCTION hold()"
    )
    running = importer.start()
    await until_held(database, running)
    await database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    said = running.communicate()[1]
    assert (running.returncode, said.count("\n")) == (3, 1), said
    assert "PostgreSQL did not go on" in said
    await database.execute("DROP TRIGGER hold ON source_key")
    await database.execute("SELECT pg_advisory_unlock(4711)")
    await until_gone(database)
    assert await database.fetchval("SELECT count(*) FROM event WHERE type = 'server.imported'") == 0
    again = importer.run()
    assert again.code == 2, again.stderr
    assert again.counts("accounts")[0] == 0
    assert again.counts("servers")[0] > 0


@contextmanager
def locked(testbed: Testbed, table: str) -> Iterator[pymysql.Connection[pymysql.cursors.Cursor]]:
    """A table that nobody else can read; and who holds it."""
    dsn = extract.parse_dsn(testbed.ready["dsn"])
    holder = pymysql.connect(
        host=dsn.host, port=dsn.port, user=dsn.user, password=dsn.password, database=dsn.database, autocommit=True
    )
    with closing(holder), holder.cursor() as cursor:
        cursor.execute(f"LOCK TABLES {table} WRITE")
        yield holder


def test_a_source_that_goes_away_is_named_and_nothing_is_written(
    changing: Testbed, importer_of: Callable[[Testbed], Importer]
) -> None:
    importer = importer_of(changing)
    name = extract.parse_dsn(changing.ready["readonly_dsn"]).database
    with locked(changing, "tblhosting") as holder, holder.cursor() as cursor:
        running = importer.start()
        waiting = (
            "SELECT id FROM information_schema.processlist"
            f" WHERE db = '{name}' AND state LIKE 'Waiting for table%' AND info LIKE '%tblhosting%'"
        )
        while not cursor.execute(waiting):
            assert running.poll() is None, running.communicate()
        for (id,) in cursor.fetchall():
            cursor.execute(f"KILL {id}")
        said = running.communicate()[1]
    assert (running.returncode, said.count("\n")) == (3, 1), said
    assert "cannot be read" in said
    assert "run again" in said
    assert importer.run("verify").code == 3  # nothing was imported


@pytest.mark.parametrize("password", ["se/cret", "se#cret", "se?cret", "se:cr/et", "[se]cret", "se/12"])
def test_no_part_of_a_password_is_shown_that_was_not_written_as_it_must_be(password: str) -> None:
    with pytest.raises(InvalidSource) as caught:
        extract.parse_dsn(f"mysql://reader:{password}@127.0.0.1:3306/whmcs")
    assert "mysql://user:password@host:port/database" in str(caught.value)
    assert not any(part in str(caught.value) for part in ("se:", "'se'", "cret", "se/"))

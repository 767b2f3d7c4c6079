"""Wherever an import is killed, the next one ends where an undisturbed one would have, and nothing is there twice."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from tests.databases import Databases
from tests.testbed_whmcs.running import Testbed
from tests.whmcs_import.conftest import ROOT, Database, Importer, until_gone, until_held

pytestmark = [pytest.mark.pg, pytest.mark.mariadb, pytest.mark.long]
CHANCE = random.Random(20)
ROWS = sorted(CHANCE.sample(range(1, 301), 14))  # of all that are claimed, the one at which the import is killed
LINES = sorted(CHANCE.sample(range(1, 50), 6))  # of its progress, the one after which it is killed
SMALL_CHUNKS = (
    "import sys; from whmcs_import import load, __main__ as command; load.CHUNK = 7; sys.exit(command.main())"
)
STATE = (
    "SELECT entity, source_id, stream_id, content_hash FROM source_key ORDER BY 1, 2",
    "SELECT e.stream_id, e.version, e.type, (e.data::jsonb - 'run_id')::text, p.data::jsonb::text"
    "  FROM event e LEFT JOIN event_private p USING (stream_id, version)"
    " WHERE e.type NOT LIKE 'import.%' ORDER BY 1, 2",
    "SELECT email, user_id FROM login_name ORDER BY 1",
    "SELECT user_id, scheme FROM credential ORDER BY 1",
)


@dataclass(frozen=True, slots=True)
class End:
    """What an import leaves."""

    state: list[list[Any]]

    @classmethod
    async def of(cls, database: Database) -> End:
        return cls([[tuple(row) for row in await database.fetch(query)] for query in STATE])


@pytest.fixture(scope="module")
def undisturbed(databases: Databases, whmcs: Testbed) -> Iterator[End]:
    """What an import leaves that nobody kills."""
    with databases.lease() as url:
        assert Importer(whmcs.ready["readonly_dsn"], url).run().code == 2
        yield asyncio.run(_end(url))


async def _end(url: str) -> End:
    database = await asyncpg.connect(url)
    try:
        return await End.of(database)
    finally:
        await database.close()


def started(importer: Importer) -> subprocess.Popen[str]:
    """An import in small chunks, so that it may be killed between many of them."""
    usual = [part for part in importer.command()[3:] if part != "--quiet"]
    command = [sys.executable, "-c", SMALL_CHUNKS, *usual]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=ROOT, env=importer.environ, text=True, **pipes)  # type: ignore[call-overload,no-any-return]


async def finished(importer: Importer, database: Database, undisturbed: End) -> None:
    """The next run brings the rest, and the one after it nothing."""
    await until_gone(database)
    assert importer.run().code == 2
    for found, wanted in zip((await End.of(database)).state, undisturbed.state, strict=True):
        assert [row for row in found if row not in wanted] == [row for row in wanted if row not in found]
        assert len(found) == len(wanted)
    assert importer.run().report["changes"] == 0


@pytest.mark.parametrize("row", ROWS)
async def test_killed_in_the_middle_of_a_chunk(
    importer: Importer, database: Database, undisturbed: End, row: int
) -> None:
    assert row <= len(undisturbed.state[0])
    await database.execute("SELECT pg_advisory_lock(4711)")
    for statement in (
        "CREATE SEQUENCE claimed",
        "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF nextval('claimed') = {row} THEN PERFORM pg_advisory_xact_lock(4711); END IF; RETURN NEW; END $$",
        "CREATE TRIGGER hold BEFORE INSERT ON source_key FOR EACH ROW EXECUTE FUNCTION hold()",
    ):
        await database.execute(statement)
    with started(importer) as killed:
        await until_held(database, killed)
        killed.kill()
    await database.execute("SELECT pg_advisory_unlock(4711)")
    await finished(importer, database, undisturbed)


@pytest.mark.parametrize("line", LINES)
async def test_killed_while_it_tells_how_far_it_is(
    importer: Importer, database: Database, undisturbed: End, line: int
) -> None:
    with started(importer) as killed:
        assert killed.stderr is not None
        for _ in range(line):
            assert killed.stderr.readline()
        killed.kill()
    await finished(importer, database, undisturbed)

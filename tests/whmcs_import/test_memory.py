"""What a run remembers is used exactly as long as it holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias
from uuid import UUID

import asyncpg
import pytest

from tests.testbed_whmcs.running import Testbed
from tests.whmcs_import.conftest import MAPPING, Importer
from whmcs_import import mapping_file, memory

Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


def test_another_mapping_or_another_choice_of_clients_is_not_what_was_remembered() -> None:
    file = mapping_file.load(MAPPING)
    known = memory.inputs(file, include_idle=False)
    assert memory.inputs(mapping_file.load(MAPPING), include_idle=False) == known
    assert memory.inputs(file, include_idle=True) != known
    elsewhere = mapping_file.parse(MAPPING.read_text().replace("Europe/Berlin", "Asia/Tokyo"), "map")
    assert memory.inputs(elsewhere, include_idle=False) != known


@pytest.mark.pg
@pytest.mark.mariadb
async def test_what_changed_here_or_there_is_found_although_the_last_run_is_remembered(
    changing: Testbed, importer_of: Callable[[Testbed], Importer], database: Database
) -> None:
    importer = importer_of(changing)
    first = importer.run().report
    remembered = await database.fetchrow("SELECT made_of, known FROM import_memory")
    await database.execute("DELETE FROM login_name WHERE email = 'alice@example.com'")
    await database.execute("INSERT INTO login_name VALUES ('alice@example.com', $1)", UUID(int=1))
    assert importer.run("--dry-run").report["entities"]["logins"]["quarantine"]["email_taken"] == 1
    await database.execute("DELETE FROM source_key WHERE entity = 'client'")
    assert importer.run("--dry-run").counts("accounts")[0] == first["entities"]["accounts"]["create"]
    assert await database.fetchrow("SELECT made_of, known FROM import_memory") == remembered
    # Erasing somebody's data erases what imports remember of them too.
    someone = await database.fetchval("SELECT subject_id FROM event_private LIMIT 1")
    await database.execute("DELETE FROM event_private WHERE subject_id = $1", someone)
    assert await database.fetchval("SELECT count(*) FROM import_memory") == 0

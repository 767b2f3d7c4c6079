"""What a run remembers is used exactly as long as it holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from unittest import mock
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.testbed_whmcs.running import Testbed
from tests.whmcs_import.conftest import MAPPING, Database, Importer
from tests.whmcs_import.rows import ODD, ROWS_OF_PEOPLE, ROWS_OF_SERVICES, Rows, fill, mapping, rows
from whmcs_import.mapping import mapping_file
from whmcs_import.mapping.mapping import map_service
from whmcs_import.planning import memory, plan
from whmcs_import.planning.outcomes import Groups
from whmcs_import.planning.plan import Earlier, Plan
from whmcs_import.source.staging import TABLES, private_copy

CHANGING = (*ROWS_OF_SERVICES, *ROWS_OF_PEOPLE, "tblproductconfigoptionssub", "tblcustomfields", "mod_pvewhmcs_vms")


@dataclass(frozen=True, slots=True)
class Made:
    """A plan, what it would write, and how many services were mapped for it."""

    plan: Plan
    planned: list[Any]
    mapped: int


def make(changed: Rows | None = None, earlier: Earlier | None = None, known: Groups | None = None) -> Made:
    with private_copy() as staging, mock.patch("whmcs_import.mapping.mapping.map_service", wraps=map_service) as mapped:
        fill(staging, changed)
        made = plan.make(
            staging, "whmcs", mapping(), earlier or Earlier(), lambda what, done: None, known=known, include_idle=True
        )
        planned = [list(staging.planned(entity, 1000)) for entity in plan.ENTITIES.values()]
        return Made(made, planned, mapped.call_count)


@cache
def first() -> tuple[Earlier, Groups]:
    """What the first import of the sample leaves."""
    made = make().plan
    assert made.findings is not None
    assert made.groups is not None
    keys = {(plan.ENTITIES[name], id): content for name, id, content in made.findings.kept}
    return Earlier(keys), made.groups


def changed(table: str, row: int, column: int, value: Any) -> Rows:
    """The sample with one other value."""
    others = [list(values) for values in rows()[table]]
    others[row][column] = value
    return {table: others}


def test_one_changed_service_is_mapped_again_and_no_other() -> None:
    earlier, groups = first()
    assert make(None, earlier, groups).mapped == 0
    columns = next(table.columns for table in TABLES if table.name == "tblhosting")
    statuses = [row[columns.index("domainstatus")] for row in rows()["tblhosting"]]
    other = changed("tblhosting", statuses.index("Active"), columns.index("amount"), "77.77")
    again = make(other, earlier, groups)
    assert again.mapped == 1
    assert again.plan.entities["servers"].update == 1
    assert again.planned == make(other, earlier).planned


def test_what_is_not_here_any_more_is_mapped_although_it_is_remembered() -> None:
    earlier, groups = first()
    gone = next(id for entity, id in earlier.keys if entity == "service")
    keys = {row: content for row, content in earlier.keys.items() if row != ("service", gone)}
    again = make(None, Earlier(keys), groups)
    assert again.mapped == again.plan.entities["servers"].create == 1


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_plan_made_with_memory_is_the_plan_made_without(data: st.DataObject) -> None:
    earlier, groups = first()
    table = data.draw(st.sampled_from([name for name in CHANGING if rows()[name]]))
    row = data.draw(st.integers(0, len(rows()[table]) - 1))
    column = data.draw(st.integers(0, len(rows()[table][row]) - 1))
    other = changed(table, row, column, data.draw(ODD))
    with_memory, without = make(other, earlier, groups), make(other, earlier)
    assert with_memory.mapped <= without.mapped
    assert with_memory.planned == without.planned
    assert with_memory.plan.plan_hash == without.plan.plan_hash
    assert with_memory.plan == without.plan


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

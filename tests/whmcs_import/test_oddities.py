"""Rows as nobody has seen them yet: each is quarantined or fine, none stops the others or changes what they become."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.registry import EVENTS
from eventstore.codec import Codec
from tests.whmcs_import.rows import ODD, ROWS_OF_PEOPLE, ROWS_OF_SERVICES, Rows, fill, mapping, rows
from whmcs_import.mapping import shop
from whmcs_import.planning import memory, plan
from whmcs_import.planning.plan import Plan
from whmcs_import.source.staging import (
    TABLES,
    Staging,
    private_copy,
)
from whmcs_import.writing import chunks

_codec = Codec(EVENTS)


@contextmanager
def staged(changed: Rows | None = None) -> Iterator[tuple[Staging, Plan]]:
    with private_copy() as staging:
        fill(staging, changed)
        yield staging, plan.make(staging, "whmcs", mapping(), plan.Earlier(), lambda what, done: None)


def payloads(staging: Staging) -> dict[tuple[str, str], dict[str, Any]]:
    """What would be written; each can be."""
    found = {}
    for entity in plan.ENTITIES.values():
        for source_id, text in staging.planned_as(entity, "create"):
            plain = {**msgspec.json.decode(text), "run_id": UUID(int=1), "mode": "observe"}
            encoded = _codec.encode(msgspec.convert(plain, chunks.KINDS[entity]))
            for part in (encoded.data, encoded.private or ""):
                part.encode("utf-8")
                assert "\\u0000" not in part
            found[entity, source_id] = msgspec.json.decode(text)
    return found


@cache
def undisturbed() -> dict[tuple[str, str], dict[str, Any]]:
    with staged() as (staging, _):
        return payloads(staging)


def check_counts(made: Plan) -> None:
    for name, tally in made.entities.items():
        assert tally.seen == tally.changes + tally.unchanged + tally.skip.total() + tally.quarantine.total(), name
    assert all(row["reason"] and row["detail"] for row in made.quarantined)
    made.plan_hash.encode()
    msgspec.json.encode([made.quarantined, made.warnings, made.adoption])


def cells(*tables: str) -> st.SearchStrategy[tuple[str, int, str]]:
    places = [
        (table.name, number, column)
        for table in TABLES
        if table.name in tables or not tables
        for number in range(len(rows()[table.name]))
        for column in table.columns
    ]
    return st.sampled_from(places)


def changed(*changes: tuple[tuple[str, int, str], Any]) -> Rows:
    made: Rows = {}
    for (name, number, column), value in changes:
        table = next(table for table in TABLES if table.name == name)
        made.setdefault(name, [list(row) for row in rows()[name]])[number][table.columns.index(column)] = value
    return made


fuzzing = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@fuzzing
@given(st.lists(st.tuples(cells(), ODD), min_size=1, max_size=6))
def test_no_value_of_any_column_stops_an_import(changes: list[tuple[tuple[str, int, str], Any]]) -> None:
    with staged(changed(*changes)) as (staging, made):
        payloads(staging)
        check_counts(made)
        check_memory(made)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("tblproductconfigoptionssub", "configid"),
        ("tblproductconfigoptions", "gid"),
        ("tblproducts", "gid"),
        ("tblcustomfields", "relid"),
        ("tblhostingaddons", "addonid"),
    ],
)
def test_what_refers_to_nothing_is_remembered_too(table: str, column: str) -> None:
    everywhere = [((table, n, column), None) for n in range(len(rows()[table]))]
    with staged(changed(*everywhere)) as (staging, made):
        payloads(staging)
        check_memory(made)


def check_memory(made: Plan) -> None:
    """The next run can read what this one found out."""
    assert made.groups is not None
    assert memory._findings.decode(memory._encode(made.findings)) == made.findings
    assert memory._groups.decode(memory._encode(made.groups)).outcomes == made.groups.outcomes


@fuzzing
@given(cells(*ROWS_OF_SERVICES, *ROWS_OF_PEOPLE), ODD)
def test_an_odd_row_changes_nothing_but_what_hangs_on_it(cell: tuple[str, int, str], value: Any) -> None:
    with staged(changed((cell, value))) as (staging, made):
        found = payloads(staging)
        touched = {key for key in found if without_guest(found[key]) != without_guest(undisturbed().get(key))}
        touched |= set(undisturbed()) - set(found)
        assert len({key for key in touched if key[0] == "service"}) <= 4
        told = {row["source_id"] for row in (*made.quarantined, *made.warnings)} | {i for _, i in made_skips(made)}
        assert told or touched <= set(found) or made.orphans


def made_skips(made: Plan) -> Iterator[tuple[str, str]]:
    return ((name, reason) for name, tally in made.entities.items() for reason in tally.skip)


def without_guest(payload: dict[str, Any] | None) -> dict[str, Any] | None:
    return payload and {name: value for name, value in payload.items() if name not in ("hint", "quarantine")}


def test_what_cannot_be_kept_is_taken_out_of_a_clients_status() -> None:
    everyone = [(("tblclients", n, "status"), "Act\x00ive") for n in range(len(rows()["tblclients"]))]
    with staged(changed(*everyone)) as (staging, _):
        found = [payload["status"] for (entity, _), payload in payloads(staging).items() if entity == "client"]
        assert set(found) == {"active"}


def test_settings_too_deep_to_read_stop_nothing() -> None:
    assert shop._json("[" * 100_000) == "[" * 100_000

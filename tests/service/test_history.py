"""A server's history: every event has words, and customers are told what happened, not how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from domain import ids
from domain.server import events as e
from eventstore.store import Entry
from service.history import HIDDEN, WORDS
from tests.given import META
from tests.service.world import Person, World


def test_every_event_has_its_words() -> None:
    assert {kind.cls for kind in e.EVENTS} == set(WORDS)


def test_what_is_hidden_is_named_as_the_log_names_it() -> None:
    assert set(HIDDEN) < {kind.name for kind in e.EVENTS}


@pytest.mark.pg
async def test_customers_are_told_what_happened_and_staff_also_how(
    world: World, ann: Person, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Callable[..., Any]
) -> None:
    accepted = (await as_ann.post("/v1/servers", json=order())).json()
    server = ids.parse(ids.SERVER, accepted["server"]["id"])
    operation = ids.parse(ids.OPERATION, accepted["operation"]["id"])
    assert server is not None
    assert operation is not None
    events = [e.StepCompleted(operation_id=operation, step="place"), _failed(operation)]
    await world.store.append([Entry(server, n, event, META, server) for n, event in enumerate(events, start=2)])
    path = f"/v1/servers/{accepted['server']['id']}/history"
    told = [(entry["title"], entry["detail"]) for entry in (await as_ann.get(path)).json()["data"]]
    assert told[0] == ("Creation failed", "No room.")
    assert [title for title, _ in told] == ["Creation failed", "Server ordered"]
    shown = (await as_staff.get(path)).json()["data"]
    assert [entry["title"] for entry in shown] == ["Creation failed", "Step done: finding a place", "Server ordered"]


def _failed(operation: UUID) -> e.OperationFailed:
    return e.OperationFailed(operation_id=operation, code="no_capacity", message="No room.", retryable=True)

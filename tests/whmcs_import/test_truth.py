"""Every row of every generation becomes what the testbed says it must, with all its named cases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domain import ids
from domain.server.events import ServerImported
from eventstore.store import EventStore
from tests.testbed_whmcs.running import Testbed, spawn
from tests.whmcs_import.conftest import Importer

pytestmark = [pytest.mark.pg, pytest.mark.mariadb]
PREFIX = {"tblusers": "", "tblclients": "client-", "tblcontacts": "contact-"}


@pytest.fixture(params=[("v5", "1"), ("v7", "2"), ("v8.3", "3"), ("v8.13", "1")], ids=lambda param: str(param[0]))
def generation(request: pytest.FixtureRequest) -> Iterator[Testbed]:
    """A WHMCS of one generation; v5 is in MyISAM."""
    schema, seed = request.param
    running = spawn("--schema", schema, "--seed", seed, "--scale", "5", "--edge-rate", "1", "--charset-mix")
    yield running
    running.stop()


def warned(report: dict[str, Any], entity: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for warning in report["warnings"]:
        if warning["entity"] == entity:
            found.setdefault(warning["source_id"], set()).add(warning["code"])
    return found


def aside(report: dict[str, Any], entity: str) -> dict[str, str]:
    return {row["source_id"]: row["reason"] for row in report["quarantined"] if row["entity"] == entity}


@pytest.fixture
def truth(generation: Testbed) -> dict[str, Any]:
    """What a right import makes of it."""
    read: dict[str, Any] = json.loads(Path(generation.ready["truth"]).read_text())
    return read


async def test_every_row_becomes_what_it_should(
    generation: Testbed, truth: dict[str, Any], database_url: str, store: EventStore
) -> None:
    run = Importer(generation.ready["readonly_dsn"], database_url).run("--manage", "--allow-inconsistent")
    assert run.code == 2, run.stderr
    await check_services(truth, run.report, store)
    await check_clients(truth, run.report, store)
    await check_users(truth, run.report, store)


async def check_services(truth: dict[str, Any], report: dict[str, Any], store: EventStore) -> None:
    reasons, warnings = aside(report, "servers"), warned(report, "servers")
    for service in truth["services"]:
        source_id = str(service["service_id"])
        records = await store.read_stream(ids.imported("whmcs", "service", source_id))
        assert len(records) == (service["expect"] == "import"), service
        assert reasons.get(source_id) == (service["reason"] if service["expect"] == "quarantine" else None), service
        assert warnings.get(source_id, set()) == set(service["warnings"]), service
        if records:
            assert isinstance(records[0].event, ServerImported)
            check_server(records[0].event, service)


def check_server(event: ServerImported, service: dict[str, Any]) -> None:
    found = {
        "name": event.name,
        "plan": event.plan.name,
        "memory_mib": event.plan.memory_mib,
        "vcpus": event.plan.vcpus,
        "disk_gib": event.plan.disk_gib,
        "os": event.image.template,
        "location": event.location.key,
        "suspension": event.suspension,
        "amount": event.billing.amount,
        "currency": event.billing.currency,
        "cycle": event.billing.cycle,
    }
    assert found == {name: service[name] for name in found}, service
    dates = {"next_due": event.billing.next_due, "registered": event.billing.registered}
    assert {name: day and str(day) for name, day in dates.items()} == {name: service[name] for name in dates}, service
    assert {name: event.raw["extras"].get(name) for name in service["extras"]} == service["extras"], service


async def check_clients(truth: dict[str, Any], report: dict[str, Any], store: EventStore) -> None:
    warnings = warned(report, "accounts")
    for client in truth["clients"]:
        source_id = str(client["client_id"])
        records = await store.read_stream(ids.imported("whmcs", "client", source_id))
        assert len(records) == (client["expect"] == "import"), client
        if records:
            event: Any = records[0].event
            assert event.name == client["name"], client
            assert {name: event.profile.get(name) for name in client["profile"]} == client["profile"], client
            assert warnings.get(source_id, set()) == set(client["warnings"]), client


async def check_users(truth: dict[str, Any], report: dict[str, Any], store: EventStore) -> None:
    warnings, reasons = warned(report, "users"), aside(report, "logins")
    for user in truth["users"]:
        source_id = PREFIX[user["table"]] + str(user["user_id"])
        records = await store.read_stream(ids.imported("whmcs", "user", source_id))
        assert len(records) == (user["expect"] in ("import", "quarantine")), user
        assert reasons.get(source_id) == (user["reason"] if user["expect"] == "quarantine" else None), user
        if records:
            assert warnings.get(source_id, set()) == set(user["warnings"]), user

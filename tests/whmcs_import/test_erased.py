"""Who was forgotten here is not brought back by a source that still knows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
import pytest

from domain import ids
from domain.account.events import AccountErased, UserErased
from domain.record import Actor, Meta
from domain.server.events import OwnerErased
from eventstore.store import Entry, EventStore
from tests.testbed_whmcs.running import Testbed
from tests.whmcs_import.conftest import Database, Importer
from tests.whmcs_import.rows import fill, mapping
from whmcs_import.planning import plan
from whmcs_import.planning.plan import Earlier, Plan
from whmcs_import.source.staging import private_copy


def made(earlier: Earlier) -> tuple[Plan, dict[str, dict[str, Any]]]:
    """The plan of the sample, and what it would write of each entity."""
    with private_copy() as staging:
        fill(staging)
        found = plan.make(staging, "whmcs", mapping(), earlier, lambda what, done: None)
        return found, {
            entity: {id: msgspec.json.decode(text) for id, text in staging.planned_as(entity, "create")}
            for entity in plan.ENTITIES.values()
        }


def test_nothing_of_who_was_erased_is_planned_and_a_new_service_of_theirs_is_for_people() -> None:
    _, planned = made(Earlier())
    accounts = {server["account_id"]: id for id, server in planned["service"].items()}
    client, members = next((id, c["members"]) for id, c in planned["client"].items() if len(c["members"]) == 1)
    service = accounts[str(ids.imported("whmcs", "client", client))]
    user = next(id for id in planned["user"] if str(ids.imported("whmcs", "user", id)) == members[0]["user_id"])
    erased = frozenset({("client", client), ("user", user)})
    found, left = made(Earlier({("client", client): b"", ("user", user): b""}, {}, erased))
    assert client not in left["client"]
    assert user not in left["user"]
    assert (found.entities["accounts"].skip["erased"], found.entities["users"].skip["erased"]) == (1, 1)
    assert found.vanished == []
    assert {row["source_id"]: row["reason"] for row in found.quarantined}[service] == "owner_erased"
    assert service not in left["service"]
    found, left = made(Earlier({}, {}, frozenset({("service", service)})))
    assert found.entities["servers"].skip["erased"] == 1
    assert service not in left["service"]
    assert found.groups is not None
    assert int(service) not in {outcome.id for outcome in found.groups.outcomes}


@pytest.mark.pg
@pytest.mark.mariadb
async def test_an_import_after_an_erasure_brings_nobody_back(
    changing: Testbed, importer_of: Callable[[Testbed], Importer], store: EventStore, database: Database
) -> None:
    importer = importer_of(changing)
    importer.run()
    user, client = changing.rows(
        "SELECT m.auth_user_id, m.client_id FROM tblusers_clients m JOIN tblusers u ON u.id = m.auth_user_id"
        " WHERE u.email = 'alice@example.com' AND m.owner = 1"
    )[0]
    services = [id for (id,) in changing.rows(f"SELECT id FROM tblhosting WHERE userid = {client}")]
    gone = {
        ids.imported("whmcs", "client", str(client)): AccountErased(),
        ids.imported("whmcs", "user", str(user)): UserErased(),
        **{ids.imported("whmcs", "service", str(id)): OwnerErased() for id in services},
    }
    before = {stream: len(await store.read_stream(stream)) for stream in gone}
    for stream, event in gone.items():
        if before[stream]:
            await erase(store, database, stream, event)
    changing.rows(f"UPDATE tblclients SET city = 'Elsewhere' WHERE id = {client}", "dsn")
    changing.rows(f"UPDATE tblusers SET last_name = 'Again' WHERE id = {user}", "dsn")
    changing.rows(f"UPDATE tblhosting SET amount = 11.50 WHERE userid = {client}", "dsn")
    run = importer.run()
    entities = run.report["entities"]
    assert [entities[name]["skip"]["erased"] for name in ("accounts", "users")] == [1, 1]
    assert entities["servers"]["skip"]["erased"] > 0
    assert {stream: len(await store.read_stream(stream)) for stream in gone} == {
        stream: length + bool(length) for stream, length in before.items()
    }
    assert await database.fetchval("SELECT count(*) FROM login_name WHERE email = 'alice@example.com'") == 0
    assert importer.run().report["changes"] == 0


async def erase(store: EventStore, database: Database, stream: UUID, event: object) -> None:
    """What erasing an account does to a stream of it."""
    version = len(await store.read_stream(stream)) + 1
    await store.append([Entry(stream, version, event, Meta(actor=Actor(type="system")))])
    await database.execute("DELETE FROM event_private WHERE stream_id = $1", stream)
    await database.execute("DELETE FROM login_name WHERE user_id = $1", stream)

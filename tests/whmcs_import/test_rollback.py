"""`rollback`: what a run brought goes, what people have touched stays, and all of it can be imported again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from domain import ids
from domain.account.events import AccountImported
from domain.record import Actor, Meta
from domain.server.events import HoldPlaced, Identity, ImportReverted, ModeChanged, ServerAdopted
from domain.server.evolve import fold
from eventstore.store import Entry, EventStore
from projector import claims
from tests.testbed_whmcs.running import Testbed
from tests.whmcs_import.conftest import Importer
from whmcs_import.writing import rollback

pytestmark = [pytest.mark.pg, pytest.mark.mariadb]


async def claim_differences(database: asyncpg.Connection[asyncpg.Record], store: EventStore) -> list[str]:
    derived = claims.Claims()
    streams = await database.fetch("SELECT stream_id FROM event GROUP BY stream_id ORDER BY min((tx::text)::bigint)")
    for stream in streams:
        for record in await store.read_stream(stream["stream_id"]):
            derived.fold(record)
    return await claims.differences(database, derived)


async def test_a_run_is_taken_back_but_for_what_people_touched_and_can_come_again(
    changing: Testbed,
    importer_of: Callable[[Testbed], Importer],
    truth: dict[str, Any],
    store: EventStore,
    database: asyncpg.Connection[asyncpg.Record],
) -> None:
    importer = importer_of(changing)
    first = importer.run().report
    services = [s for s in truth["services"] if s["case"] == "E01"]
    held, adopted = (ids.imported("whmcs", "service", str(s["service_id"])) for s in services[:2])
    found = ServerAdopted(
        cluster="demo",
        node="n",
        vmid=4711,
        power="running",
        identity=Identity(smbios_uuid=None, macs={}, volumes={}),
        evidence=[],
        actual={},
    )
    await _append(store, held, HoldPlaced(reason="abuse", note="look"))
    for event in (found, ModeChanged(mode="manage"), ModeChanged(mode="observe")):
        await _append(store, adopted, event)
    await database.execute("INSERT INTO vmid VALUES ('demo', 4711, $1, 'owned')", adopted)
    count = await database.fetchval("SELECT count(*) FROM source_key WHERE entity = 'service'")

    done = importer.run("rollback", first["run_id"])
    assert done.code == 0, done.stderr
    assert done.report["reverted"]["service"] == count - 1
    kept = {
        (row["entity"], row["source_id"]): row["reason"] for row in done.report["kept"] if row["entity"] != "product"
    }
    client = str(services[0]["client_id"])
    assert kept.pop(("service", str(services[0]["service_id"]))) == "changed since: server.hold_placed"
    assert kept.pop(("client", client)) == "something that stays belongs to it"
    assert {entity for entity, _ in kept} == {"user"}
    assert await database.fetchval("SELECT count(*) FROM login_name") == len(kept)
    assert await database.fetchval("SELECT count(*) FROM vmid") == 0
    records = await store.read_stream(adopted)
    assert isinstance(records[-1].event, ImportReverted)
    gone = fold(None, records)
    assert gone is not None
    assert (gone.status, gone.vmid, gone.adopted) == ("terminated", None, False)

    assert importer.run("rollback", first["run_id"]).report["reverted"] == {}
    again = importer.run()
    assert again.counts("servers")[0] == count - 1
    assert await database.fetchval("SELECT count(*) FROM event WHERE type = 'server.imported'") == count
    back = fold(None, await store.read_stream(adopted))
    assert back is not None
    assert back.status == "unlinked"
    assert importer.run().report["changes"] == 0
    wrong = [line for line in await claim_differences(database, store) if line.startswith(("source_key", "vmid"))]
    assert wrong == []


def test_what_is_managed_is_peoples_until_it_is_only_observed_again() -> None:
    seen = ("server.adopted", object())
    managed, observed = (("server.mode_changed", ModeChanged(mode=mode)) for mode in ("manage", "observe"))
    assert rollback.touched_by([seen]) is None
    assert rollback.touched_by([seen, managed]) == "server.mode_changed"
    assert rollback.touched_by([seen, managed, observed]) is None
    assert rollback.touched_by([managed, ("operation.requested", object()), observed]) == "operation.requested"


async def test_what_a_run_changed_becomes_what_it_was(
    changing: Testbed, importer_of: Callable[[Testbed], Importer], truth: dict[str, Any], store: EventStore
) -> None:
    importer = importer_of(changing)
    importer.run()
    service = next(s for s in truth["services"] if s["case"] == "E01")
    stream = ids.imported("whmcs", "service", str(service["service_id"]))
    before = fold(None, await store.read_stream(stream))
    changing.rows(f"UPDATE tblhosting SET amount = 99.00 WHERE id = {service['service_id']}", "dsn")
    run = importer.run().report["run_id"]
    done = importer.run("rollback", run)
    assert (done.report["restored"], done.report["reverted"]) == ({"service": 1}, {"service": 0})
    after = fold(None, await store.read_stream(stream))
    assert before is not None
    assert after is not None
    assert after.billing == before.billing
    assert importer.run().counts("servers")[:2] == (0, 1)


async def test_people_of_servers_that_stay_become_what_they_were_and_new_ones_go(
    changing: Testbed,
    importer_of: Callable[[Testbed], Importer],
    store: EventStore,
    database: asyncpg.Connection[asyncpg.Record],
) -> None:
    importer = importer_of(changing)
    importer.run()
    before = await signing_in(database)
    user, client = changing.rows(
        "SELECT m.auth_user_id, m.client_id FROM tblusers_clients m JOIN tblusers u ON u.id = m.auth_user_id"
        " WHERE u.email = 'alice@example.com' AND m.owner = 1"
    )[0]
    for sql in (
        f"UPDATE tblusers SET email = 'alicia@example.com', first_name = 'Alicia' WHERE id = {user}",
        f"UPDATE tblclients SET city = 'Elsewhere' WHERE id = {client}",
        "INSERT INTO tblusers (id, first_name, last_name, email, password, language, second_factor, remember_token,"
        " reset_token, security_question_id, security_question_answer, last_ip, last_hostname,"
        " email_verification_token) SELECT 99001, 'New', 'One', 'new@example.com', password, '', '', '', '', 0, '',"
        f" '', '', '' FROM tblusers WHERE id = {user}",
        f"INSERT INTO tblusers_clients (auth_user_id, client_id, owner) VALUES (99001, {client}, 0)",
    ):
        changing.rows(sql, "dsn")
    run = importer.run().report
    assert [run["entities"][name]["update"] for name in ("users", "accounts")] == [1, 1]
    assert run["entities"]["users"]["create"] == 1
    assert await signing_in(database) != before
    done = importer.run("rollback", run["run_id"])
    assert done.code == 0, done.stderr
    assert done.report["kept"] == []
    assert (done.report["restored"]["user"], done.report["restored"]["client"]) == (1, 1)
    assert done.report["reverted"]["user"] == 1
    assert await signing_in(database) == before
    account = (await store.read_stream(ids.imported("whmcs", "client", str(client))))[-1].event
    assert isinstance(account, AccountImported)
    assert account.profile["city"] != "Elsewhere"
    assert ids.imported("whmcs", "user", "99001") not in {member.user_id for member in account.members}
    again = importer.run()
    assert [again.report["entities"][name]["update"] for name in ("users", "accounts")] == [1, 1]
    assert importer.run("verify").code == 0


async def signing_in(database: asyncpg.Connection[asyncpg.Record]) -> list[tuple[str, UUID]]:
    return [tuple(row) for row in await database.fetch("SELECT email, user_id FROM login_name ORDER BY email")]


def test_only_a_run_can_be_taken_back(importer: Importer) -> None:
    run = importer.run("rollback", ids.show(ids.RUN, UUID(int=7)))
    assert run.code == 3
    assert "no run of this database" in run.stderr


async def _append(store: EventStore, stream: UUID, event: object) -> None:
    version = len(await store.read_stream(stream)) + 1
    await store.append([Entry(stream, version, event, Meta(actor=Actor(type="system")), stream)])

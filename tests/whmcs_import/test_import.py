"""The whole way from a WHMCS into the log, against what is known to be true of the sample."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from domain import ids
from domain.account.events import AccountImported, MemberAdded, UserImported
from domain.importing.events import ChunkLoaded, ImportFinished, ImportStarted
from domain.record import Actor, Meta
from domain.server.events import ImportUpdated, PlanChanged, ServerImported, ServerRenamed
from eventstore.store import Entry, EventStore
from runtime import passwords
from tests.testbed_whmcs.running import Testbed
from tests.whmcs_import.conftest import Database, Importer, until_gone, until_held
from whmcs_import.planning.plan import ENTITIES

pytestmark = [pytest.mark.pg, pytest.mark.mariadb]
LIVE_REASONS = ("", "vm_gone", "vm_is_template")  # what only Proxmox can tell speaks against nothing here


async def server(store: EventStore, service_id: int | str) -> ServerImported | ImportUpdated:
    records = await store.read_stream(ids.imported("whmcs", "service", str(service_id)))
    event = records[-1].event
    assert isinstance(event, ServerImported | ImportUpdated)
    return event


async def everything(database: Database) -> dict[str, str]:
    """A digest of all rows of each table."""
    tables = await database.fetch("SELECT relname FROM pg_stat_user_tables WHERE schemaname = 'public'")
    digest = "SELECT coalesce(md5(string_agg(t::text, ' ' ORDER BY t::text)), '') FROM \"{}\" t"
    return {row["relname"]: await database.fetchval(digest.format(row["relname"])) for row in tables}


async def test_every_service_of_the_sample_becomes_what_it_should(
    importer: Importer, truth: dict[str, Any], store: EventStore
) -> None:
    run = importer.run("--manage")
    assert run.code == 2, run.stderr
    report = run.report
    aside = {q["source_id"]: q["reason"] for q in report["quarantined"] if q["entity"] == "servers"}
    for service in truth["services"]:
        records = await store.read_stream(ids.imported("whmcs", "service", str(service["service_id"])))
        label = f"{service['case']} service {service['service_id']}"
        if service["expect"] == "import":
            assert len(records) == 1, label
            _check_server(records[0].event, service, label)
        else:
            assert records == [], label
            assert aside.get(str(service["service_id"])) == (
                service["reason"] if service["expect"] == "quarantine" else None
            ), label
    for name, tally in report["entities"].items():
        parts = tally["create"] + tally["update"] + tally["unchanged"]
        assert tally["seen"] == parts + sum(tally["skip"].values()) + sum(tally["quarantine"].values()), name


def _check_server(event: ServerImported, truth: dict[str, Any], label: str) -> None:
    found = {
        "name": event.name,
        "memory_mib": event.plan.memory_mib,
        "vcpus": event.plan.vcpus,
        "disk_gib": event.plan.disk_gib,
        "os": event.image.template,
        "location": event.location.key,
        "address": event.addresses[0].address if event.addresses else None,
        "assigned": [address.address for address in event.addresses[1:]],
        "suspension": event.suspension,
    }
    assert found == {name: truth[name] for name in found}, label
    assert {name: event.raw["extras"].get(name) for name in truth["extras"]} == truth["extras"], label
    assert event.mode == "manage", label
    assert event.account_id == ids.imported("whmcs", "client", str(truth["client_id"])), label
    vm = truth["vm"]
    if vm is None:
        assert (event.hint, event.quarantine) == (None, None), label
    elif vm["reason"] in LIVE_REASONS:
        assert event.hint is not None, label
        assert (event.hint.cluster, event.hint.vmid, event.quarantine) == ("demo", vm["vmid"], None), label
    else:
        assert event.quarantine == vm["reason"], label


async def test_every_client_and_user_comes_along_as_it_should(
    importer: Importer, truth: dict[str, Any], store: EventStore, database: Database
) -> None:
    report = importer.run().report
    aside = {q["source_id"] for q in report["quarantined"] if q["entity"] == "logins"}
    for client in truth["clients"]:
        records = await store.read_stream(ids.imported("whmcs", "client", str(client["client_id"])))
        assert len(records) == (client["expect"] == "import"), client
        if records:
            assert isinstance(records[0].event, AccountImported)
            assert records[0].event.name == client["name"], client
    for user in truth["users"]:
        stream = ids.imported("whmcs", "user", str(user["user_id"]))
        records = await store.read_stream(stream)
        assert len(records) == (user["expect"] in ("import", "quarantine")), user
        assert (str(user["user_id"]) in aside) == (user["expect"] == "quarantine"), user
        if records:
            assert isinstance(records[0].event, UserImported)
            await _check_roles(store, stream, user)
            email = await database.fetchval("SELECT email FROM login_name WHERE user_id = $1", stream)
            assert email == (user["email"] if user["expect"] == "import" else None), user


async def _check_roles(store: EventStore, stream: UUID, user: dict[str, Any]) -> None:
    for client in (*user["owns"], *user["shares"]):
        for record in await store.read_stream(ids.imported("whmcs", "client", str(client))):
            roles = {member.user_id: member.role for member in record.event.members}
            if client in user["shares"]:
                assert roles[stream] == "viewer"
            else:
                assert roles[stream] == "owner" or "owner" in set(roles.values())


async def test_known_passwords_open_and_nothing_secret_is_written(
    importer: Importer, truth: dict[str, Any], database: Database
) -> None:
    run = importer.run()
    opened = 0
    for user in truth["users"]:
        stream = ids.imported("whmcs", "user", str(user["user_id"]))
        row = await database.fetchrow("SELECT scheme, hash FROM credential WHERE user_id = $1", stream)
        if user["expect"] != "import" or user["password"] is None:
            assert row is None, user
            continue
        assert row is not None, user
        # Hashing is meant to be slow: the awkward ones suffice.
        if user["case"] != "clean":
            assert passwords.verify(row["scheme"], row["hash"], user["password"]), user
            opened += 1
    assert opened > 20
    log = await database.fetchval(
        "SELECT coalesce(string_agg(e.data::text || coalesce(p.data::text, ''), ' '), '')"
        " FROM event e LEFT JOIN event_private p USING (stream_id, version)"
    )
    for secret in truth["secrets"]:
        assert secret not in log
        assert secret not in run.stdout + run.stderr


async def test_a_dry_run_writes_nothing_and_says_what_the_real_run_does(importer: Importer, database: Database) -> None:
    before = await everything(database)
    dry = importer.run("--dry-run", "--manage").report
    assert await everything(database) == before
    assert dry["run_id"] is None
    real = importer.run("--manage").report
    assert real["run_id"].startswith("run_")
    for of_the_run in ("run_id", "dry_run"):
        del dry[of_the_run], real[of_the_run]
    assert dry["source"].pop("snapshot_at") <= real["source"].pop("snapshot_at")
    assert real == dry
    written = {
        row["type"]: row["count"]
        for row in await database.fetch("SELECT type, count(*) FROM event WHERE type NOT LIKE 'import.%' GROUP BY type")
    }
    assert written == {
        "catalogue.plan_declared": dry["entities"]["plans"]["create"],
        "user.imported": dry["entities"]["users"]["create"],
        "account.imported": dry["entities"]["accounts"]["create"],
        "server.imported": dry["entities"]["servers"]["create"],
    }


async def test_a_second_and_a_third_run_change_nothing_and_say_so(importer: Importer, database: Database) -> None:
    first = importer.run()
    before = await everything(database)
    again = importer.run()
    assert await everything(database) == before
    assert again.report["changes"] == 0
    assert again.report["run_id"] is None
    for name in ("plans", "users", "accounts", "servers"):
        assert again.counts(name) == (0, 0, first.counts(name)[0])
    assert again.report["plan_hash"] == importer.run("--dry-run").report["plan_hash"]
    assert "Nothing to change" in importer.run("--format", "text").stdout
    assert await everything(database) == before


async def test_the_runs_own_stream_tells_of_each_chunk_and_wakes_the_linker(
    importer: Importer, store: EventStore, database: Database
) -> None:
    report = importer.run().report
    run_id = ids.parse(ids.RUN, report["run_id"])
    assert run_id is not None
    events = [record.event for record in await store.read_stream(run_id)]
    assert isinstance(events[0], ImportStarted)
    assert events[0].plan_hash == report["plan_hash"]
    assert isinstance(events[-1], ImportFinished)
    assert events[-1].report["entities"] == report["entities"]
    assert [row["source_id"] for row in events[-1].report["quarantined"]] == [
        row["source_id"] for row in report["quarantined"]
    ]
    assert "@" not in json.dumps(events[-1].report | {"source": None})
    loaded = [server for event in events if isinstance(event, ChunkLoaded) for server in event.server_ids]
    assert len(loaded) == len(set(loaded)) == report["entities"]["servers"]["create"]
    assert await database.fetchval("SELECT category FROM outbox WHERE stream_id = $1", run_id) == "import"


async def test_a_changed_source_yields_exactly_its_differences(
    changing: Testbed, importer_of: Callable[[Testbed], Importer], store: EventStore, truth: dict[str, Any]
) -> None:
    importer = importer_of(changing)
    importer.run()
    alice = _services(truth, "E01")
    price, size, ended, moved = alice[0], alice[1], alice[2], _services(truth, "E02")[0]
    bob = next(user for user in truth["users"] if user["email"] == "bob@example.com")
    for sql in (
        f"UPDATE tblhosting SET amount = 11.50 WHERE id = {price}",
        f"UPDATE tblhostingconfigoptions o JOIN tblproductconfigoptionssub s ON s.optionname LIKE '8192|%' SET"
        f" o.optionid = s.id WHERE o.relid = {size} AND o.configid = s.configid",
        f"UPDATE tblhosting SET domainstatus = 'Terminated' WHERE id = {ended}",
        f"UPDATE tblhosting SET userid = (SELECT userid FROM (SELECT userid FROM tblhosting WHERE id = {price}) x)"
        f" WHERE id = {moved}",
        f"UPDATE tblusers SET last_name = 'Neumann' WHERE id = {bob['user_id']}",
    ):
        changing.rows(sql, "dsn")
    dry = importer.run("--dry-run")
    run = importer.run()
    assert run.report["plan_hash"] == dry.report["plan_hash"]
    assert run.counts("servers")[:2] == (0, 2)
    assert run.counts("users")[:2] == (0, 1)
    assert run.counts("accounts")[:2] == run.counts("plans")[:2] == (0, 0)
    assert (await server(store, price)).billing.amount == "11.50"
    assert (await server(store, size)).plan.memory_mib == 8192
    assert run.report["vanished"] == [{"entity": "service", "source_id": str(ended), "reason": "terminated"}]
    assert len(await store.read_stream(ids.imported("whmcs", "service", str(ended)))) == 1
    reasons = {q["source_id"]: q["reason"] for q in run.report["quarantined"]}
    assert reasons[str(moved)] == "owner_changed"
    assert importer.run().report["changes"] == 0


async def test_what_people_changed_here_stays_until_the_source_is_told_to_win(
    changing: Testbed, importer_of: Callable[[Testbed], Importer], store: EventStore, truth: dict[str, Any]
) -> None:
    importer = importer_of(changing)
    importer.run()
    service = _services(truth, "E01")[0]
    stream = ids.imported("whmcs", "service", str(service))
    plan = replace((await server(store, service)).plan, memory_mib=16384)
    await _append(store, stream, ServerRenamed(operation_id=UUID(int=1), name="ours.example.com"))
    await _append(store, stream, PlanChanged(operation_id=UUID(int=2), plan=plan, restart_needed=False))
    client = next(s["client_id"] for s in truth["services"] if s["service_id"] == service)
    account = ids.imported("whmcs", "client", str(client))
    await _append(store, account, MemberAdded(user_id=UUID(int=9), role="viewer"))
    changing.rows(f"UPDATE tblhosting SET amount = 11.50 WHERE id = {service}", "dsn")
    changing.rows(f"UPDATE tblclients SET city = 'Elsewhere' WHERE id = {client}", "dsn")
    run = importer.run()
    kept = [warning for warning in run.report["warnings"] if warning["code"] == "kept_as_changed_here"]
    assert {warning["detail"].partition(":")[0] for warning in kept} == {"name", "plan"}
    now = await server(store, service)
    assert (now.name, now.plan.memory_mib, now.billing.amount) == ("ours.example.com", 16384, "11.50")
    members = (await store.read_stream(account))[-1].event.members
    assert UUID(int=9) in {member.user_id for member in members}
    assert importer.run().report["changes"] == 0
    changing.rows(f"UPDATE tblhosting SET amount = 12.50 WHERE id = {service}", "dsn")
    importer.run("--overwrite")
    now = await server(store, service)
    assert (now.name, now.plan.memory_mib, now.billing.amount) == ("web1.alice.example.com", 4096, "12.50")


async def _append(store: EventStore, stream: UUID, event: object) -> None:
    version = len(await store.read_stream(stream)) + 1
    await store.append([Entry(stream, version, event, Meta(actor=Actor(type="system")), stream)])


async def test_a_retry_imports_what_was_set_aside_and_leaves_the_rest_as_it_is(
    changing: Testbed, importer_of: Callable[[Testbed], Importer], store: EventStore, truth: dict[str, Any]
) -> None:
    importer = importer_of(changing)
    importer.run()
    changed = _services(truth, "E01")[0]
    mended = next(s["service_id"] for s in truth["services"] if s["reason"] == "billing_cycle_unknown")
    changing.rows(f"UPDATE tblhosting SET amount = 11.50 WHERE id = {changed}", "dsn")
    changing.rows(f"UPDATE tblhosting SET billingcycle = 'Monthly' WHERE id = {mended}", "dsn")
    run = importer.run("retry")
    assert run.counts("servers")[:2] == (1, 0)
    assert run.report["entities"]["servers"]["skip"]["not_retried"] == 1
    assert len(await store.read_stream(ids.imported("whmcs", "service", str(mended)))) == 1
    assert (await server(store, changed)).billing.amount != "11.50"
    assert importer.run().counts("servers")[:2] == (0, 1)


def _services(truth: dict[str, Any], case: str) -> list[int]:
    return [service["service_id"] for service in truth["services"] if service["case"] == case]


async def test_a_password_that_was_set_here_survives_an_import(
    changing: Testbed, importer_of: Callable[[Testbed], Importer], database: Database, truth: dict[str, Any]
) -> None:
    importer = importer_of(changing)
    importer.run()
    alice, bob = (ids.imported("whmcs", "user", str(_user(truth, f"{name}@example.com"))) for name in ("alice", "bob"))
    ours = passwords.hash_password("new here")
    await database.execute("UPDATE credential SET scheme = 'argon2id', hash = $2 WHERE user_id = $1", alice, ours)
    changing.rows("UPDATE tblusers SET password = CONCAT('$2y$10$', REPEAT('a', 53))", "dsn")
    importer.run()
    kept = {row["user_id"]: row["hash"] for row in await database.fetch("SELECT user_id, hash FROM credential")}
    assert kept[alice] == ours
    assert kept[bob] == "$2y$10$" + "a" * 53


def _user(truth: dict[str, Any], email: str) -> int:
    found: int = next(user["user_id"] for user in truth["users"] if user["email"] == email)
    return found


@pytest.mark.parametrize(
    ("end", "entity", "event"),
    [
        (signal.SIGKILL, "product", "catalogue.plan_declared"),
        (signal.SIGKILL, "user", "user.imported"),
        (signal.SIGKILL, "client", "account.imported"),
        (signal.SIGKILL, "service", "server.imported"),
        (signal.SIGTERM, "service", "server.imported"),
    ],
)
async def test_a_run_that_is_stopped_is_finished_by_the_next_without_duplicates(
    importer: Importer, database: Database, end: signal.Signals, entity: str, event: str
) -> None:
    # A chunk stops in the middle of its transaction, until this connection lets it go on.
    await database.execute("SELECT pg_advisory_lock(4711)")
    await database.execute(
        "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NEW; END $$"
    )
    await database.execute(
        "CREATE TRIGGER hold BEFORE INSERT ON source_key FOR EACH ROW"
        f" WHEN (NEW.entity = '{entity}') EXECUTE FUNCTION hold()"
    )
    killed = importer.start()
    await until_held(database, killed)
    killed.send_signal(end)
    said = killed.communicate()[1]
    if end == signal.SIGTERM:
        assert (killed.returncode, said.count("\n")) == (3, 1), said
    await database.execute("DROP TRIGGER hold ON source_key")
    await database.execute("SELECT pg_advisory_unlock(4711)")
    await until_gone(database)
    known = await database.fetch("SELECT entity, count(*) AS n FROM source_key GROUP BY entity")
    before = {row["entity"]: row["n"] for row in known}
    assert entity not in before
    assert await database.fetchval("SELECT count(*) FROM event WHERE type = $1", event) == 0
    run = importer.run()
    for name, kind in ENTITIES.items():
        create, update, unchanged = run.counts(name)
        assert (update, unchanged) == (0, before.get(kind, 0)), name
        assert (create == 0) == (kind in before), name
    twice = "SELECT stream_id FROM event WHERE type LIKE '%.imported' GROUP BY stream_id HAVING count(*) > 1"
    assert await database.fetch(twice) == []
    servers = await database.fetchval("SELECT count(*) FROM event WHERE type = 'server.imported'")
    assert servers == run.counts("servers")[0]
    assert importer.run().report["changes"] == 0


async def test_before_8_clients_and_sub_accounts_sign_in_and_nobody_becomes_somebody_else(
    changing: Testbed,
    importer_of: Callable[[Testbed], Importer],
    before_8: Callable[[Testbed], None],
    store: EventStore,
    database: Database,
    truth: dict[str, Any],
) -> None:
    before_8(changing)
    importer = importer_of(changing)
    run = importer.run("--include-idle")
    assert run.code == 2, run.stderr
    bob = next(s["client_id"] for s in truth["services"] if s["case"] == "E02")
    stream = ids.imported("whmcs", "user", f"client-{bob}")
    assert stream != ids.imported("whmcs", "user", str(bob))
    row = await database.fetchrow("SELECT scheme, hash FROM credential WHERE user_id = $1", stream)
    password = next(user["password"] for user in truth["users"] if user["email"] == "bob@example.com")
    assert row is not None
    assert passwords.verify(row["scheme"], row["hash"], password)
    account = (await store.read_stream(ids.imported("whmcs", "client", str(bob))))[-1].event
    assert [(member.user_id, member.role) for member in account.members] == [(stream, "owner")]
    client, contact = changing.rows("SELECT userid, id FROM tblcontacts WHERE subaccount = 1")[0]
    shared = (await store.read_stream(ids.imported("whmcs", "client", str(client))))[-1].event
    roles = {member.user_id: (member.role, member.permissions) for member in shared.members}
    assert roles[ids.imported("whmcs", "user", f"contact-{contact}")] == ("viewer", ["products", "tickets"])
    assert importer.run("--include-idle").report["changes"] == 0
    assert importer.run("verify").report["differences"] == []


async def test_clients_without_servers_come_along_when_asked(
    importer: Importer, truth: dict[str, Any], store: EventStore
) -> None:
    idle = next(client for client in truth["clients"] if client["case"] == "E05")
    stream = ids.imported("whmcs", "client", str(idle["client_id"]))
    importer.run()
    assert await store.read_stream(stream) == []
    run = importer.run("--include-idle")
    assert run.report["entities"]["accounts"]["skip"] == {}
    assert len(await store.read_stream(stream)) == 1
    reasons = {(gone["entity"], gone["reason"]) for gone in importer.run().report["vanished"]}
    assert ("client", "no_importable_service") in reasons


async def test_only_one_import_of_a_source_runs_at_a_time(importer: Importer, database: Database) -> None:
    await database.execute("SELECT pg_advisory_lock(hashtextextended('whmcs-import:whmcs', 0))")
    run = importer.run()
    assert run.code == 3
    assert "another import of 'whmcs' is running" in run.stderr
    assert importer.run("--source-name", "other").code == 2


async def test_an_address_that_signs_in_somebody_here_is_not_taken_from_them(
    importer: Importer, database: Database
) -> None:
    staff = UUID(int=1)
    await database.execute("INSERT INTO login_name VALUES ('alice@example.com', $1)", staff)
    report = importer.run().report
    assert report["entities"]["logins"]["quarantine"]["email_taken"] == 1
    assert await database.fetchval("SELECT user_id FROM login_name WHERE email = 'alice@example.com'") == staff


async def test_columns_of_another_type_say_the_same(
    changing: Testbed, importer_of: Callable[[Testbed], Importer]
) -> None:
    importer = importer_of(changing)
    first = importer.run().report
    for change in (
        "tblusers_clients MODIFY owner bit(1) NOT NULL",
        "tblclients MODIFY currency varchar(12) NOT NULL",
        "tblproductconfigoptions MODIFY optiontype decimal(4,1) NOT NULL",
        "tblhosting MODIFY packageid bigint NOT NULL, MODIFY amount varchar(30) NOT NULL, MODIFY nextduedate text",
        "tblhostingconfigoptions MODIFY optionid varchar(20) NOT NULL, MODIFY qty bigint NOT NULL",
    ):
        changing.rows(f"ALTER TABLE {change}", "dsn")
    again = importer.run()
    assert again.report["changes"] == 0
    assert [again.report[name] for name in ("quarantined", "warnings")] == [first["quarantined"], first["warnings"]]
    assert importer.run("verify").code == 0

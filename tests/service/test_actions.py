"""What may be asked of a server over HTTP: each action's parameters, its refusals, and what is kept for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from domain import ids
from domain.server import events as e
from domain.server.operations import OPERATIONS
from runtime.ids import new_id
from service.servers import models
from service.servers.consequences import LATER
from tests.service.test_servers import running
from tests.service.world import World

pytestmark = pytest.mark.pg
Order = Callable[..., dict[str, Any]]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJvYg bob@example.com"


async def ask(client: httpx.AsyncClient, server: str, type: str, **params: Any) -> httpx.Response:
    return await client.post(f"/v1/servers/{server}/actions", json={"type": type, **params})


async def accepted(client: httpx.AsyncClient, server: str, type: str, **params: Any) -> dict[str, Any]:
    answer = await ask(client, server, type, **params)
    assert answer.status_code == 202, answer.text
    models.OperationAccepted.model_validate_json(answer.content)
    operation: dict[str, Any] = answer.json()["operation"]
    assert [step["key"] for step in operation["steps"]] == list(OPERATIONS[type].steps)
    return operation


async def asked(world: World, server: str) -> e.OperationRequested:
    """The newest request in the log."""
    stream = ids.parse(ids.SERVER, server)
    assert stream is not None
    events = [record.event for record in await world.store.read_stream(stream)]
    found = [event for event in events if isinstance(event, e.OperationRequested)][-1]
    assert isinstance(found, e.OperationRequested)
    return found


async def over(world: World, server: str, operation: dict[str, Any], *events: Any) -> None:
    """The operation has succeeded, with these results."""
    id = ids.parse(ids.OPERATION, operation["id"])
    assert id is not None
    await world.append(server, *events, e.OperationSucceeded(operation_id=id))


async def test_a_rebuild_names_an_image_and_keeps_its_password_sealed(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    server = await running(world, as_ann, order())
    operation = await accepted(
        as_ann, server, "rebuild", image="debian-12", ssh_keys=[KEY], password="correct horse", safety=True
    )
    event = await asked(world, server)
    assert (event.params["image"]["template"], event.params["safety"]) == ("debian-12", True)
    assert event.personal == {"ssh_keys": [KEY]}
    sealed = await world.store.pool.fetchval("SELECT data FROM secret")
    id = ids.parse(ids.OPERATION, operation["id"])
    assert id is not None
    assert json.loads(world.deps.seal.open(sealed, id.bytes)) == {"password": "correct horse"}
    assert (await as_ann.get(f"/v1/servers/{server}")).json()["status"] == "rebuilding"


async def test_a_resize_names_a_larger_plan(world: World, as_ann: httpx.AsyncClient, order: Order) -> None:
    server = await running(world, as_ann, order())
    same = await ask(as_ann, server, "resize", plan="small")
    assert (same.status_code, same.json()["code"]) == (409, "not_allowed")
    unknown = await ask(as_ann, server, "resize", plan="huge")
    assert unknown.json()["errors"][0]["pointer"] == "/plan"
    await accepted(as_ann, server, "resize", plan="large", restart=True)
    event = await asked(world, server)
    assert (event.params["plan"]["memory_mib"], event.params["restart"]) == (8192, True)


async def test_a_disk_never_shrinks(world: World, as_ann: httpx.AsyncClient, order: Order) -> None:
    server = await running(world, as_ann, order(plan="large"))
    refused = await ask(as_ann, server, "resize", plan="small")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/plan")


async def test_a_password_is_made_up_and_shown_once(world: World, as_ann: httpx.AsyncClient, order: Order) -> None:
    server = await running(world, as_ann, order())
    path, headers = f"/v1/servers/{server}/actions", {"Idempotency-Key": "k"}
    first = await as_ann.post(path, json={"type": "reset_password"}, headers=headers)
    password = first.json()["password"]
    assert len(password) >= 20
    again = await as_ann.post(path, json={"type": "reset_password"}, headers=headers)
    assert (again.status_code, again.json()) == (202, {"operation": first.json()["operation"]})
    sealed = await world.store.pool.fetchval("SELECT data FROM secret")
    id = ids.parse(ids.OPERATION, first.json()["operation"]["id"])
    assert id is not None
    assert json.loads(world.deps.seal.open(sealed, id.bytes)) == {"password": password}
    kept = await world.store.pool.fetchval("SELECT string_agg(body, '') FROM idempotency_key")
    assert password not in kept


async def test_new_keys_alone_leave_the_password_as_it_is(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    server = await running(world, as_ann, order())
    answer = await ask(as_ann, server, "reset_password", ssh_keys=[KEY])
    assert "password" not in answer.json()
    assert (await asked(world, server)).personal == {"ssh_keys": [KEY]}


async def test_snapshots_are_listed_newest_first_and_named_by_their_ids(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    server = await running(world, as_ann, order())
    for number in range(3):
        operation = await accepted(as_ann, server, "snapshot", name=f"s{number}")
        taken = e.SnapshotTaken(operation_id=new_id(), snapshot_id=new_id(), key=f"h{number}", name=f"s{number}")
        await over(world, server, operation, taken)
    full = await ask(as_ann, server, "snapshot", name="one too many")
    assert (full.status_code, full.json()["code"]) == (409, "not_allowed")
    path = f"/v1/servers/{server}/snapshots"
    first = models.SnapshotPage.model_validate((await as_ann.get(path, params={"limit": 2})).json())
    rest = (await as_ann.get(path, params={"limit": 2, "cursor": first.page.next_cursor or ""})).json()
    assert [one.name for one in first.data] + [one["name"] for one in rest["data"]] == ["s2", "s1", "s0"]
    assert first.data[0].image is not None
    await accepted(as_ann, server, "snapshot_restore", snapshot=first.data[0].id)
    assert UUID((await asked(world, server)).params["snapshot_id"]) == ids.parse(ids.SNAPSHOT, first.data[0].id)


async def test_a_snapshot_or_backup_that_is_not_there_is_said_so(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    server = await running(world, as_ann, order())
    for type, field in [("snapshot_restore", "snapshot"), ("snapshot_delete", "snapshot"), ("backup_delete", "backup")]:
        for id in (ids.show("snp", new_id()), ids.show("bak", new_id()), "x"):
            refused = await ask(as_ann, server, type, **{field: id})
            assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, f"/{field}")


async def test_backups_are_listed(world: World, as_ann: httpx.AsyncClient, order: Order) -> None:
    server = await running(world, as_ann, order())
    operation = await accepted(as_ann, server, "backup", name="weekly")
    made = e.BackupTaken(
        operation_id=new_id(), backup_id=new_id(), storage="backups", volume="backups:x", size_bytes=7, name="weekly"
    )
    await over(world, server, operation, made)
    (backup,) = models.BackupPage.model_validate((await as_ann.get(f"/v1/servers/{server}/backups")).json()).data
    assert (backup.name, backup.size_bytes) == ("weekly", 7)
    await accepted(as_ann, server, "backup_delete", backup=backup.id)


async def test_other_peoples_copies_do_not_exist(
    world: World, as_ann: httpx.AsyncClient, as_bob: httpx.AsyncClient, order: Order
) -> None:
    server = await running(world, as_ann, order())
    for what in ("snapshots", "backups"):
        assert (await as_bob.get(f"/v1/servers/{server}/{what}")).status_code == 404


async def test_only_staff_suspend_and_each_reason_is_its_own(
    world: World, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Order
) -> None:
    server = await running(world, as_ann, order())
    for type in ("suspend", "unsuspend"):
        assert (await ask(as_ann, server, type, reason="abuse")).status_code == 403
    operation = await accepted(as_staff, server, "suspend", reason="abuse", note="spam")
    await over(world, server, operation, e.PowerObserved(power="stopped"))
    held = (await as_staff.get(f"/v1/servers/{server}")).json()["admin"]["holds"]
    assert [(hold["reason"], hold["note"]) for hold in held] == [("abuse", "spam")]
    assert "spam" not in (await as_ann.get(f"/v1/servers/{server}")).text
    operation = await accepted(as_staff, server, "suspend", reason="non_payment")
    await over(world, server, operation)
    assert (await ask(as_staff, server, "suspend", reason="abuse")).status_code == 409
    operation = await accepted(as_staff, server, "unsuspend", reason="abuse")
    await over(world, server, operation)
    shown = (await as_ann.get(f"/v1/servers/{server}")).json()
    assert (shown["status"], shown["suspension"]["reasons"]) == ("suspended", ["non_payment"])
    assert (await ask(as_ann, server, "start")).status_code == 409


async def test_a_failed_operation_is_tried_again_or_refuses_to_be(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    server = await running(world, as_ann, order())
    refused = await ask(as_ann, server, "retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_allowed")
    operation = (await ask(as_ann, server, "rename", name="Web-2.example.com")).json()["operation"]
    id = ids.parse(ids.OPERATION, operation["id"])
    assert id is not None
    failed = e.OperationFailed(operation_id=id, code="hypervisor_error", message="It failed.", retryable=True)
    await world.append(server, failed)
    again = await ask(as_ann, server, "retry", operation=operation["id"])
    assert (again.status_code, again.json()["operation"]["id"]) == (202, operation["id"])
    assert again.json()["operation"]["status"] == "running"
    assert again.headers["location"] == f"/v1/operations/{operation['id']}"
    assert (await as_ann.get(f"/v1/operations/{operation['id']}")).json() == again.json()["operation"]


async def test_what_has_not_begun_is_given_up_with_its_secret(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    server = await running(world, as_ann, order())
    operation = (await ask(as_ann, server, "reset_password")).json()["operation"]
    ended = await ask(as_ann, server, "cancel")
    assert (ended.status_code, ended.json()["operation"]["status"]) == (202, "cancelled")
    assert await world.store.pool.fetchval("SELECT count(*) FROM secret") == 0
    assert (await ask(as_ann, server, "cancel", operation=operation["id"])).status_code == 409
    shown = (await as_ann.get(f"/v1/servers/{server}")).json()
    assert (shown["status"], shown["current_operation"]) == ("running", None)


async def test_a_creation_is_called_back_at_once_however_often(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    created = (await as_ann.post("/v1/servers", json=order())).json()
    server, operation = created["server"]["id"], ids.parse(ids.OPERATION, created["operation"]["id"])
    assert operation is not None
    await world.append(server, e.StepCompleted(operation_id=operation, step="place"))
    for _ in range(2):
        answer = await ask(as_ann, server, "cancel")
        assert (answer.status_code, answer.json()["operation"]["status"]) == (202, "running")


async def test_terminating_a_server_in_the_making_waits_for_its_cancellation(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    created = (await as_ann.post("/v1/servers", json=order())).json()
    answer = await as_ann.delete(f"/v1/servers/{created['server']['id']}")
    assert (answer.status_code, answer.json()["operation"]["type"]) == (202, "terminate")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/type"),
        ({"type": "explode"}, "/type"),
        ({"type": "rename"}, "/name"),
        ({"type": "rename", "name": "web_1"}, "/name"),
        ({"type": "rename", "name": "web-1", "colour": "red"}, "/colour"),
        ({"type": "start", "force": True}, "/force"),
        ({"type": "rebuild", "image": "amiga"}, "/image"),
        ({"type": "rebuild", "image": "ubuntu-24.04"}, "/image"),
        ({"type": "reset_password", "password": "short"}, "/password"),
        ({"type": "reset_password", "ssh_keys": ["AAAA"]}, "/ssh_keys/0"),
        ({"type": "suspend", "reason": "mood"}, "/reason"),
        ({"type": "cancel", "operation": "x"}, "/operation"),
    ],
)
async def test_what_is_wrong_is_named(
    world: World, as_ann: httpx.AsyncClient, order: Order, body: dict[str, Any], pointer: str
) -> None:
    server = await running(world, as_ann, order())
    answer = await as_ann.post(f"/v1/servers/{server}/actions", json=body)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_backups_need_a_storage(world: World, as_ann: httpx.AsyncClient, order: Order) -> None:
    """Where there is none the action says so instead of failing later."""
    server = await running(world, as_ann, order())
    cluster = world.deps.config.cluster[0]
    object.__setattr__(cluster, "backup_storage", None)
    refused = await ask(as_ann, server, "backup")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_allowed")


async def _tried(client: httpx.AsyncClient, server: str, type: str, **params: Any) -> httpx.Response:
    return await client.post(f"/v1/servers/{server}/actions?dry_run=true", json={"type": type, **params})


async def test_a_dry_run_says_what_it_would_mean_and_writes_nothing(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    server = await running(world, as_ann, order())
    before = await world.version(server)
    tried = await _tried(as_ann, server, "rebuild", image="debian-12")
    assert (tried.status_code, tried.json()["notes"]) == (
        200,
        ["Everything on the disk is lost. Addresses and name stay."],
    )
    models.Fit.model_validate_json(tried.content)
    assert (await _tried(as_ann, server, "resize", plan="large")).json()["notes"] == [LATER]
    assert (await _tried(as_ann, server, "stop")).json()["notes"] == []
    for refused in ({"type": "start"}, {"type": "suspend", "reason": "abuse"}, {"type": "retry"}):
        real = await as_ann.post(f"/v1/servers/{server}/actions", json=refused)
        dry = await _tried(as_ann, server, **refused)
        assert (dry.status_code, dry.json()["detail"]) == (real.status_code, real.json()["detail"])
        assert dry.status_code in (403, 409)
    assert await world.version(server) == before


async def test_a_dry_run_of_a_resize_says_of_what_there_is_not_enough(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    server = await running(world, as_ann, order())
    id, pool = ids.parse(ids.SERVER, server), world.store.pool
    await pool.execute("INSERT INTO memory_promise VALUES ($1, 'demo', 'pve1', 1024)", id)
    await pool.execute("INSERT INTO node_promise VALUES ('demo', 'pve1', 1024, 1024)")
    await pool.execute("INSERT INTO capacity_promise VALUES ($1, $1, 'disk/demo/local', 10)", id)
    await pool.execute("INSERT INTO capacity VALUES ('disk/demo/local', 10000, 10)")
    (error,) = (await _tried(as_ann, server, "resize", plan="large")).json()["errors"]
    assert (error["code"], error["message"]) == (
        "no_capacity",
        "There is no room for Large where the server is now: not enough memory.",
    )
    await pool.execute("UPDATE node_promise SET limit_mib = 100000")
    assert (await _tried(as_ann, server, "resize", plan="large")).status_code == 200


async def test_an_image_that_is_out_of_the_servers_reach_is_refused_at_once(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    """Also by a dry run; by a shared storage one of another machine is within reach. Where nobody has looked yet, the
    operation finds out before it changes anything.
    """
    server = await running(world, as_ann, order())
    for images, status in (("{}", 422), ('{"ubuntu": ["pve1", 9001]}', 422), ('{"debian-12": ["pve2", 9000]}', 200)):
        await world.store.pool.execute("DELETE FROM node_sight")
        await world.store.pool.execute(
            "INSERT INTO node_sight (cluster, node, online, memory_mib, images) VALUES ('demo', 'pve1', true, 1, $1)",
            images,
        )
        tried = await _tried(as_ann, server, "rebuild", image="debian-12")
        assert tried.status_code == status
        real = await ask(as_ann, server, "rebuild", image="debian-12")
        assert real.status_code == (202 if status == 200 else status)

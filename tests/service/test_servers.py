"""Servers over HTTP: order, list, show, act, terminate; and that other people's do not exist."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from domain import ids
from domain.server import events as e
from runtime.ids import new_id
from service import reads
from service.servers import models as servers_models
from service.web import models as web_models
from tests.given import STEPS, placed
from tests.service.world import Person, World

Order = Callable[..., dict[str, Any]]


async def ordered(client: httpx.AsyncClient, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    answer = await client.post("/v1/servers", json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    accepted: dict[str, Any] = answer.json()
    return accepted


async def running(world: World, client: httpx.AsyncClient, body: dict[str, Any]) -> str:
    """A server that was ordered, created and runs."""
    accepted = await ordered(client, body)
    server, operation = accepted["server"]["id"], ids.parse(ids.OPERATION, accepted["operation"]["id"])
    assert operation is not None
    address = e.Address(address="10.99.0.100", prefix=24, gateway="10.99.0.1", family=4, primary=True)
    promised = placed(operation, addresses=[address], explanation={}, promises={})
    steps = [e.StepCompleted(operation_id=operation, step=step) for step in STEPS["create"]]
    finished = [e.PowerObserved(power="running"), e.OperationSucceeded(operation_id=operation)]
    await world.append(server, promised, *steps, *finished)
    return str(server)


async def test_an_order_is_accepted_and_shown_at_once(
    world: World, as_ann: httpx.AsyncClient, ann: Person, order: Order
) -> None:
    answer = await as_ann.post("/v1/servers", json=order(name="Web-1", labels={"team": "a"}))
    assert answer.status_code == 202
    servers_models.ServerAccepted.model_validate_json(answer.content)
    server, operation = answer.json()["server"], answer.json()["operation"]
    assert answer.headers["location"] == f"/v1/operations/{operation['id']}"
    assert answer.headers["retry-after"] == "1"
    assert server["name"] == "web-1"
    assert server["status"] == "provisioning"
    assert server["labels"] == {"team": "a"}
    assert server["plan"]["memory_mib"] == 1024
    assert server["current_operation"] == operation["id"]
    assert operation["requested_by"] == {"type": "user", "id": ids.show(ids.USER, ann.id)}
    assert (await as_ann.get(f"/v1/servers/{server['id']}")).json() == server
    assert (await as_ann.get(f"/v1/operations/{operation['id']}")).json() == operation


async def test_an_order_wakes_the_orchestrator(world: World, as_ann: httpx.AsyncClient, order: Order) -> None:
    server = (await ordered(as_ann, order()))["server"]["id"]
    row = await world.store.pool.fetchrow("SELECT stream_id, category FROM outbox")
    assert row is not None
    assert (ids.show(ids.SERVER, row["stream_id"]), row["category"]) == (server, "server")


async def test_a_password_is_sealed_beside_the_log(world: World, as_ann: httpx.AsyncClient, order: Order) -> None:
    accepted = await ordered(as_ann, order(password="s3cret-enough"))
    operation = ids.parse(ids.OPERATION, accepted["operation"]["id"])
    assert operation is not None
    sealed = await world.store.pool.fetchval("SELECT data FROM secret WHERE operation_id = $1", operation)
    assert b"s3cret" not in sealed
    assert json.loads(world.deps.seal.open(sealed, operation.bytes)) == {"password": "s3cret-enough"}
    for table in ("event", "event_private", "idempotency_key"):
        assert not await world.store.pool.fetchval(
            f"SELECT count(*) FROM {table} t WHERE to_jsonb(t)::text LIKE '%s3cret%'"
        )


async def test_a_list_after_a_write_shows_it(world: World, as_ann: httpx.AsyncClient, order: Order) -> None:
    server = (await ordered(as_ann, order()))["server"]
    listing = asyncio.create_task(as_ann.get("/v1/servers"))
    await asyncio.sleep(0)
    await world.project()
    answer = await listing
    servers_models.ServerPage.model_validate_json(answer.content)
    assert answer.json()["data"] == [server]


async def test_the_same_page_is_another_for_staff_in_another_order_and_while_a_cluster_is_away(
    world: World, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reads, "SIGHT_SECONDS", 0)
    for _ in range(2):
        await running(world, as_ann, order())
    await world.project()

    async def listed(client: httpx.AsyncClient, query: str = "") -> Any:
        return (await client.get(f"/v1/servers?limit=1{query}")).json()

    first = await listed(as_ann)
    assert await listed(as_ann) == first
    assert "admin" in (await listed(as_staff, "&scope=all"))["data"][0]
    assert await listed(as_ann) == first
    named = await listed(as_ann, "&sort=name")
    after = (await listed(as_ann, f"&sort=name&cursor={named['page']['next_cursor']}"))["data"]
    assert [one["id"] for one in after] != [one["id"] for one in named["data"]]
    observed = "INSERT INTO cluster_observation (cluster, reachable, observed_at) VALUES ('demo', $1, now())"
    await world.store.pool.execute(f"{observed} ON CONFLICT (cluster) DO UPDATE SET reachable = $1", False)
    assert (await listed(as_ann))["data"][0]["status"] == "unknown"
    await world.store.pool.execute("UPDATE cluster_observation SET reachable = true")
    assert await listed(as_ann) == first


async def test_a_list_gives_up_waiting_for_views_that_do_not_move(as_ann: httpx.AsyncClient, order: Order) -> None:
    await ordered(as_ann, order())
    assert (await as_ann.get("/v1/servers")).json()["data"] == []


async def test_pages_hold_every_server_once_in_every_order(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    names = [f"web-{n}" for n in range(7)]
    for name in names:
        await ordered(as_ann, order(name=name))
    await world.project()
    for sort, expected in [
        ("created_at", names),
        ("-created_at", names[::-1]),
        ("name", names),
        ("-name", names[::-1]),
    ]:
        seen: list[str] = []
        cursor: str | None = None
        while True:
            params = {"limit": "3", "sort": sort} | ({"cursor": cursor} if cursor else {})
            page = (await as_ann.get("/v1/servers", params=params)).json()
            seen += [server["name"] for server in page["data"]]
            cursor = page["page"]["next_cursor"]
            assert page["page"]["has_more"] is (cursor is not None)
            if cursor is None:
                break
        assert seen == expected


async def test_a_list_is_searched_and_filtered(world: World, as_ann: httpx.AsyncClient, order: Order) -> None:
    await running(world, as_ann, order(name="web-1"))
    await ordered(as_ann, order(name="db-1"))
    await world.project()

    async def found(**params: str) -> list[str]:
        return [server["name"] for server in (await as_ann.get("/v1/servers", params=params)).json()["data"]]

    assert await found(q="WEB") == ["web-1"]
    assert await found(q="10.99.0.100") == ["web-1"]
    assert await found(q="_") == []
    assert await found(q="%") == []
    assert await found(status="running") == ["web-1"]
    assert await found(status="provisioning") == ["db-1"]


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"limit": "0"}, "/limit"),
        ({"limit": "201"}, "/limit"),
        ({"limit": "many"}, "/limit"),
        ({"status": "fine"}, "/status"),
        ({"sort": "size"}, "/sort"),
        ({"q": "a\x00b"}, "/q"),
        ({"cursor": "!"}, "/cursor"),
        ({"cursor": "W10"}, "/cursor"),
        ({"cursor": "WyJuYW1lIiwiYSIsbnVsbF0"}, "/cursor"),
    ],
)
async def test_wrong_parameters_are_named(as_ann: httpx.AsyncClient, params: dict[str, str], pointer: str) -> None:
    answer = await as_ann.get("/v1/servers", params=params)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": "not a host name"}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": 7}, "/name"),
        ({"plan": "huge"}, "/plan"),
        ({"plan": "pln_" + "0" * 32}, "/plan"),
        ({"image": "ubuntu-24.04"}, "/image"),  # known, but its cluster has no template for it
        ({"location": "mars"}, "/location"),
        ({"colour": "red"}, "/colour"),
        ({"ssh_keys": ["ssh-ed25519 AAAA", "rubbish"]}, "/ssh_keys/1"),
        ({"password": "short"}, "/password"),
        ({"labels": {"a": 1}}, "/labels/a"),
        ({"labels": {"a/b~": "x\ny"}}, "/labels/a~1b~0"),
        ({"account": "acc_" + "0" * 32}, "/account"),
    ],
)
async def test_a_wrong_order_is_refused_with_the_place_of_the_mistake(
    world: World, as_ann: httpx.AsyncClient, order: Order, change: dict[str, Any], pointer: str
) -> None:
    answer = await as_ann.post("/v1/servers", json=order(**change))
    assert answer.status_code == 422
    web_models.Problem.model_validate_json(answer.content)
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert not await world.store.pool.fetchval("SELECT count(*) FROM event WHERE type LIKE 'server.%'")


async def test_a_dry_run_says_whether_an_order_fits_and_writes_nothing(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    path, pool = "/v1/servers?dry_run=true", world.store.pool
    before = await pool.fetchval("SELECT count(*) FROM event")
    fits = await as_ann.post(path, json=order())
    assert (fits.status_code, fits.json()["fits"]) == (200, True)
    assert (await as_ann.post(path, json=order(name="no name"))).status_code == 422
    for address in ("10.99.0.100", "10.99.0.101"):
        await pool.execute("INSERT INTO address VALUES ($1::inet, $2, tstzrange(now(), NULL))", address, new_id())
    full = await as_ann.post(path, json=order())
    assert full.status_code == 422
    assert full.json()["errors"][0] == {
        "pointer": "/location",
        "code": "no_capacity",
        "message": "Frankfurt has no free address now.",
    }
    assert await pool.fetchval("SELECT count(*) FROM event") == before


async def _node(world: World, node: str, **changes: Any) -> None:
    seen = {"online": True, "memory_mib": 65536, "vcpus": 64, "disk_gib": 1000, "disk_free_gib": 1000}
    seen |= {"disk_resource": f"disk/demo/local/{node}", "images": f'{{"debian-12": ["{node}", 9000]}}'} | changes
    values = ("demo", node, *seen.values())
    columns = ", ".join(("cluster", "node", *seen))
    await world.store.pool.execute(
        f"INSERT INTO node_sight ({columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)", *values
    )


async def test_a_dry_run_looks_at_every_node_that_was_seen(
    world: World, ann: Person, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Order
) -> None:
    """Staff read why, node by node; others only that there is no room, or that it would wait."""
    path, named = "/v1/servers?dry_run=true", {"account": ids.show(ids.ACCOUNT, ann.account_id or new_id())}
    await _node(world, "pve1", memory_mib=512)
    await _node(world, "pve2", images="{}")
    none = await as_ann.post(path, json=order())
    assert none.status_code == 422
    assert (none.json()["errors"][0]["code"], "debug" in none.json()) == ("no_capacity", False)
    told = await as_staff.post(path, json=order() | named)
    assert told.json()["debug"] == "pve1: only 512 MiB free to promise; pve2: the image is not there"
    await _node(world, "pve3")
    assert (await as_ann.post(path, json=order())).json() == {"fits": True, "dry_run": True, "notes": []}
    told = await as_staff.post(path, json=order() | named)
    assert told.json()["placement"]["node"] == "pve3"
    assert set(told.json()["placement"]["not"]) == {"pve1", "pve2"}
    await world.store.pool.execute("INSERT INTO maintenance (cluster, node, reason) VALUES ('demo', 'pve3', 'x')")
    assert len((await as_ann.post(path, json=order())).json()["notes"]) == 1


async def test_other_peoples_servers_do_not_exist(
    world: World, as_ann: httpx.AsyncClient, as_bob: httpx.AsyncClient, order: Order
) -> None:
    accepted = await ordered(as_ann, order())
    server, operation = accepted["server"]["id"], accepted["operation"]["id"]
    nobody = ids.show(ids.SERVER, new_id())

    def told(answer: httpx.Response, id: str) -> dict[str, Any]:
        assert answer.status_code == 404
        return {key: str(value).replace(id, "ID") for key, value in answer.json().items() if key != "request_id"}

    for method, path in [("GET", ""), ("DELETE", ""), ("GET", "/actions"), ("POST", "/actions"), ("GET", "/history")]:
        real = told(await as_bob.request(method, f"/v1/servers/{server}{path}"), server)
        assert real == told(await as_bob.request(method, f"/v1/servers/{nobody}{path}"), nobody)
    unknown = ids.show(ids.OPERATION, new_id())
    assert told(await as_bob.get(f"/v1/operations/{operation}"), operation) == told(
        await as_bob.get(f"/v1/operations/{unknown}"), unknown
    )
    await world.project()
    assert (await as_bob.get("/v1/servers")).json()["data"] == []


async def test_an_id_of_another_kind_is_no_server(as_ann: httpx.AsyncClient, ann: Person) -> None:
    for id in (ids.show(ids.USER, ann.id), f"srv_{ann.id.hex}", "srv_1", "10000000", f"srv_{ann.account_id}"):
        assert (await as_ann.get(f"/v1/servers/{id}")).status_code == 404


async def test_a_viewer_looks_but_does_not_act(
    world: World, ann: Person, as_ann: httpx.AsyncClient, order: Order
) -> None:
    server = (await ordered(as_ann, order()))["server"]["id"]
    viewer = await world.person("viewer@example.com")
    assert ann.account_id is not None
    await world.join(viewer, ann.account_id, "viewer")
    client = await world.signed_in(viewer)
    assert (await client.get(f"/v1/servers/{server}")).status_code == 200
    for method, path in [("DELETE", ""), ("POST", "/actions")]:
        refused = await client.request(method, f"/v1/servers/{server}{path}", content=b"not even JSON")
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


async def test_staff_see_everything_and_where_it_runs(
    world: World, ann: Person, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Order
) -> None:
    server = await running(world, as_ann, order())
    await world.project()
    assert ann.account_id is not None
    admin = {
        "cluster": "demo",
        "node": "pve1",
        "vmid": 10_000_000,
        "owner": ids.show(ids.ACCOUNT, ann.account_id or new_id()),
        "mode": "manage",
        "holds": [],
    }
    assert (await as_staff.get(f"/v1/servers/{server}")).json()["admin"] == admin
    assert "admin" not in (await as_ann.get(f"/v1/servers/{server}")).json()
    assert (await as_staff.get("/v1/servers")).json()["data"] == []
    everybodys = (await as_staff.get("/v1/servers?scope=all")).json()["data"]
    assert [found["id"] for found in everybodys] == [server]
    assert (await as_ann.get("/v1/servers?scope=all")).status_code == 403


async def test_staff_order_for_an_account(
    world: World, ann: Person, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Order
) -> None:
    missing = await as_staff.post("/v1/servers", json=order())
    assert (missing.status_code, missing.json()["errors"][0]["pointer"]) == (422, "/account")
    assert ann.account_id is not None
    account = ids.show(ids.ACCOUNT, ann.account_id or new_id())
    server = (await ordered(as_staff, order(account=account)))["server"]["id"]
    assert (await as_ann.get(f"/v1/servers/{server}")).status_code == 200


async def test_an_action_is_accepted_and_a_second_one_waits(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    server = await running(world, as_ann, order())
    first = await as_ann.post(f"/v1/servers/{server}/actions", json={"type": "reboot"})
    assert first.status_code == 202
    servers_models.OperationAccepted.model_validate_json(first.content)
    operation = first.json()["operation"]
    assert (await as_ann.get(f"/v1/servers/{server}")).json()["status"] == "rebooting"
    second = await as_ann.post(f"/v1/servers/{server}/actions", json={"type": "stop"})
    assert second.status_code == 409
    assert second.json()["code"] == "operation_in_progress"
    assert second.json()["blocking_operation"] == operation["id"]
    assert int(second.headers["retry-after"]) > 0


async def test_what_the_state_forbids_is_refused(world: World, as_ann: httpx.AsyncClient, order: Order) -> None:
    server = await running(world, as_ann, order())
    for type in ("start", "restore"):
        refused = await as_ann.post(f"/v1/servers/{server}/actions", json={"type": type})
        assert (refused.status_code, refused.json()["code"]) == (409, "not_allowed")
    unknown = await as_ann.post(f"/v1/servers/{server}/actions", json={"type": "destroy"})
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/type")


async def test_terminating_is_an_operation(world: World, as_ann: httpx.AsyncClient, order: Order) -> None:
    server = await running(world, as_ann, order())
    answer = await as_ann.delete(f"/v1/servers/{server}")
    assert (answer.status_code, answer.json()["operation"]["type"]) == (202, "terminate")
    assert (await as_ann.get(f"/v1/servers/{server}")).json()["status"] == "terminating"


async def test_operations_are_listed_newest_first_with_what_the_views_do_not_know_yet(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    server = await running(world, as_ann, order())
    await world.project()
    stop = (await as_ann.post(f"/v1/servers/{server}/actions", json={"type": "stop"})).json()["operation"]
    page = (await as_ann.get(f"/v1/servers/{server}/actions")).json()
    assert [operation["type"] for operation in page["data"]] == ["stop", "create"]
    assert page["data"][0] == stop
    await world.project()
    assert (await as_ann.get(f"/v1/servers/{server}/actions")).json() == page


async def test_an_old_operation_keeps_its_end_while_views_are_behind(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    accepted = await ordered(as_ann, order())
    server, operation = accepted["server"]["id"], ids.parse(ids.OPERATION, accepted["operation"]["id"])
    assert operation is not None
    await world.append(server, e.OperationFailed(operation_id=operation, code="x", message="No room.", retryable=True))
    assert (await as_ann.delete(f"/v1/servers/{server}")).status_code == 202
    shown = (await as_ann.get(f"/v1/operations/{accepted['operation']['id']}")).json()
    assert (shown["status"], shown["error"]["message"]) == ("failed", "No room.")
    await world.project()
    assert (await as_ann.get(f"/v1/operations/{accepted['operation']['id']}")).json() == shown


async def test_an_entity_tag_saves_sending_and_guards_writing(
    world: World, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Order
) -> None:
    server = await running(world, as_ann, order())
    path = f"/v1/servers/{server}"
    shown = await as_ann.get(path)
    tag = shown.headers["etag"]
    same = await as_ann.get(path, headers={"If-None-Match": f'"other", {tag}'})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert (await as_staff.get(path)).headers["etag"] != tag
    await world.project()
    assert (await as_ann.get(path)).headers["etag"] == tag
    for stale in ("1", '"1"', '"1-00"', "nonsense"):
        refused = await as_ann.post(f"{path}/actions", json={"type": "stop"}, headers={"If-Match": stale})
        assert (refused.status_code, refused.json()["code"]) == (412, "version_mismatch")
    assert (await as_ann.post(f"{path}/actions", json={"type": "stop"}, headers={"If-Match": tag})).status_code == 202
    assert (await as_ann.get(path)).headers["etag"] != tag


async def test_the_same_request_under_a_key_is_answered_as_before(
    world: World, as_ann: httpx.AsyncClient, as_bob: httpx.AsyncClient, order: Order
) -> None:
    key = {"Idempotency-Key": "k-1"}
    first = await as_ann.post("/v1/servers", json=order(), headers=key)
    again = await as_ann.post("/v1/servers", json=order(), headers=key)
    assert (again.status_code, again.content) == (202, first.content)
    assert again.headers["location"] == first.headers["location"]
    other = await as_ann.post("/v1/servers", json=order(name="web-2"), headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert (await as_bob.post("/v1/servers", json=order(), headers=key)).content != first.content
    assert await world.store.pool.fetchval("SELECT count(*) FROM event WHERE type = 'server.requested'") == 2


async def test_the_same_request_many_times_at_once_is_done_once(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    key = {"Idempotency-Key": "k-1"}
    answers = await asyncio.gather(*(as_ann.post("/v1/servers", json=order(), headers=key) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    server = await running(world, as_ann, order(name="web-2"))
    path = f"/v1/servers/{server}/actions"
    acts = await asyncio.gather(*(as_ann.post(path, json={"type": "stop"}, headers=key) for _ in range(8)))
    assert {answer.status_code for answer in acts} == {422}  # the key is the first request's
    key = {"Idempotency-Key": "k-2"}
    acts = await asyncio.gather(*(as_ann.post(path, json={"type": "stop"}, headers=key) for _ in range(8)))
    assert ({answer.status_code for answer in acts}, len({answer.content for answer in acts})) == ({202}, 1)


async def test_of_many_different_actions_at_once_one_is_accepted(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    server = await running(world, as_ann, order())
    answers = await asyncio.gather(
        *(as_ann.post(f"/v1/servers/{server}/actions", json={"type": "stop"}) for _ in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 7


async def test_a_server_whose_cluster_does_not_answer_is_unknown(
    world: World, as_ann: httpx.AsyncClient, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reads, "SIGHT_SECONDS", 0)
    server = await running(world, as_ann, order())
    await world.project()
    await world.store.pool.execute(
        "INSERT INTO cluster_observation (cluster, reachable, observed_at)"
        " VALUES ('demo', false, '2026-01-02 03:04:05Z')"
    )
    shown = (await as_ann.get(f"/v1/servers/{server}")).json()
    assert shown["status"] == "unknown"
    assert shown["last_status"] == "running"
    assert shown["observed_at"] == "2026-01-02T03:04:05Z"
    assert len((await as_ann.get("/v1/servers?status=unknown")).json()["data"]) == 1
    assert (await as_ann.get("/v1/servers?status=running")).json()["data"] == []

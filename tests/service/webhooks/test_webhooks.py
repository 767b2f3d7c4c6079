"""Webhooks end to end: endpoints are kept, told, told again, turned off, and nobody else's are seen."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain import ids
from domain.account.events import StaffWebhookTurnedOff, WebhookTurnedOff
from domain.record import Actor, Meta, Recorded
from domain.server import events as e
from eventstore.store import Entry
from runtime.ids import new_id
from service.background import follower
from service.webhooks import models as m
from service.webhooks.sender import Sender
from tests.given import adopted, imported
from tests.service.test_servers import running
from tests.service.webhooks.receiver import Receiver
from tests.service.world import Person, World

Order = Callable[..., dict[str, Any]]


def webhooks_of(person: Person) -> str:
    assert person.account_id is not None
    return f"/v1/accounts/{ids.show(ids.ACCOUNT, person.account_id)}/webhooks"


async def created(client: httpx.AsyncClient, base: str, receiver: Receiver, **given: Any) -> dict[str, Any]:
    answer = await client.post(base, json={"url": receiver.url, **given})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    m.NewWebhook.model_validate_json(answer.content)
    assert answer.headers["location"] == f"{base}/{made['id']}"
    return made


async def sent(world: World, sender: Sender | None = None) -> None:
    """Follow the log to its end, and send what is due."""
    one, sending = follower(world.deps), sender or world.deps.sender
    while await one.page():
        pass
    while await world.deps.replayer.page():
        pass
    while (lane := await sending.take()) is not None:
        await sending.carry(lane)


def off(box: Path) -> list[str]:
    """The letters that say that something was turned off."""
    return [text for text in (path.read_text() for path in box.glob("*.eml")) if "turned off" in text]


async def turned_off(world: World) -> list[Recorded[Any]]:
    """What the log says of endpoints that were turned off by themselves."""
    rows = await world.store.pool.fetch("SELECT stream_id, version FROM event WHERE type LIKE '%.webhook_turned_off'")
    return [(await world.store.read_stream(row["stream_id"], row["version"] - 1))[0] for row in rows]


@pytest.fixture
async def base(world: World, ann: Person) -> str:
    """The address of Ann's webhooks; what happens from now on is told."""
    await follower(world.deps).begin()
    return webhooks_of(ann)


async def test_what_happens_arrives_signed_in_order_and_once(
    world: World, base: str, as_ann: httpx.AsyncClient, receiver: Receiver, order: Order
) -> None:
    made = await created(as_ann, base, receiver)
    server = await running(world, as_ann, order())
    await sent(world)
    await sent(world)
    assert receiver.types[:2] == ["server.created", "operation.created"]
    assert {"server.ready", "operation.succeeded"} <= set(receiver.types)
    assert all(one.signed_by(made["secret"]) for one in receiver.taken)
    assert len({one.id for one in receiver.taken}) == len(receiver.taken)
    sequences = [one.json["data"]["sequence"] for one in receiver.taken]
    assert sequences == sorted(sequences)
    assert {one.json["data"]["server_id"] for one in receiver.taken} == {server}
    assert "admin" not in receiver.taken[0].json["data"]["resource"]
    assert receiver.taken[0].headers["host"] == f"127.0.0.1:{receiver.port}"
    assert (await as_ann.get(f"{base}/{made['id']}")).json()["waiting"] == 0
    assert await world.store.pool.fetchval("SELECT count(*) FROM webhook_lane") == 0


async def test_only_what_was_chosen_is_told_and_nobody_elses(
    world: World, base: str, as_ann: httpx.AsyncClient, as_bob: httpx.AsyncClient, receiver: Receiver, order: Order
) -> None:
    await created(as_ann, base, receiver, events=["server.ready"])
    await running(world, as_ann, order())
    await running(world, as_bob, order())
    await sent(world)
    assert receiver.types == ["server.ready"]


async def test_staff_hear_of_every_account_and_see_more(
    world: World, base: str, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, receiver: Receiver, order: Order
) -> None:
    await created(as_staff, "/v1/admin/webhooks", receiver, events=["server.created"])
    await running(world, as_ann, order())
    await sent(world)
    assert receiver.types == ["server.created"]
    assert receiver.taken[0].json["data"]["resource"]["admin"]["mode"] == "manage"
    assert (await as_ann.get(base)).json()["data"] == []
    assert (await as_ann.get("/v1/admin/webhooks")).status_code == 403


async def test_what_an_import_brings_is_told_to_nobody(
    world: World, base: str, ann: Person, as_ann: httpx.AsyncClient, receiver: Receiver
) -> None:
    made = await created(as_ann, base, receiver)
    assert ann.account_id is not None
    stream, meta = new_id(), Meta(actor=Actor(type="import"))
    brought = [imported(account_id=ann.account_id), adopted()]
    await world.store.append([Entry(stream, n, event, meta, stream) for n, event in enumerate(brought, start=1)])
    await world.project()
    await sent(world)
    await as_ann.post(f"{base}/{made['id']}/replay", json={"after": None})
    await sent(world)
    assert receiver.taken == []


async def test_a_failure_is_kept_and_the_next_of_the_same_server_waits(
    world: World, base: str, as_ann: httpx.AsyncClient, receiver: Receiver, order: Order
) -> None:
    made = await created(as_ann, base, receiver)
    receiver.status, receiver.said = 500, b"out of \x00order" + b"!" * 5000
    await running(world, as_ann, order())
    await sent(world)
    assert receiver.types == ["server.created"]
    shown = (await as_ann.get(f"{base}/{made['id']}")).json()
    assert shown["failing_since"] is not None
    assert shown["waiting"] > 5
    page = (await as_ann.get(f"{base}/{made['id']}/deliveries?state=pending&type=server.created")).json()
    detail = await as_ann.get(f"{base}/{made['id']}/deliveries/{page['data'][0]['id']}")
    m.DeliveryDetails.model_validate_json(detail.content)
    tried = detail.json()["tries"]
    assert [one["status"] for one in tried] == [500]
    assert tried[0]["answer"].startswith("out of ")
    assert len(tried[0]["answer"]) == 1024
    receiver.status, receiver.said = 200, b"thanks"
    await world.store.pool.execute("UPDATE webhook_lane SET due_at = now()")
    await sent(world)
    assert receiver.taken[0].id == receiver.taken[1].id
    assert receiver.types[1:3] == ["server.created", "operation.created"]
    assert (await as_ann.get(f"{base}/{made['id']}")).json()["failing_since"] is None


async def test_after_three_days_it_is_off_and_its_owner_is_told_and_turned_on_it_gets_what_waited(
    world: World,
    base: str,
    ann: Person,
    as_ann: httpx.AsyncClient,
    receiver: Receiver,
    order: Order,
    tmp_path: Path,
) -> None:
    made = await created(as_ann, base, receiver)
    receiver.status = 503
    await running(world, as_ann, order())
    await sent(world)
    await world.store.pool.execute("UPDATE webhook_lane SET due_at = now(), since = now() - interval '3 days'")
    await world.store.pool.execute("UPDATE webhook_endpoint SET failing_since = now() - interval '3 days'")
    await sent(world)
    shown = (await as_ann.get(f"{base}/{made['id']}")).json()
    assert not shown["enabled"]
    assert "503" in shown["disabled_reason"]
    assert len(receiver.taken) == 2
    box = tmp_path / "mail"
    await world.until(lambda: len(off(box)) == 1)
    assert "To: ann@example.com" in off(box)[0]
    assert "/account/webhooks" in off(box)[0]
    (told,) = await turned_off(world)
    assert told.event == WebhookTurnedOff(webhook_id=told.event.webhook_id, why="failing", url=receiver.url)
    assert (told.stream_id, told.meta.actor.type) == (ann.account_id, "system")
    receiver.status = 200
    await as_ann.patch(f"{base}/{made['id']}", json={"enabled": True})
    await sent(world)
    assert receiver.types[2:4] == ["operation.created", "server.updated"]
    (failed,) = (await as_ann.get(f"{base}/{made['id']}/deliveries?state=failed")).json()["data"]
    assert failed["type"] == "server.created"


async def test_gone_turns_it_off_at_once(
    world: World, base: str, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, receiver: Receiver, order: Order
) -> None:
    made = await created(as_ann, base, receiver)
    staffs = await created(as_staff, "/v1/admin/webhooks", receiver)
    receiver.status = 410
    await running(world, as_ann, order())
    await sent(world)
    assert len(receiver.taken) == 2
    ended = {ids.show(ids.WEBHOOK, told.event.webhook_id): told.event for told in await turned_off(world)}
    assert ended.keys() == {made["id"], staffs["id"]}
    assert {event.why for event in ended.values()} == {"gone"}
    assert isinstance(ended[staffs["id"]], StaffWebhookTurnedOff)
    assert not (await as_ann.get(f"{base}/{made['id']}")).json()["enabled"]
    assert (await as_ann.post(f"{base}/{made['id']}/replay", json={"after": None})).json()["code"] == "not_allowed"


async def test_a_message_is_sent_again_and_everything_from_a_position_on(
    world: World, base: str, as_ann: httpx.AsyncClient, receiver: Receiver, order: Order
) -> None:
    made = await created(as_ann, base, receiver)
    await running(world, as_ann, order())
    await running(world, as_ann, order(name="web-2"))
    await world.project()
    await sent(world)
    first, all_of_it = receiver.taken[0], [one.id for one in receiver.taken]
    page = (await as_ann.get(f"{base}/{made['id']}/deliveries?type=server.created")).json()["data"]
    asked = await as_ann.post(f"{base}/{made['id']}/deliveries/{page[-1]['id']}/redeliver")
    assert asked.status_code == 202
    assert asked.json()["state"] == "pending"
    await sent(world)
    assert receiver.taken[-1].id == first.id == page[-1]["message_id"]
    assert receiver.taken[-1].body == first.body
    receiver.taken.clear()
    again = await as_ann.post(f"{base}/{made['id']}/replay", json={"after": None})
    assert again.json()["replaying"]
    await sent(world)
    assert sorted(one.id for one in receiver.taken) == sorted(all_of_it)
    receiver.taken.clear()
    await as_ann.post(f"{base}/{made['id']}/replay", json={"after": first.json["data"]["position"]})
    await sent(world)
    assert first.id not in [one.id for one in receiver.taken]
    assert len(receiver.taken) == len(all_of_it) - 2  # without those of the first event
    assert not (await as_ann.get(f"{base}/{made['id']}")).json()["replaying"]


async def test_staff_replay_the_whole_log(
    world: World, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, receiver: Receiver, order: Order
) -> None:
    await running(world, as_ann, order())
    await follower(world.deps).begin()
    made = await created(as_staff, "/v1/admin/webhooks", receiver)
    await as_staff.post(f"/v1/admin/webhooks/{made['id']}/replay", json={"after": None})
    await sent(world)
    assert receiver.types[0] == "server.created"
    assert "operation.succeeded" in receiver.types


@pytest.mark.parametrize(
    ("after", "code"),
    [("1:1:1", "position_reset"), (f"{0:032x}:1:1", "position_reset"), (5, "invalid"), ("OWN:9" + "9" * 40, "invalid")],
)
async def test_a_position_that_is_none_is_refused(
    world: World, base: str, as_ann: httpx.AsyncClient, receiver: Receiver, after: Any, code: str
) -> None:
    made = await created(as_ann, base, receiver)
    if isinstance(after, str):
        after = after.replace("OWN", f"{world.deps.log_id.hex}:1")
    answer = await as_ann.post(f"{base}/{made['id']}/replay", json={"after": after})
    assert answer.json()["code"] == code


async def test_a_new_secret_signs_beside_the_old_one_for_a_time(
    world: World, base: str, as_ann: httpx.AsyncClient, receiver: Receiver
) -> None:
    made = await created(as_ann, base, receiver)
    rotated = (await as_ann.post(f"{base}/{made['id']}/secret", json={"overlap_hours": 1})).json()
    assert rotated["secret"] != made["secret"]
    assert rotated["previous_secret_until"] is not None
    await as_ann.post(f"{base}/{made['id']}/ping")
    assert receiver.taken[0].signed_by(made["secret"])
    assert receiver.taken[0].signed_by(rotated["secret"])
    await world.store.pool.execute("DELETE FROM webhook_delivery; UPDATE webhook_endpoint SET old_until = now()")
    await as_ann.post(f"{base}/{made['id']}/ping")
    assert not receiver.taken[1].signed_by(made["secret"])
    assert receiver.taken[1].signed_by(rotated["secret"])
    shown = await as_ann.get(f"{base}/{made['id']}")
    assert "whsec_" not in shown.text
    kept = await world.store.pool.fetchval("SELECT secret FROM webhook_endpoint")
    assert base64.b64decode(rotated["secret"].removeprefix("whsec_")) not in kept


async def test_a_ping_says_what_came_of_it(
    world: World, base: str, as_ann: httpx.AsyncClient, receiver: Receiver
) -> None:
    made = await created(as_ann, base, receiver)
    receiver.status, receiver.more = 302, "Location: http://127.0.0.1:1/\r\n"
    answer = await as_ann.post(f"{base}/{made['id']}/ping")
    m.DeliveryDetails.model_validate_json(answer.content)
    assert answer.json()["state"] == "failed"
    assert [one["status"] for one in answer.json()["tries"]] == [302]  # nobody is sent elsewhere
    assert len(receiver.taken) == 1
    assert (await as_ann.post(f"{base}/{made['id']}/ping")).status_code == 429
    assert (await as_ann.get(f"{base}/{made['id']}/deliveries")).json()["data"][0]["type"] == "webhook.ping"


async def test_an_endpoint_is_changed_turned_off_and_forgotten(
    world: World, base: str, as_ann: httpx.AsyncClient, receiver: Receiver, order: Order
) -> None:
    made = await created(as_ann, base, receiver, description="billing")
    changed = await as_ann.patch(f"{base}/{made['id']}", json={"events": ["server.ready"], "enabled": False})
    assert changed.json()["events"] == ["server.ready"]
    assert changed.json()["description"] == "billing"
    assert not changed.json()["enabled"]
    await running(world, as_ann, order())
    await sent(world)
    assert receiver.taken == []
    assert [one["id"] for one in (await as_ann.get(base)).json()["data"]] == [made["id"]]
    assert (await as_ann.delete(f"{base}/{made['id']}")).status_code == 204
    assert (await as_ann.get(f"{base}/{made['id']}")).status_code == 404


async def test_who_changed_what_is_in_the_log_and_no_secret_is(
    world: World, ann: Person, base: str, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, receiver: Receiver
) -> None:
    made = await created(as_ann, base, receiver)
    one = f"{base}/{made['id']}"
    await as_ann.patch(one, json={"events": ["server.ready"], "enabled": False})
    rotated = (await as_ann.post(f"{one}/secret", json={})).json()
    await as_ann.delete(one)
    staffs = await created(as_staff, "/v1/admin/webhooks", receiver)
    assert ann.account_id is not None
    records = await world.store.read_stream(ann.account_id, 2)
    assert [record.event.change for record in records] == ["made", "changed", "secret_changed", "deleted"]
    assert {record.meta.actor.id for record in records} == {ids.show(ids.USER, ann.id)}
    assert (records[0].event.url, records[1].event.enabled) == (receiver.url, False)
    root = await world.store.pool.fetchval("SELECT stream_id FROM event WHERE type = 'user.webhook_changed'")
    (told,) = await world.store.read_stream(root, 1)
    assert staffs["id"] == ids.show(ids.WEBHOOK, told.event.webhook_id)
    kept = await world.store.pool.fetch(
        "SELECT e.data, p.data FROM event e LEFT JOIN event_private p USING (stream_id)"
    )
    assert not any(secret in str(kept) for secret in (made["secret"], rotated["secret"], staffs["secret"]))
    await world.project()
    asked = {"account": base.split("/")[3], "time": records[0].at.isoformat()}
    past = (await as_staff.get("/v1/admin/time-machine", params=asked)).json()["events"]["data"]
    assert "A webhook was deleted" in {entry["title"] for entry in past}


async def test_a_secret_and_another_address_take_a_fresh_proof_of_people(
    world: World, base: str, as_ann: httpx.AsyncClient, receiver: Receiver
) -> None:
    one = f"{base}/{(await created(as_ann, base, receiver))['id']}"
    wanted = {"name": "robot", "scopes": ["write"], "expires_at": None}
    token = (await as_ann.post("/v1/users/me/tokens", json=wanted)).json()["token"]
    await world.store.pool.execute("UPDATE session SET proved_at = now() - interval '1 hour'")
    asked = [("POST", base, {"url": receiver.url}), ("POST", f"{one}/secret", {}), ("PATCH", one, {"url": "http://x/"})]
    for method, path, given in asked:
        refused = await as_ann.request(method, path, json=given)
        assert (refused.status_code, refused.json()["code"]) == (403, "step_up_required"), path
    assert (await as_ann.patch(one, json={"enabled": False, "url": receiver.url})).status_code == 200
    async with world.anonymous(Authorization=f"Bearer {token}") as robot:
        assert (await robot.post(f"{one}/secret", json={})).status_code == 200


async def test_staff_see_what_takes_nothing(
    world: World, base: str, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, receiver: Receiver
) -> None:
    made = await created(as_ann, base, receiver)
    assert (await as_staff.get("/v1/admin/health")).json()["webhooks"] == []
    await world.store.pool.execute("UPDATE webhook_endpoint SET failing_since = '2026-03-03T14:05:00Z'")
    (failing,) = (await as_staff.get("/v1/admin/health")).json()["webhooks"]
    assert (failing["id"], failing["account"], failing["url"]) == (made["id"], base.split("/")[3], receiver.url)
    assert failing["failing_since"] == "2026-03-03T14:05:00Z"


async def test_there_is_an_end_to_how_many(
    world: World, base: str, as_ann: httpx.AsyncClient, receiver: Receiver
) -> None:
    for _ in range(20):
        await created(as_ann, base, receiver)
    assert (await as_ann.post(base, json={"url": receiver.url})).status_code == 409


async def test_nobody_elses_webhooks_are_there(
    world: World, base: str, as_ann: httpx.AsyncClient, as_bob: httpx.AsyncClient, receiver: Receiver
) -> None:
    bob = webhooks_of(await world.person("bert@example.com"))
    made = await created(as_ann, base, receiver)
    await as_ann.post(f"{base}/{made['id']}/ping")
    (delivery,) = (await as_ann.get(f"{base}/{made['id']}/deliveries")).json()["data"]
    own = (await as_bob.get("/v1/accounts")).json()["data"][0]["id"]
    for place in (base, bob, f"/v1/accounts/{own}/webhooks"):
        one = f"{place}/{made['id']}"
        asked = [
            as_bob.get(one),
            as_bob.patch(one, json={"enabled": False}),
            as_bob.delete(one),
            as_bob.post(f"{one}/secret", json={}),
            as_bob.post(f"{one}/ping"),
            as_bob.post(f"{one}/replay", json={"after": None}),
            as_bob.get(f"{one}/deliveries"),
            as_bob.get(f"{one}/deliveries/{delivery['id']}"),
            as_bob.post(f"{one}/deliveries/{delivery['id']}/redeliver"),
        ]
        assert {answer.status_code for answer in await asyncio.gather(*asked)} == {404}
    assert (await as_bob.get(base)).status_code == 404
    assert (await as_bob.post(base, json={"url": receiver.url})).status_code == 404


@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("operator", 403), ("billing", 403), ("viewer", 403)])
async def test_only_who_manages_an_account_has_to_do_with_its_webhooks(
    world: World, base: str, ann: Person, role: Any, status: int
) -> None:
    member = await world.person("carl@example.com")
    assert ann.account_id is not None
    await world.join(member, ann.account_id, role)
    async with await world.signed_in(member) as client:
        assert (await client.get(base)).status_code == status


async def test_two_processes_never_send_two_messages_about_a_server_at_once(
    world: World, base: str, as_ann: httpx.AsyncClient, receiver: Receiver, order: Order
) -> None:
    await created(as_ann, base, receiver)
    await running(world, as_ann, order())
    one = follower(world.deps)
    while await one.page():
        pass
    other = Sender(world.store, world.deps.seal, world.deps.post, world.deps.wire)
    lane = await world.deps.sender.take()
    assert lane is not None
    assert await other.take() is None
    await world.store.pool.execute("UPDATE webhook_lane SET due_at = now()")  # it was killed, or is too slow
    again = await other.take()
    assert again is not None
    await other.carry(again)
    await world.deps.sender.carry(lane)  # what it sends late is recorded by nobody
    assert await world.store.pool.fetchval("SELECT count(*) FROM webhook_attempt") == 1


async def test_a_running_service_tells_by_itself(
    world: World, base: str, as_ann: httpx.AsyncClient, receiver: Receiver, order: Order
) -> None:
    from service.background import working

    async with working(world.deps):
        made = await created(as_ann, base, receiver)
        await running(world, as_ann, order())
        await world.until(lambda: "operation.succeeded" in receiver.types)
    assert receiver.types[0] == "server.created"
    assert all(one.signed_by(made["secret"]) for one in receiver.taken)


async def test_an_operation_that_waits_for_staff_is_told(
    world: World, base: str, as_ann: httpx.AsyncClient, receiver: Receiver, order: Order
) -> None:
    await created(as_ann, base, receiver, events=["operation.needs_attention"])
    accepted = (await as_ann.post("/v1/servers", json=order())).json()
    operation = ids.parse(ids.OPERATION, accepted["operation"]["id"])
    assert operation is not None
    raised = e.AttentionRaised(operation_id=operation, code="odd", message="Something is odd.", debug="canary")
    await world.append(accepted["server"]["id"], raised)
    await sent(world)
    assert receiver.types == ["operation.needs_attention"]
    assert b"canary" not in receiver.taken[0].body

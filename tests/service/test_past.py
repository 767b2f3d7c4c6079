"""The time machine: what a server, a customer and an address were at a time, how they differ now, and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import httpx
import pytest

from domain import ids
from domain.account.events import AccountEvent, UserEvent
from domain.server import events as e
from runtime.ids import new_id
from service.past import models
from service.past.difference import difference
from service.past.words import WORDS
from tests.service.test_actions import ask
from tests.service.test_servers import running
from tests.service.world import Person, World

WHERE = "/v1/admin/time-machine"
Order = Callable[..., dict[str, Any]]


async def past(client: httpx.AsyncClient, **params: Any) -> Any:
    answer = await client.get(WHERE, params=params)
    assert answer.status_code == 200, answer.text
    models.Past.model_validate_json(answer.content)
    return answer.json()


async def moment(world: World) -> str:
    """The database's time, after everything that was appended."""
    at = await world.store.pool.fetchval("SELECT clock_timestamp()")
    return str(at.isoformat())


async def server_with_a_past(world: World, client: httpx.AsyncClient, order: Order) -> tuple[str, list[str]]:
    """A server that was ordered and ran, was renamed, and moved; the times before, between and after."""
    times = [await moment(world)]
    server = await running(world, client, order(labels={"team": "a"}))
    times.append(await moment(world))
    await client.patch(f"/v1/servers/{server}", json={"labels": {"team": "b"}}, headers={"X-Request-Id": "why-1"})
    await world.append(server, e.GuestMoved(node="pve2"))
    times.append(await moment(world))
    return server, times


async def test_a_server_is_shown_as_it_was_and_how_it_came_to_be_as_it_is(
    world: World, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Order
) -> None:
    server, (before, between, after) = await server_with_a_past(world, as_ann, order)
    shown = await past(as_staff, server=server, time=between)
    (one,) = shown["servers"]
    assert (one["then"]["labels"], one["now"]["labels"]) == ({"team": "a"}, {"team": "b"})
    assert one["changes"] == [
        {"field": "/labels/team", "then": "a", "now": "b"},
        {"field": "/admin/node", "then": "pve1", "now": "pve2"},
    ]
    newest, labels = shown["events"]["data"]
    assert (newest["title"], newest["actor"]["type"]) == ("Moved to other hardware", "system")
    assert (labels["title"], labels["actor"]["label"], labels["request_id"]) == ("Labels changed", "ann", "why-1")
    (unborn,) = (await past(as_staff, server=server, time=before))["servers"]
    assert (unborn["then"], unborn["changes"], unborn["now"]["id"]) == (None, [], server)
    same = await past(as_staff, server=server, time=after)
    assert (same["servers"][0]["changes"], same["events"]["data"]) == ([], [])


async def test_what_went_on_then_is_shown_with_it(
    world: World, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Order
) -> None:
    server = await running(world, as_ann, order())
    asked = (await ask(as_ann, server, "stop")).json()["operation"]["id"]
    during = await moment(world)
    operation = ids.parse(ids.OPERATION, asked)
    assert operation is not None
    await world.append(server, e.PowerObserved(power="stopped"), e.OperationSucceeded(operation_id=operation))
    (one,) = (await past(as_staff, server=server, time=during))["servers"]
    assert (one["operation"]["id"], one["operation"]["status"], one["then"]["status"]) == (asked, "queued", "stopping")
    assert one["now"]["status"] == "stopped"


async def test_a_customer_is_shown_with_all_servers_and_members_of_then(
    world: World, ann: Person, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Order
) -> None:
    server, (before, between, _) = await server_with_a_past(world, as_ann, order)
    assert ann.account_id is not None
    account = ids.show(ids.ACCOUNT, ann.account_id)
    other = await world.person("eve@example.com")
    await world.join(other, ann.account_id, "viewer")
    await world.project()
    shown = await past(as_staff, account=account, time=between)
    assert [one["id"] for one in shown["servers"]] == [server]
    assert [m["role"] for m in shown["account"]["then"]["members"]] == ["owner"]
    assert [m["role"] for m in shown["account"]["now"]["members"]] == ["owner", "viewer"]
    assert [change["field"] for change in shown["account"]["changes"]] == ["/members"]
    assert [one["title"] for one in shown["events"]["data"]] == [
        "A member became viewer",
        "Moved to other hardware",
        "Labels changed",
    ]
    assert shown["events"]["data"][0]["id"] == f"{account}:3"
    earliest = await past(as_staff, account=account, time=before)
    assert [one["then"] for one in earliest["servers"]] == [None]


async def test_the_events_are_paged_without_gaps(
    world: World, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Order
) -> None:
    server, (before, *_) = await server_with_a_past(world, as_ann, order)
    whole = [one["id"] for one in (await past(as_staff, server=server, time=before))["events"]["data"]]
    paged: list[str] = []
    cursor: dict[str, str] = {}
    while len(paged) < 100:
        page = (await past(as_staff, server=server, time=before, limit=4, **cursor))["events"]
        paged += [one["id"] for one in page["data"]]
        if page["page"]["next_cursor"] is None:
            break
        cursor = {"cursor": page["page"]["next_cursor"]}
    assert paged == whole == [f"{server}:{version}" for version in range(len(whole), 0, -1)]


async def test_an_address_tells_who_had_it_then_and_who_has_it_now(
    world: World, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Order
) -> None:
    server, (_, between, after) = await server_with_a_past(world, as_ann, order)
    gone = new_id()
    for holder, since, until in ((gone, "2020-01-01T00:00Z", between), (ids.parse(ids.SERVER, server), after, None)):
        during = (
            "INSERT INTO address VALUES ('203.0.113.7', $1, tstzrange($2::text::timestamptz, $3::text::timestamptz))"
        )
        await world.store.pool.execute(during, holder, since, until)
    await world.project()
    shown = await past(as_staff, address="203.0.113.7", time="2021-01-01T00:00:00")
    assert shown["time"] == "2021-01-01T00:00:00Z"
    assert shown["address"]["then"]["server"] == ids.show(ids.SERVER, gone)
    assert shown["address"]["now"]["server"] == server
    assert [one["server"] for one in shown["address"]["holders"]] == [server, ids.show(ids.SERVER, gone)]
    assert [one["id"] for one in shown["servers"]] == [server]
    nobody = await past(as_staff, address="203.0.113.99", time=after)
    assert (nobody["address"]["then"], nobody["servers"], nobody["events"]["data"]) == (None, [], [])


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"time": "2021-01-01T00:00:00Z"}, "/server"),
        ({"server": "srv_1", "account": "acc_1", "time": "2021-01-01T00:00:00Z"}, "/server"),
        ({"server": "srv_1", "time": "2021-01-01T00:00:00Z"}, "/server"),
        ({"account": "usr_1", "time": "2021-01-01T00:00:00Z"}, "/account"),
        ({"address": "here", "time": "2021-01-01T00:00:00Z"}, "/address"),
        ({"address": "203.0.113.7"}, "/time"),
        ({"address": "203.0.113.7", "time": "yesterday"}, "/time"),
        ({"address": "203.0.113.7", "time": "2021-01-01T00:00:00Z", "cursor": "WyJwYXN0Il0"}, "/cursor"),
    ],
)
async def test_it_says_what_is_wrong(as_staff: httpx.AsyncClient, params: dict[str, str], pointer: str) -> None:
    answer = await as_staff.get(WHERE, params=params)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), answer.text


async def test_it_is_for_staff_and_knows_only_what_was(as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient) -> None:
    asked = {"server": ids.show(ids.SERVER, new_id()), "time": "2021-01-01T00:00:00Z"}
    assert (await as_ann.get(WHERE, params=asked)).status_code == 403
    assert (await as_staff.get(WHERE, params=asked)).status_code == 404
    never = {"account": ids.show(ids.ACCOUNT, new_id()), "time": "2021-01-01T00:00:00Z"}
    assert (await as_staff.get(WHERE, params=never)).status_code == 404


def test_a_difference_is_told_field_by_field() -> None:
    then = {"version": 1, "a": 1, "b": {"c~/d": [1], "e": 2}, "gone": {"x": 1}}
    now = {"version": 2, "a": 1, "b": {"c~/d": [1, 2], "e": 2}, "new": 3, "gone": None}
    assert difference(then, now) == [
        {"field": "/b/c~0~1d", "then": [1], "now": [1, 2]},
        {"field": "/gone", "then": {"x": 1}, "now": None},
        {"field": "/new", "then": None, "now": 3},
    ]
    assert difference(None, now) == difference(then, None) == []


def test_every_event_of_accounts_and_users_has_words() -> None:
    assert set(WORDS) == {*get_args(AccountEvent), *get_args(UserEvent)}

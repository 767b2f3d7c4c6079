"""What is another customer's is not there: in every address, query, body, cursor and key that the document has."""

from __future__ import annotations

import itertools
from typing import Any

import httpx
import pytest

from domain import ids
from domain.account.events import MemberAdded
from eventstore.store import Entry
from runtime.ids import new_id
from tests.service.closed.document import CALLS, OWN, Call, bodies, leaves, put
from tests.service.closed.house import CANARY, ID, SHARED, House, Somebody
from tests.service.world import SYSTEM

pytestmark = pytest.mark.pg
IN_PLACE = [call for call in OWN if call.places]


def unknown(places: list[str]) -> list[str]:
    """Ids that nobody has."""
    return [ids.show(ids.SERVER, new_id()) for _ in places]


def told(answer: httpx.Response) -> tuple[int, Any]:
    """What a refusal tells, but for its address and request."""
    said = answer.json() if answer.content else {}
    return answer.status_code, {key: said.get(key) for key in ("code", "detail", "errors")}


async def ask(who: Somebody, call: Call, values: Any, **more: Any) -> httpx.Response:
    return await who.client.request(call.method, call.at(*values), **more)


async def test_what_is_anothers_is_not_there(house: House) -> None:
    ann, bob = await house.owner(f"{CANARY}-ann"), await house.owner("bob")
    before = await house.seen_by(ann)
    await in_no_address(ann, bob)
    await in_no_address_below_what_is_theirs(ann, bob)
    await in_no_body(ann, bob)
    await in_no_query_and_no_cursor(ann, bob)
    assert await house.seen_by(ann) == before
    await in_no_idempotency_key(ann, bob)


async def in_no_address(ann: Somebody, bob: Somebody) -> None:
    opened = []
    for call in IN_PLACE:
        for more in [{}] if call.body is None else [{}, {"json": bodies(call.body)[0]}]:
            nothing = told(await ask(bob, call, unknown(call.places), **more))
            for values in ann.tuples(call):
                answer = await ask(bob, call, values, **more)
                if answer.status_code != 404 or told(answer) != nothing:
                    opened.append((call.name, values, answer.status_code, answer.text))
    assert opened == []


async def in_no_address_below_what_is_theirs(ann: Somebody, bob: Somebody) -> None:
    opened = []
    for call in [call for call in IN_PLACE if len(call.places) > 1]:
        for mine, (kind, theirs) in itertools.product(bob.above(call), ann.ids.items()):
            answer = await ask(bob, call, (*mine, theirs))
            nothing = told(await ask(bob, call, (*mine, ids.show(kind, new_id()))))
            if answer.status_code < 400 or told(answer) != nothing:
                opened.append((call.name, mine, theirs, answer.status_code, answer.text))
    assert opened == []


async def in_no_body(ann: Somebody, bob: Somebody) -> None:
    for call in [call for call in OWN if call.body]:
        places = await _open_to(bob, call)
        texts = {at: body for body in bodies(call.body or {}) for at in leaves(body)}
        for (at, body), id in itertools.product(texts.items(), ann.ids.values()):
            answer = await ask(bob, call, places, json=put(body, at, id))
            assert CANARY not in answer.text, (call.name, at)


async def _open_to(who: Somebody, call: Call) -> tuple[str, ...]:
    """What they may put into the address."""
    for values in who.tuples(call):
        if (await ask(who, call, values, content=b"")).status_code != 404:
            return values
    return tuple(who.ids["srv"] for _ in call.places)


async def in_no_query_and_no_cursor(ann: Somebody, bob: Somebody) -> None:
    for call in [call for call in OWN if call.method == "GET"]:
        given = [*ann.ids.values(), *[text for text in [await _cursor(ann, call)] if text]]
        places = await _open_to(bob, call)
        for name in call.parameters("query"):
            for value in given:
                answer = await ask(bob, call, places, params={name: value})
                assert CANARY not in answer.text, (call.name, name)


async def _cursor(who: Somebody, call: Call) -> str | None:
    answer = await ask(who, call, await _open_to(who, call), params={"limit": 1})
    page = answer.json().get("page") if answer.status_code == 200 else None
    return page and page.get("next_cursor")


async def in_no_idempotency_key(ann: Somebody, bob: Somebody) -> None:
    taking = [call for call in CALLS if "Idempotency-Key" in call.parameters("header") and not call.staff]
    assert taking
    for call in taking:
        body = bodies(call.body)[0] if call.body else None
        headers = {"Idempotency-Key": f"key-of-{call.name}"}
        first = await ask(ann, call, await _open_to(ann, call), json=body, headers=headers)
        again = await ask(bob, call, await _open_to(bob, call), json=body, headers=headers)
        same = set(ID.findall(first.text)) & set(ID.findall(again.text))
        assert all(id.startswith(SHARED) for id in same), call.name
        assert CANARY not in again.text, call.name


async def test_a_viewer_changes_nothing_and_an_owner_may(house: House) -> None:
    ann, eve = await house.owner(f"{CANARY}-ann"), await house.somebody("eve")
    await _join(house, eve, ann)
    before, done = await house.seen_by(ann), []
    for call in [call for call in OWN if call.method != "GET" and not call.path.startswith("/v1/users/me")]:
        for body in bodies(call.body) if call.body else [None]:
            for values in ann.tuples(call):
                answer = await ask(eve, call, values, json=_in_the_account(body, ann))
                if answer.status_code < 400 and "ssh" not in call.path:
                    done.append((call.name, values, body, answer.text))
    assert done == []
    assert await house.seen_by(ann) == before
    await finds_it_there(ann)


async def finds_it_there(ann: Somebody) -> None:
    """Without this the first test would say nothing of an address whose ids the house does not have."""
    blind = []
    for call in IN_PLACE:
        answers = [await ask(ann, call, values, content=b"") for values in ann.tuples(call)]
        if {answer.status_code for answer in answers} == {404}:
            blind.append(f"{call.name}: house.py gives nobody anything that has such an id")
    assert blind == []


async def _join(house: House, eve: Somebody, ann: Somebody) -> None:
    assert ann.person.account_id is not None
    version = len(await house.world.store.read_stream(ann.person.account_id))
    joined = MemberAdded(user_id=eve.person.id, role="viewer")
    await house.world.store.append([Entry(ann.person.account_id, version + 1, joined, SYSTEM)])
    await house.world.project()


def _in_the_account(body: Any, ann: Somebody) -> Any:
    return {**body, "account": ann.ids["acc"]} if isinstance(body, dict) and "account" in body else body

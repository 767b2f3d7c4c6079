"""User data over HTTP: taken where it can be handed over, refused in words where not, and never seen again."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import httpx
import pytest
from pydantic_core import PydanticCustomError

from domain import ids
from domain.server import events as e
from service.servers import user_data
from service.servers.user_data import MOST_BYTES, checked
from tests.service.test_servers import Order, ordered, running
from tests.service.world import World

SCRIPT = "#!/bin/sh\necho a canary\n"


@pytest.mark.parametrize(
    "text",
    [
        SCRIPT,
        "#!/usr/bin/env python3\n",
        "#cloud-config\npackages:\n  - nginx\nruncmd:\n  - [systemctl, start, nginx]\n",
        "#cloud-config\r\nlocale: de_DE.UTF-8\r\n",
        "#include\nhttps://example.com/setup.sh\n",
        "## template: jinja\n#cloud-config\nhostname: {{ v1.local_hostname }}\n",
        'Content-Type: multipart/mixed; boundary="=="\nMIME-Version: 1.0\n',
        "#!/bin/sh\n" + "#" * (MOST_BYTES - 10),
    ],
)
def test_what_cloud_init_knows_is_taken_as_it_is(text: str) -> None:
    assert checked(text) == text


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("echo hello", "invalid", "begin with a line such as #cloud-config"),
        ("", "invalid", "begin with a line such as #cloud-config"),
        ("#!/bin/sh\n\0", "invalid", "NUL"),
        ("#!/bin/sh\n" + "ä" * (MOST_BYTES // 2), "too_long", "64 KiB"),
        ("#cloud-config\n", "invalid", "a mapping"),
        ("#cloud-config\n- nginx\n", "invalid", "a mapping"),
        ("#cloud-config\nnginx\n", "invalid", "a mapping"),
        ("#cloud-config\na: b\n c: d\n", "invalid", "line 3"),
        ("#cloud-config\na: &a [*a, *a\n", "invalid", "a mapping"),
    ],
)
def test_what_it_would_not_know_is_refused_in_words(text: str, code: str, says: str) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        checked(text)
    assert caught.value.type == code
    assert says in caught.value.message()


@pytest.mark.parametrize("text", ["a: " + "[" * 60_000, "a: " + "{a: " * 15_000, "a: &a [b]\n" + "c: [*a,*a]\n" * 5000])
def test_a_text_made_to_be_slow_is_not(text: str) -> None:
    began = time.process_time()
    with contextlib.suppress(PydanticCustomError):
        checked(f"#cloud-config\n{text}")
    assert time.process_time() - began < 2


def without_snippets(world: World) -> None:
    object.__setattr__(world.deps.config.cluster[0], "snippets", None)


async def sealed(world: World, operation_id: str) -> dict[str, Any]:
    """What is kept for an operation."""
    id = ids.parse(ids.OPERATION, operation_id)
    assert id is not None
    data = await world.store.pool.fetchval("SELECT data FROM secret WHERE operation_id = $1", id)
    found: dict[str, Any] = json.loads(world.deps.seal.open(data, id.bytes))
    return found


@pytest.mark.pg
async def test_an_order_with_some_keeps_it_sealed_and_has_one_step_more(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    (place,) = (await as_ann.get("/v1/locations")).json()["data"]
    assert place["user_data"] is True
    body = order(user_data=SCRIPT, password="correct horse")
    accepted = await ordered(as_ann, body, **{"Idempotency-Key": "one"})
    assert await ordered(as_ann, body, **{"Idempotency-Key": "one"}) == accepted
    operation = accepted["operation"]
    assert operation["steps"][-1]["key"] == "user_data"
    assert await sealed(world, operation["id"]) == {"user_data": SCRIPT, "password": "correct horse"}
    server = accepted["server"]["id"]
    stream = ids.parse(ids.SERVER, server)
    assert stream is not None
    events = [record.event for record in await world.store.read_stream(stream)]
    assert isinstance(events[0], e.ServerRequested)
    seen = [(await as_ann.get(f"/v1/servers/{server}{more}")).text for more in ("", "/actions", "/history")]
    assert not [text for text in [*seen, str(events), json.dumps(accepted)] if "canary" in text]


@pytest.mark.pg
async def test_a_rebuild_with_some_is_the_same(world: World, as_ann: httpx.AsyncClient, order: Order) -> None:
    server = await running(world, as_ann, order())
    rebuild = {"type": "rebuild", "image": "debian-12", "user_data": SCRIPT}
    tried = await as_ann.post(f"/v1/servers/{server}/actions?dry_run=true", json=rebuild)
    assert tried.status_code == 200, tried.text
    operation = (await as_ann.post(f"/v1/servers/{server}/actions", json=rebuild)).json()["operation"]
    assert operation["steps"][-1]["key"] == "user_data"
    assert await sealed(world, operation["id"]) == {"user_data": SCRIPT}


@pytest.mark.pg
@pytest.mark.parametrize("query", ["", "?dry_run=true"])
async def test_where_it_cannot_be_handed_over_it_is_refused_in_words_that_help(
    world: World, as_ann: httpx.AsyncClient, order: Order, query: str
) -> None:
    server = await running(world, as_ann, order())
    without_snippets(world)
    (place,) = (await as_ann.get("/v1/locations")).json()["data"]
    assert place["user_data"] is False
    rebuild = {"type": "rebuild", "image": "debian-12", "user_data": SCRIPT}
    for path, body in (("/v1/servers", order(user_data=SCRIPT)), (f"/v1/servers/{server}/actions", rebuild)):
        answer = await as_ann.post(f"{path}{query}", json=body)
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["pointer"], error["code"]) == (422, "/user_data", "not_possible")
        assert error["message"] == user_data.NO_PLACE.format(place="Frankfurt")
        assert "canary" not in answer.text
    assert (await as_ann.post("/v1/servers", json=order(user_data=None))).status_code == 202


@pytest.mark.pg
@pytest.mark.parametrize("text", ["nginx", "#cloud-config nginx", "#!/bin/sh\n" + "#" * MOST_BYTES])
async def test_a_refusal_does_not_repeat_the_text(as_ann: httpx.AsyncClient, order: Order, text: str) -> None:
    answer = await as_ann.post("/v1/servers", json=order(user_data=text))
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["pointer"]) == (422, "/user_data")
    assert "nginx" not in answer.text


@pytest.mark.pg
async def test_a_dry_run_keeps_nothing(world: World, as_ann: httpx.AsyncClient, order: Order) -> None:
    tried = await as_ann.post("/v1/servers?dry_run=true", json=order(user_data=SCRIPT))
    assert (tried.status_code, tried.json()["fits"]) == (200, True)
    assert await world.store.pool.fetchval("SELECT count(*) FROM secret") == 0

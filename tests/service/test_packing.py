"""Long lists leave packed for who can read them so; everything else leaves as it is."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from service.web import packing
from tests.service.test_servers import ordered
from tests.service.world import World

Order = Callable[..., dict[str, Any]]
PLAIN = {"Accept-Encoding": "identity"}


async def raw(client: httpx.AsyncClient, method: str, path: str, accepted: str | None) -> tuple[httpx.Response, bytes]:
    """An answer, and its body as it went over the wire."""
    request = client.build_request(method, path)
    del request.headers["Accept-Encoding"]
    if accepted is not None:
        request.headers["Accept-Encoding"] = accepted
    answer = await client.send(request, stream=True)
    body = b"".join([part async for part in answer.aiter_raw()])
    await answer.aclose()
    return answer, body


@pytest.fixture
async def many(world: World, as_ann: httpx.AsyncClient, order: Order) -> httpx.AsyncClient:
    """Somebody with a list that is longer than one packet."""
    for number in range(8):
        await ordered(as_ann, order(name=f"web-{number}"))
    await world.project()
    return as_ann


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.8", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip;q=0.000, *", False),
        ("br", False),
        ("identity", False),
        ("", False),
        (None, False),
    ],
)
async def test_a_long_list_is_packed_for_who_reads_it(
    many: httpx.AsyncClient, accepted: str | None, packed: bool
) -> None:
    _, plain = await raw(many, "GET", "/v1/servers", None)
    answer, body = await raw(many, "GET", "/v1/servers", accepted)
    assert answer.headers.get("content-encoding") == ("gzip" if packed else None)
    assert answer.headers["vary"] == "Accept-Encoding"
    assert int(answer.headers["content-length"]) == len(body)
    assert (gzip.decompress(body) if packed else body) == plain
    assert len(json.loads(plain)["data"]) == 8
    assert not packed or len(body) < len(plain) / 4


async def test_what_is_short_or_has_a_tag_leaves_as_it_is(
    many: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = await raw(many, "GET", "/v1/servers?limit=1", "gzip")
    assert "content-encoding" not in one.headers
    monkeypatch.setattr(packing, "LEAST", 1)
    server = (await many.get("/v1/servers?limit=1")).json()["data"][0]["id"]
    tagged, body = await raw(many, "GET", f"/v1/servers/{server}", "gzip")
    assert ("content-encoding" in tagged.headers, tagged.headers["etag"][0]) == (False, '"')
    assert json.loads(body)["id"] == server
    refused, _ = await raw(many, "GET", "/v1/servers?limit=none", "gzip")
    assert (refused.status_code, "content-encoding" in refused.headers) == (422, False)


async def test_a_very_long_answer_is_packed_aside(many: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "ASIDE", 1)
    assert len((await many.get("/v1/servers", headers={"Accept-Encoding": "gzip"})).json()["data"]) == 8


async def test_the_head_of_a_list_says_what_the_list_would(many: httpx.AsyncClient) -> None:
    head, _ = await raw(many, "HEAD", "/v1/servers", "gzip")
    whole, body = await raw(many, "GET", "/v1/servers", "gzip")
    assert head.headers["content-length"] == whole.headers["content-length"] == str(len(body))

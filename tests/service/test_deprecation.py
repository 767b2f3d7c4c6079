"""A route that will go says so in each of its answers, and in the description."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from service.web import openapi
from service.web.deprecation import Deprecation
from service.web.edge import Edge
from service.web.endpoint import Endpoint, routes
from service.web.metrics import Metrics
from service.web.problems import Problem

PAGE = "https://example.com/changes#old"
GOING = Deprecation(datetime(2026, 3, 1, tzinfo=UTC), PAGE, datetime(2027, 3, 1, tzinfo=UTC))


async def answer(req: Request) -> Response:
    """An answer, or a refusal."""
    if "refuse" in req.query_params:
        raise Problem("not_allowed")
    return Response(status_code=204)


ENDPOINTS = [
    Endpoint("GET", "/old", answer, "old", {204: None}, deprecated=GOING),
    Endpoint("GET", "/unsure", answer, "unsure", {204: None}, deprecated=Deprecation(GOING.since, PAGE)),
    Endpoint("POST", "/old", answer, "new", {204: None}),
]


async def test_every_answer_says_since_when_until_when_and_what_instead() -> None:
    app = Starlette(routes=[*routes(ENDPOINTS)], middleware=[Middleware(Edge, metrics=Metrics())])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hostler.test") as client:
        for path, status in (("/old", 204), ("/old?refuse", 409)):
            old = await client.get(path)
            assert (old.status_code, old.headers["deprecation"]) == (status, "@1772323200")
            assert old.headers["sunset"] == "Mon, 01 Mar 2027 00:00:00 GMT"
            assert old.headers["link"] == f'<{PAGE}>; rel="deprecation"'
        unsure = await client.get("/unsure")
        assert (unsure.headers["deprecation"], "sunset" in unsure.headers) == ("@1772323200", False)
        assert "deprecation" not in (await client.post("/old")).headers


def test_the_description_says_so_too() -> None:
    said = openapi.describe(ENDPOINTS)["paths"]
    assert said["/old"]["get"]["deprecated"] is True
    assert said["/old"]["get"]["description"] == (
        f"Not for use any more since 1 March 2026, and goes on 1 March 2027: see {PAGE}."
    )
    assert "deprecated" not in said["/old"]["post"]

"""The description is true: generated requests against every call, answers held to their schemas."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.stateful import run_state_machine_as_test
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from runtime.settings import Settings
from service.app import ENDPOINTS, build
from service.command.declare import apply_catalogue
from service.deps import opened
from service.web import openapi
from service.web.examples import illustrated
from tests.service.listening import listening
from tests.service.world import SYSTEM, World

DESCRIPTION = openapi.describe(ENDPOINTS)
ILLUSTRATED = illustrated(openapi.describe(ENDPOINTS))
LEFT_OUT = {"/v1/events", "/v1/logout"}  # the one never ends, the other would end the session of all the rest
CHECKED = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
schema = schemathesis.openapi.from_dict(DESCRIPTION)


class Running:
    """A service in a thread of its own, with a customer who owns a server."""

    def __init__(self, given: Settings):
        self._settings, self._ready = given, threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self.url = self.token = self.staff_token = self.server_id = self.operation_id = ""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> Running:
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)

    def headers(self, path: str) -> dict[str, str]:
        """Who asks: of staff's calls, staff."""
        return {"Authorization": f"Bearer {self.staff_token if path.startswith('/v1/admin') else self.token}"}

    def name_what_there_is(self, case: Any) -> None:
        """Ask about the server, or its operation, instead of an id that nothing has."""
        if "id" in (case.path_parameters or {}):
            case.path_parameters["id"] = self.operation_id if "operations" in case.path else self.server_id

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with opened(self._settings) as deps:
            await apply_catalogue(deps.store, self._settings.config, SYSTEM)
            world = World(deps, self._settings.database_url)
            await self._furnish(world)
            async with listening(build(deps)) as port:
                self.url = f"http://127.0.0.1:{port}"
                self._ready.set()
                await self._stop.wait()

    async def _furnish(self, world: World) -> None:
        ann = await world.person("ann@example.com")
        self.token = await world.token(ann)
        self.staff_token = await world.token(await world.person("staff@example.com", role="admin"))
        client = await world.signed_in(ann)
        order = {"name": "web-1", "plan": "small", "image": "debian-12", "location": "fra1"}
        accepted = (await client.post("/v1/servers", json=order)).json()
        self.server_id, self.operation_id = accepted["server"]["id"], accepted["operation"]["id"]
        await world.project()


@pytest.fixture(name="service")
def running_service(request: pytest.FixtureRequest) -> Iterator[Running]:
    """A running service."""
    with Running(request.getfixturevalue("settings")) as running:
        yield running


def test_every_route_has_a_name_of_its_own_and_says_what_it_is() -> None:
    names = [endpoint.name for endpoint in ENDPOINTS]
    assert len(set(names)) == len(names)
    assert all(endpoint.summary for endpoint in ENDPOINTS)


def test_the_names_clients_rely_on_are_there() -> None:
    names = {"Server", "Operation", "OperationStep", "Problem", "User", "Plan", "Image", "Location"}
    names |= {"ServerPage", "HistoryEntry"}
    assert names <= set(DESCRIPTION["components"]["schemas"])


def test_every_example_passes_the_model_that_checks_the_real_thing() -> None:
    for endpoint in ENDPOINTS:
        described = ILLUSTRATED["paths"][endpoint.path][endpoint.method.lower()]
        if endpoint.body is not None:
            shown = described["requestBody"]["content"]["application/json"]["example"]
            endpoint.body.model_validate_json(json.dumps(shown))
        for status, model in endpoint.answers.items():
            if model is not None and status < 300:
                shown = described["responses"][str(status)]["content"][endpoint.media]["example"]
                model.model_validate_json(json.dumps(shown), by_alias=True, by_name=True)


def test_the_description_for_the_dashboard_is_current() -> None:
    written = Path(__file__).parents[2] / "ui" / "openapi.json"
    assert json.loads(written.read_text()) == DESCRIPTION, "run: python -m service.web.openapi > ui/openapi.json"


async def test_the_description_is_served(world: World) -> None:
    async with world.anonymous() as client:
        assert (await client.get("/openapi.json")).json() == ILLUSTRATED


@pytest.mark.pg  # the fixture asks for the server as it runs, which nobody sees beforehand
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_generated_requests_are_answered_as_described(service: Running, mode: GenerationMode) -> None:
    for path in schema:
        for operation in schema[path].values():
            with contextlib.suppress(Unsatisfiable):  # some calls take nothing that could be wrong
                if path not in LEFT_OUT:
                    _hold(operation.as_strategy(generation_mode=mode), service)


def _hold(cases: Any, service: Running) -> None:
    @settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
    @given(case=cases)
    def check(case: Any) -> None:
        service.name_what_there_is(case)
        case.call_and_validate(base_url=service.url, headers=service.headers(case.path), checks=CHECKED)

    check()


@pytest.mark.pg
def test_requests_that_follow_from_answers_are_answered_as_described(service: Running) -> None:
    """Chains: what a list, or an answer's links, lead to is looked at, changed, and terminated."""
    answered: defaultdict[str, set[int]] = defaultdict(set)

    class Chains(schema.include(path_regex="^/v1/(servers|operations)").as_state_machine()):  # type: ignore[misc]
        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            if not str((case.path_parameters or {}).get("id", "")).startswith(("srv_", "op_")):
                service.name_what_there_is(case)
            return {"base_url": service.url, "headers": service.headers(case.path)}

        def validate_response(self, response: Any, case: Any, **_: Any) -> None:
            answered[case.operation.label] |= {response.status_code}
            case.validate_response(response, checks=CHECKED)

    limits = settings(max_examples=40, stateful_step_count=10, deadline=None, derandomize=True, database=None)
    run_state_machine_as_test(Chains, settings=settings(limits, suppress_health_check=list(HealthCheck)))
    assert 200 in answered["GET /v1/servers/{id}"] & answered["GET /v1/operations/{id}"]

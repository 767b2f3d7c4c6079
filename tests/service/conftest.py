"""Fixtures of the service's tests: an installation, its people, and clients signed in as them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from projector.loop import catch_up
from runtime.settings import Settings
from service.command.declare import apply_catalogue
from service.deps import opened
from tests.service.world import SYSTEM, Person, World, settings_of


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """Settings of a small installation."""
    return settings_of(tmp_path, database_url)


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[World]:
    """The service with its catalogue, nobody in it yet."""
    async with opened(settings) as deps:
        await apply_catalogue(deps.store, settings.config, SYSTEM)
        await catch_up(deps.store)
        yield World(deps, settings.database_url)


@pytest.fixture
async def ann(world: World) -> Person:
    """A customer."""
    return await world.person("ann@example.com")


@pytest.fixture
async def as_ann(world: World, ann: Person) -> AsyncIterator[httpx.AsyncClient]:
    """A client signed in as the customer."""
    client = await world.signed_in(ann)
    yield client
    await client.aclose()


@pytest.fixture
async def as_bob(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """A client signed in as another customer."""
    client = await world.signed_in(await world.person("bob@example.com"))
    yield client
    await client.aclose()


@pytest.fixture
async def as_staff(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """A client signed in as an administrator."""
    client = await world.signed_in(await world.person("root@example.com", role="admin"))
    yield client
    await client.aclose()


@pytest.fixture
def order() -> Callable[..., dict[str, Any]]:
    """The body of an order, with changes."""
    return lambda **changes: {"name": "web-1", "plan": "small", "image": "debian-12", "location": "fra1"} | changes

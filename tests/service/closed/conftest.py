"""The house that is tried."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.service.closed.house import House
from tests.service.world import World


@pytest.fixture
async def house(world: World) -> AsyncIterator[House]:
    """A house; in the end no answer was odd."""
    built = House(world)
    yield built
    assert built.wrong == []

"""The house that is tried."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runtime.settings import Settings
from tests.service.closed.house import House
from tests.service.world import CONFIG, World, settings_of

HOOKS = """
[webhooks]
allow_networks = ["127.0.0.0/8"]
"""


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """Settings of an installation whose webhooks go to where nobody listens: nothing is looked up elsewhere."""
    made = settings_of(tmp_path, database_url, CONFIG + HOOKS)
    (tmp_path / "token").write_text("0c9fbb0e-known-to-nobody-but-proxmox")
    return made


@pytest.fixture
async def house(world: World) -> AsyncIterator[House]:
    """A house; in the end no answer was odd."""
    built = House(world)
    yield built
    assert built.wrong == []

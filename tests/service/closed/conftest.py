"""The house that is tried."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runtime.settings import Settings
from tests.service.closed.house import House
from tests.service.world import CONFIG, World, write_keys

HOOKS = """
[webhooks]
allow_networks = ["127.0.0.0/8"]
"""


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """Settings of an installation whose webhooks go to where nobody listens: nothing is looked up elsewhere."""
    write_keys(tmp_path)
    (tmp_path / "token").write_text("0c9fbb0e-known-to-nobody-but-proxmox")
    (tmp_path / "hostler.toml").write_text(CONFIG + HOOKS)
    environment = {
        "HOSTLER_DATABASE_URL": database_url,
        "HOSTLER_CONFIG": str(tmp_path / "hostler.toml"),
        "HOSTLER_UI_DIR": str(tmp_path / "dashboard"),
    }
    return Settings(environment)


@pytest.fixture
async def house(world: World) -> AsyncIterator[House]:
    """A house; in the end no answer was odd."""
    built = House(world)
    yield built
    assert built.wrong == []

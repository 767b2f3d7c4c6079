"""A receiver of webhooks on this machine, and an installation that may send to it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runtime.settings import Settings
from tests.service.webhooks.receiver import Receiver
from tests.service.world import CONFIG, write_keys

ALLOWED = """
[webhooks]
allow_http = true
allow_networks = ["127.0.0.0/8"]
"""


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """Settings of an installation that may send to this machine."""
    write_keys(tmp_path)
    (tmp_path / "hostler.toml").write_text(CONFIG + ALLOWED)
    return Settings({"HOSTLER_DATABASE_URL": database_url, "HOSTLER_CONFIG": str(tmp_path / "hostler.toml")})


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A program that takes messages."""
    found = Receiver()
    server = await asyncio.start_server(found.answer, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    yield found
    server.close()
    for task in found.tasks:
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await server.wait_closed()

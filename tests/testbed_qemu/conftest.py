"""Real guests under test: each test gets its own state directory, and every guest ends with it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from testbed.proxmox.qemu import QemuGuests
from tests.testbed_qemu.samples import GIB, TEMPLATE, Exits


@pytest.fixture
def exits() -> Exits:
    return Exits()


@pytest.fixture
async def guests(tmp_path: Path, exits: Exits) -> AsyncIterator[QemuGuests]:
    running = QemuGuests(tmp_path / "state", exits)
    await running.create_disk(9000, TEMPLATE, GIB)
    yield running
    await running.close()

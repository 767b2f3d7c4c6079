"""Testbeds for tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.testbed_proxmox.bed import Bed, bed_in


@pytest.fixture
async def bed(tmp_path: Path) -> AsyncIterator[Bed]:
    """A testbed with its templates."""
    async with bed_in(tmp_path) as bed:
        yield bed


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[Bed]:
    """A testbed without any VM."""
    async with bed_in(tmp_path, templates=False) as bed:
        yield bed

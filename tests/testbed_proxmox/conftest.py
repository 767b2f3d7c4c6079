"""Testbeds for tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from testbed.proxmox.storage.storage import Storage
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


@pytest.fixture
async def three(tmp_path: Path) -> AsyncIterator[Bed]:
    """A testbed of three nodes with a shared storage `nfs`; the templates are on the first one's own."""
    async with bed_in(tmp_path, nodes=3) as bed:
        options = {"server": "10.99.0.5", "export": "/export", "content": "images,iso,backup"}
        bed.cluster.storages.save(Storage("nfs", "nfs", options))
        yield bed

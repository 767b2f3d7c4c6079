"""Fixtures: the Proxmox testbed as a program beside the tests, and the clusters of the shared suite."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.hypervisor.clusters import Cluster, fake_cluster, proxmox_cluster, running_testbed


@pytest.fixture(scope="session")
def testbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What the Proxmox testbed says of itself when it is ready."""
    if importlib.util.find_spec("testbed.__main__") is None:
        pytest.skip("the Proxmox testbed is not part of this tree")
    with running_testbed(tmp_path_factory.mktemp("pve")) as told:
        yield told


@pytest.fixture(params=["fake", pytest.param("proxmox", marks=pytest.mark.pve)])
async def cluster(request: pytest.FixtureRequest) -> AsyncIterator[Cluster]:
    """Each test of the shared suite sees the fake, then the adapter."""
    fake = request.param == "fake"
    found = fake_cluster() if fake else proxmox_cluster(request.getfixturevalue("testbed"))
    yield found
    await found.hypervisor.close()

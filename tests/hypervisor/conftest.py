"""Fixtures: the Proxmox testbed as a program beside the tests, and the clusters of the shared suite."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hypervisor.clusters import DEADLINE, Cluster, fake_cluster, proxmox_cluster

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def testbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What the Proxmox testbed says of itself when it is ready."""
    if importlib.util.find_spec("testbed.__main__") is None:
        pytest.skip("the Proxmox testbed is not part of this tree")
    state = tmp_path_factory.mktemp("pve")
    command = [sys.executable, "-m", "testbed", "proxmox", "--state", str(state)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(DEADLINE)


@pytest.fixture(params=["fake", pytest.param("proxmox", marks=pytest.mark.pve)])
async def cluster(request: pytest.FixtureRequest) -> AsyncIterator[Cluster]:
    """Each test of the shared suite sees the fake, then the adapter."""
    fake = request.param == "fake"
    found = fake_cluster() if fake else proxmox_cluster(request.getfixturevalue("testbed"))
    yield found
    await found.hypervisor.close()

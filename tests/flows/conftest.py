"""One demo for the stories: imported guests are simulated, new servers are real guests."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.customer import ALICE, Customer
from tests.flows.running import RunningDemo

NEEDS = (pytest.mark.pg, pytest.mark.pve, pytest.mark.mariadb)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here runs on a whole demo."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            for mark in NEEDS:
                item.add_marker(mark)


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """A folder which the database servers can reach, whatever user they run as."""
    folder = Path(tempfile.mkdtemp(prefix="hostler-flows-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def demo(home: Path) -> Iterator[RunningDemo]:
    """The demo as `scripts/demo` runs it by default."""
    (home / "stories").mkdir(mode=0o755)
    running = RunningDemo(home / "stories")
    try:
        running.start()
        yield running
    finally:
        running.close()


@pytest.fixture(scope="session")
def alice(demo: RunningDemo) -> Customer:
    """A customer whose servers were imported."""
    return Customer(demo, ALICE)

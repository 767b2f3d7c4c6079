"""One testbed for all tests that only read, and a way to start others."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from testbed.whmcs.state import open_state
from tests.testbed_whmcs.running import Testbed, spawn


@pytest.fixture(scope="session")
def testbed() -> Iterator[Testbed]:
    """A testbed with the sample as it is by default; do not change it."""
    running = spawn()
    yield running
    running.stop()


@pytest.fixture
def start() -> Iterator[Callable[..., Testbed]]:
    """Start testbeds that are stopped after the test, if they still run."""
    running: list[Testbed] = []

    def begin(*arguments: str) -> Testbed:
        running.append(spawn(*arguments))
        return running[-1]

    yield begin
    for each in running:
        if each.process.poll() is None:
            each.stop()
        assert each.process.stdout is not None
        each.process.stdout.close()


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    """A state directory whose server files are removed, wherever they had to be put."""
    home = tmp_path / "whmcs"
    yield home
    open_state(home).remove()

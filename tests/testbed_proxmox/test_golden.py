"""The recorded answers of a real Proxmox VE 8.4, request by request, against the testbed."""

from pathlib import Path

import pytest

import testbed.proxmox
from tests.testbed_proxmox.golden.known import KNOWN
from tests.testbed_proxmox.golden.replay import Outcome, outcomes
from tests.testbed_proxmox.golden.report import details, known, share, table

pytestmark = pytest.mark.pve
GOAL = 0.95
DIFFERENCES = Path(testbed.proxmox.__file__).parent / "DIFFERENCES.md"


@pytest.fixture(scope="module")
def played() -> list[Outcome]:
    return outcomes()


def test_nearly_all_is_answered_as_recorded(played: list[Outcome]) -> None:
    print("\n" + table(played))
    assert share(played) >= GOAL, table(played)


def test_what_is_not_is_known(played: list[Outcome]) -> None:
    differing = {outcome.record.key for outcome in played if outcome.differences}
    listed = {key for keys in KNOWN.values() for key in keys}
    fresh = [details(played, key) for key in sorted(differing - listed)]
    assert not fresh, "these were not known to differ:\n" + "\n".join(fresh)
    assert not listed - differing, "these are answered as recorded now: delete them from the list"


def test_what_is_known_to_differ_is_documented() -> None:
    assert known() in DIFFERENCES.read_text(), f"DIFFERENCES.md should say:\n{known()}"

"""The whole story, a customer at the keyboard: imported, signed in, rebooted, created, killed amid, ended, told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from testbed.demo.place import REPOSITORY
from tests.flows.customer import ALICE, Customer
from tests.flows.running import RunningDemo, until

pytestmark = [pytest.mark.qemu, pytest.mark.browser]
NODE = REPOSITORY / "var" / "tools" / "node"
STORY = Path(__file__).with_name("story.mjs")
CHAPTERS = [
    *("signed in", "list", "went", "came back", "created", "answered", "under way", "survived"),
    *("shut down", "undone", "purged", "history", "signed out"),
]


def test_the_story(demo: RunningDemo, tmp_path: Path) -> None:
    assert demo.import_again()["entities"]["servers"]["create"] == 0
    # Guests that were adopted a moment ago are counted twice until the node is looked at again.
    until("there is room for a server", 60, Customer(demo, ALICE).has_room)
    told = {chapter.pop("chapter"): chapter for chapter in _chapters(demo, tmp_path)}
    assert list(told) == CHAPTERS, told.get("failure")
    assert told["signed out"]["complaints"] == []
    _assert_the_list(told["list"]["rows"])
    assert all("Done" in step for step in told["created"]["steps"])
    assert "10.99.0." in told["created"]["page"]
    _assert_one_guest_each(demo, Customer(demo, ALICE), told["created"]["server"], told["survived"]["server"])
    _assert_the_history(told["history"]["entries"])
    demo.run("hostler-replay", "check")


def _chapters(demo: RunningDemo, pictures: Path) -> Iterator[dict[str, Any]]:
    """Follow the browser; kill the orchestrators when the second creation is under way."""
    given = {"url": demo.record()["url"], **demo.user(ALICE), "reboot": "web1.alice.example.com"}
    arguments = json.dumps(given | {"pictures": os.environ.get("HOSTLER_TEST_PICTURES", str(pictures))})
    with subprocess.Popen([NODE, STORY, arguments], stdout=subprocess.PIPE, text=True) as browser:
        assert browser.stdout is not None
        for line in browser.stdout:
            chapter = json.loads(line)
            if chapter["chapter"] == "under way":
                for orchestrator in ("orchestrator-1", "orchestrator-2"):
                    os.kill(demo.pid(orchestrator), signal.SIGKILL)
            yield chapter


def _assert_the_list(rows: list[str]) -> None:
    adopted = next(row for row in rows if "web1.alice.example.com" in row)
    for words in ("Running", "2 cores", "4 GiB RAM", "40 GiB disk", "Debian 12", "Frankfurt", "203.0.113.10"):
        assert words in adopted
    assert "Not linked" in next(row for row in rows if "old1.alice.example.com" in row)


def _assert_one_guest_each(demo: RunningDemo, alice: Customer, kept: str, ended: str) -> None:
    names = [vm["name"] for vm in demo.guests()["vms"]]
    assert (names.count("from-browser"), names.count("survivor")) == (1, 0)
    assert demo.guests()["orphan_volumes"] == []
    assert alice.server(kept)["status"] == "running"
    assert alice.server(ended)["status"] == "terminated"


def _assert_the_history(entries: list[str]) -> None:
    text = "\n".join(entries)
    for words in ("Server ordered", "Shutdown requested", "Termination requested", "Termination undone", "removed"):
        assert words in text

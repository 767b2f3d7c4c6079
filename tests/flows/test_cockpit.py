"""Staff and customers in browsers beside each other, and every page there is, read by axe and by a narrow screen."""

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
from tests.flows.customer import ADMIN, ALICE, BOB, Customer
from tests.flows.running import RunningDemo

pytestmark = pytest.mark.browser
HERE = Path(__file__).parent
NODE = REPOSITORY / "var" / "tools" / "node"
NAME, ADDRESS = "web1.alice.example.com", "203.0.113.10"


@pytest.fixture(scope="module")
def server(alice: Customer) -> str:
    """An imported server of Alice, of which there is an operation to look at."""
    id = next(str(server["id"]) for server in alice.servers() if server["name"] == NAME)
    alice.succeeded(alice.act(id, "reboot"))
    alice.becomes(id, "running")
    return id


def told(demo: RunningDemo, story: str, server: str) -> Iterator[dict[str, Any]]:
    """What a browser tells, as it is told; the service is killed when it says that a page is open."""
    people = {"staff": demo.user(ADMIN), "customer": demo.user(ALICE), "stranger": demo.user(BOB)}
    pictures = os.environ.get("HOSTLER_TEST_PICTURES")
    given = {"url": demo.record()["url"], "server": server, "pictures": pictures, **people}
    with subprocess.Popen([NODE, HERE / story, json.dumps(given)], stdout=subprocess.PIPE, text=True) as browser:
        assert browser.stdout is not None
        for line in browser.stdout:
            chapter = json.loads(line)
            if chapter["chapter"] == "open":
                os.kill(demo.pid("service"), signal.SIGKILL)
            yield chapter


def test_staff_and_customers_see_what_is_theirs(demo: RunningDemo, server: str) -> None:
    chapters = {chapter.pop("chapter"): chapter for chapter in told(demo, "cockpit.mjs", server)}
    assert "failure" not in chapters, chapters["failure"]
    assert not any(secret in page for page in chapters["stranger"]["shown"] for secret in (NAME, ADDRESS, "Running"))
    assert chapters["back"]["meanwhile"] == chapters["back"]["before"]
    assert "reported for abuse" in chapters["suspended"]["seen"]
    assert "Nothing is deleted" in chapters["suspended"]["seen"]
    assert "suspended" in chapters["suspended"]["why"].lower()
    assert chapters["past"]["change"].split() == ["Status", "Suspended", "Running"]
    assert ADDRESS in chapters["past"]["then"]
    _, read, created, *others = map(str.strip, chapters["report"]["servers"].split("\t"))
    assert int(read) == int(created) + sum(map(int, others))
    assert int(created) == Customer(demo, ADMIN).get("/v1/admin/imports")["data"][-1]["counts"]["servers"]["create"]
    assert "Its memory cannot be read" in chapters["report"]["page"]
    assert chapters["end"]["complaints"] == []


def test_every_page_is_for_everybody(demo: RunningDemo, server: str) -> None:
    chapters = list(told(demo, "pages.mjs", server))
    assert chapters[-1]["chapter"] == "all", chapters[-1]
    pages = {chapter["pattern"]: chapter for chapter in chapters[:-1]}
    assert list(pages) == chapters[-1]["patterns"]
    assert {pattern: page["wrong"] for pattern, page in pages.items() if page["wrong"]} == {}
    assert [pattern for pattern, page in pages.items() if not _is_of(page["path"], pattern)] == []
    assert chapters[-1]["complaints"] == []


def _is_of(path: str, pattern: str) -> bool:
    """Whether an address is one of a route's: nobody was led elsewhere."""
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(w.startswith(":") or w == p for p, w in zip(parts, wanted, strict=True))

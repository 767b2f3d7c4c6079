"""What a creation costs beside the tasks of Proxmox: how often it asks, and how long it waits for nothing."""

from __future__ import annotations

import asyncio
from collections import Counter

from tests.orchestrator.storm.installation import Installation

TASKS = ("clone", "resize", "start")  # each of them lasts a second here
LOOKED = ("quorate", "guests", "nodes", "storages")  # also asked by who looks at the cluster meanwhile


class Bill:
    """One creation by one orchestrator, counted."""

    def __init__(self) -> None:
        self.installation = Installation(1)
        self.asked = Counter[str]()
        self.waited = 0.0
        self.installation.network.befalls = self._ask
        self.installation.run(self._story)

    def _ask(self, verb: str, vmid: int, change: bool) -> None:
        self.asked[verb] += 1

    async def _story(self) -> None:
        installation = self.installation
        installation.start()
        await installation.quiet(60)
        self.asked.clear()
        began = installation.clock.time()
        server = installation.create("web-1")
        while installation.tables.server(server).status != "running":  # noqa: ASYNC110 - the clock is the test's own
            await asyncio.sleep(0.001)
        self.waited = installation.clock.time() - began - len(TASKS)


def test_a_creation_asks_little_and_waits_for_nothing() -> None:
    """Each change is made once and looked at once; a guest that was just read is not read again."""
    bill = Bill()
    changes = {"clone": 1, "configure": 1, "set_firewall": 1, "resize": 1, "start": 1}
    assert {verb: bill.asked[verb] for verb in changes} == changes
    looks = {verb: count for verb, count in bill.asked.items() if verb not in (*changes, *LOOKED, "task")}
    assert looks == {"vmid_taken": 1, "config": 6, "firewall": 1, "status": 1, "addresses": 1}
    assert bill.asked["task"] <= 12 * len(TASKS)
    assert 0 <= bill.waited < 0.15

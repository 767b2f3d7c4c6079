"""Many creations at once, on storages that are locked for ten seconds by each copy: they queue, and none fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.orchestrator.storm.cluster import TimedWorld
from tests.orchestrator.storm.installation import TEMPLATE, Installation
from tests.orchestrator.storm.laws import Outsiders, examine

LOCKED_SECONDS = 10.0
LOCK_TIMEOUT_SECONDS = 60.0  # how long Proxmox waits for a storage's lock (PVE::Storage::Plugin, cluster_lock_storage)
LOCK_TIMEOUT = "clone failed: cfs-lock 'storage-local' error: got lock request timeout"


class LockedWorld(TimedWorld):
    """Copies to one storage come one after the other; who waits too long fails."""

    def __init__(self, *arguments: Any):
        self._free_at: dict[str, float] = {}
        self.timeouts = 0
        super().__init__(*arguments)

    def _start_task(self, kind: str, node: str, vmid: int, run: Callable[[], str], **options: Any) -> str:
        if kind != "qmclone":
            return super()._start_task(kind, node, vmid, run, **options)
        now = self._clock.time()
        begin = max(now, self._free_at.get(node, 0.0))
        waits = begin - now > LOCK_TIMEOUT_SECONDS
        if waits:
            self.timeouts += 1
            self.fail_task(kind, LOCK_TIMEOUT)
        else:
            self._free_at[node] = begin + LOCKED_SECONDS
        self._lasting = lambda kind: LOCK_TIMEOUT_SECONDS if waits else begin - now + LOCKED_SECONDS
        upid = super()._start_task(kind, node, vmid, run, **options)
        self._lasting = lambda kind: 1.0
        return upid


@pytest.mark.parametrize("count", [40, pytest.param(500, marks=pytest.mark.long)])
def test_all_of_many_creations_run(count: int) -> None:
    """Posted at once, on three nodes, with two orchestrators."""
    installation = Installation(1, nodes=3)
    world = LockedWorld(installation.clock, ("pve1", "pve2", "pve3"), lambda kind: 1.0)
    for n, node in enumerate(world.nodes):
        world.add_template(TEMPLATE + n, "debian-12", node=node)
    world.nodes = {name: replace(node, cpus=128, memory_mib=4_000_000) for name, node in world.nodes.items()}
    installation.world = world

    async def story() -> None:
        installation.start()
        installation.start()
        for n in range(count):
            installation.create(f"web-{n}")
        assert await installation.quiet(count * LOCKED_SECONDS * 3 + 600)
        await installation.observed()
        assert examine(installation, [], Outsiders()).all() == {}
        ends = [(s.status, s.operation.error if s.operation else None) for s in installation.servers()]
        assert ends == [("running", None)] * count
        assert {server.node for server in installation.servers()} == set(world.nodes)

    installation.run(story)

"""Snippets in memory: the folder of the cluster in memory."""

from __future__ import annotations

from hypervisor.fake_world import FakeWorld
from orchestrator.snippets import OutOfReach

STORAGE = "local"


class MemorySnippets:
    """`away`: nobody answers."""

    def __init__(self, world: FakeWorld):
        self.storage = STORAGE
        self.away = False
        self._world = world

    async def write(self, name: str, text: str) -> None:
        """Put a file there."""
        self._answer()
        self._world.snippets[f"{STORAGE}:snippets/{name}"] = text

    async def remove(self, name: str) -> None:
        """Take it away."""
        self._answer()
        self._world.snippets.pop(f"{STORAGE}:snippets/{name}", None)

    def _answer(self) -> None:
        if self.away:
            raise OutOfReach("no answer")

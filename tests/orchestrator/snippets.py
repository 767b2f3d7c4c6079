"""Snippets in memory: the folder of the cluster in memory."""

from __future__ import annotations

from uuid import UUID

from hypervisor.fake_world import FakeWorld
from orchestrator.snippets import OutOfReach

STORAGE = "local"


class MemorySnippets:
    """`away`: nobody answers. `age`: for how many seconds nobody has touched the files."""

    def __init__(self, world: FakeWorld):
        self.storage = STORAGE
        self.away = False
        self.age = 0.0
        self._world = world

    async def write(self, name: str, text: str) -> None:
        """Put a file there."""
        self._answer()
        self._world.snippets[f"{STORAGE}:snippets/{name}"] = text

    async def remove(self, name: str) -> None:
        """Take it away."""
        self._answer()
        self._world.snippets.pop(f"{STORAGE}:snippets/{name}", None)

    async def servers(self) -> dict[UUID, float]:
        """Whose files lie there; all of one age."""
        self._answer()
        names = [volume.rpartition("/")[2] for volume in self._world.snippets]
        return {UUID(name.removeprefix("hostler-").removesuffix(".yaml")): self.age for name in names}

    def _answer(self) -> None:
        if self.away:
            raise OutOfReach("no answer")

"""Right before every call of every operation another guest is put in the place of ours: nothing more is called.

Generated from the operations; the verbs are those of the port, so that none is forgotten.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from domain.server.operations import OPERATIONS
from domain.server.state import Server
from hypervisor.port import CHANGES
from tests.orchestrator.storm import people
from tests.orchestrator.storm.installation import Installation
from tests.orchestrator.test_matrix import PATIENCE, stage

MAKES = "clone"  # there is no guest yet
# A task is no guest; a password is told in one breath with `configure`, which is tried; what is deleted as a volume is
# no server's any more (test_leftovers.py); a guest is moved only to its image on another node (test_placement.py).
NOT_TRIED = {"abort_task", "set_password", "delete_volume", "migrate"}


class Swap:
    """Watches the calls of an operation; before the one numbered `at`, its program dies and its guest is swapped."""

    def __init__(self, type: str, at: int | None = None):
        self.installation = Installation(1)
        self.installation.network.before = self._calling
        self.type, self._at = type, at
        self.verbs: list[str] = []
        self.state: Server | None = None

    def run(self) -> Swap:
        """Let the operation happen."""
        self.installation.run(self._story)
        return self

    async def _story(self) -> None:
        installation, type = self.installation, self.type
        installation.start()
        server = await stage(installation, type)
        if server is None:
            server = installation.create("web-1")
        else:
            people.wish(installation, server, "terminate" if type == "destroy" else type)
        await installation.quiet(PATIENCE)
        self.state = installation.tables.server(server)

    def _calling(self, verb: str, vmid: int) -> None:
        if not any(server.current and server.current.type == self.type for server in self.installation.servers()):
            return
        if self._at == len(self.verbs):
            self._swap()
        self.verbs.append(verb)

    def _swap(self) -> None:
        world = self.installation.world
        for guest in world.guests.values():
            guest.smbios_uuid = "00000000-0000-4000-8000-00000000dead"
        for backup in world.backups.values():  # a backup has no identity but its notes
            backup.volume = replace(backup.volume, notes="somebody else's")
        for process in self.installation.living():
            process.kill()
        self.installation.clock.call_later(1.0, self.installation.start)


@cache
def calls(type: str) -> list[str]:
    """The verbs an operation calls when nothing happens, in their order."""
    return Swap(type).run().verbs


def test_every_verb_that_changes_a_guest_is_tried() -> None:
    """Whoever adds one has an operation that calls it, or says here why there is none."""
    assert CHANGES - {verb for type in OPERATIONS for verb in calls(type)} == NOT_TRIED


@pytest.mark.parametrize("type", OPERATIONS)
def test_no_call_reaches_a_guest_that_is_not_ours(type: str) -> None:
    """Staff are asked instead."""
    for at, verb in enumerate(calls(type)):
        if verb == MAKES:
            continue
        swap = Swap(type, at).run()
        assert swap.verbs == calls(type)[: at + 1], verb  # the last of them died before it was sent
        assert swap.state is not None
        assert swap.state.operation is not None
        assert swap.state.operation.status == "needs_attention", verb

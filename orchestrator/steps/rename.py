"""Rename: the guest's name is the server's."""

from __future__ import annotations

from domain.server import events as e
from hypervisor.port import GuestConfig, GuestSettings
from orchestrator.effect import pursue, told
from orchestrator.outcome import Done, Outcome
from orchestrator.steps.power import ours
from orchestrator.work import Work


async def rename(work: Work) -> Outcome:
    """Done with `ServerRenamed` once the guest has the name."""
    guest = await ours(work)
    if not isinstance(guest, GuestConfig):
        return guest
    name = str(work.operation.params["name"]).lower()

    async def tell() -> None:
        await work.hypervisor.configure(guest.node, guest.vmid, GuestSettings(name=name), guest.digest)

    async def seen() -> bool:
        found = await work.guest()
        return found is not None and found.name == name

    outcome = await pursue(work, told("configure", guest.node, tell, seen))
    renamed = e.ServerRenamed(operation_id=work.operation.id, name=name)
    return Done(outcome.detail, [renamed]) if isinstance(outcome, Done) else outcome

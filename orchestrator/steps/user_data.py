"""User data: handed to the guest's cloud-init as vendor data, so that Proxmox's own file with user, password and keys
stays whole; taken away again once the guest runs. While the configuration names the file it has to be there, since a
guest does not start without it.

That it goes does not make cloud-init run again: the instance's id is made of user data and network alone (qemu-server
QemuServer/Cloudinit.pm nocloud_gen_metadata).
"""

from __future__ import annotations

import contextlib

from hypervisor.port import GuestConfig, GuestSettings
from orchestrator import fence
from orchestrator.effect import Plan, no_task, pursue
from orchestrator.outcome import Done, Failed, Outcome
from orchestrator.snippets import OutOfReach, Snippets, name_of, volume_of
from orchestrator.steps.power import ours
from orchestrator.work import Work

NO_PLACE = "User data can no longer be handed over where the server is. Ask for it without, or somewhere else."
NOT_TAKEN = "{image} takes no user data. Ask for it without, or with another image."
LOST = "The user data that was given cannot be read any more: ask for the operation again."


def hindrance(work: Work, guest: GuestConfig) -> Failed | None:
    """Why the user data that came with the operation cannot be handed to a guest."""
    if not work.operation.with_user_data:
        return None
    if snippets_of(work) is None:
        return Failed("no_user_data", NO_PLACE, "the cluster has no `snippets`", retryable=False)
    taken = guest.vendor_data if not is_ours(work, guest) else None
    if guest.cloudinit_drive is None or taken is not None:
        why = f"cicustom names {taken}" if taken is not None else "no cloud-init drive"
        return Failed("user_data_not_taken", NOT_TAKEN.format(image=work.state.image.name), why, retryable=False)
    return None


def snippets_of(work: Work) -> Snippets | None:
    """Where the files of the server's cluster lie."""
    return work.tools.snippets.get(work.state.cluster or "")


def is_ours(work: Work, guest: GuestConfig) -> bool:
    """Whether the guest is given the server's own file."""
    named = guest.vendor_data
    return named is not None and named == volume_of(named.partition(":")[0], work.state.id)


async def laid_out(work: Work, guest: GuestConfig, text: str | None) -> str | None:
    """What the guest is to name once the file with the text lies there; None to leave it as it is. One that an earlier
    operation left is named no more.

    Raises:
        OutOfReach: the file could not be written.
    """
    snippets = snippets_of(work)
    if text is None or snippets is None:
        return "" if is_ours(work, guest) else None
    fence.check()
    await snippets.write(name_of(work.state.id), text)
    return volume_of(snippets.storage, work.state.id)


async def remove_file(work: Work) -> None:
    """The server's file goes, if there is one. No guest may name it.

    Raises:
        OutOfReach: it could not be removed.
    """
    if (snippets := snippets_of(work)) is not None:
        fence.check()
        await snippets.remove(name_of(work.state.id))


async def leave_none_unnamed(work: Work) -> None:
    """A file that the guest does not name goes. If it cannot now, the next rebuild or the server's end sees to it."""
    found = await work.glimpse()
    if found is None or is_ours(work, found):
        return
    with contextlib.suppress(OutOfReach):
        await remove_file(work)


async def take_away(work: Work) -> Outcome:
    """Done once the guest names the file no more, and it is gone."""
    guest = await ours(work)
    if not isinstance(guest, GuestConfig):
        return guest

    async def unnamed() -> str | None:
        found = await work.guest()
        return "" if found is not None and not is_ours(work, found) else None

    async def issue() -> None:
        await work.hypervisor.configure(guest.node, guest.vmid, GuestSettings(vendor_data=""), guest.digest)

    plan = Plan(verb="configure", node=guest.node, reached=unnamed, issue=issue, find=no_task, grace=0.0)
    outcome = await pursue(work, plan)
    if isinstance(outcome, Done):
        await remove_file(work)
    return outcome

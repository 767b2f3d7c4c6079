"""Credentials: a new password and new keys, told to cloud-init and, where it answers, to the system that runs."""

from __future__ import annotations

from functools import partial

from domain.server import events as e
from hypervisor.errors import AgentSilent, Denied, Invalid, Refused
from hypervisor.port import GuestConfig, GuestSettings
from orchestrator.effect import pursue, told
from orchestrator.offers import with_offers
from orchestrator.outcome import Done, Failed, Outcome
from orchestrator.steps.power import ours
from orchestrator.steps.secrets import forget, given_with
from orchestrator.work import Work
from runtime.sealing import Unsealable

AT_NEXT_START = "The running system was not told: it takes them over when it is started again."
NOT_TAKEN = "The system in the server takes no passwords or keys from outside: nothing was changed."
LOST = "The new password cannot be read any more: nothing was changed. Ask for a new one."


async def credentials(work: Work) -> Outcome:
    """Done with `CredentialsChanged`; a running system without the agent takes them over when it starts."""
    guest = await ours(work)
    if not isinstance(guest, GuestConfig):
        return guest
    try:
        password = (await given_with(work)).password
    except Unsealable as error:
        return Failed("secret_lost", LOST, str(error), retryable=False)
    keys: list[str] | None = work.operation.params.get("ssh_keys")
    if password is None and keys is None:
        return Failed("secret_lost", LOST, retryable=False)
    in_guest = False

    async def tell() -> None:
        nonlocal in_guest
        settings = GuestSettings(password=password, ssh_keys=None if keys is None else tuple(keys))
        await work.hypervisor.configure(guest.node, guest.vmid, settings, guest.digest)
        in_guest = await _tell_running(work, guest, password)

    outcome = await pursue(work, told("configure", guest.node, tell, _always))
    if not isinstance(outcome, Done):
        return outcome
    if guest.cloudinit_drive is None and not in_guest:
        return Failed("not_taken", NOT_TAKEN, "no cloud-init drive, and no agent that answers", retryable=False)
    changed = e.CredentialsChanged(operation_id=work.operation.id, in_guest=in_guest, ssh_keys=keys)
    waits = not in_guest and work.state.power == "running"
    return Done(AT_NEXT_START if waits else outcome.detail, [changed], claims=partial(forget, work))


async def _always() -> bool:
    return True


async def _tell_running(work: Work, guest: GuestConfig, password: str | None) -> bool:
    """Whether the system that runs has the password now; if not, it finds it on its cloud-init drive."""
    if (await work.hypervisor.status(guest.node, guest.vmid)).power != "running":
        return False
    user = (await with_offers(work.tools)).user_of(work.state.image.template)
    if password is not None and user is not None and guest.agent_enabled:
        try:
            await work.hypervisor.set_password(guest.node, guest.vmid, user, password)
        except (AgentSilent, Denied, Invalid, Refused):
            pass
        else:
            return True
    if guest.cloudinit_drive is not None:
        await work.hypervisor.refresh_cloudinit(guest.node, guest.vmid)
    return False

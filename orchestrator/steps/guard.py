"""Guard: each network card sends from its own MAC and exactly the promised addresses, so nobody takes a neighbour's."""

from __future__ import annotations

from hypervisor.port import GuestConfig
from orchestrator.effect import pursue, told
from orchestrator.outcome import Done, Outcome
from orchestrator.steps.power import ours_lately
from orchestrator.work import Work

Allowed = dict[str, frozenset[str]]


def promised(work: Work, guest: GuestConfig) -> Allowed:
    """What each card may send from: the promised addresses are the first card's. Further cards of a guest that was
    adopted are its owner's matter; without fixed addresses there is nothing to filter.
    """
    cards = sorted(guest.nics)
    addresses = frozenset(address.address for address in work.state.addresses)
    if not cards or not addresses:
        return {}
    others = cards[1:] if work.state.source is None else []
    return {cards[0]: addresses} | dict.fromkeys(others, frozenset())


async def guard(work: Work) -> Outcome:
    """Done once the filter is as promised."""
    guest = await ours_lately(work, volumes=False)
    if not isinstance(guest, GuestConfig):
        return guest
    allowed = promised(work, guest)
    if not allowed or await filters(work, guest, allowed):
        return Done()

    async def tell() -> None:
        await work.hypervisor.set_firewall(guest.node, guest.vmid, allowed=allowed)

    return await pursue(work, told("set_firewall", guest.node, tell, lambda: is_guarded(work, allowed)))


async def is_guarded(work: Work, allowed: Allowed) -> bool:
    """Whether the filter lets each card send from exactly these."""
    guest = await work.guest()
    return guest is not None and await filters(work, guest, allowed)


async def filters(work: Work, guest: GuestConfig, allowed: Allowed) -> bool:
    """Whether the filter of a guest that was just read lets each card send from exactly these."""
    if not all(guest.nics[card].firewall for card in allowed if card in guest.nics):
        return False
    found = await work.hypervisor.firewall(guest.node, guest.vmid)
    filtered = found.enabled and found.mac_filter and found.ip_filter
    return filtered and all(found.allowed.get(card, frozenset()) == allowed[card] for card in allowed)

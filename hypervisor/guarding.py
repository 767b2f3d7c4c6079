"""The guest's own firewall on Proxmox VE: what may leave through each of its network cards.

With `ipfilter` on, a card sends only from the addresses of the set "ipfilter-netN"; with `macfilter`, only from its own
MAC. Both work only where the card has `firewall=1` (pve-firewall PVE/Firewall.pm generate_tap_rules_direction) and the
firewall of the cluster is on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from hypervisor import wire
from hypervisor.calls import Caller, guest_path, segment
from hypervisor.port import GuestFirewall
from hypervisor.wire_copies import IP_FILTER, addresses_of_set, filtered_cards


class Guarding(Caller):
    """The verbs of the port that filter addresses."""

    async def firewall(self, node: str, vmid: int) -> GuestFirewall:
        path = (*guest_path(node, vmid), "firewall")
        options, cards = await asyncio.gather(
            self._read(dict, *path, "options"), self._read(filtered_cards, *path, "ipset")
        )
        sets = await asyncio.gather(*(self._allowed(path, card) for card in cards))
        return GuestFirewall(
            enabled=_on(options, "enable", False),
            mac_filter=_on(options, "macfilter", True),
            ip_filter=_on(options, "ipfilter", False),
            allowed=dict(zip(cards, sets, strict=True)),
        )

    async def set_firewall(self, node: str, vmid: int, *, allowed: Mapping[str, frozenset[str]]) -> None:
        path = (*guest_path(node, vmid), "firewall")
        known = await self._read(filtered_cards, *path, "ipset")
        for card, addresses in allowed.items():
            await self._set_addresses(path, card, addresses, there=card in known)
        options = await self._read(dict, *path, "options")
        # Turned on, it would let nothing in unless it is told to (pve-firewall Firewall.pm): only the filter is ours.
        open_door = {} if _on(options, "enable", False) else {"policy_in": "ACCEPT"}
        await self._call("put", (*path, "options"), {"enable": 1, "macfilter": 1, "ipfilter": 1, **open_door})
        await self._filter_cards(node, vmid, allowed)

    async def _set_addresses(self, path: tuple[str, ...], card: str, wanted: frozenset[str], *, there: bool) -> None:
        name = IP_FILTER + segment(card)
        if not there:
            await self._call("post", (*path, "ipset"), {"name": name})
        found = await self._allowed(path, card) if there else frozenset[str]()
        for address in sorted(wanted - found):
            await self._call("post", (*path, "ipset", name), {"cidr": address})
        for address in sorted(found - wanted):
            await self._call("delete", (*path, "ipset", name, address), {})

    async def _allowed(self, path: tuple[str, ...], card: str) -> frozenset[str]:
        return await self._read(addresses_of_set, *path, "ipset", IP_FILTER + segment(card))

    async def _filter_cards(self, node: str, vmid: int, cards: Mapping[str, Any]) -> None:
        config = await self._read(lambda data: data, *guest_path(node, vmid), "config")
        open_cards = [card for card in cards if card in config and not wire.nic_of(config[card]).firewall]
        if open_cards:
            params = {card: _filtered(config[card]) for card in open_cards}
            await self._call("put", (*guest_path(node, vmid), "config"), params | {"digest": config["digest"]})


def _on(options: Mapping[str, Any], name: str, default: bool) -> bool:
    return str(options.get(name, int(default))) == "1"


def _filtered(card: str) -> str:
    others = [part for part in card.split(",") if not part.startswith("firewall=")]
    return ",".join([*others, "firewall=1"])

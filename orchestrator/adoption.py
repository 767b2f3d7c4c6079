"""Is the guest an import points at really the guest of that service? Pure: facts are weighed, never guessed."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address

from domain.server.state import Server
from hypervisor.port import GuestConfig, GuestRow

# What the import found out from the source alone, in words for the owner.
QUARANTINED = {
    "vmid_clash": "Several services name the same virtual machine.",
    "vmid_below_100": "The number that the source gives for its virtual machine cannot be right.",
    "vmid_contradiction": "The source names different virtual machines for it.",
    "vmid_unparsed": "What the source says of its virtual machine cannot be read.",
    "container": "It is a container, not a virtual machine.",
    "server_not_mapped": "Its hypervisor is not configured here.",
    "address_shared": "Another service has the same address.",
}


@dataclass(frozen=True, slots=True)
class Adopt:
    """A second fact agrees: the facts that do."""

    evidence: list[str]


@dataclass(frozen=True, slots=True)
class Decline:
    """It must not be adopted: a stable code, and the reason in words."""

    code: str
    detail: str


def precheck(server: Server, row: GuestRow | None, known_cluster: bool) -> Decline | None:
    """What rules adoption out before the guest's configuration is read; None to go on."""
    hint = server.hint
    if server.quarantine is not None:
        return Decline(
            server.quarantine, QUARANTINED.get(server.quarantine, "The source's facts contradict each other.")
        )
    if hint is None:
        return Decline("no_candidate", "The source names no virtual machine for it.")
    if not known_cluster:
        return Decline("unknown_cluster", "Its hypervisor is not configured here.")
    if row is None:
        return Decline("vm_missing", "The virtual machine that the source names does not exist.")
    if row.kind != "qemu" or hint.kind != "qemu":
        return Decline("not_a_vm", "It is a container, not a virtual machine.")
    if row.template:
        return Decline("template", "The source names a template, not a virtual machine.")
    return None


def weigh(server: Server, config: GuestConfig, reported: Collection[str] = ()) -> Adopt | Decline:
    """Adopt when a second fact, besides the VMID, agrees: address, name, notes, or the size that was sold.

    `reported`: the addresses that the guest's agent tells. Many guests have the same size: it decides nothing where the
    guest has other addresses than the service.
    """
    if config.template:
        return Decline("template", "The source names a template, not a virtual machine.")
    told = _told(config) | set(reported)
    strong = [fact for fact in (_address(server, told), _name(server, config), _notes(server, config)) if fact]
    size = _size(server, config)
    if not strong and size and _elsewhere(server, told):
        return Decline("address_contradicts", "The virtual machine with that number has other addresses.")
    facts = [*strong, *([size] if size else [])]
    if not facts:
        return Decline("no_second_fact", "A virtual machine has that number, but nothing else agrees with the service.")
    return Adopt([*(server.hint.evidence if server.hint else []), *facts])


def _told(config: GuestConfig) -> set[str]:
    """The fixed addresses that the guest is configured with."""
    texts = [text for ip in config.ipconfig.values() for text in (ip.address, ip.address6) if text and "/" in text]
    return {text.split("/")[0] for text in texts}


def _address(server: Server, told: set[str]) -> str | None:
    same = sorted(told & {address.address for address in server.addresses})
    return f"address {same[0]} agrees" if same else None


def _elsewhere(server: Server, told: set[str]) -> bool:
    """Both sides name public addresses, and none is the same."""
    return bool(server.addresses) and any(ip_address(address).is_global for address in told)


def _notes(server: Server, config: GuestConfig) -> str | None:
    """An address of the service stands in the guest's notes."""
    words = {word.strip(".:") for word in re.split(r"[^0-9a-fA-F.:]+", config.description)}
    noted = sorted(words & {address.address for address in server.addresses})
    return f"notes name {noted[0]}" if noted else None


def _name(server: Server, config: GuestConfig) -> str | None:
    names = {server.name.lower(), f"vps{server.source_id}", f"vm{server.source_id}"}
    own = (config.name or "").lower()
    # The free WHMCS module names its guests vps<service>-cus<client>.
    return f"name {config.name} agrees" if own and (own in names or own.split("-cus")[0] in names) else None


def _size(server: Server, config: GuestConfig) -> str | None:
    same = (config.cores, config.memory_mib) == (server.plan.vcpus, server.plan.memory_mib)
    return f"{config.cores} cores and {config.memory_mib} MiB agree" if same else None

"""Which VM the source says a service runs on, and why it might not be believed. Pure.

Modules keep their link in tables of their own (The-Network-Crew/Proxmox-VE-for-WHMCS `mod_pvewhmcs_vms`,
embire2/WHMCS-Proxmox-Manager `mod_proxmoxvm`), in custom fields (joaquinv98/whmcs-proxmox `VMID`) or in the service's
user name. Whether the VM exists and is the right one is for whoever asks Proxmox; here two claims on one VM already
mean that neither is adopted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple

from msgspec import Struct

from whmcs_import.source.values import storable

LOWEST_VMID = 100


class Link(Struct, frozen=True):
    """What a module's table says about a service; `vmid` None was written by pvewhmcs before 1.2.10."""

    table: str
    vmid: int | str | None
    kind: str = "qemu"
    node: str | None = None
    address: str = ""
    netmask: str = ""
    gateway: str = ""
    names_vm: bool = True  # False: it only knows the service's addresses


class Claim(Struct, frozen=True):
    """Every place where a service names its VM."""

    service_id: int
    cluster: str | None
    links: Sequence[Link] = ()
    fields: Sequence[str] = ()
    username: str = ""  # only where the module keeps the VMID there


class Hint(Struct, frozen=True):
    """The VM a service claims; with `refused`, why it must not be adopted."""

    cluster: str
    vmid: int
    kind: str
    evidence: tuple[str, ...]
    refused: str | None = None


class NoHint(Struct, frozen=True):
    """No VM can be named, and why."""

    refused: str


class Named(NamedTuple):
    """The VM and the addresses a service names."""

    service_id: int
    vm: tuple[str, int] | None
    addresses: Sequence[str]
    counts: bool  # False: the service is left out, and disputes nothing


@dataclass(frozen=True, slots=True)
class Disputed:
    """The VMs that several services name, and the services that share an address with others."""

    vms: Set[tuple[str, int]] = frozenset()
    services: Set[int] = frozenset()


def named(service: int, found: Hint | NoHint, addresses: Sequence[str], *, counts: bool = True) -> Named:
    """What a service names."""
    vm = (found.cluster, found.vmid) if isinstance(found, Hint) else None
    return Named(service, vm, addresses, counts)


def disputed(named: Iterable[Named]) -> Disputed:
    """What several services name, of everything that is named."""
    owners: Counter[tuple[str, int]] = Counter()
    sharing: dict[str, list[int]] = {}
    for service, vm, addresses, counts in named:
        if vm is not None and counts:
            owners[vm] += 1
        for address in addresses:
            sharing.setdefault(address, []).append(service)
    torn = {service for services in sharing.values() if len(services) > 1 for service in services}
    return Disputed({vm for vm, count in owners.items() if count > 1}, torn)


def is_disputed(named: Named, disputed: Disputed) -> bool:
    """Whether others name what a service names."""
    return named.vm in disputed.vms or named.service_id in disputed.services


def settled(found: Hint | NoHint, service: int, disputed: Disputed) -> Hint | NoHint:
    """The hint of a service among others: of two that claim one VM, or are not told apart by their addresses, neither
    is adopted.
    """
    if isinstance(found, NoHint):
        return found
    if (found.cluster, found.vmid) in disputed.vms:
        return _refused(found, "vmid_clash")
    return _refused(found, "address_shared") if service in disputed.services and found.refused is None else found


def hint(claim: Claim) -> Hint | NoHint:
    """What one service says about its VM: a module's table counts before custom fields, these before the user name."""
    found, unreadable = _candidates(claim)
    if not found:
        return NoHint("vmid_unparsed" if unreadable else "no_vm_link")
    if claim.cluster is None:
        return NoHint("server_not_mapped")
    vmid, kind, _ = found[0]
    evidence = tuple(where for number, _, where in found if number == vmid)
    refused = None
    if len({number for number, _, _ in found}) > 1:
        refused = "vmid_contradiction"
    elif vmid < LOWEST_VMID:
        refused = "vmid_below_100"
    elif kind != "qemu":
        refused = "container"
    return Hint(claim.cluster, vmid, kind, evidence, refused)


def _candidates(claim: Claim) -> tuple[list[tuple[int, str, str]], bool]:
    """(VMID, kind, where it says so), best first; and whether something was there that is no number."""
    said: list[tuple[object, str, str]] = [
        (claim.service_id if link.vmid is None else link.vmid, _kind(link.kind), link.table)
        for link in claim.links
        if link.names_vm
    ]
    said += [(value, "qemu", "custom field") for value in claim.fields if value.strip()]
    if claim.username.strip().isdigit():
        said.append((claim.username, "qemu", "username"))
    read = [(_number(value), kind, where) for value, kind, where in said]
    return [(vmid, kind, where) for vmid, kind, where in read if vmid is not None], len(read) > 0


def _number(value: object) -> int | None:
    text = str(value).partition("|")[0].strip()
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def _kind(raw: str) -> str:
    # An old guest import of pvewhmcs wrote `kvm` where Proxmox says `qemu`.
    kind = storable(raw).strip().lower()
    return {"kvm": "qemu", "": "qemu"}.get(kind, kind)


def _refused(found: Hint, reason: str) -> Hint:
    return Hint(found.cluster, found.vmid, found.kind, found.evidence, reason)

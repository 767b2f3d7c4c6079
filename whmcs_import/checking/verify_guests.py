"""Which VM each service names and what speaks against adopting it, told once more: nothing of it from `adoption.py`."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from whmcs_import.checking.recount import clean
from whmcs_import.checking.there import Source, whole
from whmcs_import.checking.verdict import Verdict

PVEWHMCS = "SELECT v.id, coalesce(v.vmid, v.id), v.vtype FROM mod_pvewhmcs_vms v ORDER BY v.id"
PROXMOXVM = "SELECT v.service_id, v.vmid, v.node FROM mod_proxmoxvm v ORDER BY v.service_id"
LOWEST = 100


class Claim(NamedTuple):
    """What one row says: the number as it stands there, the kind of guest, and where it is written."""

    number: str
    kind: str
    where: str


@dataclass(slots=True)
class _Named:
    """What a service names: the number that counts, everywhere it is written, of which kind, and what is against it."""

    vmid: int | None
    cluster: str | None
    kind: str = ""
    evidence: set[str] = field(default_factory=set)
    against: str | None = None


class Guests:
    """What all services name; `settle` compares, since only then it is known who names the same."""

    def __init__(self, there: Source):
        self._links: dict[int, list[Claim]] = defaultdict(list)
        self.nodes: dict[int, str] = {}
        for service, vmid, kind in there.ask(PVEWHMCS):
            plain = str(kind or "").replace("\0", "").strip().lower()
            kind = "qemu" if plain in ("", "kvm") else plain
            self._links[whole(service)].append(Claim(clean(str(vmid)), kind, "mod_pvewhmcs_vms"))
        for service, vmid, node in there.ask(PROXMOXVM):
            number = service if vmid is None else vmid
            self._links[whole(service)].append(Claim(clean(str(number)), "qemu", "mod_proxmoxvm"))
            if node:
                self.nodes.setdefault(whole(service), str(node))
        self._owners: Counter[tuple[str | None, int]] = Counter()
        self._at: dict[str, list[int]] = defaultdict(list)
        self._imported: dict[int, tuple[_Named, dict[str, Any] | None, str | None]] = {}

    def note(
        self,
        id: int,
        cluster: str | None,
        said: Iterable[Claim],
        addresses: Iterable[str],
        here: Mapping[str, Any] | None,
        *,
        left_out: bool,
    ) -> None:
        """Remember what a service names, and what is `here` of it."""
        named = _named(cluster, [*self._links.get(id, []), *said])
        if not left_out:
            if named.vmid is not None:
                self._owners[named.cluster, named.vmid] += 1
            for address in addresses:
                self._at[address].append(id)
        if here is not None:
            self._imported[id] = named, here["hint"], here["quarantine"]

    def settle(self, verdict: Verdict) -> None:
        """Compare all of them with what is here."""
        sharing = {id for ids in self._at.values() if len(ids) > 1 for id in ids}
        for id, (named, hint, refused) in self._imported.items():
            if named.vmid is not None and self._owners[named.cluster, named.vmid] > 1:
                named.against = "vmid_clash"
            elif named.vmid is not None and id in sharing and named.against is None:
                named.against = "address_shared"
            here = hint or {"vmid": None, "cluster": None, "kind": "", "evidence": []}
            verdict.compare("servers", id, "vmid", named.vmid, here["vmid"])
            verdict.compare("servers", id, "cluster", named.cluster, here["cluster"])
            verdict.compare("servers", id, "kind", named.kind, here["kind"])
            verdict.compare("servers", id, "evidence", sorted(named.evidence), sorted(set(here["evidence"])))
            verdict.compare("servers", id, "adoption", named.against, refused)


def _named(cluster: str | None, claims: list[Claim]) -> _Named:
    numbers = [(claim, claim.number.partition("|")[0].strip()) for claim in claims]
    readable = [(claim, int(number)) for claim, number in numbers if re.fullmatch(r"[0-9]{1,9}", number)]
    if not readable:
        return _Named(None, None, against="vmid_unparsed" if claims else None)
    if cluster is None:
        return _Named(None, None, against="server_not_mapped")
    first, vmid = readable[0]
    evidence = {claim.where for claim, number in readable if number == vmid}
    against = None
    if any(number != vmid for _, number in readable):
        against = "vmid_contradiction"
    elif vmid < LOWEST:
        against = "vmid_below_100"
    elif first.kind != "qemu":
        against = "container"
    return _Named(vmid, cluster, first.kind, evidence, against)

"""What a plan says about every service, found out span by span: here, or by a crew beside this process. Pure but for
the reading of staged rows.

An outcome depends on the service's own rows, on what the whole source says of its VM and its client, and on the shop
and the mapping. `key` stands for the first two: as long as the others stay, the same key means the same outcome.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Set
from decimal import Decimal, InvalidOperation
from operator import itemgetter
from typing import Any

import msgspec

from whmcs_import.mapping import adoption, mapping, rows, shop
from whmcs_import.mapping.adoption import Claim, Disputed, Hint, Named, NoHint
from whmcs_import.mapping.mapping import Mapped, Quarantined, Service, Skipped, World
from whmcs_import.mapping.mapping_file import MappingFile
from whmcs_import.mapping.options import Note, Sold, Value
from whmcs_import.mapping.targets import Resolver
from whmcs_import.source import values
from whmcs_import.source.staging import Copy, Span

ENDED = ("Terminated", "Cancelled", "Fraud")
LEFT_OVER = ("vm_left_over", "its module still names a VM")
_sizes = itemgetter("vcpus", "memory_mib", "disk_gib")
SIZES = ("vcpus", "memory_mib", "disk_gib")
encode = msgspec.json.Encoder(order="deterministic").encode
_pack = msgspec.msgpack.Encoder().encode


def canonical(row: Any) -> bytes:
    """Rows as bytes: others are never the same."""
    try:
        return _pack(row)
    except (UnicodeEncodeError, OverflowError):  # a lone surrogate that an entity stood for; a number beyond all
        return repr(msgspec.to_builtins(row)).encode("utf-8", "surrogatepass")


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """What becomes of one service; `same` means: what was remembered of it, which is not said again.

    `unmapped` are kind, name and value of what the mapping does not speak of; `untold` target and value of what it
    has no value for; `price` is currency, cycle and amount; `items` are what the payload names of the catalogue.
    """

    id: int
    key: bytes
    client: int
    product: int
    same: bool = False
    skipped: str | None = None
    refused: tuple[str, str] | None = None
    notes: list[tuple[str, str]] = []
    unmapped: list[tuple[str, str, str]] = []
    untold: list[tuple[str, str]] = []
    sizes: tuple[int, int, int] | None = None
    price: tuple[str, str, str] | None = None
    hint: Hint | None = None
    no_hint: str | None = None
    content: bytes = b""
    payload: bytes = b""
    items: tuple[str, ...] = ()

    @property
    def amount(self) -> Decimal:
        """What a service of which nobody knows the price costs is nothing."""
        try:
            return Decimal(self.price[2]) if self.price else Decimal(0)
        except InvalidOperation:
            return Decimal(0)

    @property
    def adoption(self) -> dict[str, Any]:
        """The row of the report about its VM."""
        named = self.hint
        row: dict[str, Any] = {"service_id": str(self.id), "cluster": None, "vmid": None, "kind": None, "evidence": []}
        if named is not None:
            row |= {"cluster": named.cluster, "vmid": named.vmid, "kind": named.kind, "evidence": list(named.evidence)}
        if self.sizes is not None:
            row["sold"] = dict(zip(SIZES, self.sizes, strict=True))
        reason = self.no_hint if named is None else named.refused
        return {**row, "state": "candidate" if reason is None else "declined", "reason": reason}


class Found(msgspec.Struct, frozen=True, array_like=True):
    """The outcomes of a span, in the order of their ids, and how many of its rows belong to no service."""

    outcomes: list[Outcome]
    orphans: dict[str, int]

    def with_those(self, others: Iterable[Outcome]) -> Found:
        """The same with other outcomes of some services."""
        instead = {outcome.id: outcome for outcome in others}
        return Found([instead.get(outcome.id, outcome) for outcome in self.outcomes], self.orphans)


class Groups(msgspec.Struct, frozen=True):
    """The outcomes of a whole source without their payloads, and the digest of the catalogue they were found with."""

    catalogue: str
    outcomes: list[Outcome]


unpack = msgspec.msgpack.Decoder(Found).decode


class Mapper:
    """Maps the services of spans."""

    def __init__(self, staging: Copy, source: str, file: MappingFile):
        self._staging = staging
        self._file = file
        sold = shop.read(staging)
        clients = {id: mapping.Client(status, currency) for id, status, currency in rows.standing(staging)}
        self._world = World(source, file, Resolver(file), sold, clients)
        self._twins = frozenset(staging.twins("tblhosting"))
        self._spoken_of: dict[tuple[str, int], bool] = {}
        names = {values.normalise(name) for name in file.vmid_fields}
        self._vmid_fields = frozenset(
            field.id
            for field in sold.fields.values()
            if names & {values.normalise(field.name.key), values.normalise(field.name.label)}
        )

    def outcomes(self, span: Span, known: Mapping[int, bytes]) -> tuple[list[Named], bytes]:
        """What each service of a span names, and `Found`, packed, as if nobody else named the same.

        `known` are the keys of what is remembered.
        """
        services = rows.Services(self._staging, self._world.shop, span, twins=self._twins)
        names, found = [], []
        for service in services:
            hint = adoption.hint(self._claim(service))
            names.append(self._named(service, hint))
            found.append(self._outcome(service, hint, known))
        return names, _pack(Found(found, services.orphans))

    def again(self, span: Span, ids: Set[int], disputed: Disputed, known: Mapping[int, bytes]) -> list[Outcome]:
        """What becomes of some services of a span, now that it is known what several services name."""
        services = rows.Services(self._staging, self._world.shop, span, twins=self._twins)
        return [self._settled(service, disputed, known) for service in services if service.id in ids]

    def _settled(self, service: Service, disputed: Disputed, known: Mapping[int, bytes]) -> Outcome:
        hint = adoption.settled(adoption.hint(self._claim(service)), service.id, disputed)
        return self._outcome(service, hint, known)

    def _named(self, service: Service, hint: Hint | NoHint) -> Named:
        if mapping.skip_reason(service, self._world) is not None:
            return adoption.named(service.id, hint, [], counts=False)
        return adoption.named(service.id, hint, [address for address, _ in mapping.addresses(service).found])

    def _outcome(self, service: Service, hint: Hint | NoHint, known: Mapping[int, bytes]) -> Outcome:
        decides = service, hint, self._world.clients.get(service.client)
        key = hashlib.sha256(canonical(decides)).digest()
        which = service.id, key, service.client, service.product
        if known.get(service.id) == key:
            return Outcome(*which, same=True)
        match mapping.map_service(service, self._world, hint):
            case Skipped(reason):
                left_over = service.status in ENDED and any(link.names_vm for link in service.links)
                return Outcome(*which, skipped=reason, notes=[LEFT_OVER] if left_over else [])
            case Quarantined(reason, detail, sold, value):
                untold = [(reason.removesuffix("_unmapped"), value or detail)] if reason.endswith("_unmapped") else []
                return Outcome(*which, refused=(reason, detail), unmapped=self._unmapped(sold), untold=untold)
            case Mapped(payload, sold, notes):
                return self._server(which, payload, sold, notes, hint)

    def _server(
        self,
        which: tuple[int, bytes, int, int],
        payload: Mapping[str, Any],
        sold: Sold,
        notes: list[Note],
        hint: Hint | NoHint,
    ) -> Outcome:
        written, billing = encode(payload), payload["billing"]
        passed = [note for note in notes if note.code == "value_passed_through"]
        return Outcome(
            *which,
            notes=[(note.code, note.detail) for note in notes],
            unmapped=self._unmapped(sold),
            untold=[(note.detail.partition(": ")[0], note.value) for note in passed],
            sizes=_sizes(payload["plan"]),
            price=(billing["currency"], billing["cycle"], billing["amount"]),
            hint=hint if isinstance(hint, Hint) else None,
            no_hint=hint.refused if isinstance(hint, NoHint) else None,
            content=hashlib.sha256(written).digest(),
            payload=written,
            items=(payload["image"]["id"], payload["location"]["id"]),
        )

    def _unmapped(self, sold: Sold | None) -> list[tuple[str, str, str]]:
        """What the mapping does not speak of: kind, name and value."""
        return [
            (value.kind, str(value.name), str(value.reading))
            for value in (sold.values if sold is not None else ())
            if not (value.stale or self._is_spoken_of(value))
        ]

    def _is_spoken_of(self, value: Value) -> bool:
        key = value.kind, value.id
        if (known := self._spoken_of.get(key)) is None:
            known = self._spoken_of[key] = self._world.resolver.claims(value)
        return known

    def _claim(self, service: Service) -> Claim:
        product = self._world.shop.products.get(service.product)
        in_username = product is not None and product.module in self._file.username_is_vmid
        return Claim(
            service_id=service.id,
            cluster=self._file.servers.get(service.server),
            links=service.links,
            fields=tuple(values.text(value).value for id, value in service.fields if id in self._vmid_fields),
            username=service.username if in_username else "",
        )

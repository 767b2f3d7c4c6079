"""What a run would do: every row of the source compared with what earlier runs left, and a hash of it all.

The plan itself is counts and lists for people; the payloads of what is to be written lie in staging.
"""

from __future__ import annotations

import dataclasses
import hashlib
import operator
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import msgspec

from whmcs_import import adoption, mapping, rows, shop, users, values
from whmcs_import.adoption import Claim, Hint, NoHint
from whmcs_import.findings import Findings, Unmapped
from whmcs_import.mapping import Mapped, Quarantined, Service, Skipped, World
from whmcs_import.mapping_file import MappingFile
from whmcs_import.options import Note, Sold, Value
from whmcs_import.shop import Product, Shop
from whmcs_import.staging import Staging
from whmcs_import.targets import Resolver
from whmcs_import.users import ClientRow, Membership, SignIns, UserRow

ENTITIES = {"plans": "product", "users": "user", "accounts": "client", "servers": "service"}
PROGRESS_EVERY = 2000
EXAMPLES = 3
ENDED = ("Terminated", "Cancelled", "Fraud")
UPGRADES = "SELECT relid, type FROM tblupgrades WHERE status = 'Pending' ORDER BY relid"
CANCELLATIONS = "SELECT relid, type FROM tblcancelrequests ORDER BY relid"
FAILING_ACTIONS = (
    "SELECT service_id, module_action FROM tblmodulequeue"
    " WHERE service_type = 'service' AND coalesce(completed, 0) = 0 ORDER BY service_id"
)
_encode = msgspec.json.Encoder(order="deterministic").encode
_canonical = operator.attrgetter(*(part.name for part in dataclasses.fields(Service)))  # faster than its repr
Progress = Callable[[str, int], None]


@dataclass(slots=True)
class Tally:
    """What becomes of the rows of one entity; every row seen is counted under exactly one of the others."""

    seen: int = 0
    create: int = 0
    update: int = 0
    unchanged: int = 0
    skip: Counter[str] = field(default_factory=Counter)
    quarantine: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)  # by what becomes of them, or why they are skipped

    @property
    def changes(self) -> int:
        return self.create + self.update

    def count(self, action: str, source_id: str) -> None:
        """One more row that is to be created, updated or left unchanged."""
        setattr(self, action, getattr(self, action) + 1)
        self._example(action, source_id)

    def leave_out(self, reason: str, source_id: str, *, counted: str = "") -> None:
        """One more row that is skipped; `counted` is what it was counted as before."""
        self.skip[reason] += 1
        self._example(reason, source_id)
        self.take_back(counted, source_id)

    def take_back(self, counted: str, source_id: str) -> None:
        """A row that was counted as this becomes something else."""
        if counted:
            setattr(self, counted, getattr(self, counted) - 1)
            self.examples[counted] = [id for id in self.examples.get(counted, []) if id != source_id]

    def _example(self, what: str, source_id: str) -> None:
        known = self.examples.setdefault(what, [])
        if len(known) < EXAMPLES:
            known.append(source_id)


@dataclass(frozen=True, slots=True)
class Earlier:
    """What is here already: content hashes by (entity, source id), and who signs in with which address."""

    keys: Mapping[tuple[str, str], bytes] = field(default_factory=dict)
    logins: Mapping[str, UUID] = field(default_factory=dict)

    def action(self, entity: str, source_id: str, content: bytes) -> str:
        """What becomes of a row with this content."""
        before = self.keys.get((entity, source_id))
        return "create" if before is None else "unchanged" if before == content else "update"


@dataclass(slots=True)
class Plan:
    """Everything a report says about a run before it begins."""

    source: str
    plan_hash: str = ""
    entities: dict[str, Tally] = field(default_factory=lambda: {name: Tally() for name in (*ENTITIES, "logins")})
    quarantined: list[dict[str, Any]] = field(default_factory=list)
    vanished: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    unmapped: dict[tuple[str, str], Unmapped] = field(default_factory=dict)
    unmapped_values: dict[tuple[str, str], Unmapped] = field(default_factory=dict)
    adoption: list[dict[str, Any]] = field(default_factory=list)
    totals: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    orphans: dict[str, int] = field(default_factory=dict)
    shop: Shop = field(default_factory=Shop)
    complete: bool = False  # whether the mapping must speak of everything that is sold
    findings: Findings | None = None  # what it was made from
    sign_ins: SignIns | None = None  # the users among that; None where they were not read again
    logins: Mapping[str, UUID] = field(default_factory=dict)  # who signed in here when it was made

    @property
    def incomplete(self) -> bool:
        """Whether the operator wants nothing written, since the mapping leaves something out."""
        return self.complete and bool(self.unmapped)

    @property
    def changes(self) -> int:
        """How many rows would be created or updated."""
        return sum(self.entities[name].changes for name in ENTITIES)

    def quarantine(self, entity: str, source_id: int | str, reason: str, detail: str) -> None:
        self.entities[entity].quarantine[reason] += 1
        self.quarantined.append({"entity": entity, "source_id": str(source_id), "reason": reason, "detail": detail})

    def warn(self, entity: str, source_id: int | str, notes: Iterable[Note]) -> None:
        for note in notes:
            self.warnings.append(
                {"entity": entity, "source_id": str(source_id), "code": note.code, "detail": note.detail}
            )


def make(
    staging: Staging,
    source: str,
    file: MappingFile,
    earlier: Earlier,
    progress: Progress,
    *,
    include_idle: bool = False,
) -> Plan:
    """Map what was staged, and decide about every row. Fills staging's table of payloads, writes nothing else."""
    planner = _Planner(staging, source, file, earlier, progress)
    made = decide(source, file, earlier, planner.run(include_idle=include_idle))
    made.sign_ins = planner.sign_ins
    return made


def decide(source: str, file: MappingFile, earlier: Earlier, findings: Findings) -> Plan:
    """Compare what was found with what earlier runs left."""
    made = Plan(source, shop=findings.shop, complete=file.defaults.unknown_option == "refuse", findings=findings)
    for name, count in findings.seen.items():
        made.entities[name].seen = count
    for name, source_id, reason in findings.skipped:
        made.entities[name].leave_out(reason, source_id)
    for entry in findings.quarantined:
        made.quarantine(entry["entity"], entry["source_id"], entry["reason"], entry["detail"])
    for name, source_id, content in findings.kept:
        action = earlier.action(ENTITIES[name], source_id, content)
        made.entities[name].count(action, source_id)
        if name == "users" and source_id in findings.logins:
            made.entities["logins"].count(action, source_id)
    made.warnings, made.adoption = list(findings.warnings), list(findings.adoption)
    made.unmapped, made.unmapped_values = dict(findings.unmapped), dict(findings.unmapped_values)
    made.totals, made.orphans = dict(findings.totals), dict(findings.orphans)
    made.vanished = _vanished(earlier, findings)
    made.logins = earlier.logins
    made.plan_hash = _hash(source, file, earlier, findings.digest)
    return made


def _vanished(earlier: Earlier, findings: Findings) -> list[dict[str, Any]]:
    """What was imported before and is not to be imported now: reported, never undone here."""
    here = {(ENTITIES[name], source_id) for name, source_id, _ in findings.kept}
    here.update((ENTITIES[name], source_id) for name, source_id in findings.set_aside)
    skipped = {(ENTITIES[name], source_id): reason for name, source_id, reason in findings.skipped}
    return [
        {"entity": entity, "source_id": source_id, "reason": skipped.get((entity, source_id), "gone")}
        for entity, source_id in earlier.keys
        if (entity, source_id) not in here and entity in ENTITIES.values()
    ]


def _hash(source: str, file: MappingFile, earlier: Earlier, digest: str) -> str:
    """Of the canonical rows, the mapping, and what earlier runs left; nothing else decides what a run does."""
    before = hashlib.sha256()
    for (entity, source_id), content in sorted(earlier.keys.items()):
        before.update(f"{entity}:{source_id}:".encode() + content)
    parts = (source, digest, file.digest, before.hexdigest())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class _Planner:
    """One run of `make`: the catalogue, then servers, then the people who belong to them."""

    def __init__(self, staging: Staging, source: str, file: MappingFile, earlier: Earlier, progress: Progress):
        self._staging = staging
        self._source = source
        self._file = file
        self._earlier = earlier
        self._progress = progress
        self._shop = shop.read(staging)
        self._plan = Plan(source)
        self._digest = hashlib.sha256()
        self._pending: list[tuple[str, str, str, bytes, bytes]] = []
        self._skipped: list[tuple[str, str, str]] = []
        self._set_aside: list[tuple[str, str]] = []
        self._kept: list[tuple[str, str, bytes]] = []
        self._logins: set[str] = set()
        self._live: set[str] = set()  # the services to import, those set aside among them
        self.sign_ins = SignIns(source, [], set())
        self._clients = {
            row.id: mapping.Client(row.status, row.currency_id) for row in rows.clients(staging, self._shop)
        }
        self._repair = file.defaults.fix_mojibake == "auto"

    def run(self, *, include_idle: bool) -> Findings:
        self._digest_catalogue()
        sizes, owners = self._servers()
        self._products(sizes)
        self._people(owners, include_idle=include_idle)
        self._flush()
        return self._findings()

    def _findings(self) -> Findings:
        draft = self._plan
        return Findings(
            digest=self._digest.hexdigest(),
            shop=self._shop,
            seen={name: tally.seen for name, tally in draft.entities.items()},
            skipped=self._skipped,
            set_aside=self._set_aside,
            kept=self._kept,
            logins=self._logins,
            holders=self.sign_ins.holders(self._earlier.logins),
            quarantined=draft.quarantined,
            warnings=draft.warnings,
            unmapped=list(draft.unmapped.items()),
            unmapped_values=list(draft.unmapped_values.items()),
            adoption=draft.adoption,
            totals=list(draft.totals.items()),
            orphans=draft.orphans,
        )

    # Servers

    def _servers(self) -> tuple[dict[int, dict[str, Any]], set[int]]:
        """Map all services; the plan of the first server of each product, and the clients who have servers."""
        world = self._world()
        sizes: dict[int, dict[str, Any]] = {}
        owners: set[int] = set()
        services = rows.Services(self._staging, self._shop, twins=self._unreadable("servers", "tblhosting"))
        for number, service in enumerate(services, 1):
            self._digest.update(repr(_canonical(service)).encode("utf-8", "surrogatepass"))
            outcome = self._service(service, world)
            if outcome is not None:
                owners.add(service.client)
                sizes.setdefault(service.product, outcome.payload["plan"])
            if number % PROGRESS_EVERY == 0:
                self._progress("services", number)
        self._progress("services", self._plan.entities["servers"].seen)
        self._plan.orphans = services.orphans
        self._warn_of_unfinished()
        return sizes, owners

    def _unreadable(self, name: str, table: str) -> frozenset[int]:
        """Set aside the rows of a table that cannot be told from others; answers with the ids they share."""
        twins = self._staging.twins(table)
        for id in twins:
            self._plan.quarantine(name, id, "duplicate_id", f"{table} has several rows with this id")
            self._set_aside.append((name, str(id)))
        for _ in range(nameless := self._staging.unreadable(table)):
            self._plan.quarantine(name, "?", "id_unreadable", f"{table} has a row without an id that is a number")
        self._plan.entities[name].seen += len(twins) + nameless
        return frozenset(twins)

    def _service(self, service: Service, world: World) -> Mapped | None:
        tally = self._plan.entities["servers"]
        tally.seen += 1
        match mapping.map_service(service, world):
            case Skipped(reason):
                self._skip("servers", service.id, reason)
                if service.status in ENDED and any(link.names_vm for link in service.links):
                    self._plan.warn("servers", service.id, [Note("vm_left_over", "its module still names a VM")])
            case Quarantined(reason, detail, sold, value):
                self._plan.quarantine("servers", service.id, reason, detail)
                self._note_unmapped(service, sold, world)
                if reason.endswith("_unmapped"):
                    self._unmapped_value(reason.removesuffix("_unmapped"), value or detail, service.id)
                self._set_aside.append(("servers", str(service.id)))
                self._live.add(str(service.id))
            case Mapped() as mapped:
                self._mapped(service, mapped, world)
                return mapped
        return None

    def _mapped(self, service: Service, mapped: Mapped, world: World) -> None:
        self._plan.warn("servers", service.id, mapped.notes)
        self._keep("servers", str(service.id), mapped.payload)
        self._live.add(str(service.id))
        self._note_unmapped(service, mapped.sold, world)
        for note in mapped.notes:
            if note.code == "value_passed_through":
                self._unmapped_value(note.detail.partition(": ")[0], note.value, service.id)
        self._plan.adoption.append(_adoption_row(service, world.hints.get(service.id)))
        billing = mapped.payload["billing"]
        key = billing["currency"], billing["cycle"]
        self._plan.totals[key] = self._plan.totals.get(key, Decimal(0)) + _money(billing["amount"])

    def _note_unmapped(self, service: Service, sold: Sold | None, world: World) -> None:
        for value in sold.values if sold is not None else ():
            if not value.stale and not world.resolver.claims(value) and not self._is_vmid(value):
                key = value.kind, str(value.name)
                self._plan.unmapped.setdefault(key, Unmapped()).add(service.id, str(value.reading))

    def _unmapped_value(self, target: str, value: str, service: int) -> None:
        self._plan.unmapped_values.setdefault((target, value), Unmapped()).add(service, value)

    def _is_vmid(self, value: Value) -> bool:
        return value.kind == "custom_field" and value.id in self._vmid_fields()

    def _vmid_fields(self) -> frozenset[int]:
        names = {values.normalise(name) for name in self._file.vmid_fields}
        return frozenset(
            field.id
            for field in self._shop.fields.values()
            if names & {values.normalise(field.name.key), values.normalise(field.name.label)}
        )

    def _world(self) -> World:
        without_hints = World(self._source, self._file, Resolver(self._file), self._shop, self._clients, {})
        claims: list[Claim] = []
        twins = frozenset(self._staging.twins("tblhosting"))
        addresses: dict[int, list[str]] = {}
        for service in rows.Services(self._staging, self._shop, vmid_fields=self._vmid_fields(), twins=twins):
            if mapping.skip_reason(service, without_hints) is None:
                claims.append(self._claim(service))
                addresses[service.id] = [address for address, _ in mapping.addresses(service).found]
        hints = _without_shared(adoption.settle(claims), addresses)
        return World(self._source, self._file, without_hints.resolver, self._shop, self._clients, hints)

    def _claim(self, service: Service) -> Claim:
        product = self._shop.products.get(service.product)
        in_username = product is not None and product.module in self._file.username_is_vmid
        return Claim(
            service_id=service.id,
            cluster=self._file.servers.get(service.server),
            links=service.links,
            fields=tuple(values.text(value).value for _, value in service.fields),
            username=service.username if in_username else "",
        )

    def _warn_of_unfinished(self) -> None:
        """Changes WHMCS has taken an order for and not carried out yet."""
        for code, query, detail in (
            ("upgrade_pending", UPGRADES, "an upgrade is not applied"),
            ("cancel_requested", CANCELLATIONS, "the customer asked to cancel"),
            ("module_queue", FAILING_ACTIONS, "a module action keeps failing"),
        ):
            for service, what in self._staging.rows(query):
                if str(service) in self._live:
                    self._plan.warn("servers", service, [Note(code, f"{detail} ({what})")])

    # The catalogue

    def _products(self, sizes: Mapping[int, dict[str, Any]]) -> None:
        tally = self._plan.entities["plans"]
        streams: set[UUID] = set()
        for product in sorted(self._shop.products.values(), key=lambda p: p.id):
            tally.seen += 1
            stream = mapping.plan_id(self._source, product, self._file)
            if product.id not in sizes:
                self._skip("plans", product.id, "no_servers")
            elif stream in streams:
                self._skip("plans", product.id, "shares_a_plan")
            else:
                streams.add(stream)
                payload, compared = self._plan_payload(product, sizes[product.id])
                self._keep("plans", str(product.id), payload, compared)

    def _plan_payload(self, product: Product, first: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The plan, with the sizes it is sold with or else those of its first server; and what of it is its own.

        Sizes borrowed from a server are not compared: the plan does not change when that server does.
        """
        rule = self._file.product_rule(product.id, product.name)
        key = rule.plan if rule and rule.plan else f"{self._source}-{product.id}"
        own: dict[str, Any] = {"key": key, "name": product.name, "position": 0, "listed": False}
        if (plan := product.plan) is not None:
            own |= {"vcpus": plan.vcpus, "memory_mib": plan.memory, "disk_gib": plan.disk}
        return {name: first[name] for name in ("vcpus", "memory_mib", "disk_gib")} | own, own

    # People

    def _people(self, owners: set[int], *, include_idle: bool) -> None:
        members: dict[int, list[Membership]] = {}
        known = {row.id for row in rows.users(self._staging)}
        for member in rows.memberships(self._staging):
            self._digest.update(repr(member).encode("utf-8", "surrogatepass"))
            if member.user in known and member.client in self._clients:
                members.setdefault(member.client, []).append(member)
            else:
                self._plan.orphans["memberships"] = self._plan.orphans.get("memberships", 0) + 1
        imported = set(self._clients) if include_idle else owners
        self._unreadable("accounts", "tblclients")
        self._unreadable("users", "tblusers")
        for client in rows.clients(self._staging, self._shop):
            self._account(client, members.get(client.id, []), imported)
            if client.status == "Inactive" and client.id in owners:
                self._plan.warn("accounts", client.id, [Note("inactive_client_live_service", "it has live services")])
        of_imported = [member for client in imported for member in members.get(client, [])]
        self._users({member.user for member in of_imported}, {member.user for member in of_imported if member.owner})

    def _account(self, client: ClientRow, members: list[Membership], imported: set[int]) -> None:
        self._digest.update(repr(client).encode("utf-8", "surrogatepass"))
        tally = self._plan.entities["accounts"]
        tally.seen += 1
        if client.id not in imported:
            self._skip("accounts", client.id, "no_importable_service")
            return
        payload, notes = users.account(self._source, client, members, repair=self._repair)
        self._plan.warn("accounts", client.id, notes)
        self._keep("accounts", str(client.id), payload)

    def _users(self, linked: set[int], owners: set[int]) -> None:
        here = [row for row in rows.users(self._staging) if row.id in linked]
        self.sign_ins = SignIns(self._source, here, owners)
        problems = self.sign_ins.problems(self._earlier.logins)
        for row in rows.users(self._staging):
            canonical = dataclasses.replace(row, password=users.fingerprint(row))
            self._digest.update(repr(canonical).encode("utf-8", "surrogatepass"))
            tally = self._plan.entities["users"]
            tally.seen += 1
            if row.id not in linked:
                self._skip("users", users.key(row.id), "no_imported_account")
                continue
            payload, notes = users.user(self._source, row, problems.get(row.id), repair=self._repair)
            self._plan.warn("users", users.key(row.id), notes)
            self._keep("users", users.key(row.id), payload, also=users.fingerprint(row))
            self._login(row, problems.get(row.id))

    def _login(self, row: UserRow, problem: str | None) -> None:
        self._plan.entities["logins"].seen += 1
        key = users.key(row.id)
        if problem is None:
            self._logins.add(key)
        else:
            self._plan.quarantine("logins", key, problem, f"address {row.email!r} of user {key}")

    # Comparing

    def _skip(self, name: str, source_id: int | str, reason: str) -> None:
        self._skipped.append((name, str(source_id), reason))

    def _keep(
        self,
        name: str,
        source_id: str,
        payload: Mapping[str, Any],
        compared: Mapping[str, Any] | None = None,
        *,
        also: str = "",
    ) -> None:
        """Compare a row with what was imported before, and stage it when there is something to write.

        `compared` is the part of the payload that counts (None: all of it); `also` counts but is not written.
        """
        content = hashlib.sha256(_encode(payload if compared is None else compared) + also.encode()).digest()
        self._kept.append((name, source_id, content))
        action = self._earlier.action(ENTITIES[name], source_id, content)
        if action != "unchanged":
            self._pending.append((ENTITIES[name], source_id, action, content, _encode(payload)))
            self._flush(1000)

    def _flush(self, size: int = 1) -> None:
        if len(self._pending) >= size:
            self._staging.plan(self._pending)
            self._pending.clear()

    def _digest_catalogue(self) -> None:
        for part in (self._shop.products, self._shop.options, self._shop.choices, self._shop.fields, self._shop.addons):
            self._digest.update(repr(sorted(part.items())).encode("utf-8", "surrogatepass"))
        for names in (self._shop.servers, self._shop.currencies, self._shop.client_groups):
            self._digest.update(repr(sorted(names.items())).encode("utf-8", "surrogatepass"))
        self._digest.update(repr(sorted(self._shop.linked)).encode())


def _without_shared(hints: Mapping[int, Hint | NoHint], addresses: Mapping[int, list[str]]) -> dict[int, Hint | NoHint]:
    """Services that share an address are not told apart by it: none of them is adopted."""
    torn = {service for services in adoption.shared(addresses).values() for service in services}
    return {
        service: Hint(hint.cluster, hint.vmid, hint.kind, hint.evidence, hint.refused or "address_shared")
        if service in torn and isinstance(hint, Hint)
        else hint
        for service, hint in hints.items()
    }


def _adoption_row(service: Service, hint: Hint | NoHint | None) -> dict[str, Any]:
    row: dict[str, Any] = {"service_id": str(service.id), "cluster": None, "vmid": None, "kind": None, "evidence": []}
    if isinstance(hint, Hint):
        row |= {"cluster": hint.cluster, "vmid": hint.vmid, "kind": hint.kind, "evidence": list(hint.evidence)}
    reason = hint.refused if hint is not None else "no_vm_link"
    return {**row, "state": "candidate" if reason is None else "declined", "reason": reason}


def _money(amount: str) -> Decimal:
    try:
        return Decimal(amount)
    except InvalidOperation:
        return Decimal(0)

"""What a run would do: every row of the source compared with what earlier runs left, and a hash of it all.

The plan itself is counts and lists for people; the payloads of what is to be written lie in staging.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain
from typing import Any
from uuid import UUID

from msgspec import structs

from whmcs_import.mapping import adoption, mapping, rows, shop, users
from whmcs_import.mapping.adoption import Named
from whmcs_import.mapping.mapping_file import MappingFile
from whmcs_import.mapping.options import Note
from whmcs_import.mapping.shop import Product, Shop
from whmcs_import.mapping.users import SignIns
from whmcs_import.planning import outcomes
from whmcs_import.planning.crew import Alone, Crew
from whmcs_import.planning.findings import Findings, Unmapped
from whmcs_import.planning.outcomes import Found, Groups, Outcome
from whmcs_import.planning.people import Account, Accounts, User, Users
from whmcs_import.source.staging import Span, Staging

ENTITIES = {"plans": "product", "users": "user", "accounts": "client", "servers": "service"}
EXAMPLES = 3
WORTH_A_CREW = 4  # spans
UPGRADES = "SELECT relid, type FROM tblupgrades WHERE status = 'Pending' ORDER BY relid"
CANCELLATIONS = "SELECT relid, type FROM tblcancelrequests ORDER BY relid"
FAILING_ACTIONS = (
    "SELECT service_id, module_action FROM tblmodulequeue"
    " WHERE service_type = 'service' AND coalesce(completed, 0) = 0 ORDER BY service_id"
)
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
    """What is here already: content hashes by (entity, source id), and who signs in with which address; and what was
    here until its personal data was erased.
    """

    keys: Mapping[tuple[str, str], bytes] = field(default_factory=dict)
    logins: Mapping[str, UUID] = field(default_factory=dict)
    erased: Set[tuple[str, str]] = frozenset()

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
    hashes: Counter[str] = field(default_factory=Counter)  # how passwords are hashed
    shop: Shop = field(default_factory=Shop)
    complete: bool = False  # whether the mapping must speak of everything that is sold
    findings: Findings | None = None  # what it was made from
    sign_ins: SignIns | None = None  # the users among that; None where they were not read again
    groups: Groups | None = None  # what was found out of each service; None where that was not asked again
    items: set[str] = field(default_factory=set)  # images and locations of the servers to write
    logins: Mapping[str, UUID] = field(default_factory=dict)  # who signed in here when it was made

    @property
    def incomplete(self) -> bool:
        """Whether the operator wants nothing written, since the mapping leaves something out."""
        return self.complete and bool(self.unmapped)

    @property
    def rows(self) -> dict[str, Tally]:
        """What becomes of rows of the source; a login is none, it comes and goes with its user."""
        return {name: self.entities[name] for name in ENTITIES}

    @property
    def changes(self) -> int:
        """How many rows would be created or updated."""
        return sum(tally.changes for tally in self.rows.values())

    def quarantine(self, entity: str, source_id: int | str, reason: str, detail: str) -> None:
        self.entities[entity].quarantine[reason] += 1
        self.quarantined.append({"entity": entity, "source_id": str(source_id), "reason": reason, "detail": detail})

    def warn(self, entity: str, source_id: int | str, notes: Iterable[tuple[str, str]]) -> None:
        """Report what is odd about a row: codes and details."""
        for code, detail in notes:
            self.warnings.append({"entity": entity, "source_id": str(source_id), "code": code, "detail": detail})


def make(
    staging: Staging,
    source: str,
    file: MappingFile,
    earlier: Earlier,
    progress: Progress,
    *,
    include_idle: bool = False,
    crew: Crew | None = None,
    known: Groups | None = None,
) -> Plan:
    """Map what was staged, and decide about every row. Fills staging's table of payloads, writes nothing else.

    What there is a lot of is mapped by the `crew`; what is `known` from an earlier run with the same mapping is not
    mapped again.
    """
    if crew is None or len(staging.spans()) < WORTH_A_CREW:
        crew = Alone(staging)
    crew.begin(outcomes.Mapper, source, file)
    planner = _Planner(staging, source, file, earlier, progress, crew)
    planner.recall(known)
    made = decide(source, file, earlier, planner.run(include_idle=include_idle))
    made.sign_ins, made.groups, made.items = planner.sign_ins, planner.groups, planner.items
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
    made.hashes = Counter(findings.hashes)
    made.vanished = _vanished(earlier, findings)
    made.logins = earlier.logins
    made.plan_hash = _hash(source, file, earlier, findings.digest)
    return made


def _vanished(earlier: Earlier, findings: Findings) -> list[dict[str, Any]]:
    """What was imported before and is not to be imported now: reported, never undone here."""
    if not earlier.keys:
        return []
    here = {(ENTITIES[name], source_id) for name, source_id, _ in findings.kept}
    here.update((ENTITIES[name], source_id) for name, source_id in findings.set_aside)
    here |= earlier.erased
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
    parts = (source, digest, file.digest, before.hexdigest(), repr(sorted(earlier.erased)))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class _Planner:
    """One run of `make`: the catalogue, then servers, then the people who belong to them."""

    def __init__(
        self,
        staging: Staging,
        source: str,
        file: MappingFile,
        earlier: Earlier,
        progress: Progress,
        crew: Crew,
    ):
        self._staging = staging
        self._crew = crew
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
        self._known: dict[int, Outcome] = {}
        self._live: set[str] = set()  # the services to import, those set aside among them
        self.items: set[str] = set()
        self.sign_ins = SignIns.of(source, [], set())
        self._clients = {id for id, _, _ in rows.standing(staging)}
        repair = file.defaults.fix_mojibake == "auto"
        self._accounts = Accounts(staging, self._shop, source, repair=repair)
        self._users = Users(staging, self._accounts, source, repair=repair)
        self._digest_catalogue()
        self.groups = Groups(self._digest.hexdigest(), [])

    def recall(self, known: Groups | None) -> None:
        """Take over what was found out with the same catalogue, where it tells all: of what is to be written nothing
        but its digest is remembered.
        """
        if known is not None and known.catalogue == self.groups.catalogue:
            self._known = {outcome.id: outcome for outcome in known.outcomes if self._is_here(outcome)}

    def _is_here(self, outcome: Outcome) -> bool:
        action = self._earlier.action("service", str(outcome.id), outcome.content) if outcome.content else "unchanged"
        return action == "unchanged"

    def run(self, *, include_idle: bool) -> Findings:
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
            hashes=dict(draft.hashes),
            erased=set(self._earlier.erased),
        )

    # Servers

    def _servers(self) -> tuple[dict[int, tuple[int, ...]], set[int]]:
        """Map all services; the sizes of the first server of each product, and the clients who have servers."""
        self._unreadable("servers", "tblhosting")
        sizes: dict[int, tuple[int, ...]] = {}
        owners: set[int] = set()
        orphans = Counter(rows.ownerless(self._staging))
        for found in self._found():
            orphans.update(found.orphans)
            for answer in found.outcomes:
                outcome = self._known[answer.id] if answer.same else answer
                self._remember(outcome)
                if self._server(outcome) and outcome.sizes is not None:
                    owners.add(outcome.client)
                    sizes.setdefault(outcome.product, outcome.sizes)
        self._plan.orphans = {name: orphans[name] for name in ("options", "addons", "module links") if orphans[name]}
        self._warn_of_unfinished()
        return sizes, owners

    def _found(self) -> Iterator[Found]:
        spans = self._staging.spans()
        ids = sorted(self._known)
        people = self._staging.count("tblusers") // len(spans) + 1, len(self._clients) // len(spans) + 1
        named: list[list[Named]] = []
        for names, packed in self._crew.each("outcomes", ((span, self._keys(ids, span)) for span in spans)):
            self._staging.keep_found(packed)
            named.append(names)
            self._progress("services", sum(map(len, named)))
            self._users.prepare(people[0])
            self._accounts.prepare(people[1])
        disputed = adoption.disputed(chain.from_iterable(named))
        torn = [{name.service_id for name in names if adoption.is_disputed(name, disputed)} for names in named]
        some = [(span, of_it) for span, of_it in zip(spans, torn, strict=True) if of_it]
        again = self._crew.each("again", ((span, of_it, disputed, self._keys(ids, span)) for span, of_it in some))
        for packed, of_it in zip(self._staging.found(), torn, strict=True):
            found = outcomes.unpack(packed)
            yield found.with_those(next(again)) if of_it else found

    def _keys(self, ids: list[int], span: Span) -> dict[int, bytes]:
        """The keys of what is known of a span."""
        return {id: self._known[id].key for id in ids[bisect_right(ids, span[0]) : bisect_right(ids, span[1])]}

    def _remember(self, outcome: Outcome) -> None:
        """Keep an outcome for the next run, but nothing of who was erased."""
        erased = self._earlier.erased
        if not erased or not {("service", str(outcome.id)), ("client", str(outcome.client))} & erased:
            self.groups.outcomes.append(structs.replace(outcome, payload=b"", items=()) if outcome.payload else outcome)

    def _unreadable(self, name: str, table: str) -> None:
        """Set aside the rows of a table that cannot be told from others."""
        twins = self._staging.twins(table)
        for id in twins:
            self._plan.quarantine(name, id, "duplicate_id", f"{table} has several rows with this id")
            self._set_aside.append((name, str(id)))
        for _ in range(nameless := self._staging.unreadable(table)):
            self._plan.quarantine(name, "?", "id_unreadable", f"{table} has a row without an id that is a number")
        self._plan.entities[name].seen += len(twins) + nameless

    def _server(self, outcome: Outcome) -> bool:
        """Whether the service is to be here."""
        self._digest.update(outcome.key)
        self._plan.entities["servers"].seen += 1
        id = str(outcome.id)
        if ("service", id) in self._earlier.erased:
            self._skip("servers", id, "erased")
            return False
        self._note(outcome)
        if outcome.skipped is not None:
            self._skip("servers", id, outcome.skipped)
            return False
        self._live.add(id)
        refused = outcome.refused
        if ("client", str(outcome.client)) in self._earlier.erased:
            refused = "owner_erased", f"client {outcome.client} was erased here and has a service there again"
        if refused is not None:
            self._plan.quarantine("servers", id, *refused)
            self._set_aside.append(("servers", id))
            return False
        self._imported(outcome)
        return True

    def _note(self, outcome: Outcome) -> None:
        self._plan.warn("servers", outcome.id, outcome.notes)
        for kind, name, value in outcome.unmapped:
            self._plan.unmapped.setdefault((kind, name), Unmapped()).add(outcome.id, value)
        for target, value in outcome.untold:
            self._plan.unmapped_values.setdefault((target, value), Unmapped()).add(outcome.id, value)

    def _imported(self, outcome: Outcome) -> None:
        if self._keep("servers", str(outcome.id), outcome.content, outcome.payload):
            self.items.update(outcome.items)
        self._plan.adoption.append(outcome.adoption)
        assert outcome.price is not None
        key = outcome.price[:2]
        self._plan.totals[key] = self._plan.totals.get(key, Decimal(0)) + outcome.amount

    def _warn_of_unfinished(self) -> None:
        """Changes WHMCS has taken an order for and not carried out yet."""
        for code, query, detail in (
            ("upgrade_pending", UPGRADES, "an upgrade is not applied"),
            ("cancel_requested", CANCELLATIONS, "the customer asked to cancel"),
            ("module_queue", FAILING_ACTIONS, "a module action keeps failing"),
        ):
            for service, what in self._staging.rows(query):
                if str(service) in self._live:
                    self._plan.warn("servers", service, [(code, f"{detail} ({what})")])

    # The catalogue

    def _products(self, sizes: Mapping[int, tuple[int, ...]]) -> None:
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
                payload, own = self._plan_payload(product, sizes[product.id])
                content = hashlib.sha256(outcomes.encode(own)).digest()
                self._keep("plans", str(product.id), content, outcomes.encode(payload))

    def _plan_payload(self, product: Product, first: tuple[int, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The plan, with the sizes it is sold with or else those of its first server; and what of it is its own.

        Sizes borrowed from a server are not compared: the plan does not change when that server does.
        """
        rule = self._file.product_rule(product.id, product.name)
        key = rule.plan if rule and rule.plan else f"{self._source}-{product.id}"
        own: dict[str, Any] = {"key": key, "name": product.name, "position": 0, "listed": False}
        if (plan := product.plan) is not None:
            own |= {"vcpus": plan.vcpus, "memory_mib": plan.memory, "disk_gib": plan.disk}
        return dict(zip(outcomes.SIZES, first, strict=True)) | own, own

    # People

    def _people(self, owners: set[int], *, include_idle: bool) -> None:
        members = self._accounts.members
        self._digest.update(b"".join(self._accounts.canonical))
        if self._accounts.orphans:
            self._plan.orphans["memberships"] = self._accounts.orphans
        imported = self._clients if include_idle else owners
        self._unreadable("accounts", "tblclients")
        self._unreadable("users", "tblusers")
        for account in self._accounts:
            self._account(account, imported)
            if account.status == "Inactive" and account.id in owners:
                self._plan.warn("accounts", account.id, [("inactive_client_live_service", "it has live services")])
        of_imported = [member for client in imported for member in members.get(client, [])]
        self._sign_ins({member.user for member in of_imported}, {member.user for member in of_imported if member.owner})

    def _account(self, account: Account, imported: set[int]) -> None:
        self._digest.update(account.canonical)
        tally = self._plan.entities["accounts"]
        tally.seen += 1
        if ("client", str(account.id)) in self._earlier.erased:
            self._skip("accounts", account.id, "erased")
            return
        if account.id not in imported:
            self._skip("accounts", account.id, "no_importable_service")
            return
        payload, notes = self._accounts.written(account)
        self._plan.warn("accounts", account.id, _said(notes))
        self._compare("accounts", str(account.id), payload)

    def _sign_ins(self, linked: set[int], owners: set[int]) -> None:
        erased = {id for entity, id in self._earlier.erased if entity == "user"}
        here = [row for row in self._users.rows() if row.id in linked and users.key(row.id) not in erased]
        self.sign_ins = SignIns.of(self._source, here, owners)
        problems = self.sign_ins.problems(self._earlier.logins)
        for user in self._users:
            id, key = user.row.id, user.key
            self._digest.update(user.canonical)
            self._plan.entities["users"].seen += 1
            if key in erased or id not in linked:
                self._skip("users", key, "erased" if key in erased else "no_imported_account")
                continue
            payload, notes = self._users.written(user, problems.get(id))
            self._plan.warn("users", key, _said(notes))
            # Of a bcrypt password the fingerprint is the hash itself.
            self._plan.hashes["bcrypt" if user.fingerprint.startswith("$") else user.fingerprint] += 1
            self._compare("users", key, payload, also=user.fingerprint)
            self._login(user, problems.get(id))

    def _login(self, user: User, problem: str | None) -> None:
        self._plan.entities["logins"].seen += 1
        if problem is None:
            self._logins.add(user.key)
        else:
            self._plan.quarantine("logins", user.key, problem, f"address {user.row.email!r} of user {user.key}")

    # Comparing

    def _skip(self, name: str, source_id: int | str, reason: str) -> None:
        self._skipped.append((name, str(source_id), reason))

    def _compare(self, name: str, source_id: str, written: bytes, *, also: str = "") -> None:
        """`_keep` a row all of whose payload counts; `also` counts but is not written."""
        self._keep(name, source_id, hashlib.sha256(written + also.encode()).digest(), written)

    def _keep(self, name: str, source_id: str, content: bytes, payload: bytes) -> bool:
        """Compare a row with what was imported before, and stage it when there is something to write."""
        self._kept.append((name, source_id, content))
        action = self._earlier.action(ENTITIES[name], source_id, content)
        if action != "unchanged":
            self._pending.append((ENTITIES[name], source_id, action, content, payload))
            self._flush(1000)
        return action != "unchanged"

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


def _said(notes: Iterable[Note]) -> Iterator[tuple[str, str]]:
    return ((note.code, note.detail) for note in notes)

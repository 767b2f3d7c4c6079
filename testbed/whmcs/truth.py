"""What a right import makes of the sample: the answers by which an importer can be marked."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Expect = Literal["import", "skip", "quarantine", "report"]
RowExpect = Literal["import", "merge", "warn", "skip", "quarantine"]
Key = tuple[str, int]
ORDER: tuple[Expect, ...] = ("import", "quarantine", "report", "skip")


@dataclass(slots=True)
class VmTruth:
    """The VM a service points to: whether Proxmox has it, and whether it may be adopted (`reason` says why not).

    `vmid` is what the source names, None when it names none that is a number; `cluster` is that of the mapping file.
    """

    vmid: int | None
    exists: bool
    adoptable: bool
    status: str | None = None
    reason: str = ""
    cluster: str | None = "demo"


@dataclass(slots=True)
class ServiceTruth:
    """One row of tblhosting.

    What was sold is in MiB, cores and GiB, None where nothing right can be said. `assigned` are further addresses;
    `suspension` is non_payment, abuse or admin. `plan` is the product's name; `amount` is exact, in `currency`; dates
    are None where none can be believed.
    """

    service_id: int
    case: str
    client_id: int
    expect: Expect = "import"
    reason: str = ""
    warnings: list[str] = field(default_factory=list)
    name: str = ""
    memory_mib: int | None = None
    vcpus: int | None = None
    disk_gib: int | None = None
    os: str | None = None
    location: str | None = None
    address: str | None = None
    assigned: list[str] = field(default_factory=list)
    status: str = "Active"
    suspension: str | None = None
    extras: dict[str, int | bool | str] = field(default_factory=dict)
    plan: str = ""
    amount: str = ""
    currency: str = "EUR"
    cycle: str | None = "monthly"
    next_due: str | None = None
    registered: str | None = None
    vm: VmTruth | None = None

    def becomes(self, expect: Expect, reason: str) -> None:
        """Expect something else than a plain import, for the reason given."""
        self.expect, self.reason = expect, reason


@dataclass(slots=True)
class ClientTruth:
    """One row of tblclients; `name` as it reads once entities are decoded. Expectation follows its services."""

    client_id: int
    case: str
    name: str
    expect: Expect = "skip"
    reason: str = "no_services"
    warnings: list[str] = field(default_factory=list)
    profile: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class UserTruth:
    """Somebody who signs in: a row of `table`, which before 8.0 was tblclients or tblcontacts.

    `password` is None when no password can open it, `email` as it signs in.
    """

    user_id: int
    case: str
    email: str
    password: str | None
    scheme: str
    owns: list[int] = field(default_factory=list)
    shares: list[int] = field(default_factory=list)
    expect: Expect = "skip"
    reason: str = "no_imported_account"
    warnings: list[str] = field(default_factory=list)
    table: str = "tblusers"


@dataclass(slots=True)
class RowTruth:
    """A row that hangs on something else and has an outcome of its own; all others share that of what they hang on.

    `id` is None where the row has no id in its schema.
    """

    table: str
    id: int | None
    case: str
    expect: RowExpect
    reason: str = ""


@dataclass(slots=True)
class Change:
    """One change to the source after an import, and what the next run must make of it."""

    name: str
    sql: str
    entity: str
    source_id: int
    expect: Literal["update", "quarantine", "vanish"]
    reason: str = ""
    after: dict[str, Any] = field(default_factory=dict)

    def then(self, **after: Any) -> "Change":
        """This change, and what of the service's truth is different afterwards."""
        self.after |= after
        return self


@dataclass(slots=True)
class Truth:
    """Every service, client and user of the sample, and the texts that must show up nowhere after an import."""

    services: dict[int, ServiceTruth] = field(default_factory=dict)
    clients: dict[int, ClientTruth] = field(default_factory=dict)
    users: dict[Key, UserTruth] = field(default_factory=dict)
    rows: list[RowTruth] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    delta: list[Change] = field(default_factory=list)

    def row(self, table: str, row: Mapping[str, object], case: str, expect: RowExpect, reason: str = "") -> None:
        """Expect something of one row of *table*."""
        number = row.get("id")
        self.rows.append(RowTruth(table, number if isinstance(number, int) else None, case, expect, reason))

    def conclude(self) -> None:
        """Derive clients from their services and users from their clients: people come along with what they have."""
        best: dict[int, ServiceTruth] = {}
        for service in self.services.values():
            rival = best.get(service.client_id)
            if rival is None or ORDER.index(service.expect) < ORDER.index(rival.expect):
                best[service.client_id] = service
        for client in self.clients.values():
            if (service_of := best.get(client.client_id)) is not None:
                client.expect, client.reason = service_of.expect, service_of.reason
        for user in self.users.values():
            self._conclude_user(user)

    def _conclude_user(self, user: UserTruth) -> None:
        clients = [self.clients[client_id] for client_id in user.owns + user.shares]
        if user.expect == "skip" and any(client.expect == "import" for client in clients):
            user.expect, user.reason = "import", ""

    def as_json(self) -> dict[str, Any]:
        """What truth.json says of the rows."""
        return {
            "users": [_entry(user) for _, user in sorted(self.users.items())],
            "clients": [_entry(client) for _, client in sorted(self.clients.items())],
            "services": [_entry(service) for _, service in sorted(self.services.items())],
            "rows": [asdict(row) for row in self.rows],
            "secrets": self.secrets,
            "delta": [asdict(change) for change in self.delta],
        }


def _entry(truth: ServiceTruth | ClientTruth | UserTruth) -> dict[str, Any]:
    outcome = "warn" if truth.expect == "import" and truth.warnings else truth.expect
    return {**asdict(truth), "outcome": outcome}

"""What a right import makes of the sample: the answers by which an importer can be marked."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Expect = Literal["import", "skip", "quarantine", "report"]
ORDER: tuple[Expect, ...] = ("import", "quarantine", "report", "skip")


@dataclass(slots=True)
class VmTruth:
    """The VM a service points to: whether Proxmox has it, and whether it may be adopted (`reason` says why not)."""

    vmid: int
    exists: bool
    adoptable: bool
    status: str | None = None
    reason: str = ""


@dataclass(slots=True)
class ServiceTruth:
    """One row of tblhosting.

    What was sold is in MiB, cores and GiB, None where nothing right can be said. `assigned` are further addresses;
    `suspension` is non_payment, abuse or admin.
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
    extras: dict[str, int | bool] = field(default_factory=dict)
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


@dataclass(slots=True)
class UserTruth:
    """One row of tblusers; `password` is None when no password can open it, `email` as it signs in."""

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


@dataclass(slots=True)
class Truth:
    """Every service, client and user of the sample, and the texts that must show up nowhere after an import."""

    services: dict[int, ServiceTruth] = field(default_factory=dict)
    clients: dict[int, ClientTruth] = field(default_factory=dict)
    users: dict[int, UserTruth] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)

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

    def as_json(self, inventory: str) -> dict[str, Any]:
        """The content of truth.json."""
        return {
            "users": [asdict(user) for _, user in sorted(self.users.items())],
            "clients": [asdict(client) for _, client in sorted(self.clients.items())],
            "services": [asdict(service) for _, service in sorted(self.services.items())],
            "secrets": self.secrets,
            "inventory": inventory,
        }

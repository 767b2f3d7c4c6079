"""Given these events: the lives of servers and accounts as lists of events, and records of them without a database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from domain.account import events as a
from domain.catalogue import events as c
from domain.record import Actor, Meta, Recorded
from domain.server import events as e
from domain.server.evolve import fold
from domain.server.operations import OPERATIONS
from domain.server.state import Server
from eventstore.positions import Position
from eventstore.store import Entry, EventStore

STEPS = {type: kind.steps for type, kind in OPERATIONS.items()}
BIRTH = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
META = Meta(actor=Actor(type="user", id="usr_1"), request_id="req-1")
PLAN = e.Plan(id=UUID(int=1), name="S", vcpus=2, memory_mib=2048, disk_gib=20)
IMAGE = e.Image(id=UUID(int=2), name="Debian 12", template="debian-12")
LOCATION = e.Location(id=UUID(int=3), name="Frankfurt", key="fra1")
ADDRESS = e.Address(address="10.99.0.100", prefix=24, gateway="10.99.0.1", family=4, primary=True)
IDENTITY = e.Identity(
    smbios_uuid="a3d1b7a0-0000-4000-8000-000000000001",
    macs={"net0": "BC:24:11:00:00:01"},
    volumes={"scsi0": "local:10000000/vm-10000000-disk-0.qcow2"},
)
BILLING = e.Billing(cycle="monthly", amount="9.99", currency="EUR")


def records(events: Iterable[Any], *, stream_id: UUID | None = None, meta: Meta = META) -> list[Recorded[Any]]:
    """Events of one stream as they would be read back, one second apart."""
    id = stream_id or uuid4()
    return [
        Recorded(event, id, n, n, n, BIRTH + timedelta(seconds=n - 1), meta) for n, event in enumerate(events, start=1)
    ]


def server(*events: Any) -> Server:
    """The server these events make."""
    state = fold(None, records(events, stream_id=UUID(int=100)))
    assert state is not None
    return state


def requested(operation_id: UUID | None = None, **changes: Any) -> e.ServerRequested:
    """A customer asked for a server."""
    event = e.ServerRequested(
        operation_id=operation_id or uuid4(),
        account_id=UUID(int=10),
        plan=PLAN,
        image=IMAGE,
        location=LOCATION,
        steps=list(STEPS["create"]),
        name="web-1",
        labels={"env": "prod"},
        ssh_keys=["ssh-ed25519 AAAA"],
    )
    return replace(event, **changes)


def imported(**changes: Any) -> e.ServerImported:
    """A service of another system became a server."""
    event = e.ServerImported(
        source="whmcs",
        source_id="7",
        run_id=UUID(int=20),
        account_id=UUID(int=10),
        plan=PLAN,
        image=IMAGE,
        location=LOCATION,
        mode="manage",
        addresses=[replace(ADDRESS, address="203.0.113.10", gateway="203.0.113.1")],
        hint=e.GuestHint(cluster="demo", vmid=101, evidence=["module table"]),
        quarantine=None,
        suspension=None,
        billing=BILLING,
        name="vps1",
        raw={"RAM": "2 GB"},
    )
    return replace(event, **changes)


def import_updated(was: e.ServerImported, **changes: Any) -> e.ImportUpdated:
    """A later run found the service changed."""
    names = (
        "run_id",
        "account_id",
        "plan",
        "image",
        "location",
        "addresses",
        "hint",
        "quarantine",
        "suspension",
        "billing",
        "name",
        "raw",
    )
    return replace(e.ImportUpdated(**{name: getattr(was, name) for name in names}), **changes)


def adopted(**changes: Any) -> e.ServerAdopted:
    """The guest of an imported server was found."""
    event = e.ServerAdopted(
        cluster="demo",
        node="pve1",
        vmid=101,
        power="running",
        identity=IDENTITY,
        evidence=["mac"],
        actual={"vcpus": 2, "memory_mib": 2048, "disk_gib": 20},
    )
    return replace(event, **changes)


def placed(operation_id: UUID, **changes: Any) -> e.ServerPlaced:
    """A place was promised."""
    event = e.ServerPlaced(
        operation_id=operation_id,
        cluster="demo",
        node="pve1",
        vmid=10_000_000,
        template_vmid=9000,
        storage="local",
        bridge="vmbr0",
        full=False,
        addresses=[ADDRESS],
        explanation={"chosen": "pve1"},
        promises={"cpu/demo/pve1": 2},
    )
    return replace(event, **changes)


def snapshot_taken() -> e.SnapshotTaken:
    """A snapshot was taken."""
    return e.SnapshotTaken(operation_id=uuid4(), snapshot_id=uuid4(), key="s1", name="before the update")


def backup_taken() -> e.BackupTaken:
    """A backup was made."""
    return e.BackupTaken(
        operation_id=uuid4(), backup_id=uuid4(), storage="backups", volume="backups:backup/x", size_bytes=5, name="b"
    )


def intended(operation_id: UUID, step: str, attempt: int = 1) -> e.EffectIntended:
    """A step is about to touch the hypervisor."""
    return e.EffectIntended(
        operation_id=operation_id,
        step=step,
        attempt=attempt,
        verb=step,
        cluster="demo",
        node="pve1",
        vmid=10_000_000,
        since=1_772_539_200,
    )


def worked(operation_id: UUID, steps: Sequence[str]) -> list[e.ServerEvent]:
    """These steps were taken, each with its intent, task and completion."""
    taken: list[e.ServerEvent] = []
    for step in steps:
        taken += [
            intended(operation_id, step),
            e.TaskAccepted(operation_id=operation_id, step=step, upid=f"UPID:pve1:{step}:"),
            e.StepCompleted(operation_id=operation_id, step=step),
        ]
    return taken


def created(operation_id: UUID | None = None, *, vmid: int = 10_000_000, address: str = "10.99.0.100") -> list[Any]:
    """The whole creation of a server that then runs."""
    id = operation_id or uuid4()
    placement = placed(id, vmid=vmid, addresses=[replace(ADDRESS, address=address)])
    return [
        requested(id),
        placement,
        e.StepCompleted(operation_id=id, step="place"),
        *worked(id, STEPS["create"][1:2]),
        e.GuestIdentified(operation_id=id, node="pve1", identity=IDENTITY),
        *worked(id, STEPS["create"][2:]),
        e.PowerObserved(power="running"),
        e.OperationSucceeded(operation_id=id),
    ]


def operated(type: str, operation_id: UUID | None = None) -> list[Any]:
    """A whole operation that succeeded."""
    id = operation_id or uuid4()
    return [
        e.OperationRequested(operation_id=id, type=type, steps=list(STEPS[type])),
        *worked(id, STEPS[type]),
        e.OperationSucceeded(operation_id=id),
    ]


def account(**changes: Any) -> a.AccountImported:
    """An account of another system."""
    event = a.AccountImported(
        source="whmcs",
        source_id="3",
        run_id=UUID(int=20),
        status="active",
        currency="EUR",
        members=[a.Member(user_id=UUID(int=30), role="owner")],
        name="Ada GmbH",
        email="ada@example.com",
        profile={"city": "Berlin"},
    )
    return replace(event, **changes)


def user(**changes: Any) -> a.UserImported:
    """A user of another system."""
    event = a.UserImported(
        source="whmcs",
        source_id="5",
        run_id=UUID(int=20),
        password_scheme="bcrypt",
        had_two_factor=False,
        login=True,
        login_problem=None,
        email="ada@example.com",
        name="Ada",
    )
    return replace(event, **changes)


def plan(**changes: Any) -> c.PlanDeclared:
    """A plan on sale."""
    return replace(c.PlanDeclared(key="s", name="S", vcpus=2, memory_mib=2048, disk_gib=20), **changes)


def entries(stream_id: UUID, events: Sequence[Any], *, after: int = 0, meta: Meta = META) -> list[Entry]:
    """Events as entries of a stream, following version `after`; what is private in them is the stream's own."""
    return [Entry(stream_id, after + n, event, meta, stream_id) for n, event in enumerate(events, start=1)]


async def happened(store: EventStore, events: Sequence[Any], stream_id: UUID | None = None, after: int = 0) -> UUID:
    """Append events to a stream, all at once; the stream's id."""
    id = stream_id or uuid4()
    await store.append(entries(id, events, after=after))
    return id


async def one_by_one(store: EventStore, stream_id: UUID, events: Sequence[Any], after: int = 0) -> Position:
    """Append events to a stream, one transaction each; where the last one stands."""
    for entry in entries(stream_id, events, after=after):
        position = await store.append([entry])
    return position


class Given:
    """Given these events, when this is decided, then these events follow: a rule of the domain in one sentence."""

    def __init__(self, *events: Any):
        self.state = fold(None, records(events)) if events else None

    def when(self, decide: Any, command: Any) -> list[Any]:
        """What is decided; a refusal is raised."""
        decided: list[Any] = decide(self.state, command)
        return decided

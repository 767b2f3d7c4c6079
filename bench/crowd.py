"""A log that is full: accounts with their owners, and servers that were imported and adopted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID

from domain.account.events import AccountOpened, MemberAdded, UserRegistered
from domain.record import Actor, Meta
from domain.server import events as e
from eventstore.database import Pool
from eventstore.store import Entry, EventStore
from runtime.ids import new_id

BATCH = 1_000
META = Meta(actor=Actor(type="system"))
NOBODY = UUID(int=8)
PLAN = e.Plan(id=UUID(int=1), name="S", vcpus=2, memory_mib=2048, disk_gib=20)
IMAGE = e.Image(id=UUID(int=2), name="Debian 12")
LOCATION = e.Location(id=UUID(int=3), name="Frankfurt", key="fra1")
BILLING = e.Billing(cycle="monthly", amount="9.99", currency="EUR")


def mac(number: int) -> str:
    """The address of a server's interface."""
    return "BC:24:11:" + ":".join(f"{byte:02X}" for byte in number.to_bytes(3, "big"))


def customer(number: int) -> list[Entry]:
    """A user and the account that they own; the account's id is that of the second entry's stream."""
    user_id, account_id = new_id(), new_id()
    registered = UserRegistered(role="customer", email=f"crowd-{number}@example.com", name=f"Crowd {number}")
    return [
        Entry(user_id, 1, registered, META, user_id),
        Entry(account_id, 1, AccountOpened(name=registered.name), META, account_id),
        Entry(account_id, 2, MemberAdded(user_id=user_id, role="owner"), META),
    ]


def server(cluster: str, vmid: int, mac: str, account_id: UUID = NOBODY) -> list[Entry]:
    """A running server of an account on one of three nodes, whose guest is there."""
    id = new_id()
    found = e.ServerImported(
        source="whmcs",
        source_id=id.hex,
        run_id=UUID(int=7),
        account_id=account_id,
        plan=PLAN,
        image=IMAGE,
        location=LOCATION,
        mode="manage",
        addresses=[],
        hint=None,
        quarantine=None,
        suspension=None,
        billing=BILLING,
        name=f"vps{vmid}",
    )
    adopted = e.ServerAdopted(
        cluster=cluster,
        node=f"pve{vmid % 3 + 1}",
        vmid=vmid,
        power="running",
        identity=e.Identity(smbios_uuid=None, macs={"net0": mac}, volumes={"scsi0": f"ceph:vm-{vmid}-disk-0"}),
        evidence=["mac"],
        actual={"vcpus": 2, "memory_mib": 2048, "disk_gib": 20},
    )
    return [Entry(id, 1, found, META, account_id), Entry(id, 2, adopted, META)]


async def append_all(store: EventStore, count: int, entries_of: Callable[[int], list[Entry]]) -> None:
    """Append what each number stands for, many at a time."""
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        await store.append([entry for number in numbers for entry in entries_of(number)])


async def until_shown(pool: Pool, count: int) -> None:
    """Wait until so many servers run in the views."""
    while await pool.fetchval("SELECT count(*) FROM server_view WHERE status = 'running'") < count:  # noqa: ASYNC110
        await asyncio.sleep(0.5)

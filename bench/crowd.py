"""A log that is full: accounts with their owners, and servers that were imported and adopted."""

from __future__ import annotations

from uuid import UUID

from domain.account.events import AccountOpened, MemberAdded, UserRegistered
from domain.record import Actor, Meta
from domain.server import events as e
from eventstore.store import Entry
from runtime.ids import new_id

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


def server(cluster: str, vmid: int, number: int, account_id: UUID = NOBODY) -> list[Entry]:
    """A running server of an account on one of three nodes; `number` is its own among all."""
    id = new_id()
    found = e.ServerImported(
        source="whmcs",
        source_id=str(number),
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
        identity=e.Identity(smbios_uuid=None, macs={"net0": mac(number)}, volumes={"scsi0": f"ceph:vm-{vmid}-disk-0"}),
        evidence=["mac"],
        actual={"vcpus": 2, "memory_mib": 2048, "disk_gib": 20},
    )
    return [Entry(id, 1, found, META, account_id), Entry(id, 2, adopted, META)]

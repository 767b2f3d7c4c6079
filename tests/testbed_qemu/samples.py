"""A template, guests made from it, and a witness of their ends."""

import asyncio
from typing import Any

from testbed.proxmox.guests import CloudInit, ExitReason, GuestSpec
from testbed.proxmox.qemu import QemuGuests

GIB = 1 << 30
TEMPLATE = "9000/base-9000-disk-0.qcow2"
LIMIT_SECONDS = 120.0


class Exits:
    """Collects what `OnExit` is told, and lets a test wait for it."""

    def __init__(self) -> None:
        self._told: asyncio.Queue[tuple[int, ExitReason]] = asyncio.Queue()

    async def __call__(self, vmid: int, reason: ExitReason) -> None:
        self._told.put_nowait((vmid, reason))

    async def next(self) -> tuple[int, ExitReason]:
        return await asyncio.wait_for(self._told.get(), LIMIT_SECONDS)

    @property
    def quiet(self) -> bool:
        """Whether nothing is told that no test has asked for."""
        return self._told.empty()


def spec(vmid: int, **changes: Any) -> GuestSpec:
    """A guest with a linked clone of the template and a static address made from its number."""
    cloud_init = CloudInit(
        hostname=f"web{vmid}",
        user="debian",
        ssh_keys=("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 someone's key",),
        ip_configs=(f"ip=10.99.0.{vmid}/24,gw=10.99.0.1",),
        nameserver="9.9.9.9",
    )
    facts: dict[str, Any] = {
        "vmid": vmid,
        "name": f"web{vmid}",
        "cores": 1,
        "memory_mib": 512,
        "volume": f"{TEMPLATE}/{vmid}/vm-{vmid}-disk-0.qcow2",
        "mac": f"BC:24:11:00:00:{vmid % 100:02d}",
        "smbios_uuid": f"00000000-0000-4000-8000-{vmid:012d}",
        "cloud_init": cloud_init,
    }
    return GuestSpec(**{**facts, **changes})


async def started(guests: QemuGuests, guest: GuestSpec) -> GuestSpec:
    """Clone the template for a guest, start it and wait for its agent."""
    await guests.clone_disk(TEMPLATE, guest.volume, full=False)
    await guests.start(guest)
    await guests.await_agent(guest.vmid, LIMIT_SECONDS)
    return guest

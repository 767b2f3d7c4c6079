"""Snapshots inside qcow2 images: by qemu-img while no guest runs on them, by QMP while one does.

A guest's memory is kept inside its boot disk's snapshot (QMP `snapshot-save`), where Proxmox writes a volume.
"""

import asyncio
from pathlib import Path

from testbed.proxmox.guests import GuestError
from testbed.proxmox.qemu.commands import run
from testbed.proxmox.qemu.machine import Machine

DEVICE = "drive-scsi0"
NODE = "disk0"
LOOK_AGAIN_SECONDS = 0.05
STATE_SECONDS = 300.0


async def take(path: Path, name: str) -> None:
    """Take a snapshot of an image that no guest uses."""
    await run("qemu-img", "snapshot", "-q", "-c", name, path)


async def take_live(machine: Machine, name: str) -> None:
    """Take a snapshot of a running guest's disk."""
    await machine.execute("blockdev-snapshot-internal-sync", device=DEVICE, name=name)


async def go_back(path: Path, name: str) -> None:
    """Return an image to a snapshot."""
    await run("qemu-img", "snapshot", "-q", "-a", name, path)


async def remove(path: Path, name: str) -> None:
    """Remove a snapshot of an image that no guest uses; one that is gone is no error."""
    try:
        await run("qemu-img", "snapshot", "-q", "-d", name, path)
    except GuestError as error:
        if "not found" not in str(error).lower():
            raise


async def remove_live(machine: Machine, name: str) -> None:
    """Remove a snapshot of a running guest's disk; one that is gone is no error."""
    try:
        await machine.execute("blockdev-snapshot-delete-internal-sync", device=DEVICE, name=name)
    except GuestError as error:
        if "does not exist" not in str(error):
            raise


async def save(machine: Machine, name: str) -> None:
    """Keep a halted guest's memory and disk under `name`."""
    await _job(machine, "snapshot-save", name)


async def load(machine: Machine, name: str) -> None:
    """Bring a guest that has not run its first instruction to where `save` kept it."""
    await _job(machine, "snapshot-load", name)


async def _job(machine: Machine, command: str, name: str) -> None:
    identifier = f"{command}-{name}"
    await machine.execute(command, **{"job-id": identifier, "tag": name, "vmstate": NODE, "devices": [NODE]})
    async with asyncio.timeout(STATE_SECONDS):
        while True:
            job = next(job for job in await machine.execute("query-jobs") if job["id"] == identifier)
            if job["status"] == "concluded":
                break
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
    await machine.execute("job-dismiss", id=identifier)
    if "error" in job:
        raise GuestError(f"unable to save or load the state of VM {machine.spec.vmid}: {job['error']}")

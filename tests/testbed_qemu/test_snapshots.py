"""Snapshots of real guests: their files and their memory come back."""

import pytest

from testbed.proxmox.qemu import QemuGuests
from tests.testbed_qemu.samples import LIMIT_SECONDS, spec, started

pytestmark = pytest.mark.qemu


async def written(guests: QemuGuests, text: str) -> None:
    mounted = "until grep -q ' /data ' /proc/mounts; do sleep 0.1; done"
    await guests.run_in_guest(101, "/bin/sh", "-c", f"{mounted}; echo {text} | tee /tmp/note > /data/note; sync")


async def read(guests: QemuGuests, file: str) -> str:
    return (await guests.run_in_guest(101, "/bin/head", "-c", "5", file)).output


async def kept(guests: QemuGuests) -> str:
    script = "until grep -q ' /data ' /proc/mounts; do sleep 0.1; done; head -c 5 /data/note"
    return (await guests.run_in_guest(101, "/bin/sh", "-c", script)).output


async def test_disk_and_memory_come_back(guests: QemuGuests) -> None:
    guest = await started(guests, spec(101))
    await written(guests, "first")
    await guests.save_state(101, "s1")
    await guests.snapshot_disk(guest.volume, "s1")
    await guests.resume(101)
    await written(guests, "second")
    await guests.stop(101)
    await guests.rollback_disk(guest.volume, "s1")
    await guests.restore(guest, "s1")
    await guests.await_agent(101, LIMIT_SECONDS)
    assert [await read(guests, file) for file in ("/data/note", "/tmp/note")] == ["first", "first"]
    await guests.delete_disk_snapshot(guest.volume, "s1")


async def test_a_running_guest_has_its_disk_snapshotted(guests: QemuGuests) -> None:
    guest = await started(guests, spec(101))
    await written(guests, "first")
    await guests.snapshot_disk(guest.volume, "s1")
    await written(guests, "second")
    await guests.stop(101)
    await guests.rollback_disk(guest.volume, "s1")
    await guests.start(guest)
    await guests.await_agent(101, LIMIT_SECONDS)
    assert await kept(guests) == "first"
    await guests.stop(101)
    await guests.delete_disk_snapshot(guest.volume, "s1")
    await guests.delete_disk_snapshot(guest.volume, "s1")

"""No guest outlives its testbed, and those that ran are started again by the next."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from testbed.proxmox.guests import GuestError
from testbed.proxmox.qemu import QemuGuests
from testbed.proxmox.qemu.guests import default_run_dir
from tests.testbed_qemu.samples import GIB, LIMIT_SECONDS, TEMPLATE, Exits, spec, started

pytestmark = pytest.mark.qemu
ROOT = Path(__file__).parents[2]
# A testbed in small: starts guest 101 from a fresh clone, says its process id, waits to be killed.
PROGRAM = """
import asyncio, sys
from pathlib import Path
from testbed.proxmox.qemu import QemuGuests
from tests.testbed_qemu.samples import GIB, TEMPLATE, Exits, spec

async def main():
    guests = QemuGuests(Path(sys.argv[1]), Exits())
    guest = spec(101)
    await guests.create_disk(9000, TEMPLATE, GIB)
    await guests.clone_disk(TEMPLATE, guest.volume, full=False)
    await guests.start(guest)
    print(guests.info(101).pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
async def testbed(tmp_path: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, str(tmp_path / "state")),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    yield process
    if process.returncode is None:
        process.kill()
        await process.wait()
    shutil.rmtree(default_run_dir(tmp_path / "state"), ignore_errors=True)


async def guest_pid(testbed: asyncio.subprocess.Process) -> int:
    assert testbed.stdout
    return int(await asyncio.wait_for(testbed.stdout.readline(), LIMIT_SECONDS))


def process_name(pid: int) -> str | None:
    """None when the process is gone."""
    name = Path(f"/proc/{pid}/comm")
    return name.read_text().strip() if name.exists() else None


async def ended(watch: int) -> None:
    """Wait until a process that is not our child is gone; `watch` was opened on it while it was there."""
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(watch, done.set)
    try:
        await asyncio.wait_for(done.wait(), LIMIT_SECONDS)
    finally:
        loop.remove_reader(watch)
        os.close(watch)


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
async def test_guests_end_with_a_testbed_that_is_killed(testbed: asyncio.subprocess.Process, sign: int) -> None:
    pid = await guest_pid(testbed)
    assert process_name(pid) == "vm-101"
    watch = os.pidfd_open(pid)
    testbed.send_signal(sign)
    await ended(watch)


async def test_the_next_testbed_starts_them_again(testbed: asyncio.subprocess.Process, tmp_path: Path) -> None:
    await guest_pid(testbed)
    testbed.kill()
    await testbed.wait()
    guests = QemuGuests(tmp_path / "state", Exits())
    try:
        await guests.adopt({101: spec(101)})
        assert guests.alive(101)
        await guests.await_agent(101, LIMIT_SECONDS)
    finally:
        await guests.close()


async def test_a_guest_that_cannot_start_again_counts_as_crashed(guests: QemuGuests, exits: Exits) -> None:
    await guests.adopt({102: spec(102)})
    assert await exits.next() == (102, "crash")


async def test_a_killed_guest_is_told_as_a_crash(guests: QemuGuests, exits: Exits) -> None:
    await started(guests, spec(103))
    info = guests.info(103)
    assert info
    os.kill(info.pid, signal.SIGKILL)
    assert await exits.next() == (103, "crash")


async def test_closing_ends_every_guest_and_tells_nobody(tmp_path: Path) -> None:
    exits = Exits()
    guests = QemuGuests(tmp_path / "state", exits)
    await guests.create_disk(9000, TEMPLATE, GIB)
    for vmid in (104, 105):
        await guests.clone_disk(TEMPLATE, spec(vmid).volume, full=False)
        await guests.start(spec(vmid))
    pids = [info.pid for vmid in (104, 105) if (info := guests.info(vmid))]
    await guests.close()
    assert not [name for pid in pids if (name := process_name(pid))]
    assert exits.quiet
    assert not default_run_dir(tmp_path / "state").exists()


async def test_a_state_directory_serves_one_testbed(guests: QemuGuests, tmp_path: Path) -> None:
    with pytest.raises(GuestError, match=r"another testbed runs guests in .*state: stop it first"):
        QemuGuests(tmp_path / "state", Exits())


async def test_a_deep_state_directory_is_no_obstacle_to_sockets(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-rather-long-folder-name"] * 8)
    guests = QemuGuests(deep, Exits())
    try:
        await guests.create_disk(9000, TEMPLATE, GIB)
        await guests.start(replace(spec(106), volume=TEMPLATE))
        reader, writer = await guests.screen(106, "secret")
        assert await asyncio.wait_for(reader.readline(), LIMIT_SECONDS) == b"RFB 003.008\n"
        writer.close()
    finally:
        await guests.close()


async def test_a_guest_left_over_is_ended_before_the_next_testbed_begins(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    left_over = await asyncio.create_subprocess_exec("sh", "-c", "read forever", "sh", run_dir, stdin=-1)
    stranger = await asyncio.create_subprocess_exec("sh", "-c", "read forever", "sh", stdin=-1)
    record(run_dir / "101.pid", left_over.pid)
    record(run_dir / "102.pid", stranger.pid)
    guests = QemuGuests(tmp_path / "state", Exits(), run_dir)
    try:
        assert await asyncio.wait_for(left_over.wait(), LIMIT_SECONDS) == -signal.SIGKILL
        assert stranger.returncode is None, "a process id may belong to somebody else by now"
        assert os.listdir(run_dir) == []
    finally:
        await guests.close()
        stranger.kill()
        await stranger.wait()


def record(file: Path, pid: int) -> None:
    file.write_text(str(pid))

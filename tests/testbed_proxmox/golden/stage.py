"""What happened on the recording machine beside the recorded exchanges: its storages, guests, accidents and tidying."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from testbed.proxmox.storage.storage import Storage, Volume
from tests.testbed_proxmox.golden.client import CLOSED
from tests.testbed_proxmox.golden.recording import Record

if TYPE_CHECKING:
    from tests.testbed_proxmox.golden.replay import Replay

#: The image that the first template was imported from: 96 MiB, of which 18 are in use.
IMAGE = Volume("1/vm-1-disk-0.qcow2", 1, 96 * 1024**2, 19_210_240, "sim")
IMAGE_PATH = "/srv/tiny.qcow2"
STORAGES = (
    Storage("fast", "dir", {"path": "/srv/fast", "content": "images"}),
    Storage("small", "dir", {"path": "/srv/small", "content": "images"}, size=32 * 1024**2),
)
#: The size of `small` from file 09 on, in bytes.
SMALLER = 16 * 1024**2
#: VMs that were gone when a file began; those that no recording made were made beside it.
REMOVED = {"05": (107, 151), "09": (111,), "10": (120, 121, 122), "11": (124, 125), "12": (124, 125, 126, 127)}
#: Seconds that passed before a record was made.
PAUSES = {
    "06/agent-ping-ok": 10,
    "09/slow:task-status": 2,
    "14/nodes": 13,
    "08/agent-network-get-interfaces": 10,
    "09/killed:task-status-3s-later": 3,
    "10/A:target-config-2s": 2,
    "12/expired-token:version": 3,
}
#: Workers that were killed outright before a record was made, by the record that started them.
KILLED = {
    "09/killed:task-status": "09/killed-clone",
    "09/killed2:unlock-as-root-skiplock": "09/killed-clone-2",
    "10/B-after-kill:task-status": "10/clone-B",
}
KILLED_AFTER = 3
#: How long before a file's first record the tidying was done.
TIDYING_SECONDS = 0.7


async def prepare(replay: "Replay") -> None:
    """The machine as it was before the first record."""
    knobs = replay.testbed.node.knobs
    knobs.boot_seconds, knobs.restart_seconds, knobs.full_clone_seconds = 9.0, 1.0, 0.3
    knobs.start_seconds, knobs.removal_seconds = 1.8, 0.1
    for storage in STORAGES:
        replay.testbed.cluster.storages.save(storage)
    replay.testbed.node.volumes.save(IMAGE)
    await replay.call("DELETE", "/access/users/root@pam/token/hostler")


def parameter(value: str) -> str:
    """A recorded parameter as it is sent here."""
    return value.replace(IMAGE_PATH, IMAGE.volid)


async def before_file(replay: "Replay", name: str, begun: float) -> None:
    """What was done between two files, just before the moment at which the second one began."""
    await asyncio.sleep(begun - TIDYING_SECONDS - replay.clock.now)
    for vmid in REMOVED.get(name[:2], ()):
        await _remove(replay, vmid)
    if name.startswith("09"):
        replay.testbed.cluster.storages.load("small").size = SMALLER
    if name.startswith("06"):
        replay.testbed.node.vms.load(110).behaviour["ignore_acpi"] = True


async def _remove(replay: "Replay", vmid: int) -> None:
    if vmid not in replay.testbed.node.vms:
        await replay.done("POST", "/nodes/pve1/qemu", vmid=vmid)
    path, all_of_it = f"/nodes/pve1/qemu/{vmid}", {"purge": 1, "skiplock": 1, "destroy-unreferenced-disks": 1}
    await replay.done("DELETE", path, **all_of_it)


async def before(replay: "Replay", record: Record) -> None:
    """What was done, or waited for, just before a record."""
    await asyncio.sleep(PAUSES.get(record.key, 0))
    if after := re.match(r"t=([\d.]+)s after", record.told.get("note", "")):
        replay.accident = replay.accident if float(after[1]) else replay.clock.now
        await asyncio.sleep(replay.accident + float(after[1]) - replay.clock.now)
    if record.key in KILLED:
        await asyncio.sleep(KILLED_AFTER)
        await replay.testbed.node.tasks.kill(replay.counterparts.tasks.get(KILLED[record.key], ""))
    if action := ACTIONS.get(record.key):
        await action(replay)


async def _daemon_ends(replay: "Replay") -> None:
    replay.testbed.node.state = "daemon_down"


async def _daemon_returns(replay: "Replay") -> None:
    replay.testbed.node.state = "up"


async def _daemon_freezes(replay: "Replay") -> None:
    replay.testbed.node.daemon.frozen = True


async def _daemon_thaws(replay: "Replay") -> None:
    replay.testbed.node.daemon.frozen = False
    await asyncio.sleep(3)


async def _workers_die(replay: "Replay") -> None:
    async def later() -> None:
        await asyncio.sleep(2)
        replay.testbed.node.daemon.kill_workers()

    replay.testbed.cluster.soon(later())


ACTIONS: dict[str, Callable[["Replay"], Awaitable[None]]] = {
    "11/D:protected-get-0": _daemon_ends,
    "11/D:up:task-status": _daemon_returns,
    "11/E:clone-while-pvedaemon-frozen": _daemon_freezes,
    "11/E:target-config-after-thaw": _daemon_thaws,
    "11/F:put-config-worker-killed": _workers_die,
}


def whole(raw: str, token: str) -> str:
    """A request at its full length: recordings were cut off at 3000 characters."""
    head, separator, body = raw.partition("\r\n\r\n")
    length = re.search(r"Content-Length: (\d+)", head)
    if not separator:
        return raw + "a" * 3000 + f" HTTP/1.1\r\nHost: x\r\n{token}\r\n"
    return head + separator + ("a" * int(length[1]) if length and len(body) > 1000 else body)


async def _hundred_requests(replay: "Replay") -> list[str]:
    request = f"GET /api2/json/version HTTP/1.1\r\nHost: x\r\n{replay.credentials.token_header('root@pam!ci')}\r\n"
    count, last = await replay.client.repeat(request.encode())
    closing = last.headers.get("connection") if last else None
    return [] if (count, closing) == (100, "close") else [f"{count} answers, the last with Connection: {closing}"]


async def _idle(replay: "Replay") -> list[str]:
    request = f"GET /api2/json/version HTTP/1.1\r\nHost: x\r\n{replay.credentials.token_header('root@pam!ci')}\r\n"
    begun = replay.clock.now
    _, end = await replay.client.listen(request.encode(), 6)
    idle = round(replay.clock.now - begun, 1)
    return [] if (end, idle) == (CLOSED, 5.0) else [f"{end} after {idle} s"]


#: Records that are no exchange but a measurement.
MEASUREMENTS: dict[str, Callable[["Replay"], Awaitable[list[str]]]] = {
    "16/keep-alive-many": _hundred_requests,
    "16/keep-alive-idle": _idle,
}

"""Real guests seen and spoken to from outside: agent, screen, serial line, monitor."""

import asyncio
import base64
from pathlib import Path

import pytest

from testbed.proxmox.guests import AgentError, GuestError
from testbed.proxmox.qemu import QemuGuests
from tests.testbed_proxmox.bed import bed_in
from tests.testbed_proxmox.viewer import Line, Viewer, Wrong, websocket
from tests.testbed_qemu.samples import LIMIT_SECONDS, TEMPLATE, Exits, spec

pytestmark = pytest.mark.qemu
VM = "/nodes/pve1/qemu/200"


async def until_said(line: Line, text: bytes) -> bytes:
    """What a line says up to the text."""
    seen = b""
    async with asyncio.timeout(LIMIT_SECONDS):
        while text not in seen:
            seen += await line.readexactly(1)
    return seen


async def test_a_guest_is_seen_and_spoken_to(guests: QemuGuests, exits: Exits) -> None:
    """One guest for all of it, from its boot to its end."""
    guest = spec(121)
    await guests.clone_disk(TEMPLATE, guest.volume, full=False)
    await guests.start(guest)
    await answers_when_it_is_up(guests)
    await answers_refuses_and_is_silent(guests)
    await shows_screen_serial_line_and_monitor(guests)
    assert await guests.ask_agent(121, "guest-shutdown", {}, LIMIT_SECONDS) is None
    assert await exits.next() == (121, "shutdown")


async def answers_when_it_is_up(guests: QemuGuests) -> None:
    with pytest.raises(GuestError, match=r"^got timeout$"):
        await guests.ask_agent(121, "guest-ping", {}, 0.05)
    assert await guests.ask_agent(121, "guest-ping", {}, LIMIT_SECONDS) == {}


async def answers_refuses_and_is_silent(guests: QemuGuests) -> None:
    assert (await guests.ask_agent(121, "guest-info", {}, 5))["version"]
    with pytest.raises(AgentError, match=r"^failed to open file '/nope' \(mode: 'r'\): No such file or directory$"):
        await guests.ask_agent(121, "guest-file-open", {"path": "/nope"}, 5)
    with pytest.raises(AgentError, match=r"^The command guest-nosuch has not been found$") as refused:
        await guests.ask_agent(121, "guest-nosuch", {}, 5)
    assert refused.value.kind == "CommandNotFound"
    await guests.pause(121)
    with pytest.raises(GuestError, match=r"^got timeout$"):
        await guests.ask_agent(121, "guest-ping", {}, 0.5)
    await guests.resume(121)
    assert await guests.ask_agent(121, "guest-ping", {}, 5) == {}


async def shows_screen_serial_line_and_monitor(guests: QemuGuests) -> None:
    viewer = Viewer(Line(await guests.screen(121, "secret12")))
    await viewer.enter("secret12")
    assert viewer.name == "QEMU (web121)"
    await viewer.look()
    before = list(viewer.picture)
    viewer.type("echo seen\n")
    async with asyncio.timeout(LIMIT_SECONDS):
        while viewer.picture == before:
            await viewer.look(changes=True)
    with pytest.raises(Wrong):
        await Viewer(Line(await guests.screen(121, "another1"))).enter("secret12")

    serial = Line(await guests.serial(121, "serial0"))
    serial.write(b"\necho $((6 * 7)) is said\n")
    await until_said(serial, b"42 is said")
    serial.close()
    with pytest.raises(GuestError, match=r"^serial1 is not there"):
        await guests.serial(121, "serial1")

    assert await guests.monitor(121, "info status") == "VM status: running\r\n"
    assert await guests.monitor(121, "sendkey nosuch") == "invalid parameter: nosuch\r\n"


async def test_through_the_api(tmp_path: Path) -> None:
    async with bed_in(tmp_path, kind="qemu") as bed:
        await bed.cloned(200, name="web")
        assert await bed.run("POST", f"{VM}/status/start") == "OK"
        bed.node.knobs.agent_patience_seconds = bed.node.knobs.proxy_timeout_seconds = LIMIT_SECONDS
        bed.client.timeout = LIMIT_SECONDS
        assert await bed.post(f"{VM}/agent/ping") == {"result": {}}
        pid = (await bed.post(f"{VM}/agent/exec", command=["sh", "-c", "cat; exit 3"], **{"input-data": "in"}))["pid"]
        told = await bed.get(f"{VM}/agent/exec-status", pid=pid)
        while not told["exited"]:
            told = await bed.get(f"{VM}/agent/exec-status", pid=pid)
        assert (told["exitcode"], told["out-data"]) == (3, "in")
        await bed.post(f"{VM}/agent/file-write", file="/tmp/a", content=base64.b64encode(b"hello").decode(), encode=0)
        assert await bed.get(f"{VM}/agent/file-read", file="/tmp/a") == {"content": "hello", "bytes-read": 5}
        told = await bed.post(f"{VM}/vncproxy", websocket=1)
        async with websocket(bed, VM, told["port"], told["ticket"]) as wire:
            viewer = Viewer(wire)
            await viewer.enter(told["password"])
            await viewer.look()
            assert len(set(b"".join(viewer.picture))) > 1, "more than a black screen"
        assert await bed.finished(told["upid"]) == "OK"
        assert await bed.post(f"{VM}/agent/shutdown") == {"result": None}
        assert await bed.node.wait_exit(bed.node.vms.load(200), LIMIT_SECONDS)

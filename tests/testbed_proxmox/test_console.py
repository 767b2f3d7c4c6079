"""Consoles of simulated guests, by the ways that clients come."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

import pytest

from testbed.proxmox.console.termproxy import Messages
from testbed.proxmox.inside.screen import HEIGHT, WIDTH, Screen
from testbed.proxmox.sim import SimGuests
from tests.testbed_proxmox.bed import Bed
from tests.testbed_proxmox.viewer import RAW, ZRLE, Picture, Viewer, WebSocket, Wrong, websocket

pytestmark = pytest.mark.pve
VM = "/nodes/pve1/qemu/200"


@pytest.fixture
async def vm(bed: Bed) -> Bed:
    """A testbed whose VM 200 is up."""
    await bed.cloned(200, name="web")
    assert await bed.run("POST", f"{VM}/status/start") == "OK"
    await bed.post(f"{VM}/agent/ping")
    return bed


def screen(bed: Bed) -> str:
    """What stands on the guest's screen."""
    guests = bed.node.guests("sim")
    assert isinstance(guests, SimGuests)
    return guests.screen_text(200)


def blue(picture: Picture) -> bool:
    """Whether the bar at the top has its colour."""
    return picture[0][:3] == bytes((0, 80, 160))


async def until_seen(viewer: Viewer, bed: Bed, seen: Callable[[str], bool]) -> None:
    """Look at the screen until its text is as wanted."""
    while not seen(screen(bed)):
        await viewer.look(changes=True)


async def test_a_port_a_password_a_ticket_and_a_task(vm: Bed) -> None:
    told = await vm.post(f"{VM}/vncproxy", websocket=1)
    assert set(told) == {"user", "ticket", "port", "upid", "cert", "password"}
    assert isinstance(told["port"], str)
    assert 5900 <= int(told["port"]) <= 5999
    assert len(told["password"]) == 8
    assert told["ticket"].startswith(f"{told['password']}:PVEVNC:")
    assert told["cert"].startswith("-----BEGIN CERTIFICATE-----")
    assert "PRIVATE" not in told["cert"]
    assert told["user"] == "root@pam!hostler"
    again = await vm.post(f"{VM}/vncproxy", websocket=1, **{"generate-password": 1})
    assert again["port"] != told["port"]
    assert again["password"] != told["password"]


async def test_nobody_comes(vm: Bed) -> None:
    vm.node.knobs.console_wait_seconds = 0.05
    told = await vm.post(f"{VM}/vncproxy", websocket=1)
    assert await vm.finished(told["upid"]) == "connection timed out"


@pytest.mark.parametrize("encoding", [RAW, ZRLE])
async def test_the_screen_is_seen_and_typed_at_through_a_websocket(vm: Bed, encoding: int) -> None:
    told = await vm.post(f"{VM}/vncproxy", websocket=1)
    async with websocket(vm, VM, told["port"], told["ticket"]) as wire:
        assert wire.head.startswith("HTTP/1.1 101 Switching Protocols\r\n")
        viewer = Viewer(wire)
        await viewer.enter(told["password"], [encoding])
        assert viewer.size == (WIDTH, HEIGHT)
        assert viewer.name == "QEMU (web)"
        await viewer.look()
        assert blue(viewer.picture)
        assert screen(vm).startswith(" VM 200 (web) running, up 0:00:")
        viewer.type("echo Hello there\n")
        await until_seen(viewer, vm, lambda text: "\nHello there\n" in text)
        viewer.press(0xFF08)
        while not viewer.bells:
            await viewer.look(changes=True)
    assert await vm.finished(told["upid"]) == "OK"


async def test_both_encodings_show_the_same(vm: Bed) -> None:
    pictures = []
    await vm.run("POST", f"{VM}/status/suspend")
    for encoding in (RAW, ZRLE):
        told = await vm.post(f"{VM}/vncproxy", websocket=1)
        async with websocket(vm, VM, told["port"], told["ticket"]) as wire:
            viewer = Viewer(wire)
            await viewer.enter(told["password"], [encoding])
            await viewer.look()
            pictures.append(viewer.picture[32:])
    assert pictures[0] == pictures[1]
    assert len(set(b"".join(pictures[0]))) > 1


async def test_a_wrong_password_is_refused_in_the_protocol(vm: Bed) -> None:
    told = await vm.post(f"{VM}/vncproxy", websocket=1)
    async with websocket(vm, VM, told["port"], told["ticket"]) as wire:
        with pytest.raises(Wrong, match=r"^Authentication failed$"):
            await Viewer(wire).enter("nonsense")


async def test_a_ticket_is_for_one_port_one_vm_and_one_user(vm: Bed) -> None:
    told = await vm.post(f"{VM}/vncproxy", websocket=1)
    other = await vm.post(f"{VM}/vncproxy", websocket=1)
    secret = vm.node.access.new_token("root@pam", "other", privsep=0)
    stranger = f"PVEAPIToken=root@pam!other={secret}"
    for path, port, ticket, auth in (
        (VM, other["port"], told["ticket"], None),
        ("/nodes/pve1/qemu/9000", told["port"], told["ticket"], None),
        (VM, told["port"], told["ticket"], stranger),
        (VM, told["port"], "PVEVNC:00000000::AAAAA", None),
    ):
        async with websocket(vm, path, port, ticket, auth) as wire:
            assert wire.head.startswith("HTTP/1.1 401 permission denied - invalid PVEVNC ticket\r\n")


async def test_without_a_websocket_the_port_speaks_tls(vm: Bed) -> None:
    told = await vm.post(f"{VM}/vncproxy")
    trusting = ssl.create_default_context(cadata=told["cert"])
    trusting.check_hostname = False
    reader, writer = await asyncio.open_connection("127.0.0.1", int(told["port"]), ssl=trusting)
    assert await reader.readexactly(12) == b"RFB 003.008\n"
    writer.close()
    assert await vm.finished(told["upid"]) == "OK"


async def test_a_vm_that_is_off_has_a_port_but_no_display(vm: Bed) -> None:
    await vm.run("POST", f"{VM}/status/stop")
    told = await vm.post(f"{VM}/vncproxy", websocket=1)
    reader, _ = await asyncio.open_connection("127.0.0.1", int(told["port"]))
    assert await reader.read() == b""
    assert await vm.finished(told["upid"]) == "Failed to run vncproxy."
    assert await vm.log(told["upid"]) == ["VM 200 not running", "TASK ERROR: Failed to run vncproxy."]


async def test_the_display_ends_with_the_guest(vm: Bed) -> None:
    told = await vm.post(f"{VM}/vncproxy", websocket=1)
    reader, _ = await asyncio.open_connection("127.0.0.1", int(told["port"]))
    assert await reader.readexactly(12) == b"RFB 003.008\n"
    await vm.run("POST", f"{VM}/status/stop")
    assert await reader.read() == b""
    assert await vm.finished(told["upid"]) == "OK"


async def terminal(bed: Bed, **params: Any) -> tuple[dict[str, Any], asyncio.StreamReader, asyncio.StreamWriter]:
    told = await bed.post(f"{VM}/termproxy", **params)
    return told, *await asyncio.open_connection("127.0.0.1", int(told["port"]))


async def test_a_terminal_through_a_websocket(vm: Bed) -> None:
    told = await vm.post(f"{VM}/termproxy")
    assert set(told) == {"user", "ticket", "port", "upid"}
    async with websocket(vm, VM, told["port"], told["ticket"]) as wire:
        for part in in_parts(f"{told['user']}:{told['ticket']}\n".encode()):
            wire.write(part)
        assert await wire.readexactly(2) == b"OK"
        greeting = b"starting serial terminal on interface serial0\r\n"
        assert await wire.readexactly(len(greeting)) == greeting
        wire.write(b"1:120:40:2")
        wire.write(b"0:8:hostname0:1:\r")
        await said(wire, b"hostname\r\nweb\r\n")
    assert await vm.finished(told["upid"]) == "OK"


def in_parts(data: bytes) -> list[bytes]:
    return [data[n : n + 125] for n in range(0, len(data), 125)]


async def said(wire: WebSocket, text: bytes) -> None:
    """Read until the text has come."""
    seen = b""
    while text not in seen:
        seen += await wire.readexactly(1)


async def test_a_terminal_wants_its_ticket(vm: Bed) -> None:
    told, reader, writer = await terminal(vm, serial="serial0")
    writer.write(f"{told['user']}:{told['ticket'][:-4]}AAA=\n".encode())
    assert await reader.read() == b""
    assert (await vm.finished(told["upid"])).endswith(" -iface serial0' failed: exit code 1")
    log = await vm.log(told["upid"])
    assert log[0].startswith("client connection: 127.0.0.1:")
    assert log[1] == "authentication request failed"


async def test_a_terminal_on_a_line_that_is_not_there_says_so(vm: Bed) -> None:
    told, reader, writer = await terminal(vm, serial="serial2")
    writer.write(f"{told['user']}:{told['ticket']}\n".encode())
    assert await reader.read() == b"OKserial interface 'serial2' is not configured\r\n"


async def test_no_client_for_a_terminal(vm: Bed) -> None:
    vm.node.knobs.console_wait_seconds = 0.05
    told = await vm.post(f"{VM}/termproxy")
    assert (await vm.finished(told["upid"])).startswith("command '/usr/bin/termproxy ")
    assert (await vm.log(told["upid"]))[0] == "failed waiting for client: timed out"


async def with_a_serial_display(bed: Bed) -> None:
    await bed.run("POST", f"{VM}/status/stop")
    await bed.put(f"{VM}/config", vga="serial0")
    await bed.run("POST", f"{VM}/status/start")
    await bed.post(f"{VM}/agent/ping")


async def test_a_display_on_a_serial_line(vm: Bed) -> None:
    await with_a_serial_display(vm)
    told = await vm.post(f"{VM}/vncproxy", websocket=1)
    async with websocket(vm, VM, told["port"], told["ticket"]) as wire:
        viewer = Viewer(wire)
        await viewer.enter(told["password"], [ZRLE])
        assert viewer.name == "VM 200 (serial0)"
        await viewer.look()
        before = viewer.picture[16:]
        viewer.type("uname\n")
        await viewer.look(changes=True)
        assert viewer.picture[16:] != before


async def test_the_ticket_can_be_checked_by_itself(vm: Bed) -> None:
    told = await vm.post(f"{VM}/termproxy")
    form = {"authid": told["user"], "vncticket": told["ticket"], "path": "/vms/200", "privs": "VM.Console"}
    good = await vm.call("POST", "/access/vncticket", form | {"port": told["port"]}, headers={})
    assert (good.status_code, good.json()["data"]) == (200, None)
    for change in ({"port": "5999"}, {"path": "/vms/201"}, {"authid": "root@pam"}):
        refused = await vm.call("POST", "/access/vncticket", {**form, "port": told["port"], **change}, headers={})
        assert (refused.status_code, refused.reason_phrase) == (401, "authentication failure")


async def test_keys_and_the_monitor(vm: Bed) -> None:
    assert await vm.post(f"{VM}/monitor", command="info status") == "VM status: running\r\n"
    for key in ("i", "d", "ret"):
        assert await vm.put(f"{VM}/sendkey", key=key) is None
    await vm.until(lambda: "uid=0(root)" in screen(vm))
    refused = await vm.call("PUT", f"{VM}/sendkey", {"key": "nosuch"})
    assert refused.reason_phrase == "invalid parameter: nosuch"
    await vm.run("POST", f"{VM}/status/stop")
    assert await vm.post(f"{VM}/monitor", command="info status") == "ERROR: VM 200 not running\n"
    off = await vm.call("PUT", f"{VM}/sendkey", {"key": "ret"})
    assert off.reason_phrase == "VM 200 not running"


async def test_the_guest_can_be_turned_off_from_its_screen(vm: Bed) -> None:
    for key in (*"poweroff", "ret"):
        await vm.put(f"{VM}/sendkey", key=key)
    await vm.until(lambda: not vm.runs(200))


async def test_the_port_is_on_the_node_that_was_asked(three: Bed) -> None:
    assert await three.run("POST", "/nodes/pve1/qemu/9000/clone", newid=200, name="web") == "OK"
    assert await three.run("POST", f"{VM}/status/start") == "OK"
    url = f"{three.running.urls['pve2']}/api2/json{VM}/vncproxy"
    told = (await three.client.post(url, data={"websocket": 1}, headers=three.headers)).json()["data"]
    assert told["upid"].startswith("UPID:pve2:")
    reader, writer = await asyncio.open_connection("127.0.0.1", int(told["port"]))
    assert await reader.readexactly(12) == b"RFB 003.008\n"
    writer.close()


async def test_a_serial_display_without_a_websocket_has_no_password(vm: Bed) -> None:
    await with_a_serial_display(vm)
    told = await vm.post(f"{VM}/vncproxy")
    assert "password" not in told
    assert told["ticket"].startswith("PVEVNC:")


async def test_an_aborted_console_closes_the_connection(vm: Bed) -> None:
    told = await vm.post(f"{VM}/vncproxy", websocket=1)
    reader, _ = await asyncio.open_connection("127.0.0.1", int(told["port"]))
    assert await reader.readexactly(12) == b"RFB 003.008\n"
    await vm.delete(f"/nodes/pve1/tasks/{told['upid']}")
    assert await reader.read() == b""


def test_a_terminals_stream_may_come_in_any_pieces() -> None:
    stream = b"20:5:ab0:c1:80:24:x0:3:def20:1:g"
    for size in (1, 2, 3, 7, len(stream)):
        messages = Messages()
        parts = [stream[n : n + size] for n in range(0, len(stream), size)]
        assert b"".join(messages.take(part) for part in parts) == b"ab0:cdefg"


def test_a_terminal_screen_scrolls_and_wraps() -> None:
    paper = Screen()
    paper.write("x" * 81 + "\r\n" + "\r\n".join(str(number) for number in range(30)))
    lines = paper.text.split("\n")
    assert lines[-1] == "29"
    assert lines[1] == "6"
    paper.write("\r\n" + "y" * 81)
    assert paper.text.split("\n")[-2:] == ["y" * 80, "y"]

"""Consoles: who gets a ticket, what it opens, once, and when that ends."""

from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from domain import ids
from domain.server import events as e
from hypervisor.fake import Accident, FakeHypervisor
from hypervisor.fake_world import FakeGuest, FakeWorld
from hypervisor.identity import identity_of
from runtime import rfb
from runtime.ids import new_id
from service.__main__ import CONSOLES
from service.app import build
from service.console import models, relay, tickets
from tests.hypervisor.clusters import proxmox_cluster
from tests.hypervisor.conftest import testbed  # noqa: F401 - a fixture
from tests.service.listening import listening
from tests.service.test_servers import running
from tests.service.world import Person, World
from tests.testbed_proxmox.viewer import Viewer

Order = Callable[..., dict[str, Any]]
VMID = 10_000_000
ORIGIN = "https://panel.example"


@dataclass
class Shown:
    """A server that runs on a hypervisor in memory, and where the service listens."""

    server: str
    world: World
    hypervisor: FakeHypervisor
    guest: FakeGuest
    port: int

    @property
    def path(self) -> str:
        return f"/v1/servers/{self.server}/console"

    async def ticket(self, client: httpx.AsyncClient, **headers: str) -> models.Console:
        answer = await client.post(self.path, headers=headers)
        assert answer.status_code == 201, answer.text
        return models.Console.model_validate_json(answer.content)

    def url(self, given: models.Console) -> str:
        assert given.url.startswith("ws://hostler.test/v1/console/")
        return given.url.replace("hostler.test", f"127.0.0.1:{self.port}")


async def identified(world: World, client: httpx.AsyncClient, order: dict[str, Any], identity: e.Identity) -> str:
    server = await running(world, client, order)
    stream = ids.parse(ids.SERVER, server)
    assert stream is not None
    await world.append(server, e.GuestIdentified(operation_id=new_id(), node="pve1", identity=identity))
    return server


@pytest.fixture
async def shown(world: World, as_ann: httpx.AsyncClient, order: Order) -> AsyncIterator[Shown]:
    inside = FakeWorld()
    guest = inside.add_guest(FakeGuest(VMID, "pve1", name="web-1", power="running"))
    hypervisor = FakeHypervisor(inside)
    world.deps.clusters["demo"] = hypervisor
    server = await identified(world, as_ann, order(), identity_of(await hypervisor.config("pve1", VMID)))
    async with listening(build(world.deps), **CONSOLES) as port:
        yield Shown(server, world, hypervisor, guest, port)


@asynccontextmanager
async def opened(shown: Shown, given: models.Console, **options: Any) -> AsyncIterator[ClientConnection]:
    async with connect(shown.url(given), subprotocols=["binary"], proxy=None, **options) as socket:  # type: ignore[list-item]
        assert socket.subprotocol == "binary"
        yield socket


async def entered(socket: ClientConnection, password: str) -> rfb.Pieces:
    async def read() -> bytes:
        with suppress(ConnectionClosed):
            piece = await socket.recv()
            assert isinstance(piece, bytes)
            return piece
        return b""

    pieces = rfb.Pieces(read)
    await rfb.enter(pieces, socket.send, password)
    return pieces


async def greeted(socket: ClientConnection, password: str) -> rfb.Pieces:
    """The connection after the server's first words, which name the guest."""
    pieces = await entered(socket, password)
    await socket.send(b"\x01")
    head = await pieces.exactly(24)
    assert await pieces.exactly(struct.unpack(">I", head[20:])[0]) == b"web-1"
    return pieces


async def refused(shown: Shown, given: models.Console, **options: Any) -> bool:
    try:
        async with opened(shown, given, **options):
            return False
    except InvalidStatus as error:
        return error.response.status_code == 403


async def why(shown: Shown, given: models.Console, password: str | None = None) -> str:
    """What the viewer is told that is not let in."""
    async with opened(shown, given) as socket:
        with pytest.raises(rfb.NotAdmitted) as caught:
            await entered(socket, password or given.password)
        await socket.wait_closed()
        assert socket.close_code == relay.REFUSED
    return str(caught.value)


async def test_a_ticket_opens_the_screen_and_passes_on_what_is_said(shown: Shown, as_ann: httpx.AsyncClient) -> None:
    given = await shown.ticket(as_ann)
    assert len(given.password) == 8
    async with opened(shown, given) as socket:
        pieces = await greeted(socket, given.password)
        for size in (1, 7, 100_000):
            await socket.send(b"x" * size)
            assert await pieces.exactly(size) == b"x" * size
    await asyncio.wait_for(shown.guest.screens[0].closed.wait(), 10)


async def test_a_ticket_holds_once(shown: Shown, as_ann: httpx.AsyncClient) -> None:
    given = await shown.ticket(as_ann)
    async with opened(shown, given) as socket:
        await greeted(socket, given.password)
        assert await refused(shown, given)
    assert await refused(shown, given)


async def test_a_ticket_holds_for_half_a_minute(shown: Shown, as_ann: httpx.AsyncClient) -> None:
    given = await shown.ticket(as_ann)
    pool = shown.world.store.pool
    left = await pool.fetchval("SELECT extract(epoch FROM expires_at - now()) FROM console_ticket")
    assert 25 < left <= 30
    await pool.execute("UPDATE console_ticket SET expires_at = now()")
    assert await refused(shown, given)


async def test_a_ticket_is_presented_where_it_was_given(shown: Shown, as_ann: httpx.AsyncClient) -> None:
    for there, here in [(ORIGIN, "https://evil.example"), (ORIGIN, None), (None, "https://evil.example")]:
        given = await shown.ticket(as_ann, **({"Origin": there} if there else {}))
        assert await refused(shown, given, origin=here)
        assert await refused(shown, given, origin=there)  # it is used up
    for there, here in [(ORIGIN, ORIGIN), (None, f"http://127.0.0.1:{shown.port}")]:
        given = await shown.ticket(as_ann, **({"Origin": there} if there else {}))
        assert not await refused(shown, given, origin=here)


async def test_a_made_up_ticket_opens_nothing(shown: Shown, as_ann: httpx.AsyncClient) -> None:
    given = await shown.ticket(as_ann)
    made_up = given.model_copy(update={"url": re.sub(r"[^/]+$", "x" * 43, given.url)})
    assert await refused(shown, made_up)
    assert not await refused(shown, given)


async def test_a_wrong_password_is_told_and_nothing_shown(shown: Shown, as_ann: httpx.AsyncClient) -> None:
    assert await why(shown, await shown.ticket(as_ann), "wrong") == "The password is wrong."
    assert shown.guest.screens == []


async def test_a_ticket_ends_with_its_session(shown: Shown, as_ann: httpx.AsyncClient) -> None:
    given = await shown.ticket(as_ann)
    assert (await as_ann.post("/v1/logout")).status_code == 204
    assert await refused(shown, given)


async def test_a_console_ends_with_its_session(
    shown: Shown, as_ann: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "CHECK_SECONDS", 0.05)
    given = await shown.ticket(as_ann)
    async with opened(shown, given) as socket:
        await greeted(socket, given.password)
        await as_ann.post("/v1/logout")
        await asyncio.wait_for(socket.wait_closed(), 10)
        assert socket.close_code == relay.REFUSED
    assert shown.guest.screens[0].closed.is_set()


async def test_a_console_ends_when_the_server_is_suspended(
    shown: Shown, as_ann: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "CHECK_SECONDS", 0.05)
    given = await shown.ticket(as_ann)
    async with opened(shown, given) as socket:
        await greeted(socket, given.password)
        await shown.world.append(shown.server, e.HoldPlaced(reason="abuse"))
        await asyncio.wait_for(socket.wait_closed(), 10)
        assert "suspended" in (socket.close_reason or "")
    assert (await as_ann.post(shown.path)).json()["code"] == "not_allowed"


async def test_a_console_ends_with_the_guest_and_when_nobody_types(
    shown: Shown, as_ann: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = await shown.ticket(as_ann)
    async with opened(shown, given) as socket:
        await greeted(socket, given.password)
        await shown.hypervisor.stop("pve1", VMID)
        shown.hypervisor.world.run_tasks()
        for screen in list(shown.guest.screens):
            screen.hang_up()
        await asyncio.wait_for(socket.wait_closed(), 10)
        assert socket.close_code == relay.ENDED
    shown.hypervisor.world.power_on(shown.guest)
    monkeypatch.setattr(relay, "CHECK_SECONDS", 0.05)
    monkeypatch.setattr(relay, "IDLE_SECONDS", 0.0)
    given = await shown.ticket(as_ann)
    async with opened(shown, given) as socket:
        await greeted(socket, given.password)
        await asyncio.wait_for(socket.wait_closed(), 10)
        assert "nobody has typed" in (socket.close_reason or "")


async def test_another_guest_in_its_place_is_not_shown(shown: Shown, as_ann: httpx.AsyncClient) -> None:
    given = await shown.ticket(as_ann)
    shown.guest.smbios_uuid = "11111111-2222-3333-4444-555555555555"
    assert "Another virtual machine" in await why(shown, given)
    assert shown.guest.screens == []


async def test_a_hypervisor_that_is_away_is_told_in_plain_words(shown: Shown, as_ann: httpx.AsyncClient) -> None:
    given = await shown.ticket(as_ann)
    shown.hypervisor.plan("console", Accident.UNREACHABLE)
    assert await why(shown, given) == relay.AWAY


async def test_so_many_are_open_at_once(
    shown: Shown, as_ann: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "MOST", 1)
    first = await shown.ticket(as_ann)
    async with opened(shown, first) as socket:
        await greeted(socket, first.password)
        assert "1 consoles open" in await why(shown, await shown.ticket(as_ann))


async def test_only_who_may_act_on_a_server_gets_a_ticket(
    shown: Shown, ann: Person, as_ann: httpx.AsyncClient, as_bob: httpx.AsyncClient, as_staff: httpx.AsyncClient
) -> None:
    assert (await as_bob.post(shown.path)).status_code == 404
    assert ann.account_id is not None
    eve = await shown.world.person("eve@example.com")
    await shown.world.join(eve, ann.account_id, "viewer")
    assert (await (await shown.world.signed_in(eve)).post(shown.path)).status_code == 403
    assert (await as_staff.post(shown.path)).status_code == 201


async def test_who_is_no_member_any_more_is_not_shown_what_they_have_a_ticket_for(
    shown: Shown, ann: Person, as_ann: httpx.AsyncClient
) -> None:
    given = await shown.ticket(as_ann)
    await shown.world.store.pool.execute("DELETE FROM member_view WHERE user_id = $1", ann.id)
    assert await why(shown, given) == "There is nothing here that you may see."


async def test_what_cannot_be_shown_gets_no_ticket(shown: Shown, world: World, as_ann: httpx.AsyncClient) -> None:
    for event, word in [(e.PowerObserved(power="stopped"), "start it"), (e.ModeChanged(mode="observe"), "observed")]:
        await world.append(shown.server, event)
        answer = await as_ann.post(shown.path)
        assert (answer.status_code, answer.json()["code"]) == (409, "not_allowed")
        assert word in answer.json()["detail"]


async def test_a_ticket_stands_in_no_log_and_no_table(
    shown: Shown, as_ann: httpx.AsyncClient, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    given = await shown.ticket(as_ann)
    ticket = given.url.rpartition("/")[2]
    async with opened(shown, given) as socket:
        await greeted(socket, given.password)
    written = "".join(capfd.readouterr())
    assert "console opened" in written
    told = written + "".join(record.getMessage() for record in caplog.records if record.levelname != "INFO")
    assert ticket not in told
    assert given.password not in told
    again = (await shown.ticket(as_ann)).url.rpartition("/")[2]
    for table in ("console_ticket", "event", "event_private", "idempotency_key"):
        assert not await shown.world.store.pool.fetchval(
            f"SELECT count(*) FROM {table} t WHERE to_jsonb(t)::text LIKE $1", f"%{again}%"
        )
    assert tickets.SECONDS == 30


class Framed:
    """A console of ours, for the testbed's own viewer."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._held = socket, b""
        self._sending: list[asyncio.Task[None]] = []

    async def readexactly(self, n: int) -> bytes:
        while len(self._held) < n:
            piece = await self._socket.recv()
            assert isinstance(piece, bytes)
            self._held += piece
        taken, self._held = self._held[:n], self._held[n:]
        return taken

    def write(self, data: bytes) -> None:
        self._sending.append(asyncio.create_task(self._socket.send(data)))


@pytest.mark.pve
async def test_a_guest_of_proxmox_is_seen_through_the_relay(
    world: World,
    as_ann: httpx.AsyncClient,
    order: Order,
    testbed: dict[str, Any],  # noqa: F811
) -> None:
    cluster = proxmox_cluster(testbed)
    cluster.vmids = iter([VMID])
    await cluster.started()
    world.deps.clusters["demo"] = cluster.hypervisor
    try:
        identity = identity_of(await cluster.hypervisor.config("pve1", VMID))
        server = await identified(world, as_ann, order(), identity)
        async with listening(build(world.deps), **CONSOLES) as port:
            answer = await as_ann.post(f"/v1/servers/{server}/console")
            url = answer.json()["url"].replace("hostler.test", f"127.0.0.1:{port}")
            async with connect(url, subprotocols=["binary"], proxy=None) as socket:  # type: ignore[list-item]
                viewer = Viewer(Framed(socket))
                await viewer.enter(answer.json()["password"])
                await viewer.look()
                assert len({bytes(row[:3]) for row in viewer.picture}) > 1
    finally:
        await cluster.hypervisor.close()

"""Nobody looks into a private network by having webhooks sent there."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address, ip_network
from typing import Any

import httpx
import pytest

from domain import ids
from runtime.settings import Webhooks
from service.webhooks.reach import NO_SERVER, Unreachable, checked, permitted, public, resolved
from service.webhooks.wire import Wire
from tests.service.webhooks.receiver import Receiver
from tests.service.world import Person, World

PRIVATE = [
    *("0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1"),
    *("172.31.255.255", "192.0.0.8", "192.0.2.1", "192.168.0.1", "198.18.0.1", "203.0.113.7", "224.0.0.1"),
    *("240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::7f00:1"),
    *(
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "fc00::1",
        "fd00:ec2::254",
    ),
    *("fe80::1", "fec0::1", "ff02::1"),
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "169.253.0.1", "2606:4700:4700::1111", "2a01:4f8::1"]
# How a private address may be written so as not to look like one.
DISGUISED = [
    *("127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"),
    *("169.254.169.254", "[fe80::1]", "0", "LOCALHOST.", "[::ffff:7f00:1]", "10.1.2.3", "[fd00::1]"),
]


@pytest.mark.parametrize("text", PRIVATE)
def test_what_is_private_may_not_be_asked(text: str) -> None:
    assert not public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_what_is_public_may(text: str) -> None:
    assert public(ip_address(text))


def test_a_setting_allows_networks_and_only_those() -> None:
    allowed = [ip_network("10.1.0.0/16"), ip_network("fd00::/8")]
    assert permitted(ip_address("10.1.2.3"), allowed)
    assert permitted(ip_address("fd00::1"), allowed)
    assert not permitted(ip_address("10.2.0.1"), allowed)


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.com", "ftp://example.com", "https://", "https:///hooks", "example.com", "//example.com", ""),
        *(
            "https://user@example.com",
            "https://example.com@127.0.0.1",
            "https://example.com/#x",
            "https://exa mple.com",
        ),
        *(
            "https://exa mple.com",
            "https://example.com\\@127.0.0.1",
            "https://example.com:0",
            "https://example.com:99999",
        ),
        *(
            "https://example.com/\r\nHost: x",
            "https://ex\u0430mple.com",
            "gopher://127.0.0.1",
            "file:///etc/passwd",
            "https://[::1",
        ),
    ],
)
def test_what_is_no_https_address_is_refused(url: str) -> None:
    with pytest.raises(Unreachable):
        checked(url, http=False)


@pytest.mark.parametrize("host", DISGUISED)
async def test_no_way_of_writing_it_makes_a_private_address_public(host: str) -> None:
    with pytest.raises(Unreachable, match="No public server"):
        await Wire(Webhooks()).find(f"https://{host}/hooks")


async def test_a_name_with_one_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, ["1.1.1.1", "10.0.0.1"])
    with pytest.raises(Unreachable, match="No public server"):
        await resolved("rebound.example", 443, [])


async def test_the_connection_goes_to_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    """The name would lead elsewhere if it were asked for a second time."""
    asked = answers(monkeypatch, ["127.0.0.1"], ["10.255.255.1"])
    wire = Wire(Webhooks(allow_http=True, allow_networks=[ip_network("127.0.0.0/8")]))
    outcome = await wire.post(f"http://rebound.example:{receiver.port}/x", {"webhook-id": "1"}, "{}")
    await wire.close()
    assert outcome.accepted
    assert asked == ["rebound.example"]
    assert receiver.taken[0].headers["host"] == f"rebound.example:{receiver.port}"


async def test_a_name_that_becomes_private_later_is_not_connected_to(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    answers(monkeypatch, ["1.1.1.1"], ["127.0.0.1"])
    wire = Wire(Webhooks(allow_http=True))
    await wire.find(f"http://rebound.example:{receiver.port}/x")
    outcome = await wire.post(f"http://rebound.example:{receiver.port}/x", {}, "{}")
    await wire.close()
    assert outcome.error == NO_SERVER
    assert receiver.taken == []


async def test_surroundings_that_name_a_proxy_are_not_heeded(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    wire = Wire(Webhooks(allow_http=True, allow_networks=[ip_network("127.0.0.0/8")]))
    assert (await wire.post(receiver.url, {}, "{}")).accepted
    await wire.close()


async def test_an_answer_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 4096)
                await writer.drain()
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    wire = Wire(Webhooks(allow_http=True, allow_networks=[ip_network("127.0.0.0/8")]))
    outcome = await wire.post(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", {}, "{}")
    await wire.close()
    server.close()
    assert (outcome.status, outcome.answer) == (200, "x" * 1024)


async def test_who_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.webhooks.wire.TIMEOUT_SECONDS", 0.05)
    gone = asyncio.Event()

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    wire = Wire(Webhooks(allow_http=True, allow_networks=[ip_network("127.0.0.0/8")]))
    outcome = await wire.post(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", {}, "{}")
    gone.set()
    await wire.close()
    server.close()
    assert outcome.status is None
    assert outcome.error is not None
    assert outcome.error.startswith("No answer within")


async def test_nothing_private_is_taken_as_an_endpoint(world: World, ann: Person, as_ann: httpx.AsyncClient) -> None:
    """Where private networks are not allowed, as it is unless somebody says so."""
    object.__setattr__(world.deps, "wire", Wire(Webhooks()))
    assert ann.account_id is not None
    base = f"/v1/accounts/{ids.show(ids.ACCOUNT, ann.account_id)}/webhooks"
    for url in ("https://127.0.0.1/", "https://localhost/", "http://example.com/", "https://169.254.169.254/latest"):
        answer = await as_ann.post(base, json={"url": url})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/url"


def answers(monkeypatch: pytest.MonkeyPatch, *found: list[str]) -> list[str]:
    """Have names lead to addresses, the last of them for ever; returns which names are asked for."""
    asked: list[str] = []

    async def getaddrinfo(_: Any, host: str, port: int, **__: Any) -> list[Any]:
        asked.append(host)
        texts = found[min(len(asked), len(found)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port)) for text in texts]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return asked

"""The HTTP layer: when connections end, what bodies are taken, how parameters are read."""

import asyncio
import json
import ssl
import time

import pytest

from testbed.proxmox import http_server
from tests.testbed_proxmox.bed import Bed

pytestmark = pytest.mark.pve


async def raw(bed: Bed, text: str) -> bytes:
    """What the server sends until it closes the connection."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    port = int(bed.running.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
    token = f"Authorization: {bed.headers['Authorization']}"
    writer.write(text.replace("\n", "\r\n").replace("TOKEN", token).encode())
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


async def test_an_error_closes_the_connection(bed: Bed) -> None:
    good = await bed.call("GET", "/version")
    bad = await bed.call("GET", "/nodes/pve1/qemu/999/config")
    assert good.headers["connection"] == "Keep-Alive"
    assert bad.headers["connection"] == "close"
    assert bad.reason_phrase == "Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist"
    assert bad.json() == {"data": None, "message": bad.reason_phrase + "\n"}


async def test_an_idle_connection_is_closed(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "IDLE_SECONDS", 0.2)
    started = time.monotonic()
    answer = await raw(bed, "GET /api2/json/version HTTP/1.1\nHost: x\nTOKEN\n\n")
    assert b"Keep-Alive" in answer
    assert time.monotonic() - started >= 0.2


async def test_the_last_of_many_requests_ends_the_connection(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "REQUESTS_PER_CONNECTION", 3)
    answer = await raw(bed, "GET /api2/json/version HTTP/1.1\nHost: x\nTOKEN\n\n" * 5)
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert answer.count(b"Connection: close") == 1


@pytest.mark.parametrize(
    ("request_text", "status_line"),
    [
        ("HEAD /api2/json/version HTTP/1.1\nTOKEN\n\n", b"HTTP/1.1 501 method 'HEAD' not available"),
        (
            "POST /api2/json/access/users HTTP/1.1\nTOKEN\nTransfer-Encoding: chunked\n\n0\n\n",
            b"HTTP/1.1 501 chunked transfer encoding not supported",
        ),
        (
            "DELETE /api2/json/nodes/pve1/qemu/100 HTTP/1.1\nTOKEN\nContent-Length: 7\n\npurge=1",
            b"HTTP/1.1 501 Unexpected content for method 'DELETE'",
        ),
        (
            "PUT /api2/json/nodes/pve1/qemu/9000/config HTTP/1.1\nTOKEN\nContent-Type: text/plain\n"
            "Content-Length: 7\n\nname=xy",
            b"HTTP/1.1 506 upload 'Content-Type 'text/plain' not implemented",
        ),
        ("NONSENSE\n\n", b"400 bad request"),
    ],
)
async def test_what_the_server_does_not_speak(bed: Bed, request_text: str, status_line: bytes) -> None:
    answer = await raw(bed, request_text)
    assert status_line in answer.split(b"\r\n")[0]
    assert b"Connection: close" in answer


async def test_a_body_over_half_a_mebibyte_is_refused(bed: Bed) -> None:
    answer = await raw(bed, "POST /api2/json/access/users HTTP/1.1\nTOKEN\nContent-Length: 600000\n\n")
    assert b"501 for data too large" in answer


async def test_json_bodies_and_forms_mean_the_same(bed: Bed) -> None:
    vm = await bed.cloned(200)
    answer = await bed.call("PUT", f"{vm}/config", body={"onboot": True, "memory": 256, "tags": ["B", "a"]})
    assert answer.status_code == 200
    config = await bed.get(f"{vm}/config")
    assert (config["onboot"], config["memory"], config["tags"]) == (1, "256", "a;b")


@pytest.mark.parametrize("value", ["true", "True", "on", "2", ""])
async def test_booleans_are_one_or_zero(bed: Bed, value: str) -> None:
    answer = await bed.call("PUT", "/nodes/pve1/qemu/9000/config", {"onboot": value})
    assert answer.status_code == 400
    assert answer.json()["errors"] == {"onboot": f"type check ('boolean') failed - got '{value}'"}


async def test_the_query_overrides_the_body(bed: Bed) -> None:
    vm = await bed.cloned(200)
    await bed.call("PUT", f"{vm}/config?description=query", {"description": "body"})
    assert (await bed.get(f"{vm}/config"))["description"] == "query"


async def test_a_parameter_may_not_contradict_the_path(bed: Bed) -> None:
    answer = await bed.call("GET", "/nodes/pve1/qemu/9000/config", {"vmid": 9001})
    assert answer.status_code == 400
    assert "conflicting values" in answer.json()["errors"]["vmid"]


async def test_an_unencoded_semicolon_cuts_a_form_value(bed: Bed) -> None:
    vm = await bed.cloned(200)
    body = "description=one;name=two=three"
    headers = bed.headers | {"Content-Type": "application/x-www-form-urlencoded"}
    await bed.client.put(f"/api2/json{vm}/config", content=body, headers=headers)
    config = await bed.get(f"{vm}/config")
    assert (config["description"], config["name"]) == ("one", "two")


async def test_long_answers_are_compressed_for_those_who_take_it(bed: Bed) -> None:
    answer = await bed.call("GET", "/access/roles")
    assert answer.headers["content-encoding"] == "gzip"
    assert json.loads(answer.content)["data"]


async def test_a_slow_call_is_answered_596_and_happens_all_the_same(bed: Bed) -> None:
    vm = await bed.cloned(200)
    bed.node.knobs.proxy_timeout_seconds = 0.05
    bed.node.knobs.storage_hold_seconds = 0.2
    answer = await bed.call("PUT", f"{vm}/config", {"scsi1": "local:1"})
    assert (answer.status_code, answer.reason_phrase, answer.content) == (596, "Connection timed out", b"")
    await bed.until(lambda: "scsi1" in bed.node.vms.load(200).config)

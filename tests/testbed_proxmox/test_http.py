"""The HTTP layer: when connections end, what bodies are taken, how parameters are read."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from testbed.proxmox.cluster.daemon import Daemon
from testbed.proxmox.http import http_server
from testbed.proxmox.http.http_response import Response, sent
from testbed.proxmox.http.parameters import form
from tests.testbed_proxmox.bed import PATIENCE, Bed, bed_in
from tests.testbed_proxmox.wire import spoken

pytestmark = pytest.mark.pve


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
    answer = await spoken(bed, "GET /api2/json/version HTTP/1.1\nHost: x\nTOKEN\n\n")
    assert b"Keep-Alive" in answer
    assert time.monotonic() - started >= 0.2


async def test_the_last_of_many_requests_ends_the_connection(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "REQUESTS_PER_CONNECTION", 3)
    answer = await spoken(bed, "GET /api2/json/version HTTP/1.1\nHost: x\nTOKEN\n\n" * 5)
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
        ("NONSENSE\n\n", b"HTTP/1.0 400 bad request"),
        ("GET / HTTP/2.0\n\n", b"HTTP/1.0 506 http protocol version 2.0 not supported"),
        ("GET a@b/api2/json/version HTTP/1.1\n\n", b"HTTP/1.0 400 invalid url"),
        ("GET / HTTP/1.1\n: x\n\n", b"HTTP/1.1 506 unable to parse request header"),
        ("GET / HTTP/1.1\nTransfer-Encoding: br\n\n", b"HTTP/1.1 501 Unknown transfer encoding 'br'"),
        ("GET /api2/JSON/version HTTP/1.1\nTOKEN\n\n", b"HTTP/1.1 501 no such uri"),
        ("GET /api2/xml/version HTTP/1.1\nTOKEN\n\n", b"HTTP/1.1 501 no formatter for uri /version, xml"),
        ("GET /api2/json//x HTTP/1.1\nTOKEN\n\n", b"HTTP/1.1 501 Method 'GET //x' not implemented"),
        ("POST / HTTP/1.1\n\n", b"HTTP/1.1 500 no such file '/'"),
    ],
)
async def test_what_the_server_does_not_speak(bed: Bed, request_text: str, status_line: bytes) -> None:
    answer = await spoken(bed, request_text)
    assert status_line in answer.split(b"\r\n")[0]
    assert b"Connection: close" in answer


async def test_credentials_are_looked_at_before_the_body(bed: Bed) -> None:
    head = "POST /api2/json/access/users HTTP/1.1\nContent-Type: text/plain\nContent-Length: 600000\n"
    assert (await spoken(bed, f"{head}\n")).startswith(b"HTTP/1.1 401 No ticket\r\n")
    assert (await spoken(bed, f"{head}TOKEN\n\n")).startswith(b"HTTP/1.1 501 for data too large\r\n")
    mended = head.replace("600000", "5")
    assert (await spoken(bed, f"{mended}TOKEN\n\n")).startswith(b"HTTP/1.1 506 upload 'Content-Type")


@pytest.mark.parametrize(("method", "answer"), [("GET", b"301 Moved Permanently"), ("POST", b"308 Permanent Redirect")])
async def test_plain_http_is_sent_to_tls(bed: Bed, method: str, answer: bytes) -> None:
    told = await spoken(bed, f"{method} /api2/json/version?a=1 HTTP/1.1\nHost: pve1:8006\n\n", tls=False)
    assert told.startswith(b"HTTP/1.1 " + answer)
    assert b"\r\nLocation: https://pve1:8006/api2/json/version?a=1\r\n" in told


@pytest.mark.parametrize("head", [f"X: {'a' * 8192}\n", "".join(f"X{n}: a\n" for n in range(63))], ids=["long", "many"])
async def test_too_much_of_a_head_is_met_with_silence(bed: Bed, head: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "IDLE_SECONDS", 0.1)
    assert await spoken(bed, f"GET / HTTP/1.1\n{head}\n") == b""


async def test_a_retired_worker_keeps_no_connection(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "REQUESTS_PER_WORKER", 2)
    answer = await spoken(bed, "GET / HTTP/1.1\n\n" * 3)
    assert [b"Keep-Alive" in part for part in answer.split(b"HTTP/1.1 200 OK")[1:]] == [True, False]
    assert (await bed.call("GET", "/version")).headers["connection"] == "Keep-Alive"


async def test_deflate_is_for_those_who_know_no_gzip(bed: Bed) -> None:
    answer = await bed.call("GET", "/access/roles", headers=bed.headers | {"Accept-Encoding": "deflate"})
    assert answer.headers["content-encoding"] == "deflate"
    assert answer.json()["data"]


async def test_there_is_an_entrance(bed: Bed) -> None:
    answer = await bed.client.get("/")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<title>pve1 - Proxmox Virtual Environment</title>" in answer.text


async def test_a_cookie_goes_before_a_token(bed: Bed) -> None:
    cookie = {"Cookie": "a=b; PVEAuthCookie=PVE%3Aroot%40pam%3A00000000%3A%3Axyz"}
    answer = await bed.call("GET", "/version", headers=bed.headers | cookie)
    assert (answer.status_code, answer.reason_phrase) == (401, "Authentication failed!")
    answer = await bed.call("GET", "/version", headers=bed.headers | {"Cookie": "PVEAuthCookie="})
    assert answer.status_code == 200


async def test_extjs_is_always_fine(bed: Bed) -> None:
    answer = await bed.client.get("/api2/extjs/version", params={"x": 1}, headers=bed.headers)
    assert answer.status_code == 200
    errors = {"x": "property is not defined in schema and the schema does not allow additional properties"}
    told = {"data": None, "success": 0, "status": 400, "message": "Parameter verification failed.\n", "errors": errors}
    assert answer.json() == told


async def test_what_comes_from_the_daemon_carries_its_close_as_well(bed: Bed) -> None:
    direct, proxied = "/api2/json/version", "/api2/json/access/users"
    answer = await spoken(bed, "".join(f"GET {path} HTTP/1.1\nTOKEN\n\n" for path in (proxied, direct, "/none")))
    lines = [line for line in answer.decode().splitlines() if line.startswith("Connection")]
    assert lines == ["Connection: close", "Connection: Keep-Alive", "Connection: Keep-Alive", "Connection: close"]


def test_the_fields_of_an_answer_have_their_order() -> None:
    head, body = sent(Response(301, "Moved", b"x" * 2000, "text/x", {"Location": "y"}), "1.1", True, "gzip").split(
        b"\r\n\r\n"
    )
    names = [line.partition(":")[0] for line in head.decode().split("\r\n")[1:]]
    assert names == [
        *("Cache-Control", "Connection", "Date", "Pragma", "Location", "Server"),
        *("Content-Encoding", "Content-Length", "Content-Type", "Expires"),
    ]
    assert f"Content-Length: {len(body)}" in head.decode()


async def test_a_failed_login_waits_in_every_format(bed: Bed) -> None:
    bed.node.knobs.login_delay_seconds = 0.3
    form = {"username": "root@pam", "password": "wrong"}
    for kind, status in (("json", 401), ("extjs", 200)):
        started = time.monotonic()
        answer = await bed.client.post(f"/api2/{kind}/access/ticket", data=form)
        assert (answer.status_code, answer.json()["message"]) == (status, "authentication failure\n")
        assert time.monotonic() - started >= 0.3


async def test_old_servers_say_why_in_the_reason_alone(bed: Bed) -> None:
    bed.node.knobs.http_server_version = 5.1
    answer = await bed.call("GET", "/nodes/pve1/qemu/999/config")
    assert answer.json() == {"data": None}
    assert answer.reason_phrase == "Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist"
    assert "message" in (await bed.client.get("/api2/extjs/x", headers=bed.headers)).json()


async def test_a_body_over_half_a_mebibyte_is_refused(bed: Bed) -> None:
    answer = await spoken(bed, "POST /api2/json/access/users HTTP/1.1\nTOKEN\nContent-Length: 600000\n\n")
    assert b"501 for data too large" in answer


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a=1&b=2;c=3", {"a": "1", "b": "2", "c": "3"}),
        ("a=1=2=3&b=x+y%2Bz", {"a": "1", "b": "x y+z"}),
        ("a&b=", {"a": None, "b": ""}),
        ("a=1&a=2&a=3", {"a": ["1", "2", "3"]}),
        ("a=1&&b=2&;", {"a": "1", "": None, "b": "2"}),
        ("a=%C3%BC%ff", {"a": "ü\ufffd"}),
        ("", {}),
    ],
)
def test_forms(text: str, values: dict[str, object]) -> None:
    assert form(text) == values


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (
            '{"a":',
            "malformed JSON string, neither tag, array, object, number, string or atom, at character offset 5 "
            '(before "(end of string)")',
        ),
        ('{"a":1]', ', or } expected while parsing object/hash, at character offset 6 (before "]")'),
        ('{"a":[1}', ', or ] expected while parsing array, at character offset 7 (before "}")'),
        ("{} and so on", 'garbage after JSON object, at character offset 3 (before "and so on")'),
        (
            "",
            "malformed JSON string, neither tag, array, object, number, string or atom, at character offset 0 "
            '(before "(end of string)")',
        ),
    ],
)
async def test_broken_json_is_told_as_perl_does(bed: Bed, body: str, complaint: str) -> None:
    headers = bed.headers | {"Content-Type": "application/json"}
    answer = await bed.client.post("/api2/json/access/users", content=body, headers=headers)
    text = f"{complaint} at /usr/share/perl5/PVE/APIServer/AnyEvent.pm line 917."
    assert (answer.status_code, answer.reason_phrase, answer.text) == (500, text, text + "\n")


async def test_json_that_is_no_object(bed: Bed) -> None:
    headers = bed.headers | {"Content-Type": "application/json"}
    for body, reason in (("[1]", "Not a HASH reference"), ('"a"', 'Can\'t use string ("a") as a HASH ref')):
        answer = await bed.client.post("/api2/json/access/users", content=body, headers=headers)
        assert (answer.status_code, answer.reason_phrase.startswith(reason)) == (500, True)
    answer = await bed.client.post("/api2/json/nodes/pve1/qemu/9000/clone", content="null", headers=headers)
    assert answer.json()["errors"]["newid"] == "property is missing and it is not optional"


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


async def test_a_frozen_daemon_does_later_what_was_answered_596(bed: Bed) -> None:
    bed.node.knobs.proxy_timeout_seconds = 0.05
    await bed.control.post("/node", json={"state": "daemon_frozen"})
    answer = await bed.call("POST", "/nodes/pve1/qemu/9000/clone", {"newid": 300})
    assert (answer.status_code, answer.reason_phrase) == (596, "Connection timed out")
    assert (await bed.call("GET", "/version")).status_code == 200
    assert 300 not in bed.node.vms
    await bed.control.post("/node", json={"state": "up"})
    await bed.until(lambda: 300 in bed.node.vms)


async def test_a_protected_call_waits_for_a_free_worker(bed: Bed) -> None:
    bed.node.knobs.pvedaemon_workers = 1
    daemon = Daemon(bed.node.knobs)
    order = []

    async def work(name: str) -> None:
        async with daemon.worker():
            order.append(name)
            await asyncio.sleep(0)
            order.append(name)

    await asyncio.gather(*(work(name) for name in "abc"))
    assert "".join(order) == "aabbcc"


async def test_a_killed_worker_breaks_its_call_and_nothing_else(bed: Bed) -> None:
    vm = await bed.cloned(200)
    bed.node.knobs.storage_hold_seconds = 10
    change = asyncio.create_task(bed.call("PUT", f"{vm}/config", {"scsi1": "local:1"}))
    killed = 0
    async with asyncio.timeout(PATIENCE):
        while not killed:
            killed = (await bed.control.delete("/workers")).json()["killed"]
    answer = await change
    assert (answer.status_code, answer.reason_phrase, answer.content) == (596, "Broken pipe", b"")
    assert "scsi1" not in bed.node.vms.load(200).config
    assert (await bed.call("PUT", f"{vm}/config", {"description": "x"})).status_code == 200


async def test_a_forwarded_call_is_not_forwarded_again(tmp_path: Path) -> None:
    async with bed_in(tmp_path, nodes=2) as bed:
        answer = await bed.call("GET", "/nodes/pve2/qemu", headers=bed.headers | {"PVEDisableProxy": "true"})
        assert (answer.status_code, answer.reason_phrase, answer.text) == (500, *["proxy loop detected"] * 2)
        assert (await bed.call("GET", "/nodes/pve2/qemu")).status_code == 200

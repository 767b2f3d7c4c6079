"""The recorded bytes of a real Proxmox VE 8.4's HTTP, compared byte by byte save for dates and ids."""

import json
import re
from typing import Any

import pytest

from testbed.proxmox import http_server
from tests.testbed_proxmox.bed import Bed
from tests.testbed_proxmox.test_golden import GOLDEN, Replay, plain
from tests.testbed_proxmox.wire import connected

pytestmark = [pytest.mark.pve, pytest.mark.skipif(not GOLDEN.is_dir(), reason=f"no recordings in {GOLDEN}")]

#: Records that need more than HTTP, with the reason.
LEFT_OUT = {
    "ws-handshake-vncproxy": "needs a ticket of the console",
    "ws-handshake-bad-ticket": "needs the console",
    "ws-vncproxy": "needs the console",
    "vnc-for-bad": "needs the console",
    "ws-termproxy": "needs the console",
    "uppercase-node": "the recording machine's hosts file knows the name in capitals",
    "post-body-600k": "the recording machine's client saw the connection break while it was sending",
}
#: What the recordings, cut at 3000 bytes, lack.
CUT = {"too-long-url": f"{'a' * 6000} HTTP/1.1\r\nHost: x\r\nAuthorization: PVEAPIToken=root@pam!ci=<uuid>\r\n\r\n"}
VOLATILE = (
    (r"(Date|Expires): [^\r]*", r"\1: <date>"),
    (r"\{\"data\":\"\d+\"\}", '{"data":"<id>"}'),
    (r"Location: https://[^/]*", "Location: https://<host>"),
)


def records() -> list[dict[str, Any]]:
    if not GOLDEN.is_dir():
        return []
    return [record for record in all_records() if "raw_request" in record and record["name"] not in LEFT_OUT]


def all_records() -> list[dict[str, Any]]:
    lines = (GOLDEN / "16-http-layer.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def same(text: str) -> str:
    """An answer with all that differs from run to run made equal, the keys of bodies in order."""
    text = str(plain(text))
    for pattern, replacement in VOLATILE:
        text = re.sub(pattern, replacement, text)
    return re.sub(r"\{\"(data|message|errors)\".*?\}(?=HTTP|$)", lambda body: ordered(body[0]), text)


def ordered(body: str) -> str:
    return json.dumps(json.loads(body), sort_keys=True)


@pytest.mark.parametrize("record", records(), ids=lambda record: record["name"])
async def test_bytes_as_recorded(bed: Bed, record: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "IDLE_SECONDS", 0.5)
    if "qemu/100/" in record["raw_request"]:
        await bed.cloned(100)
    secret = bed.node.access.new_token("root@pam", "ci", privsep=0)
    request = record["raw_request"] + CUT.get(record["name"], "")
    request = request.replace("root@pam!ci=<uuid>", f"root@pam!ci={secret}")
    async with connected(bed, record["tls"]) as (reader, writer):
        writer.write(request.encode())
        answer = (await reader.read()).decode()
    assert same(answer) == same(record["raw_response"])


def told(record: dict[str, Any]) -> dict[str, Any]:
    """The recorded request in the replay's form: repeated names as lists, every CSRF value as a redacted one."""
    request = dict(record["request"])
    if isinstance(request["params"], list):
        pairs = request["params"]
        request["params"] = {name: [value for key, value in pairs if key == name] for name, _ in pairs}
    token = {"CSRFPreventionToken": "<redacted>"} if "CSRFPreventionToken" in request["headers"] else {}
    return request | {"headers": request["headers"] | token}


async def test_values_and_paths_as_recorded(bed: Bed) -> None:
    """Statuses, reasons and errors; what a success shows is for other recordings to tell."""
    await bed.cloned(100)
    replay = Replay(bed, await bed.login())
    differences = []
    for record in all_records():
        if "request" not in record or record["name"] in LEFT_OUT:
            continue
        response = await bed.client.send(replay.request(told(record), record["name"]))
        recorded = record["response"]
        found = (response.status_code, response.reason_phrase, json.loads(response.text).get("errors"))
        wanted = (recorded["status"], recorded["reason"], recorded["body"].get("errors"))
        differences += [] if found == wanted else [f"{record['name']}: {found}, recorded {wanted}"]
    assert not differences, "\n".join(differences)

"""The recorded answers of a real Proxmox VE 8.4, request by request, against the testbed.

The recordings lie beside the repository. One run plays all files one after the other, so that every request
finds the state it was recorded in. The recording machine had storages `fast` and `small` as well; the
testbed's only one, `local`, stands for `fast` here.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.testbed_proxmox.bed import Bed

GOLDEN = Path(__file__).parents[3] / "shared" / "pve" / "golden"
FILES = (
    "01-version-auth-errors",
    "02-parameter-verification-nextid",
    "03-vm-create-template",
    "04-clone",
    "05-config-disk-pending",
    "06-power",
    "09-tasks-locks-delete",
)
pytestmark = [pytest.mark.pve, pytest.mark.skipif(not GOLDEN.is_dir(), reason=f"no recordings in {GOLDEN}")]

#: Records that cannot be compared, by patterns for the whole name, with the reason.
LEFT_OUT = {
    r".*:task-running": "a matter of timing",
    r"slow.*|killed.*|(config|status)-of-target-while.*": "needs a copy that takes long",
    r"shutdown-while-shutdown.*|stop-while-shutdown.*|first-shutdown.*": "waits for locks",
    r".*storage-full.*|.*onto-small.*|content-after-.*": "needs a second storage",
    r"pool-.*|clone-into-pool.*|token-(post-without-csrf|delete-pool)": "there are no pools",
    r"move-disk.*|config-after-move|lock:config|locked:snapshot|cloudinit-dump.*": "there is no such call yet",
    r"template-config-after-failed-delete": "shows a change made during a copy that is left out",
}
#: Tasks that the next record meets while they run.
NOT_AWAITED = ("shutdown-again-c", "double-delete-a")
#: Recorded when the guest of a reboot ran again.
AFTER_REBOOT = ("shutdown-ok",)
Record = dict[str, Any]
VOLATILE = (
    (r"UPID:pve1:[0-9A-F]{8}:[0-9A-F]{8,9}:[0-9A-F]{8}:", "UPID:pve1:*:*:*:"),
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|<uuid>", "<uuid>"),
    (r"\bBC(:[0-9A-F]{2}){5}\b", "<mac>"),
    (r"creation-qemu=[\d.]+,ctime=\d+", "creation-qemu=*"),
    (r"\b(fast|small)\b", "local"),
    (r"Temporary failure in name resolution", "Name or service not known"),
    (r"/srv/(fast|local)/", "/var/lib/vz/"),
)
REAL_TICKET = re.compile(r"PVE(:|%3A)root(@|%40)pam(:|%3A)[0-9A-F]{8}(:|%3A){2}<[a-z0-9-]+-redacted>")
UPID = re.compile(r"UPID:[^/?]*:")


def plain(value: Any) -> Any:
    """A value with all that differs from run to run made equal."""
    if isinstance(value, str):
        for pattern, replacement in VOLATILE:
            value = re.sub(pattern, replacement, value)
        return value
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def left_out(name: str) -> bool:
    return any(re.fullmatch(pattern, name) for pattern in LEFT_OUT)


@dataclass
class Replay:
    """Plays recordings and collects what differs."""

    bed: Bed
    root: dict[str, str]
    digests: dict[str, str] = field(default_factory=dict)
    upids: dict[str, str] = field(default_factory=dict)
    secret: str = ""
    played: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def ticket(self) -> str:
        return self.root["Cookie"].partition("=")[2]

    async def file(self, name: str) -> None:
        for line in (GOLDEN / f"{name}.jsonl").read_text().splitlines():
            record = json.loads(line)
            if not left_out(record["name"]):
                await self.one(record)

    async def one(self, record: Record) -> None:
        if record["name"] in AFTER_REBOOT:
            await self.bed.until(lambda: self.bed.runs(100))
        response = await self.bed.client.send(self.request(record["request"], record["name"]))
        self.played += 1
        told = record["response"]
        body = response.json() if response.headers.get("content-type", "").startswith("application/json") else None
        await self.remember(record["name"], told.get("body"), body)
        found = [f"{record['name']}: {text}" for text in compare(record, response, body)]
        self.differences += found

    def request(self, told: Record, name: str) -> httpx.Request:
        path = UPID.sub(lambda match: self.upids.get(match[0], match[0]), told["path"])
        params = self.params(told.get("params"))
        content, data = None, None
        if told.get("body_raw"):
            content = told["body_raw"].replace("SECRET1", self.bed.running.password).encode()
        elif told["method"] in ("POST", "PUT"):
            data = params
        headers = {key: self.header(key, value, name) for key, value in (told.get("headers") or {}).items()}
        return self.bed.client.build_request(told["method"], path, headers=headers, data=data, content=content)

    def header(self, key: str, value: str, name: str) -> str:
        if key == "CSRFPreventionToken" and "<redacted>" in value:
            return self.root[key]
        if "forged" not in name and "expired" not in name:
            value = REAL_TICKET.sub(self.ticket, value)
        if "wrong" not in name:
            value = value.replace("root@pam!ci=<uuid>", f"root@pam!ci={self.secret}")
        return value

    def params(self, told: Any) -> Any:
        if not isinstance(told, dict):
            return told
        return {key: self.param(value) for key, value in told.items()}

    def param(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        value = value.replace("SECRET1", self.bed.running.password)
        value = REAL_TICKET.sub(self.ticket, value)
        value = re.sub(r"^fast:0,format=qcow2,import-from=.*", "local:0.09375,format=qcow2", value)
        return re.sub(r"^(fast|small)\b", "local", self.digests.get(value, value))

    async def remember(self, name: str, told: Any, body: Any) -> None:
        """Map recorded UPIDs to ours, and let the tasks end."""
        if name == "token-create" and body:
            self.secret = body["data"]["value"]
        mine, theirs = (entry.get("data") if isinstance(entry, dict) else None for entry in (body, told))
        if isinstance(mine, dict) and isinstance(theirs, dict) and "digest" in theirs:
            self.digests[theirs["digest"]] = mine.get("digest", "")
        if isinstance(mine, str) and mine.startswith("UPID:") and isinstance(theirs, str):
            self.upids[theirs] = mine
            if name in NOT_AWAITED:
                return
            await self.bed.finished(mine)
            await self.bed.until(lambda: not self.bed.node.tasks.active())


def compare(record: Record, response: httpx.Response, body: Any) -> list[str]:
    told, name = record["response"], record["name"]
    found = []
    if (response.status_code, plain(response.reason_phrase)) != (told["status"], plain(told["reason"])):
        found.append(f"{response.status_code} {response.reason_phrase}, recorded {told['status']} {told['reason']}")
    elif isinstance(told.get("body"), dict) != isinstance(body, dict):
        found.append(f"body {body!r}, recorded {told.get('body')!r}")
    elif response.status_code >= 400:
        found += [] if plain(body) == plain(told.get("body")) else [f"{body}, recorded {told['body']}"]
    elif name.endswith(":task-log"):
        found += compare_logs(body["data"], told["body"]["data"])
    elif isinstance(body, dict):
        found += compare_data(record["request"]["path"], body.get("data"), told["body"].get("data"))
    return found


def compare_logs(mine: Any, theirs: Any) -> list[str]:
    if not isinstance(mine, list):
        return [f"no log: {mine}"]
    texts = [[plain(line["t"]) for line in log if not line["t"].startswith("transferred")] for log in (mine, theirs)]
    return [] if texts[0] == texts[1] else [f"log {texts[0]}, recorded {texts[1]}"]


def kind(value: Any) -> str:
    return "number" if isinstance(value, int | float) else type(value).__name__


def compare_data(path: str, mine: Any, theirs: Any) -> list[str]:
    mine, theirs = plain(mine), plain(theirs)
    if isinstance(theirs, list) and theirs and isinstance(theirs[0], dict) and "key" in theirs[0]:
        mine, theirs = ({row.pop("key"): row for row in rows} for rows in (mine, theirs))
    if isinstance(theirs, dict) and path.endswith(("/config", "/pending", "/config?current=1")):
        for side in (mine, theirs):
            side.pop("digest")
    elif isinstance(theirs, dict):
        keys, wanted = ({key: kind(value) for key, value in side.items()} for side in (mine, theirs))
        for side in (keys, wanted):
            side.pop("exitstatus", None)
        outcome = [side.get("exitstatus") for side in (mine, theirs)]
        return [] if (keys, outcome[0]) == (wanted, outcome[1]) else [f"{mine}, recorded {theirs}"]
    elif isinstance(theirs, list):
        return [] if isinstance(mine, list) else [f"{mine}, recorded a list"]
    return [] if mine == theirs else [f"{mine}, recorded {theirs}"]


async def test_answers_as_recorded(bare: Bed) -> None:
    replay = Replay(bare, await bare.login())
    for name in FILES:
        if name == "06-power":
            bare.node.vms.load(100).behaviour["boot_seconds"] = 3.5
            bare.node.vms.load(110).behaviour["ignore_acpi"] = True
            bare.node.knobs.storage_hold_seconds = 0.2
        await replay.file(name)
    assert not replay.differences, f"{len(replay.differences)} of {replay.played}:\n" + "\n".join(replay.differences)

"""Plays the recordings against a testbed, file after file as they were made on one machine."""

import asyncio
import json
import re
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from testbed.proxmox.calls import ROUTER
from testbed.proxmox.errors import ApiError
from testbed.proxmox.running import Running, running
from tests.testbed_proxmox.golden import clock, stage
from tests.testbed_proxmox.golden.client import Answer, Client, split_answers
from tests.testbed_proxmox.golden.compare import differences, raw_differences
from tests.testbed_proxmox.golden.recording import UPID, Record, recordings

#: Long enough for every task; seconds on the replay's clock.
PATIENCE = 300.0
POLL = 0.05
#: Seconds from the testbed's start to the first record at least; pvestatd was at work when a time's last digit was 4.
HEAD_START, TICKS, TICK = 60.0, 10, 4
TICKET = re.compile(r"PVE(?::|%3A)([a-z]+)(?:@|%40)([a-z]+)(?::|%3A)[0-9A-F]{8}(?::|%3A){2}<[a-z0-9-]*redacted>")
TOKEN = re.compile(r"([a-z]+@[a-z]+![a-z]+)=<uuid>")
#: Credentials that were wrong on purpose; the recording's redaction made them look like good ones.
WRONG = ("version-forged-ticket", "version-expired-looking-ticket", "post-wrong-csrf", "token-wrong-secret")
#: Whose password each redacted one is.
PASSWORDS = {"SECRET1": "root@pam", "SECRET2": "op@pve", "SECRET3": "nopriv@pve"}


@dataclass
class Outcome:
    """What became of one record: answered as recorded unless there are `differences`; `absent`: no such call."""

    record: Record
    differences: list[str] = field(default_factory=list)
    absent: bool = False


class Replay:
    """One run of all recordings on one testbed."""

    def __init__(self, testbed: Running, time: clock.Clock) -> None:
        self.testbed = testbed
        self.clock = time
        self.client = Client(int(testbed.url.rpartition(":")[2]))
        self.tickets: dict[str, dict[str, str]] = {}
        self.secrets: dict[str, str] = {}
        self.same: dict[str, str] = {}
        self.started: dict[str, str] = {}
        self.absent: set[str] = set()
        self.accident = 0.0

    async def play(self) -> list[Outcome]:
        """Play everything; the outcome of every record."""
        outcomes = []
        await stage.prepare(self)
        for name, records in recordings().items():
            await stage.before_file(self, name, _beginning(records))
            later = [json.dumps(record.told) for record in records]
            for at, record in enumerate(records):
                outcomes.append(await self._one(record, "".join(later[at + 1 :])))
        return outcomes

    async def _one(self, record: Record, later: str) -> Outcome:
        await asyncio.sleep(record.at - self.clock.now)
        await stage.before(self, record)
        if not self._exists(record):
            self.absent.add(record.upid or "")
            return Outcome(record, absent=True)
        if record.name.endswith(":task-final"):
            await self._finished(record)
        outcome = await self._played(record)
        left = record.key in stage.KILLED.values() or (record.upid and record.path.endswith("/vncproxy"))
        if record.upid and record.upid not in later and not left:
            await self.ended(self.same.get(record.upid, ""))
        return outcome

    def _exists(self, record: Record) -> bool:
        elsewhere = not record.request or not record.request["path"].startswith("/api2/json/")
        if record.raw or elsewhere or record.response.get("status") in (401, 501):
            return True
        if any(match[0] in self.absent for match in UPID.finditer(record.path)):
            return False
        return exists(record.method, record.path)

    async def _finished(self, record: Record) -> None:
        for match in UPID.finditer(record.path):
            await self.ended(self.same.get(match[0], ""))

    async def ended(self, upid: str) -> None:
        """Wait for the end of one of our tasks."""
        async with asyncio.timeout(PATIENCE):
            while any(task.upid == upid for task in self.testbed.node.tasks.active()):  # noqa: ASYNC110
                await asyncio.sleep(POLL)

    async def _played(self, record: Record) -> Outcome:
        if record.raw:
            return Outcome(record, await self._conversation(record, record.raw))
        if not record.request:
            return Outcome(record, await stage.MEASUREMENTS[record.key](self))
        request, begun = await self._bytes(record), self.clock.now
        answer = await self.client.ask(request)
        if answer is None:
            return Outcome(record, ["the connection ended without an answer"])
        await self._learn(record, answer)
        return Outcome(record, differences(record, answer, self.clock.now - begun))

    async def _conversation(self, record: Record, raw: str) -> list[str]:
        patience = record.told["elapsed_s"] + (0.5 if "closed" in record.told["connection_end"] else 0)
        credible = await self._credible(record, self._target(raw))
        request = stage.whole(credible, self.token_header("root@pam!ci")).encode()
        received, end = await self.client.listen(request, patience, record.told["tls"])
        legible = received.decode("utf-8", "replace").encode()
        found = raw_differences(record, split_answers(legible), split_answers(record.told["raw_response"].encode()))
        if ("closed" in end) != ("closed" in record.told["connection_end"] or "EOF" in record.told["connection_end"]):
            found.append(f"the connection was {end}, recorded {record.told['connection_end']}")
        return found

    async def _bytes(self, record: Record) -> bytes:
        told = record.request
        headers = {name: await self._credible(record, value) for name, value in (told.get("headers") or {}).items()}
        body = await self._body(record) if record.method in ("POST", "PUT") else b""
        lines = [f"{record.method} {self._target(told['path'])} HTTP/1.1", f"Host: 127.0.0.1:{self.client.port}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if record.method in ("POST", "PUT"):
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode() + body

    def _target(self, path: str) -> str:
        for theirs, mine in self.same.items():
            path = path.replace(theirs, mine).replace(f"pid={theirs}", f"pid={mine}")
        return path

    async def _body(self, record: Record) -> bytes:
        told = record.request
        if told.get("body_raw"):
            return self._revealed(told["body_raw"]).encode()
        params = told.get("params") or {}
        pairs = params.items() if isinstance(params, dict) else params
        sent = []
        for name, value in pairs:
            listed = value if isinstance(value, list) else [value]
            sent += [(name, await self._value(record, item)) for item in listed]
        return urlencode(sent).encode()

    async def _value(self, record: Record, value: Any) -> str:
        given = stage.parameter(str(value))
        return await self._credible(record, self._revealed(self.same.get(given, given)))

    async def _credible(self, record: Record, value: str) -> str:
        """A header or parameter with our tickets and secrets in place of the redacted ones."""
        if record.name in WRONG and not (record.name.startswith("post") and "Auth" in value):
            return value
        for match in TICKET.finditer(value):
            user = f"{match[1]}@{match[2]}"
            ticket = (await self._login(user))["ticket"]
            value = value.replace(match[0], quote(ticket, safe="") if "%3A" in match[0] else ticket)
        if re.match(r"[0-9A-F]{8}:", value):
            return await self._csrf(record)
        return TOKEN.sub(lambda match: f"{match[1]}={self.secrets.get(match[1], '<uuid>')}", value)

    def _password(self, user: str) -> str:
        return self.testbed.password if user == "root@pam" else f"the password of {user}"

    def _revealed(self, value: str) -> str:
        for redacted, user in PASSWORDS.items():
            value = value.replace(redacted, self._password(user))
        return value

    def token_header(self, token: str) -> str:
        """The header of an API token that the recordings created."""
        return f"Authorization: PVEAPIToken={token}={self.secrets.get(token, '')}\r\n"

    async def _csrf(self, record: Record) -> str:
        match = TICKET.search(json.dumps(record.request))
        return (await self._login(f"{match[1]}@{match[2]}"))["CSRFPreventionToken"] if match else ""

    async def _login(self, user: str) -> dict[str, str]:
        if user not in self.tickets:
            form = {"username": user, "password": self._password(user)}
            try:
                self.tickets[user] = await self.call("POST", "/access/ticket", **form)
            except RuntimeError:
                return {"ticket": "none", "CSRFPreventionToken": "none"}
        return self.tickets[user]

    async def call(self, method: str, path: str, **params: Any) -> Any:
        """The data of a call by root@pam that was not recorded; raises RuntimeError if it fails."""
        headers = ""
        if path != "/access/ticket":
            login = await self._login("root@pam")
            cookie = f"Cookie: PVEAuthCookie={quote(login['ticket'], safe='')}\r\n"
            headers = f"{cookie}CSRFPreventionToken: {login['CSRFPreventionToken']}\r\n"
        form = urlencode(params)
        target = f"/api2/json{path}" + (f"?{form}" if params and method in ("GET", "DELETE") else "")
        body = form if method in ("POST", "PUT") else ""
        length = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n" if body else ""
        answer = await self.client.ask(f"{method} {target} HTTP/1.1\r\nHost: x\r\n{headers}{length}\r\n{body}".encode())
        if answer is None or answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer}")
        return answer.json["data"]

    async def done(self, method: str, path: str, **params: Any) -> None:
        """A call that starts a task, and its end."""
        await self.ended(await self.call(method, path, **params))

    async def _learn(self, record: Record, answer: Answer) -> None:
        """Remember which of our UPIDs, digests, secrets and processes stand for the recorded ones."""
        mine = (answer.json or {}).get("data") if isinstance(answer.json, dict) else None
        theirs = record.data
        if isinstance(mine, str) and isinstance(theirs, str) and mine.startswith("UPID:"):
            self.same[theirs] = self.started[record.key] = mine
        if not isinstance(mine, dict) or not isinstance(theirs, dict):
            return
        for key in ("upid", "digest"):
            if key in mine and key in theirs and (key == "digest" or record.method != "GET"):
                self.same[theirs[key]] = mine[key]
        if record.path.endswith("/agent/exec") and "pid" in mine:
            self.same[f"pid={theirs['pid']}"] = f"pid={mine['pid']}"
        if record.path.endswith("/vncproxy"):
            self.same[_console(theirs)] = _console(mine)
        if "full-tokenid" in mine:
            self.secrets[mine["full-tokenid"]] = mine["value"]


def _beginning(records: list[Record]) -> float:
    """When the first of these records was made; 0 if nothing tells."""
    at = next((index for index, record in enumerate(records) if record.at), 0)
    passed = sum(float(record.response.get("elapsed_ms", 0)) for record in records[:at])
    return records[at].at - passed / 1000


def _console(told: dict[str, Any]) -> str:
    """The part of a query that leads to a console."""
    return f"port={told['port']}&vncticket={quote(told['ticket'], safe='<>')}"


def exists(method: str, path: str) -> bool:
    """Whether the testbed has such a call."""
    try:
        ROUTER.find(method, path)
    except ApiError:
        return False
    return True


@cache
def outcomes() -> list[Outcome]:
    """The outcome of all recordings; played once per process."""
    first = min(record.at for records in recordings().values() for record in records if record.at)
    start = first - HEAD_START
    return clock.run(start - (start - TICK) % TICKS, _all)


async def _all(time: clock.Clock) -> list[Outcome]:
    with tempfile.TemporaryDirectory(prefix="hostler-golden-", ignore_cleanup_errors=True) as directory:
        async with running(Path(directory), templates=False) as testbed:
            return await Replay(testbed, time).play()

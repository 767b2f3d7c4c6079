"""Plays the recordings against a testbed, file after file as they were made on one machine."""

import asyncio
import json
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

from testbed.proxmox.calls import ROUTER
from testbed.proxmox.cluster import stats
from testbed.proxmox.errors import ApiError
from testbed.proxmox.running import Running, running
from tests.testbed_proxmox.golden import clock, stage
from tests.testbed_proxmox.golden.client import Answer, Client, split_answers
from tests.testbed_proxmox.golden.compare import differences, raw_differences
from tests.testbed_proxmox.golden.counterparts import Counterparts
from tests.testbed_proxmox.golden.credentials import ROOT, Credentials
from tests.testbed_proxmox.golden.recording import UPID, Record, recordings

#: Long enough for every task; seconds on the replay's clock.
PATIENCE = 300.0
#: Seconds from the testbed's start to the first record at least; pvestatd was at work when a time's last digit was 4.
HEAD_START, TICKS, TICK = 60.0, 10, 4


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
        self.credentials = Credentials(self.client, testbed.password)
        self.counterparts = Counterparts()
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
            await self.ended(self.counterparts.of(record.upid))
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
            await self.ended(self.counterparts.of(match[0]))

    async def ended(self, upid: str) -> None:
        """Wait for the end of one of our tasks."""
        async with asyncio.timeout(PATIENCE):
            await self.testbed.node.tasks.ended(upid, PATIENCE)

    async def _played(self, record: Record) -> Outcome:
        if record.raw:
            return Outcome(record, await self._conversation(record, record.raw))
        if not record.request:
            return Outcome(record, await stage.MEASUREMENTS[record.key](self))
        request, begun = await self._bytes(record), self.clock.now
        answer = await self.client.ask(request)
        if answer is None:
            return Outcome(record, ["the connection ended without an answer"])
        self._learn(record, answer)
        return Outcome(record, differences(record, answer, self.clock.now - begun))

    def _learn(self, record: Record, answer: Answer) -> None:
        self.counterparts.learn(record, answer)
        data = answer.json.get("data") if isinstance(answer.json, dict) else None
        if isinstance(data, dict) and "full-tokenid" in data:
            self.credentials.secrets[data["full-tokenid"]] = data["value"]

    async def _conversation(self, record: Record, raw: str) -> list[str]:
        patience = record.told["elapsed_s"] + (0.5 if "closed" in record.told["connection_end"] else 0)
        credible = await self.credentials.credible(record, self.counterparts.within(raw))
        request = stage.whole(credible, self.credentials.token_header("root@pam!ci")).encode()
        received, end = await self.client.listen(request, patience, record.told["tls"])
        legible = received.decode("utf-8", "replace").encode()
        found = raw_differences(record, split_answers(legible), split_answers(record.told["raw_response"].encode()))
        if ("closed" in end) != ("closed" in record.told["connection_end"] or "EOF" in record.told["connection_end"]):
            found.append(f"the connection was {end}, recorded {record.told['connection_end']}")
        return found

    async def _bytes(self, record: Record) -> bytes:
        told, credible = record.request, self.credentials.credible
        body = await self._body(record) if record.method in ("POST", "PUT") else b""
        path = self.counterparts.within(told["path"])
        lines = [f"{record.method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.client.port}"]
        lines += [f"{name}: {await credible(record, value)}" for name, value in (told.get("headers") or {}).items()]
        if record.method in ("POST", "PUT"):
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode() + body

    async def _body(self, record: Record) -> bytes:
        told = record.request
        if told.get("body_raw"):
            return self.credentials.revealed(told["body_raw"]).encode()
        params = told.get("params") or {}
        pairs = params.items() if isinstance(params, dict) else params
        sent = []
        for name, value in pairs:
            listed = value if isinstance(value, list) else [value]
            sent += [(name, await self._value(record, item)) for item in listed]
        return urlencode(sent).encode()

    async def _value(self, record: Record, value: Any) -> str:
        given = self.credentials.revealed(self.counterparts.of(stage.parameter(str(value))))
        return await self.credentials.credible(record, given)

    async def call(self, method: str, path: str, **params: Any) -> Any:
        """The data of a call by root@pam that was not recorded; raises RuntimeError if it fails."""
        answer = await self.client.call(method, path, params, await self.credentials.headers(ROOT))
        if answer is None or answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer}")
        return answer.json["data"]

    async def done(self, method: str, path: str, **params: Any) -> None:
        """A call that starts a task, and its end."""
        await self.ended(await self.call(method, path, **params))


def _beginning(records: list[Record]) -> float:
    """When the first of these records was made; 0 if nothing tells."""
    at = next((index for index, record in enumerate(records) if record.at), 0)
    passed = sum(float(record.response.get("elapsed_ms", 0)) for record in records[:at])
    return records[at].at - passed / 1000


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
    with (
        tempfile.TemporaryDirectory(prefix="hostler-golden-", ignore_cleanup_errors=True) as directory,
        patch.object(stats, "LOOK_AGAIN", 1.25),  # nobody turns that knob here, and hours go by
    ):
        async with running(Path(directory), templates=False) as testbed:
            return await Replay(testbed, time).play()

"""The recorded exchanges, and when each of them took place."""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
UPID = re.compile(r"UPID:[^:/\s]+:[0-9A-F]{8}:([0-9A-F]{8,9}):([0-9A-F]{8}):[^:\s/]+:[^:\s/]*:[^:\s/]+:")


@dataclass(frozen=True)
class Record:
    """One recorded exchange; `at` is the Unix time from which on it was sent, 0 if nothing tells."""

    file: str
    name: str
    told: dict[str, Any]
    at: float = 0.0

    @property
    def key(self) -> str:
        return f"{self.file[:2]}/{self.name}"

    @property
    def request(self) -> dict[str, Any]:
        found: dict[str, Any] = self.told.get("request") or {}
        return found

    @property
    def response(self) -> dict[str, Any]:
        found: dict[str, Any] = self.told.get("response") or {}
        return found

    @property
    def raw(self) -> str | None:
        """The bytes of the request, for those recorded as bytes."""
        return self.told.get("raw_request")

    @property
    def method(self) -> str:
        return self.request.get("method") or (self.raw or " ").split(" ")[0]

    @property
    def path(self) -> str:
        """The path below `/api2/json`, without the query."""
        target = self.request.get("path") or (self.raw or " /").split(" ")[1]
        return str(target.partition("?")[0].removeprefix("/api2/json"))

    @property
    def data(self) -> Any:
        body = self.response.get("body")
        return body.get("data") if isinstance(body, dict) else None

    @property
    def upid(self) -> str | None:
        """The task that this call started."""
        data = self.data.get("upid") if isinstance(self.data, dict) and self.method != "GET" else self.data
        return data if isinstance(data, str) and UPID.fullmatch(data) else None


@cache
def recordings() -> dict[str, list[Record]]:
    """All records by file, in the order in which they were made."""
    files = {path.stem: _read(path) for path in sorted(FOLDER.glob("*.jsonl"))}
    boot = _boot_time([record for records in files.values() for record in records])
    return {name: [_dated(record, boot) for record in records] for name, records in files.items()}


def _read(path: Path) -> list[Record]:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [Record(path.stem, line["name"], line) for line in lines if not _remark(line)]


def _remark(line: dict[str, Any]) -> bool:
    """Whether a line tells of something seen on the machine, not of an exchange."""
    return set(line) <= {"name", "note"}


def _boot_time(records: list[Record]) -> float:
    """UPIDs tell when a task began twice: in seconds, and in hundredths since the machine's boot."""
    matches = [match for record in records if record.upid and (match := UPID.fullmatch(record.upid))]
    return max(int(match[2], 16) - int(match[1], 16) / 100 for match in matches)


def _dated(record: Record, boot: float) -> Record:
    if not record.upid:
        return record
    match = UPID.fullmatch(record.upid)
    return Record(record.file, record.name, record.told, boot + int(match[1], 16) / 100 if match else 0.0)

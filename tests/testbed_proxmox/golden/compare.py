"""How an answer differs from the recorded one."""

import json
import re
from typing import Any

from tests.testbed_proxmox.golden.client import Answer
from tests.testbed_proxmox.golden.recording import Record
from tests.testbed_proxmox.golden.varies import FOREIGN_WAITS, plain, text

#: Headers that are compared: by value, and whether they are there.
BY_VALUE = ("connection", "content-type")
BY_PRESENCE = ("content-length",)
#: What tells the rows of a list apart, the best first.
IDENTITIES = ("id", "key", "volid", "userid", "roleid", "realm", "storage", "iface", "vmid", "name", "subdir")
#: From how many seconds on a wait is one of the software's, and the part by which such waits may differ.
OWN_WAIT, TOLERANCE = 2.5, 0.2
#: A poll right after the start may meet a task before or after its end.
FIRST_POLL = ("status", "exitstatus")


def differences(record: Record, answer: Answer, seconds: float) -> list[str]:
    """Each difference as a line; none for an answer as recorded. `seconds`: how long it took."""
    told = record.response
    found = _head(told["status"], told["reason"], told["headers"], answer)
    if not any(re.fullmatch(pattern, record.key) for pattern in FOREIGN_WAITS):
        found += _waits(seconds, told["elapsed_ms"] / 1000)
    if told.get("body") is None:
        return found + _same("body", answer.body.decode("utf-8", "replace"), told.get("body_raw") or "")
    return found + _bodies(record, answer.json, told["body"])


def raw_differences(record: Record, mine: list[Answer], theirs: list[Answer]) -> list[str]:
    """The same for a whole conversation recorded as bytes."""
    found = _same("number of answers", len(mine), len(theirs))
    for own, told in zip(mine, theirs, strict=False):
        found += _same("version", own.version, told.version)
        found += _head(told.status, told.reason, told.headers, own)
        found += _same("headers", sorted(own.headers), sorted(told.headers))
        if told.json is None:
            found += _same("body", own.body, told.body)
        else:
            found += _bodies(record, own.json, told.json)
    return found


def _waits(mine: float, theirs: float) -> list[str]:
    """Waits of seconds are the software's own; shorter times are the machine's."""
    alike = max(mine, theirs) < OWN_WAIT or abs(mine - theirs) < TOLERANCE * theirs
    return [] if alike else [f"it took {mine:.1f} s, recorded {theirs:.1f} s"]


def _head(status: int, reason: str, headers: dict[str, str], answer: Answer) -> list[str]:
    given = {name.lower(): value for name, value in headers.items()}
    found = _same("status", f"{answer.status} {text(answer.reason)}", f"{status} {text(reason)}")
    for name in BY_VALUE:
        found += _same(name, answer.headers.get(name), given.get(name))
    for name in BY_PRESENCE:
        found += _same(f"{name} there", name in answer.headers, name in given)
    return found


def _bodies(record: Record, mine: Any, theirs: Any) -> list[str]:
    call = f"{record.method} {record.path}"
    if record.name.endswith(("-running", ":running")) and "/tasks/" in call:
        mine, theirs = _first_poll(mine), _first_poll(theirs)
    if call.endswith("/log"):
        mine, theirs = _log(mine), _log(theirs)
    return _differing("", plain(call, mine), plain(call, theirs))


def _first_poll(body: Any) -> Any:
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, dict):
        return body
    return body | {"data": {key: value for key, value in data.items() if key not in FIRST_POLL}}


def _log(body: Any) -> Any:
    """A log whose lines about progress, however many, are one."""
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, list):
        return body
    lines = [text(str(line.get("t"))) for line in sorted(data, key=lambda line: int(line.get("n", 0)))]
    merged = [line for at, line in enumerate(lines) if at == 0 or not line == lines[at - 1] == "transferred *"]
    return {"log": merged, "total is the number of lines": body.get("total") == len(lines)}


def _differing(place: str, mine: Any, theirs: Any) -> list[str]:
    if isinstance(mine, dict) and isinstance(theirs, dict):
        found = [f"{place}/{key} is missing, recorded {_short(theirs[key])}" for key in sorted(theirs.keys() - mine)]
        found += [f"{place}/{key} was not there, here {_short(mine[key])}" for key in sorted(mine.keys() - theirs)]
        for key in sorted(mine.keys() & theirs.keys()):
            found += _differing(f"{place}/{key}", mine[key], theirs[key])
        return found
    if isinstance(mine, list) and isinstance(theirs, list) and (own := _rows(mine)) and (told := _rows(theirs)):
        return _differing(place, own, told)
    if isinstance(mine, list) and isinstance(theirs, list) and len(mine) == len(theirs):
        return [
            line
            for at, pair in enumerate(zip(mine, theirs, strict=True))
            for line in _differing(f"{place}/{at}", *pair)
        ]
    return _same(place or "body", mine, theirs)


def _rows(items: list[Any]) -> dict[str, Any]:
    """Rows by what tells them apart; nothing if they are no such rows."""
    for name in IDENTITIES:
        found = {str(item[name]): item for item in items if isinstance(item, dict) and name in item}
        if len(found) == len(items):
            return found
    return {}


def _same(what: str, mine: Any, theirs: Any) -> list[str]:
    return [] if mine == theirs else [f"{what}: {_short(mine)}, recorded {_short(theirs)}"]


def _short(value: Any) -> str:
    shown = json.dumps(value, sort_keys=True, default=repr, ensure_ascii=False)
    return shown[:300]

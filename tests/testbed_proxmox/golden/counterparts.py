"""What of ours stands for what the recordings name: UPIDs, digests, processes, consoles."""

from typing import Any
from urllib.parse import quote

from tests.testbed_proxmox.golden.client import Answer
from tests.testbed_proxmox.golden.recording import Record


class Counterparts:
    """Learns from each pair of answers; `tasks` are our UPIDs by the keys of the records that began them."""

    def __init__(self) -> None:
        self._mine: dict[str, str] = {}
        self.tasks: dict[str, str] = {}

    def of(self, theirs: str) -> str:
        """Our counterpart of a value, or the value."""
        return self._mine.get(theirs, theirs)

    def within(self, text: str) -> str:
        """A path or request with our counterparts in it."""
        for theirs, mine in self._mine.items():
            text = text.replace(theirs, mine)
        return text

    def learn(self, record: Record, answer: Answer) -> None:
        """Remember what of our answer stands for what of the recorded one."""
        mine = answer.json.get("data") if isinstance(answer.json, dict) else None
        theirs = record.data
        if isinstance(mine, str) and isinstance(theirs, str) and mine.startswith("UPID:"):
            self._mine[theirs] = self.tasks[record.key] = mine
        if isinstance(mine, dict) and isinstance(theirs, dict):
            self._learn_parts(record, mine, theirs)

    def _learn_parts(self, record: Record, mine: dict[str, Any], theirs: dict[str, Any]) -> None:
        both = mine.keys() & theirs.keys()
        if "digest" in both:
            self._mine[theirs["digest"]] = mine["digest"]
        if "upid" in both and record.method != "GET":
            self._mine[theirs["upid"]] = mine["upid"]
        if "pid" in both and record.path.endswith("/agent/exec"):
            self._mine[f"pid={theirs['pid']}"] = f"pid={mine['pid']}"
        if "ticket" in both and record.path.endswith("/vncproxy"):
            self._mine[_console(theirs)] = _console(mine)


def _console(told: dict[str, Any]) -> str:
    """The part of a query that leads to a console."""
    return f"port={told['port']}&vncticket={quote(told['ticket'], safe='<>')}"

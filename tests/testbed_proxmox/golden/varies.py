"""What differs between two runs of one and the same Proxmox VE, each thing declared once, with its reason."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

#: Texts within any string: pattern, what stands for it, reason.
TEXTS = [
    (r"UPID:([^:/\s]+):[0-9A-F]{8}:[0-9A-F]{8,9}:[0-9A-F]{8}:", r"UPID:\1:*:*:*:", "processes and times"),
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|<uuid>", "<uuid>", "random"),
    (r"\b(BC:24:11|bc:24:11)(:[0-9A-Fa-f]{2}){3}\b", r"\1:*", "random"),
    (r"creation-qemu=[\d.]+,ctime=\d+", "creation-qemu=*,ctime=*", "the lab's QEMU was Debian's; time"),
    (r"PVE(:|%3A)[^:%]+(@|%40)[^:%]+(:|%3A)[0-9A-F]{8}(:|%3A){2}\S+", "<ticket>", "time and signature"),
    (r"^[!-`]{8}:PVEVNC:[0-9A-F]{8}::\S+$", "<vnc ticket>", "random, time and signature"),
    (r"^[0-9A-F]{8}:[A-Za-z0-9+/]{43}=?$", "<csrf token>", "time and signature"),
    (r"(?s)-----BEGIN CERTIFICATE-----.*", "<certificate>", "each installation has its own"),
    (r"\b([0-9A-F]{2}:){31}[0-9A-F]{2}\b", "<fingerprint>", "each installation has its own"),
    (r"(Temporary failure in name resolution|Name or service not known)", "<resolver's text>", "the host's resolver"),
    (r"\$5\$[^$\s]+\$\S+", "<hash>", "salted"),
    (r"saved [0-9.]+ [KMG]iB$", "saved *", "what the guest has in memory"),
    (r"\b[0-9a-f]{40}\b", "<digest>", "over contents that vary"),
    (r"\$5\$\S+", "<hash>", "salted"),
    (r"\bsaved [\d.]+ MiB", "saved * MiB", "what the guest had in its memory"),
    (r"writing at byte \d+", "writing at byte *", "what qemu-img occupies on the host's disk"),
    (r"^transferred .*$", "transferred *", "a matter of timing"),
    (r"\bport '59\d\d'", "port '59*'", "the first free one"),
]

Change = Callable[[Any], Any]


def kind(value: Any) -> Any:
    """The type of a value; of a container, the types within."""
    if isinstance(value, dict):
        return {key: kind(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted({json.dumps(kind(item), sort_keys=True) for item in value})
    if isinstance(value, bool) or value is None:
        return f"<{value}>"
    return "<number>" if isinstance(value, int | float) else "<text>"


def members(value: Any) -> Any:
    """A comma-separated list without its order."""
    return sorted(value.split(",")) if isinstance(value, str) else value


def gone(_value: Any) -> None:
    """Nothing of a value."""


@dataclass(frozen=True)
class Varies:
    """Values at places that match `where`, in answers to calls that match `call`, are compared after `change`.

    A place is written as `/data/*/pid`, and `/data/*(running)/mem` in a row whose status is `running`.
    """

    call: str
    where: str
    change: Change
    why: str


ANY = r".*"
STATUS_OF_VM = r"GET .*/status/current|GET .*/qemu|GET /cluster/resources"
FIGURES = "cpu|mem|uptime|netin|netout|diskread|diskwrite|freemem|balloon|memhost|pid"
VARIES = [
    Varies(ANY, r".*/(pid|pstart|starttime|endtime)", kind, "numbers of processes, and times"),
    Varies(r"GET /cluster/tasks", r"/data/\*/(id|type|status|upid|user)", kind,
           "much was done on the lab that was not recorded"),
    Varies(r"GET /cluster/status", r".*/ip", kind, "the host's address"),
    Varies(r"GET .*/subscription", r".*/serverid", kind, "each installation has its own"),
    Varies(r"GET .*/agent/get-(osinfo|host-name|time)", r"/data/result.*", kind, "the guest's own contents"),
    Varies(r"GET .*/agent/network-get-interfaces", r".*/(ip-address|statistics)", kind, "the guest's own doing"),
    Varies(ANY, r".*/saved", str, "a number until the list of tasks was read back from its file"),
    Varies(ANY, r".*/(ctime|snaptime)", kind, "times"),
    Varies(STATUS_OF_VM, rf".*\(running\)/({FIGURES})", kind, "measured"),
    Varies(STATUS_OF_VM, r".*/idle_time_ns", gone, "only there once a disk was read"),
    Varies(STATUS_OF_VM, r".*\(running\)/(nics|blockstat)/\w+/\w+", kind, "measured"),
    Varies(STATUS_OF_VM, r".*\(running\)/(running-qemu|running-machine)", kind, "the lab's QEMU was Debian's"),
    Varies(STATUS_OF_VM, r".*\(running\)/proxmox-support", gone, "made up by the lab's QEMU adapter"),
    Varies(r"GET (/nodes|/cluster/resources)", r".*\(online\)/(cpu|maxcpu|mem|maxmem|disk|maxdisk|uptime)", kind,
           "measured"),
    Varies(r"GET (/cluster/resources|/nodes/\w+/storage.*)", r".*/(maxdisk|disk|total|used|avail|used_fraction)", kind,
           "measured"),
    Varies(r"GET /nodes/\w+/tasks", r"/total", kind, "much was done on the lab that was not recorded"),
    Varies(ANY, r".*/(content|privs)", members, "in the order of a Perl hash"),
    Varies(r"GET /nodes/\w+/storage/\w+/content.*", r".*/used", kind, "what qemu-img occupies on the host's disk"),
    Varies(r"POST .*/(vncproxy|termproxy)", r".*/(port|password)", kind, "the first free one; random"),
    Varies(r"GET /nodes/\w+/status", r"/data/(?!pveversion).*", kind, "another machine"),
    Varies(r"GET .*/agent/(get-host-name|get-time|network-get-interfaces)", r"/data/result", kind, "another guest"),
    Varies(r"GET .*/agent/(get-osinfo|get-fsinfo)", r"/data/result", gone, "another guest; the lab's had no disk"),
    Varies(r"GET .*/rrddata", r"/data", kind, "measured"),
    Varies(r"GET .*/time", r".*", kind, "the time"),
]  # fmt: skip
#: Records whose time is not the software's own, by patterns for their keys, with what took it.
FOREIGN_WAITS = {
    r"01/nodes-unknown-node-.*": "the host's resolver",
    r"09/slow:put-config-target-tags": "the rest of a copy by qemu-img",
}
#: Lists whose order is part of the answer; all others come in the order of a Perl hash.
ORDERED = re.compile(r".*/(tasks|log|exec|rrddata)|/cluster/tasks")


def plain(call: str, value: Any, place: str = "") -> Any:
    """A value as it is compared."""
    if change := _change(call, place):
        return change(value)
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        items = [plain(call, item, f"{place}/*") for item in value]
        return items if ORDERED.fullmatch(call.partition(" ")[2]) else sorted(items, key=_canonical)
    if isinstance(value, dict):
        here = place + (f"({value['status']})" if value.get("status") in ("running", "online") else "")
        kept = {key: item for key, item in value.items() if _change(call, f"{here}/{key}") is not gone}
        return {key: plain(call, item, f"{here}/{key}") for key, item in kept.items()}
    return f"<{value}>" if isinstance(value, bool) else value


@cache
def _change(call: str, place: str) -> Change | None:
    found = (entry for entry in VARIES if re.fullmatch(entry.call, call) and re.fullmatch(entry.where, place))
    return next((entry.change for entry in found), None) if place else None


def text(value: str) -> str:
    """A text as it is compared."""
    for pattern, replacement, _ in TEXTS:
        value = re.sub(pattern, replacement, value)
    return value


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)

"""Which backups are kept: the newest of each hour, day, week, month, year (pve-storage Storage.pm prune_mark_…)."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from testbed.proxmox.formats import PropertyString
from testbed.proxmox.schema import FormatError, Param

Mark = Literal["keep", "remove", "protected", "renamed"]
COUNT = Param("integer", minimum=0)
PERIODS: dict[str, str] = {
    "keep-last": "",
    "keep-hourly": "%H/%d/%m/%Y",
    "keep-daily": "%d/%m/%Y",
    "keep-weekly": "%V/%G",
    "keep-monthly": "%m/%Y",
    "keep-yearly": "%Y",
}
_FORMAT = PropertyString({"keep-all": Param("boolean"), **dict.fromkeys(PERIODS, COUNT)})
Keep = Mapping[str, int]


def parse(text: str) -> dict[str, int]:
    """The options of a `prune-backups` value; raises `FormatError`."""
    found = {key: int(value) for key, value in _FORMAT.parse(text, "prune-backups").items()}
    if found.get("keep-all") and any(found.get(key) for key in PERIODS):
        raise FormatError("keep-all cannot be set together with other options.\n")
    return found


@dataclass(slots=True)
class Entry:
    """One backup of a guest; `time` is when it was made, as Unix time."""

    volid: str
    time: int
    mark: Mark | None = None


def mark(entries: list[Entry], keep: Keep) -> None:
    """Mark the backups of one guest; those that are marked already keep their marks."""
    counted = {key: count for key, count in keep.items() if key in PERIODS and count > 0}
    if keep.get("keep-all") or not counted:
        for entry in entries:
            entry.mark = entry.mark or "keep"
        return
    newest_first = sorted(entries, key=lambda entry: entry.time, reverse=True)
    for key, period in PERIODS.items():
        if key in counted:
            _keep_newest(newest_first, counted[key], _name(period))
    for entry in entries:
        entry.mark = entry.mark or "remove"


def _name(period: str) -> Callable[[int], str]:
    return lambda when: time.strftime(period, time.localtime(when)) if period else str(when)


def _keep_newest(entries: list[Entry], count: int, name: Callable[[int], str]) -> None:
    covered = {name(entry.time) for entry in entries if entry.mark == "keep"}
    kept: set[str] = set()
    for entry in entries:
        period = name(entry.time)
        if entry.mark or period in covered:
            continue
        if period in kept:
            entry.mark = "remove"
        elif len(kept) < count:
            kept.add(period)
            entry.mark = "keep"
        else:
            break


def text(keep: Keep) -> str:
    """The options as the log of a backup shows them."""
    return ", ".join(f"{key}={count}" for key, count in sorted(keep.items()))

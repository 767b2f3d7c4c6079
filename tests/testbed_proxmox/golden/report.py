"""The share of the recorded answers that the testbed gives too: python -m tests.testbed_proxmox.golden.report [FILE]

With the beginning of a file's name, or of a record's key such as `06/start`, each difference is shown.
"""

import sys

from tests.testbed_proxmox.golden.known import KNOWN
from tests.testbed_proxmox.golden.replay import Outcome, outcomes


def share(some: list[Outcome]) -> float:
    """The part of the records about calls that exist which were answered as recorded, from 0 to 1."""
    played = [outcome for outcome in some if not outcome.absent]
    return sum(not outcome.differences for outcome in played) / len(played) if played else 1.0


def table(some: list[Outcome]) -> str:
    """A line for each file and one for all."""
    files = sorted({outcome.record.file for outcome in some})
    lines = [f"{'file':34} {'as recorded':>11} {'played':>6} {'share':>7} {'no such call':>12}"]
    lines += [_line(name, [outcome for outcome in some if outcome.record.file == name]) for name in files]
    return "\n".join([*lines, _line("all", some)])


def _line(name: str, some: list[Outcome]) -> str:
    played = [outcome for outcome in some if not outcome.absent]
    same = sum(not outcome.differences for outcome in played)
    return f"{name:34} {same:11} {len(played):6} {share(some):7.1%} {len(some) - len(played):12}"


def details(some: list[Outcome], beginning: str) -> str:
    """The differences of the records whose key begins so, and the records about calls that do not exist."""
    chosen = [outcome for outcome in some if outcome.record.key.startswith(beginning)]
    lines = []
    for outcome in chosen:
        lines += [outcome.record.key, *(f"    {line}" for line in outcome.differences)] if outcome.differences else []
        lines += [f"{outcome.record.key}: no {outcome.record.method} {outcome.record.path}"] if outcome.absent else []
    return "\n".join(lines)


def known() -> str:
    """What is known to differ, as the testbed's own list of differences shows it."""
    return "\n".join(f"- {reason}: {', '.join(f'`{key}`' for key in keys)}." for reason, keys in KNOWN.items())


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(details(outcomes(), sys.argv[1]))
    print(table(outcomes()))

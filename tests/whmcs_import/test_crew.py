"""Other processes find out what this one would, and none outlives it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.whmcs_import.rows import fill, mapping
from whmcs_import.planning import crew, plan
from whmcs_import.planning.crew import CrewLost
from whmcs_import.source.staging import Copy


def made(members: int, monkeypatch: pytest.MonkeyPatch) -> tuple[plan.Plan, dict[str, list[Any]]]:
    """The plan of the sample, and what it would write."""
    monkeypatch.setattr("whmcs_import.source.staging.SPAN", 7)
    with crew.hired(members) as (staging, working):
        fill(staging)
        found = plan.make(staging, "whmcs", mapping(), plan.Earlier(), lambda what, done: None, crew=working)
        return found, {entity: staging.planned_as(entity, "create") for entity in plan.ENTITIES.values()}


def test_a_crew_finds_what_one_process_alone_does(monkeypatch: pytest.MonkeyPatch) -> None:
    alone, together = made(1, monkeypatch), made(2, monkeypatch)
    assert alone[0].entities["servers"].seen > 7 * plan.WORTH_A_CREW
    assert together[1] == alone[1]
    assert together[0].findings == alone[0].findings
    assert together[0].plan_hash == alone[0].plan_hash


class Work:
    """Something for a crew to do."""

    def __init__(self, copy: Copy):
        self._pid = os.getpid()

    def squared(self, number: int) -> int:
        return number * number

    def process(self) -> int:
        return self._pid

    def die(self) -> None:
        os.kill(self._pid, signal.SIGKILL)


def test_answers_come_in_the_order_of_the_tasks_and_a_dead_member_is_said() -> None:
    with crew.hired(3) as (_, working):
        working.begin(Work)
        assert list(working.each("squared", ((n,) for n in range(20)))) == [n * n for n in range(20)]
        with pytest.raises(CrewLost, match="ended early"):
            list(working.each("die", [()]))


def test_no_member_outlives_a_process_that_is_killed() -> None:
    here, there = os.pipe()
    if (parent := os.fork()) == 0:
        with crew.hired(2) as (_, working):
            working.begin(Work)
            os.write(there, repr(list(working.each("process", [(), ()]))).encode())
            os.kill(os.getpid(), signal.SIGKILL)
    members = [int(pid) for pid in os.read(here, 100).decode().strip("[]").split(",")]
    os.waitpid(parent, 0)
    assert len(set(members)) == 2
    ends = time.monotonic() + 30
    while any(alive(pid) for pid in members):
        assert time.monotonic() < ends
    os.close(here)
    os.close(there)


def alive(pid: int) -> bool:
    """Whether a process runs: one whose parent has not asked for its end yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False

"""Storms without sockets, by the thousand. `python -m tests.orchestrator.storm SEED` shows one of them in full."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from hypervisor.fake_copies import take_backup
from hypervisor.fake_world import FakeGuest
from tests.orchestrator.storm.installation import FIRST_VMID, Installation
from tests.orchestrator.storm.laws import Outsiders, examine
from tests.orchestrator.storm.storm import Report, Storm

BLOCK = 25
QUICK, USUAL, LONG = 50, 1000, 5000


def _blocks(first: int, last: int) -> list[range]:
    return [range(start, start + BLOCK) for start in range(first, last, BLOCK)]


def _rage(seeds: range) -> dict[int, dict[str, list[str]]]:
    reports = {seed: Storm(seed).run() for seed in seeds}
    return {seed: found for seed, report in reports.items() if (found := report.findings.all())}


@pytest.mark.parametrize("seeds", _blocks(0, QUICK), ids=str)
def test_no_law_is_broken(seeds: range) -> None:
    """Whatever is killed, frozen, lost or late: one guest per server, none unknown, everything ends, all agree."""
    assert _rage(seeds) == {}


@pytest.mark.many
@pytest.mark.parametrize("seeds", _blocks(QUICK, USUAL), ids=str)
def test_no_law_is_broken_in_many(seeds: range) -> None:
    """The same, as often as every day."""
    assert _rage(seeds) == {}


@pytest.mark.long
@pytest.mark.parametrize("seeds", _blocks(USUAL, LONG), ids=str)
def test_no_law_is_broken_in_many_more(seeds: range) -> None:
    """The same, for longer."""
    assert _rage(seeds) == {}


def test_a_seed_is_the_same_storm_every_time() -> None:
    """Every event at the same moment: what failed once can be looked at again."""

    def whole(report: Report) -> tuple[list[str], object]:
        return report.trace, report.faults

    for seed in range(3):
        assert whole(Storm(seed).run()) == whole(Storm(seed).run())


def test_a_storm_is_one() -> None:
    """Every kind of fault strikes, and people get something done meanwhile."""
    reports = [Storm(seed).run() for seed in range(12)]
    struck = {kind for report in reports for kind in report.faults}
    assert struck >= {"killed", "frozen", "database_cut", "lost_after", "late", "task_killed", "outsider_move"}
    assert sum(report.operations for report in reports) > 50


def _power_off(installation: Installation) -> None:
    installation.world.power_off(installation.world.guests[FIRST_VMID])


def _second(installation: Installation) -> None:
    mark = installation.world.guests[FIRST_VMID].description
    installation.world.add_guest(FakeGuest(200, "pve1", description=mark))


def _archive(installation: Installation) -> None:
    take_backup(installation.world, "", "pve1", FIRST_VMID, "backups", "")
    installation.world.run_tasks()


@pytest.mark.parametrize(
    ("law", "break_it"),
    [
        ("lost", lambda installation: installation.world.remove_guest(FIRST_VMID)),
        ("duplicates", _second),
        ("orphans", lambda installation: installation.world.add_guest(FakeGuest(FIRST_VMID + 7, "pve1"))),
        ("orphans", lambda installation: installation.world.volumes.update({"local:1/left-over": 1})),
        ("orphans", _archive),
        ("wrong_state", _power_off),
        ("wrong_state", lambda installation: installation.tables.table("vmid").clear()),
        ("stuck", lambda installation: installation.ask(installation.servers()[0].id, "stop", {}, {}, "customer")),
    ],
)
def test_a_broken_law_is_found(law: str, break_it: Callable[[Installation], object]) -> None:
    """The examiner sees each kind of damage, and none where there is none."""
    installation = Installation(1)

    async def story() -> None:
        installation.start()
        installation.create("web-1")
        assert await installation.quiet(60)
        await asyncio.sleep(30)
        assert examine(installation, [], Outsiders()).all() == {}
        break_it(installation)
        assert list(examine(installation, [], Outsiders()).all()) == [law]

    installation.run(story)

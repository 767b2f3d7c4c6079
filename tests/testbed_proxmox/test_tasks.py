"""Task workers by themselves."""

import asyncio
import time
from pathlib import Path

from testbed.proxmox.cluster.tasks import Tasks, Worker
from testbed.proxmox.errors import Die
from testbed.proxmox.store import Store


def tasks_in(directory: Path) -> Tasks:
    return Tasks(Store(directory), "pve1", time.time())


async def ended(tasks: Tasks, upid: str) -> None:
    while tasks.find(upid).running:  # noqa: ASYNC110 - a task's end has no event
        await asyncio.sleep(0)


async def forever(worker: Worker) -> None:
    worker.say("begun")
    await asyncio.Event().wait()


async def test_a_task_stopped_before_its_first_step_has_ended(tmp_path: Path) -> None:
    tasks = tasks_in(tmp_path)
    upid = tasks.start("qmclone", "100", "root@pam", forever)
    await tasks.stop(upid)
    assert tasks.find(upid).exitstatus == "received interrupt"
    assert tasks.active() == []


async def test_warnings_are_success_of_a_kind(tmp_path: Path) -> None:
    tasks = tasks_in(tmp_path)

    async def work(worker: Worker) -> None:
        worker.warn("careful")

    upid = tasks.start("qmdestroy", "100", "root@pam", work)
    await ended(tasks, upid)
    assert tasks.find(upid).exitstatus == "WARNINGS: 1"
    assert not tasks.find(upid).failed
    assert tasks.log(upid) == ["WARN: careful", "TASK WARNINGS: 1"]


async def test_an_error_is_the_last_line_and_the_status(tmp_path: Path) -> None:
    tasks = tasks_in(tmp_path)

    async def work(_worker: Worker) -> None:
        raise Die("no\nway")

    upid = tasks.start("qmstart", "100", "root@pam!t", work)
    await ended(tasks, upid)
    assert tasks.find(upid).exitstatus == "no way"
    assert tasks.log(upid) == ["TASK ERROR: no way"]


async def test_a_task_that_ran_when_the_program_was_killed(tmp_path: Path) -> None:
    upid = tasks_in(tmp_path).start("qmclone", "100", "root@pam", forever)
    again = tasks_in(tmp_path)
    assert again.find(upid).exitstatus == "unexpected status"
    assert again.start("qmclone", "100", "root@pam", forever) != upid

"""Faults that strike task workers at a point of their work."""

import asyncio

from testbed.proxmox.cluster.tasks import Reached, Worker
from testbed.proxmox.errors import Die
from testbed.proxmox.faults.faults import Faults


def striking(faults: Faults) -> Reached:
    """What a node's tasks call at each point: it ends those that a rule is for."""

    def reached(worker: Worker, point: str) -> None:
        rule = faults.strike_worker(worker.task, worker.lines, point)
        if rule is None or worker.killed:
            return
        if rule.kind == "fail_worker":
            raise Die(rule.reason)
        _kill(worker, rule.seconds)

    return reached


def _kill(worker: Worker, seconds: float) -> None:
    if seconds:
        asyncio.get_running_loop().call_later(seconds, _cancel, worker)
    elif worker.handle is asyncio.current_task():
        worker.killed = True
        raise asyncio.CancelledError
    else:
        _cancel(worker)


def _cancel(worker: Worker) -> None:
    if worker.handle and not worker.handle.done():
        worker.killed = True
        worker.handle.cancel()

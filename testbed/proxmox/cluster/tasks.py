"""Task workers: a UPID at once, the work after it, a log that ends in `TASK OK` or `TASK ERROR: …`.

Facts from pve-common RESTEnvironment.pm (fork_worker, check_worker) and UPID.pm.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field

from testbed.proxmox.cluster.clock import CLOCK, Clock
from testbed.proxmox.errors import ApiError, parameter_errors
from testbed.proxmox.store import Store

#: Two generations of an index of about 1000 entries (pve-manager, task index rotation).
KEPT = 2000
UPID = re.compile(
    r"UPID:([a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?):([0-9A-F]{8}):([0-9A-F]{8,9}):([0-9A-F]{8}):"
    r"([^:\s/]+):([^:\s/]*):([^:\s]+@[^:\s]+):"
)


@dataclass(slots=True)
class Task:
    """One task; `exitstatus` is None while it runs, `user` is the full id with its token part."""

    upid: str
    node: str
    pid: int
    pstart: int
    starttime: int
    type: str
    id: str
    user: str
    exitstatus: str | None = None
    endtime: int | None = None

    @property
    def running(self) -> bool:
        return self.exitstatus is None

    @property
    def failed(self) -> bool:
        return not self.running and self.exitstatus != "OK" and not self.warned

    @property
    def warned(self) -> bool:
        return (self.exitstatus or "").startswith("WARNINGS:")


@dataclass
class Worker:
    """What a running task's work may do: write to its log, and learn whether it was killed outright."""

    task: Task
    _store: Store
    _reached: "Reached" = field(repr=False)
    lines: int = 0
    warnings: int = 0
    killed: bool = False
    handle: "asyncio.Task[None] | None" = field(default=None, repr=False)

    def say(self, text: str) -> None:
        """Write one line; a fault may strike then."""
        self.write(text)
        self.reach(text)

    def write(self, text: str) -> None:
        """Write one line."""
        self.lines += 1
        self._store.add_line(self.task.upid, self.lines, text)

    def reach(self, point: str) -> None:
        """Come to a point of the work."""
        self._reached(self, point)

    def warn(self, text: str) -> None:
        """Write a warning; the task then ends with `WARNINGS: n`."""
        self.warnings += 1
        self.say(f"WARN: {text}")


Work = Callable[[Worker], Awaitable[None]]
#: Told of the points that a worker reaches: its START, each line that it writes, its END before the last line.
Reached = Callable[[Worker, str], None]
START, END = "\0start", "\0end"
_CURRENT: ContextVar[Worker | None] = ContextVar("worker", default=None)


def killed() -> bool:
    """Whether the task that runs here was killed outright, so that it must not clean up."""
    worker = _CURRENT.get()
    return worker is not None and worker.killed


def _nothing(_worker: Worker, _point: str) -> None:
    pass


class Tasks:
    """All tasks of a node."""

    def __init__(self, store: Store, node: str, boot_time: float, clock: Clock | None = None) -> None:
        self.reached: Reached = _nothing
        self._clock = clock or Clock()
        self._store = store
        self._node = node
        self.boot_time = boot_time
        self._workers: dict[str, Worker] = {}
        self._tasks: dict[str, Task] = {}
        self._load()
        self._pid = max((task.pid for task in self._tasks.values()), default=1000)

    def _load(self) -> None:
        for upid, record in self._store.tasks_of(self._node):
            task = Task(**record)
            if task.running:
                self._finish(task, "unexpected status")
            self._tasks[upid] = task

    def start(self, kind: str, identifier: str, user: str, work: Work) -> str:
        """Begin a task; its UPID."""
        task = self._new(kind, identifier, user)
        self._tasks[task.upid] = task
        self._store.put("task", task.upid, asdict(task))
        worker = Worker(task, self._store, self.reached)
        self._workers[task.upid] = worker
        worker.handle = asyncio.create_task(self._run(worker, work))
        self._prune()
        return task.upid

    def _new(self, kind: str, identifier: str, user: str) -> Task:
        self._pid = self._pid % 4_194_303 + 1
        now, pstart = self._clock.now(), int((time.time() - self.boot_time) * 100)
        upid = f"UPID:{self._node}:{self._pid:08X}:{pstart:08X}:{int(now):08X}:{kind}:{identifier}:{user}:"
        return Task(upid, self._node, self._pid, pstart, int(now), kind, identifier, user)

    async def _run(self, worker: Worker, work: Work) -> None:
        _CURRENT.set(worker)
        CLOCK.set(self._clock)
        try:
            worker.reach(START)
            await work(worker)
            worker.reach(END)
        except ApiError as error:
            self._end(worker, f"TASK ERROR: {error.text}", error.text)
        except asyncio.CancelledError:
            self._interrupted(worker)
        except Exception as error:  # noqa: BLE001 - a worker's fault must end up in its log, as in the original
            text = f"{type(error).__name__}: {error}"
            self._end(worker, f"TASK ERROR: {text}", text)
        else:
            self._end(worker, *self._success(worker))

    @staticmethod
    def _success(worker: Worker) -> tuple[str, str]:
        if worker.warnings:
            return f"TASK WARNINGS: {worker.warnings}", f"WARNINGS: {worker.warnings}"
        return "TASK OK", "OK"

    def _interrupted(self, worker: Worker) -> None:
        if worker.killed:
            self._workers.pop(worker.task.upid)
            self._finish(worker.task, "unexpected status")
        else:
            self._end(worker, "TASK ERROR: received interrupt", "received interrupt")

    def _end(self, worker: Worker, line: str, exitstatus: str) -> None:
        worker.write(line)
        self._workers.pop(worker.task.upid)
        self._finish(worker.task, exitstatus)

    def _finish(self, task: Task, exitstatus: str) -> None:
        task.exitstatus = exitstatus
        task.endtime = int(self._clock.now())
        self._tasks.pop(task.upid, None)
        self._tasks[task.upid] = task
        self._store.put("task", task.upid, asdict(task))

    def _prune(self) -> None:
        excess = len(self._tasks) - KEPT
        if excess <= 0:
            return
        for upid in [upid for upid, task in self._tasks.items() if not task.running][:excess]:
            del self._tasks[upid]
            self._store.drop_task(upid)

    def find(self, upid: str) -> Task:
        """A task by its UPID; raises 400 for a malformed or unknown one."""
        if not UPID.fullmatch(upid):
            raise parameter_errors({"upid": "unable to parse worker upid"})
        if upid not in self._tasks:
            raise parameter_errors({"upid": "no such task"})
        return self._tasks[upid]

    def log(self, upid: str) -> list[str] | None:
        """The lines of a task's log, or None if there is no such log."""
        return self._store.lines(upid) if upid in self._tasks else None

    def active(self) -> list[Task]:
        """Running tasks, newest first."""
        return [worker.task for worker in reversed(list(self._workers.values()))]

    def archive(self) -> Iterable[Task]:
        """Finished tasks, the one that ended last first."""
        return (task for task in reversed(list(self._tasks.values())) if not task.running)

    async def ended(self, upid: str, seconds: float) -> bool:
        """Whether a task ends within some seconds."""
        worker = self._workers.get(upid)
        if worker and worker.handle:
            await asyncio.wait([worker.handle], timeout=seconds)
        return not self.find(upid).running

    async def stop(self, upid: str) -> None:
        """SIGTERM: the work cleans up and ends. Returns when it has ended."""
        await self._cancel(upid)

    async def kill(self, upid: str) -> None:
        """SIGKILL: the work ends where it stands and leaves its traces."""
        if worker := self._workers.get(upid):
            worker.killed = True
        await self._cancel(upid)

    async def _cancel(self, upid: str) -> None:
        worker = self._workers.get(upid)
        if worker and worker.handle:
            worker.handle.cancel()
            await asyncio.wait([worker.handle], timeout=5)
            if upid in self._workers and worker.handle.done():
                self._interrupted(worker)  # cancelled before its first step, so that it could not say so itself

    async def close(self) -> None:
        """End of the program: running tasks are killed, as a node's power cut would."""
        for upid in list(self._workers):
            await self.kill(upid)


def interrupted_text(cause: BaseException) -> str:
    """What a worker writes about the error that made it clean up."""
    if isinstance(cause, ApiError):
        return cause.text
    return str(cause) or "interrupted by signal"

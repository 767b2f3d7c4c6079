"""A cluster that takes its time, behind a network that loses things: what the processes of a storm share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from hypervisor.errors import Ambiguous, HypervisorError, Unreachable
from hypervisor.fake import Accident, Call, FakeHypervisor, _refusal
from hypervisor.fake_world import LOST, FakeTask, FakeWorld
from orchestrator import fence
from orchestrator.snippets import OutOfReach
from tests.orchestrator.snippets import MemorySnippets
from tests.orchestrator.storm.clock import EPOCH, Clock
from tests.orchestrator.storm.process import RUNNING

T = TypeVar("T")
PROXY_SECONDS = 30.0  # Proxmox's own time limit for a forwarded request (pveproxy, AnyEvent.pm proxy_request)


class TimedWorld(FakeWorld):
    """Tasks last, and end by themselves."""

    def __init__(self, clock: Clock, nodes: tuple[str, ...], lasting: Callable[[str], float]):
        self._clock = clock
        self._lasting = lasting
        self.next_worker_dies = False
        super().__init__(nodes)
        self.task_looks = None

    @property
    def now(self) -> int:
        """The clock of the nodes, in whole seconds."""
        return EPOCH + int(self._clock.time())

    @now.setter
    def now(self, value: int) -> None:
        pass

    def _start_task(self, kind: str, node: str, vmid: int, run: Callable[[], str], **options: Any) -> str:
        upid = super()._start_task(kind, node, vmid, run, **options)
        self._clock.call_later(self._lasting(kind), self._end, self.tasks[upid])
        return upid

    def _take_fate(self, kind: str) -> str | None:
        if self.next_worker_dies:
            self.next_worker_dies = False
            return LOST
        return super()._take_fate(kind)

    def unlock(self) -> None:
        """Staff take away what dead workers left; a half-made copy they look at first."""
        for guest in self.guests.values():
            if guest.lock not in (None, "clone") and not self.held(guest.vmid):
                guest.lock = None

    def _end(self, task: FakeTask) -> None:
        if task.exit_text is None:
            self.finish(task)


@dataclass
class Network:
    """Between the processes and the cluster: `seconds` one way, and what befalls a call."""

    seconds: Callable[[], float] = lambda: 0.0
    late_seconds: Callable[[], float] = lambda: 45.0
    befalls: Callable[[str, int, bool], Accident | None] = lambda verb, vmid, change: None
    before: Callable[[str, int], None] = lambda verb, vmid: None
    after: Callable[[str, int], None] = lambda verb, vmid: None


class RemoteSnippets(MemorySnippets):
    """One process's view of the folder; `fails` now and then."""

    def __init__(self, world: TimedWorld, fails: Callable[[], bool]):
        super().__init__(world)
        self._fails = fails

    async def write(self, name: str, text: str) -> None:
        """Put a file there, unless the wake was lost meanwhile."""
        await self._breathe()
        await super().write(name, text)
        await RUNNING.get().breathe()

    async def remove(self, name: str) -> None:
        """Take it away, unless the wake was lost meanwhile."""
        await self._breathe()
        await super().remove(name)
        await RUNNING.get().breathe()

    async def _breathe(self) -> None:
        await RUNNING.get().breathe()
        fence.check()  # in the real one nothing lies between this and the file
        if self._fails():
            raise OutOfReach("no answer")


class Remote(FakeHypervisor):
    """One process's connection to the cluster. What it has sent takes effect, even if it dies meanwhile."""

    def __init__(self, world: TimedWorld, network: Network, clock: Clock):
        super().__init__(world)
        self.network = network
        self._clock = clock

    async def _read(self, verb: str, vmid: int, read: Callable[[str], T]) -> T:
        process, call = RUNNING.get(), f"{verb} {vmid}"
        await process.breathe()
        accident = self.network.befalls(verb, vmid, False)
        if accident is Accident.UNREACHABLE:
            raise Unreachable("Connection refused", call=call)
        if accident is not None:
            await asyncio.sleep(5.0)
            await process.breathe()
            raise Unreachable("Read timed out", call=call)
        await self._travel()
        try:
            return read(call)
        finally:
            await process.breathe()

    async def _change(self, verb: str, node: str, vmid: int, effect: Callable[[str], T]) -> T:
        process, call = RUNNING.get(), f"{verb} {vmid}"
        await process.breathe()
        self.network.before(verb, vmid)
        await process.breathe()
        self.calls.append(Call(verb, vmid))
        accident = self.network.befalls(verb, vmid, True)
        if accident in (Accident.UNREACHABLE, Accident.BUSY, Accident.DENIED, Accident.REFUSED):
            raise _refusal(accident, call)
        answer: asyncio.Future[T] = self._clock.create_future()
        if accident is not Accident.LOST_BEFORE:
            late = self.network.late_seconds() if accident is Accident.LATE else self.network.seconds()
            self._clock.call_later(late, self._deliver, verb, node, vmid, effect, answer)
        if accident is not None:
            await asyncio.sleep(PROXY_SECONDS if accident is Accident.LOST_AFTER else 5.0)
            await process.breathe()
            raise Ambiguous("Too many redirections" if accident is Accident.LOST_AFTER else "timed out", call=call)
        try:
            found = await answer
            await self._travel()
        finally:
            await process.breathe()
        return found

    def _deliver(self, verb: str, node: str, vmid: int, effect: Callable[[str], T], answer: asyncio.Future[T]) -> None:
        call = f"{verb} {vmid}"
        try:
            found = self._reached(node, call, effect)
        except HypervisorError as error:
            if not answer.done():
                answer.set_exception(error)
                answer.exception()  # nobody may be left to ask for it
        else:
            if not answer.done():
                answer.set_result(found)
        self.network.after(verb, vmid)

    async def _travel(self) -> None:
        seconds = self.network.seconds()
        if seconds:
            await asyncio.sleep(seconds)

"""Claim due wakes, work on each, and finish or postpone it. Any number of workers may run, anywhere."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Mapping

import structlog

from eventstore import outbox
from eventstore.codec import UnknownEvent
from eventstore.database import LOST, connect
from eventstore.outbox import LEASE_SECONDS, Lease
from eventstore.positions import Position
from eventstore.tail import POLL_SECONDS, WAKES, Doorbell
from orchestrator import fence
from orchestrator.fence import Fence, LeaseLost
from orchestrator.work import NoSuchStream, Tools
from runtime.program import Stop

log = structlog.get_logger()
Handled = tuple[Position, float | None]
Handler = Callable[[Tools, Lease], Awaitable[Handled]]
SLOTS = 100
HEARTBEAT_SECONDS = LEASE_SECONDS / 4
SURE_SECONDS = LEASE_SECONDS * 2 / 3  # the rest of a lease is for what was begun within it
PARKED_SECONDS = 3600.0
DRAIN_SECONDS = 7.0


class Worker:
    """Works on wakes until it is told to stop."""

    def __init__(self, tools: Tools, handlers: Mapping[str, Handler], url: str):
        self._tools = tools
        self._handlers = handlers
        self._url = url
        self._running: set[asyncio.Task[None]] = set()
        self._again = asyncio.Event()

    async def run(self, stop: Stop) -> None:
        """Work until `stop`; what is in hand then is finished, or handed over to whoever claims it next."""
        async with Doorbell(self._url, WAKES) as doorbell:
            while not stop.is_set():
                try:
                    await self._claim_loop(doorbell, stop)
                except LOST as error:
                    log.warning("database lost, trying again", error=str(error))
                    await _either(stop, POLL_SECONDS)
            await self._drain()

    async def _claim_loop(self, doorbell: Doorbell, stop: Stop) -> None:
        # Losing a claim means claiming again: this connection need not wait for the disk.
        connection = await connect(self._url, synchronous_commit="off")
        try:
            while not stop.is_set():
                free = SLOTS - len(self._running)
                asked_at = time.monotonic()
                leases = await outbox.claim(connection, list(self._handlers), free) if free else []
                for lease in leases:
                    self._start(lease, Fence(asked_at + SURE_SECONDS))
                if len(leases) < free or not free:
                    due = await outbox.next_due(connection, list(self._handlers))
                    await self._rest(doorbell, stop, due)
        finally:
            with contextlib.suppress(*LOST):
                await connection.close(timeout=1)

    async def _rest(self, doorbell: Doorbell, stop: Stop, due: float | None) -> None:
        pause = POLL_SECONDS if due is None else min(max(due, 0.005), POLL_SECONDS)
        waits = [asyncio.create_task(w) for w in (doorbell.wait(pause), self._again.wait(), stop.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        self._again.clear()

    def _start(self, lease: Lease, held: Fence) -> None:
        task = asyncio.create_task(self._work(lease, held))
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if len(self._running) == SLOTS - 1:
            self._again.set()

    async def _work(self, lease: Lease, held: Fence) -> None:
        """Handle a wake while keeping its lease; when the lease cannot be kept, stop at once."""
        fence.stand_behind(held)
        handling = asyncio.ensure_future(self._handlers[lease.category](self._tools, lease))
        heart = asyncio.create_task(self._heartbeat(lease, held, handling))
        try:
            await self._settle(lease, await handling)
        except (asyncio.CancelledError, LeaseLost):
            await self._let_go(lease)
        except LOST as error:
            log.warning("database lost while working", stream=lease.stream_id.hex, error=str(error))
        except Exception as error:  # noqa: BLE001 - one bad stream must not stop the others
            await self._give_up(lease, error)
        finally:
            heart.cancel()

    async def _let_go(self, lease: Lease) -> None:
        """Make the wake due at once; whoever holds it by now has another token, and is not disturbed."""
        log.warning("handed over" if self._tools.stopping.is_set() else "lease lost", stream=lease.stream_id.hex)
        with contextlib.suppress(*LOST):
            await outbox.postpone(self._tools.store.pool, lease, lease.position, 0.0)

    async def _heartbeat(self, lease: Lease, held: Fence, handling: asyncio.Future[Handled]) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            asked_at = time.monotonic()
            with contextlib.suppress(*LOST):
                kept = await outbox.extend(self._tools.store.pool, lease)
                held.keep(asked_at, SURE_SECONDS if kept else 0.0)
            if time.monotonic() > held.until:
                handling.cancel()
                return

    async def _settle(self, lease: Lease, handled: Handled) -> None:
        (position, seconds), pool = handled, self._tools.store.pool
        if seconds is None:
            due = await outbox.finish(pool, lease, position)
        else:
            due = await outbox.postpone(pool, lease, position, seconds)
        if due:  # what was appended meanwhile rang when the wake could not be claimed
            self._again.set()

    async def _give_up(self, lease: Lease, error: Exception) -> None:
        """Try again ever later; a stream that this version cannot read is parked."""
        parked = isinstance(error, UnknownEvent | NoSuchStream)
        pause = PARKED_SECONDS if parked else min(600.0, 2.0**lease.attempts) * random.uniform(0.5, 1.0)
        log.error("work failed", stream=lease.stream_id.hex, attempts=lease.attempts, exc_info=error)
        text = f"{type(error).__name__}: {error}"[:500]
        with contextlib.suppress(*LOST):
            await outbox.postpone(self._tools.store.pool, lease, lease.position, pause, error=text, progress=False)

    async def _drain(self) -> None:
        """Let what is in hand come to a safe place; what does not in time is cut short, as by a crash."""
        self._tools.stopping.set()
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=DRAIN_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


async def _either(stop: Stop, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()

"""Who is told what happens: one reader of the log per process, and a bounded queue for everybody who listens.

A message's id is its place in the log and its part there, so a listener that comes back with the last id it saw misses
nothing and gets nothing twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple
from uuid import UUID

import structlog

from domain import ids
from domain.server import represent
from domain.server.represent import Sights
from eventstore.database import FAILED
from eventstore.positions import START, Position, show
from eventstore.queries import Queries
from eventstore.store import EventStore
from eventstore.tail import Doorbell, LogReader
from runtime.background import cancelled
from runtime.ring import Ring
from service.identity.signing_keys import KEYS_CHANGED
from service.identity.statements import SQL
from service.identity.tokens import Caller, Tokens
from service.live.unfold import Turn, Unfolder
from service.reads import Reads
from service.web.reply import encode

LOG = Queries("eventstore")
PAGE = 500
QUEUE = 1_000
MEMBERSHIP_SECONDS = 2.0
SERVER_PART, OPERATION_PART = 0, 1
log = structlog.get_logger()


class Place(NamedTuple):
    """Where a message stands: the event in the log, and which of the messages about it."""

    position: Position
    part: int


class Message:
    """One message; its text differs between staff and customers and is made when first needed."""

    __slots__ = ("_id", "_sights", "_texts", "_turn", "place")

    def __init__(self, log_id: UUID, turn: Turn, part: int, sights: Sights):
        self.place = Place(Position(turn.record.tx, turn.record.pos), part)
        self._id = show(log_id, *self.place)
        self._turn, self._sights = turn, sights
        self._texts: dict[bool, bytes] = {}

    @property
    def account_id(self) -> UUID:
        """Whose server it is about."""
        return self._turn.after.account_id

    def status_of(self, operation_id: UUID) -> str | None:
        """What it says an operation has come to; None when it tells of something else."""
        touched = self._turn.after.touched
        return touched.status if touched is not None and touched.id == operation_id else None

    def text(self, *, staff: bool) -> bytes:
        """The message as it goes over the wire."""
        if staff not in self._texts:
            self._texts[staff] = wire(self._id, self._name, self._data(staff))
        return self._texts[staff]

    @property
    def _name(self) -> str:
        return "server.updated" if self.place.part == SERVER_PART else "operation.updated"

    def _data(self, staff: bool) -> dict[str, Any]:
        server = self._turn.after
        operation = server.touched if self.place.part == OPERATION_PART else server.current
        if self.place.part == OPERATION_PART and operation is not None:
            resource = represent.operation(operation, staff=staff)
        else:
            resource = represent.server(server, self._sights, staff=staff)
        return {
            "server_id": ids.show(ids.SERVER, server.id),
            "operation_id": ids.show(ids.OPERATION, operation.id) if operation else None,
            "version": server.version,
            "resource": resource,
        }


class Reachability:
    """A cluster began or ceased to answer: what was shown of its servers may be out of date. No event of the log."""

    def __init__(self, log_id: UUID, position: Position):
        self._id = show(log_id, position, OPERATION_PART)

    def text(self) -> bytes:
        """The message as it goes over the wire; everything up to its id was told before."""
        return wire(self._id, "hypervisor.changed", {})


class Listener:
    """Somebody who listens from `start` on; None in the queue ends it."""

    def __init__(self, caller: Caller, start: Position):
        self.caller, self.start = caller, start
        self.queue: asyncio.Queue[Message | Reachability | None] = asyncio.Queue(QUEUE)
        self.cut = asyncio.Event()

    def tell(self, message: Message | Reachability) -> None:
        """Queue a message; who is too slow is cut off and comes back with the last id seen."""
        if self.cut.is_set():
            return
        try:
            self.queue.put_nowait(message)
        except asyncio.QueueFull:
            self.end()

    def end(self) -> None:
        """Stop as soon as possible."""
        self.cut.set()
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


class Hub:
    """Follows the log for as long as somebody listens, and tells every listener."""

    channel = "hostler_session"

    def __init__(self, store: EventStore, log_id: UUID, reads: Reads, url: str, tokens: Tokens):
        self._store, self._log_id, self._reads = store, log_id, reads
        self._reader, self._unfolder, self._bell = LogReader(store), Unfolder(store), Doorbell(url, ear=self)
        self._tokens = tokens
        self._position = START
        self._listeners: set[Listener] = set()
        self._away: frozenset[str] | None = None
        self._accounts: dict[UUID, tuple[frozenset[UUID], float]] = {}
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    async def __aenter__(self) -> Hub:
        await self._bell.__aenter__()
        self._task = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._task is not None
        await cancelled(self._task)
        self.end_all()
        await self._bell.__aexit__(*exc)

    @property
    def watching(self) -> bool:
        """Whether it knows which clusters answer, so that a change would be told."""
        return self._away is not None

    @property
    def heard_by(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def ring(self) -> Ring:
        """What is rung whenever the log has grown."""
        return self._bell.another()

    def close(self) -> None:
        """The service stops: every listener is asked to go, and who comes now as well."""
        self._closing = True
        self.end_all()

    def end_all(self) -> None:
        """Ask every listener to go: it lost its place, or the service stops."""
        for listener in self._listeners:
            listener.end()

    def hears(self, hears: bool) -> None:
        """Whether this process is told of every session that ends."""
        self._tokens.hear(hears)

    def heard(self, payload: str) -> None:
        """A session has ended, here or in another process, or another key signs."""
        if payload == KEYS_CHANGED:
            self._tokens.keys_changed()
        else:
            self.end_session(UUID(payload))

    def end_session(self, session_id: UUID) -> None:
        """The session has ended: its tokens are checked anew, and its streams end."""
        self._tokens.forget(session_id)
        for listener in self._listeners:
            if listener.caller.session_id == session_id:
                listener.end()

    @contextlib.asynccontextmanager
    async def listening(self, caller: Caller) -> AsyncIterator[Listener]:
        """A listener that is told everything after its `start`, which is now or a moment ago."""
        if not self._listeners:  # then nobody has read the log for a while
            end = await self._end_of_log()
            if not self._listeners:
                self._position = max(self._position, end)
        listener = Listener(caller, self._position)
        self._listeners.add(listener)
        self._bell.ring()  # what has happened since was rung for when nobody listened
        if self._closing:
            listener.end()
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    async def missed(self, after: Place, until: Position) -> AsyncIterator[Message]:
        """What was said after a place, up to a position this hub has reached."""
        reader, unfolder = LogReader(self._store), Unfolder(self._store)
        position = Position(after.position.tx, after.position.pos - 1)  # the event itself may have another part
        while position < until:
            batch = await reader.read(position, PAGE)
            if batch.position is None:
                return
            position = batch.position
            reached = [record for record in batch.events if Position(record.tx, record.pos) <= until]
            for message in self._messages(await unfolder.turns(reached), await self._reads.sights()):
                if message.place > after:
                    yield message

    async def may_see(self, caller: Caller, message: Message) -> bool:
        """Whether the caller has the right to a message now (memberships are at most two seconds old)."""
        return caller.staff or message.account_id in await self._accounts_of(caller.user_id)

    async def session_goes_on(self, caller: Caller) -> bool:
        """Whether nobody has signed out meanwhile."""
        return bool(await self._store.pool.fetchval(SQL.session_of, caller.session_id))

    async def _accounts_of(self, user_id: UUID) -> frozenset[UUID]:
        known, until = self._accounts.get(user_id, (frozenset(), 0.0))
        if time.monotonic() < until:
            return known
        found = frozenset(m.account_id for m in await self._reads.memberships(user_id))
        if len(self._accounts) > QUEUE:
            self._accounts.clear()
        self._accounts[user_id] = found, time.monotonic() + MEMBERSHIP_SECONDS
        return found

    async def _follow(self) -> None:
        while True:
            try:
                moved = await self._page()
                await self._look_around()
            except FAILED as error:
                log.warning("log not readable", error=str(error) or type(error).__name__)
                moved = False
            except Exception as error:  # one bad event must not silence the stream for good
                log.error("event not understood, listeners begin anew", exc_info=error)
                moved = await self._skip()
            if not moved:
                await self._bell.wait(0.05 if self._listeners and self._reader.waiting else 1.0)

    async def _page(self) -> bool:
        if not self._listeners:
            return False
        batch = await self._reader.read(self._position, PAGE)
        if batch.position is None:
            return False
        turns = await self._unfolder.turns(batch.events)
        messages = list(self._messages(turns, await self._reads.sights()))
        self._position = max(self._position, batch.position)
        for listener in list(self._listeners):
            for message in messages:
                listener.tell(message)
        return True

    async def _look_around(self) -> None:
        if not self._listeners:
            self._away = None
            return
        sights = await self._reads.sights()
        away = frozenset(cluster for cluster, sight in sights.items() if not sight.reachable)
        known, self._away = self._away, away
        if known is not None and known != away:
            for listener in list(self._listeners):
                listener.tell(Reachability(self._log_id, self._position))

    async def _skip(self) -> bool:
        self.end_all()
        with contextlib.suppress(*FAILED):
            self._position = await self._end_of_log()
        return False

    async def _end_of_log(self) -> Position:
        row = await self._store.pool.fetchrow(LOG.end_of_log)
        return Position(row["tx"], row["pos"]) if row is not None else START

    def _messages(self, turns: list[Turn], sights: Sights) -> Iterator[Message]:
        for turn in turns:
            yield Message(self._log_id, turn, SERVER_PART, sights)
            if turn.after.touched is not None:
                yield Message(self._log_id, turn, OPERATION_PART, sights)


def wire(id: str, name: str, data: dict[str, Any]) -> bytes:
    """One message as it goes over the wire."""
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (id.encode(), name.encode(), encode(data))

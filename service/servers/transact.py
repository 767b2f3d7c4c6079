"""Load, decide, append: the one way in which requests write servers' events. On a conflict, load and decide again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from domain.errors import Refused
from domain.record import Meta, Recorded
from domain.server.events import ServerEvent
from domain.server.evolve import fold
from domain.server.state import Server
from eventstore.database import Connection
from eventstore.positions import Position
from eventstore.store import ClaimLost, Conflict, Entry, Name, Wake
from service.deps import Deps
from service.identity.tokens import Caller
from service.reads import SQL
from service.web import idempotency, problems
from service.web.idempotency import Key, Stored
from service.web.problems import Problem

ATTEMPTS = 3
Ending = Callable[[Server, Connection], Awaitable[None]]
CATEGORY = "server"  # whose workers the appended stream wakes


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What one request wants written to a server's stream, and how it is answered once that is done."""

    caller: Caller
    server_id: UUID
    operation_id: UUID
    decide: Callable[[Server | None], list[ServerEvent]]
    answer: Callable[[Server], Stored]
    meta: Meta
    known: Server | None = None  # the state to decide on first, when it was just read
    sealed: bytes | None = None
    key: Key | None = None
    new: bool = True  # the operation begins with this
    claims: Ending | None = None  # what else is written, given the state afterwards

    @property
    def claiming(self) -> bool:
        """Whether more is written than events."""
        return any(more is not None for more in (self.claims, self.sealed, self.key))


async def carry_out(deps: Deps, intent: Intent) -> Stored:
    """Write the events an intent leads to, with the claims that go with them, and wake the orchestrator.

    Raises:
        Problem: the state does not allow it, the key was used for something else, or others were faster every time.
    """
    state = intent.known
    for attempt in range(ATTEMPTS):
        if attempt:
            found = await deps.reads.server(intent.server_id, intent.caller)
            state = found.server if found else None
        answer = await _attempt(deps, intent, state)
        if answer is not None:
            return answer
    raise Problem("busy", headers={"Retry-After": "1"})


async def _attempt(deps: Deps, intent: Intent, state: Server | None) -> Stored | None:
    """One round; None when somebody else appended first."""
    pool = deps.store.pool
    if (stored := await idempotency.find(pool, intent.key)) is not None:
        return stored
    try:
        events = intent.decide(state)
    except Refused as refused:
        # The first sending of this very request may have been written since it was looked for.
        if (stored := await idempotency.find(pool, intent.key)) is not None:
            return stored
        raise problems.of(refused) from None
    if not events and state is not None:
        return intent.answer(state)
    claims = _Claims(intent, state)
    named = [Name(intent.operation_id, intent.server_id)] if intent.new else []
    entries, wakes = _entries(intent, state, events), [Wake(intent.server_id, CATEGORY)]
    try:
        if intent.claiming:
            records = await deps.store.record_with(entries, wakes, named, claims.write)
        else:
            records = await deps.store.record(entries, wakes, names=named)
    except (Conflict, ClaimLost):
        return None
    deps.reads.wrote(intent.caller.user_id, Position(records[-1].tx, records[-1].pos))
    return claims.answer or intent.answer(_after(state, records))


def _after(state: Server | None, records: Sequence[Recorded[ServerEvent]]) -> Server:
    after = fold(state, records)
    assert after is not None
    return after


def _entries(intent: Intent, state: Server | None, events: list[ServerEvent]) -> list[Entry]:
    version = state.version if state is not None else 0
    return [
        Entry(intent.server_id, version + number, event, intent.meta, _subject(state, event))
        for number, event in enumerate(events, start=1)
    ]


def _subject(state: Server | None, event: ServerEvent) -> UUID | None:
    """Whose personal data an event may hold: the account's."""
    return state.account_id if state is not None else getattr(event, "account_id", None)


class _Claims:
    """What is written after the events, in their transaction; the answer shows them as they were written."""

    def __init__(self, intent: Intent, state: Server | None):
        self._intent, self._state = intent, state
        self.answer: Stored | None = None

    async def write(self, connection: Connection, records: Sequence[Recorded[ServerEvent]]) -> None:
        intent, after = self._intent, _after(self._state, records)
        self.answer = intent.answer(after)
        if intent.claims is not None:
            await intent.claims(after, connection)
        if intent.sealed is not None:
            await connection.execute(SQL.keep_secret, intent.operation_id, intent.sealed)
        if intent.key is not None:
            await idempotency.keep(connection, intent.key, self.answer)

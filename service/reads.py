"""Reads: plain SQL on the views. What is asked for by id is the view's row with newer events folded onto it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from domain.account.roles import Right, may
from domain.account.state import User, evolve_user
from domain.catalogue.state import Item
from domain.record import Recorded
from domain.server.evolve import evolve
from domain.server.represent import Sight, Sights
from domain.server.state import Operation, Server
from eventstore import snapshot
from eventstore.at_hand import AtHand
from eventstore.positions import START, Position
from eventstore.queries import Queries
from eventstore.store import EventStore
from service.identity.tokens import Caller
from service.kept import Kept
from service.together import Together

SQL = Queries("service")
SIGHT_SECONDS = 1.0
CATCH_UP_SECONDS = 0.25
CATCH_UP_STEP = 0.005
MOST_POSITIONS = 10_000
Named: TypeAlias = tuple[str, UUID | None, str]  # an item's kind, and its id or its key
STATES = 2_000
# A version never changes its contents, except that erased personal data must be gone from here soon as well.
STATE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Found:
    """A server with everything that happened to it, and what the caller is to the accounts."""

    server: Server
    operations: dict[UUID, Operation] = field(default_factory=dict)  # those that newer events tell of
    memberships: dict[UUID, str] = field(default_factory=dict)
    now: datetime = datetime.min.replace(tzinfo=UTC)

    def visible(self, caller: Caller) -> bool:
        """Whether the caller may see it."""
        return caller.staff or self.server.account_id in self.memberships

    def may(self, caller: Caller, right: Right) -> bool:
        """Whether the caller's role in its account allows it."""
        return caller.staff or may(self.memberships.get(self.server.account_id), right)


@dataclass(frozen=True, slots=True)
class Membership:
    """An account a user may act for."""

    account_id: UUID
    role: str
    status: str


@dataclass(frozen=True, slots=True)
class Market:
    """What an order turns on: the items on offer that it names, by kind; the accounts its user may act for; the modes
    of those clusters that staff have switched.
    """

    items: dict[str, Item]
    memberships: list[Membership]
    switched: dict[str, str]


class Reads:
    """The reads of one database."""

    def __init__(self, store: EventStore):
        self._store = store
        self._pool = store.pool
        self.at_hand = AtHand(store.pool)  # for what is read again and again
        self._sights: Sights = {}
        self._sights_until = 0.0
        self._written: dict[UUID, Position] = {}
        self._servers = Together(self._read_servers)
        self._memberships = Together(self._read_memberships)
        self._market = Together(self._read_market)
        self._look = Together(self._read_sights)
        self._states: Kept[UUID, Server] = Kept(STATES, STATE_SECONDS)

    async def server(self, id: UUID, caller: Caller) -> Found | None:
        """A server by id, never older than what was appended before this call; None when there is none."""
        rows, known = await self._servers.answer((id, caller.user_id))
        return self._found(rows, self._viewed(rows[0], known))

    async def _read_servers(
        self, asked: Sequence[tuple[UUID, UUID]]
    ) -> list[tuple[list[asyncpg.Record], Server | None]]:
        known = [self._states.get(id) for id, _ in asked]
        versions = [state.version if state is not None else None for state in known]
        found: list[list[asyncpg.Record]] = [[] for _ in asked]
        for row in await self.at_hand.fetch(SQL.server, *map(list, zip(*asked, strict=True)), versions):
            found[row["number"] - 1].append(row)
        return list(zip(found, known, strict=True))

    def _viewed(self, row: asyncpg.Record, known: Server | None) -> Server | None:
        """The state in the view, which was not sent when it is the one that is known."""
        if row["viewed"] is None or row["state"] is None:
            return known if row["viewed"] is not None else None
        state = snapshot.decode(Server, row["state"])
        self._states.keep(state.id, state)
        return state

    async def states(self, versions: Mapping[UUID, int]) -> dict[UUID, Server]:
        """Servers as the view has them, by id: at these versions, or newer ones."""
        kept = {id: self._states.get(id) for id in versions}
        found = {id: state for id, state in kept.items() if state is not None and state.version == versions[id]}
        asked = [id for id in versions if id not in found]
        for row in await self.at_hand.fetch(SQL.states, asked) if asked else ():
            state = found[row["server_id"]] = snapshot.decode(Server, row["state"])
            self._states.keep(state.id, state)
        return found

    async def operation(self, id: UUID, caller: Caller) -> tuple[Found, Operation] | None:
        """An operation by id with its server, never older than what was appended before this call."""
        rows = await self.at_hand.fetch(SQL.operation, id, caller.user_id)
        if not rows:
            return None
        viewed = rows[0]["state"]
        found = self._found(rows, snapshot.decode(Server, viewed) if viewed is not None else None)
        if found is None:
            return None
        operation = found.operations.get(id) or _viewed(rows[0]["operation"])
        return (found, operation) if operation is not None else None

    def _found(self, rows: Sequence[asyncpg.Record], state: Server | None) -> Found | None:
        known = (state.operation, state.queued) if state is not None else ()
        operations = {operation.id: operation for operation in known if operation is not None}
        for record in self._records(rows):
            state = evolve(state, record)
            if (operation := state.touched) is not None:
                operations[operation.id] = operation
        if state is None:
            return None
        memberships = {UUID(key): role for key, role in json.loads(rows[0]["memberships"] or "{}").items()}
        return Found(state, operations, memberships, rows[0]["now"])

    async def user(self, id: UUID) -> User | None:
        """A user by id, never older than what was appended before this call."""
        rows = await self._pool.fetch(SQL.user, id)
        state = snapshot.decode(User, rows[0]["state"]) if rows[0]["state"] is not None else None
        for record in self._records(rows):
            state = evolve_user(state, record)
        return state

    async def memberships(self, user_id: UUID) -> list[Membership]:
        """The accounts a user may act for."""
        return await self._memberships.answer(user_id)

    async def _read_memberships(self, user_ids: Sequence[UUID]) -> list[list[Membership]]:
        found: dict[UUID, list[Membership]] = {id: [] for id in user_ids}
        for user_id, *membership in await self.at_hand.fetch(SQL.memberships, list(found)):
            found[user_id].append(Membership(*membership))
        return [found[id] for id in user_ids]

    async def items(self, kind: str) -> list[Item]:
        """The listed plans, images or locations, in the operator's order."""
        return [snapshot.decode(Item, row["state"]) for row in await self._pool.fetch(SQL.catalogue, kind)]

    async def market(self, user_id: UUID, asked: Sequence[Named]) -> Market:
        """What an order turns on that a user makes, with the items that it names."""
        return await self._market.answer((user_id, asked))

    async def _read_market(self, questions: Sequence[tuple[UUID, Sequence[Named]]]) -> list[Market]:
        users = list({user_id: None for user_id, _ in questions})
        named = list({one: None for _, asked in questions for one in asked})  # what many order is looked up once
        items: dict[Named, Item] = {}
        accounts: dict[UUID, list[Membership]] = {user_id: [] for user_id in users}
        switched: dict[str, str] = {}
        for row in await self.at_hand.fetch(SQL.market, *map(list, zip(*named, strict=True)), users):
            if row["about"] == "item":
                items[named[row["number"] - 1]] = snapshot.decode(Item, row["state"])
            elif row["about"] == "account":
                accounts[users[row["number"] - 1]].append(Membership(row["id"], row["name"], row["state"]))
            else:
                switched[row["name"]] = row["state"]
        return [
            Market({one[0]: items[one] for one in asked if one in items}, accounts[user_id], switched)
            for user_id, asked in questions
        ]

    async def switched(self) -> dict[str, str]:
        """The modes of those clusters that staff have switched, whatever the settings say."""
        return {row["cluster"]: row["mode"] for row in await self._pool.fetch(SQL.clusters_switched)}

    async def offers(self) -> list[Item]:
        """The images and locations that staff have made beside the settings, those that were retired among them."""
        return [snapshot.decode(Item, row["state"]) for row in await self._pool.fetch(SQL.offers)]

    async def now(self) -> datetime:
        """The database's clock."""
        moment: datetime = await self._pool.fetchval(SQL.now)
        return moment

    async def history(
        self, server_id: UUID, before: int | None, without: Iterable[str], limit: int
    ) -> list[Recorded[Any]]:
        """A server's events, newest first, from before a version on, some types left out."""
        rows = await self._pool.fetch(SQL.history, server_id, before, list(without), limit)
        return [self._store.recorded(row) for row in rows]

    async def operation_types(self, found: Found) -> dict[UUID, str]:
        """What each of a server's operations was."""
        rows = await self._pool.fetch(SQL.operation_types, found.server.id)
        newer = {id: operation.type for id, operation in found.operations.items()}
        return {row["operation_id"]: row["type"] for row in rows} | newer

    async def people(self, ids: Iterable[UUID]) -> dict[UUID, User]:
        """Users by id, as the view has them."""
        rows = await self._pool.fetch(SQL.people, list(ids))
        return {row["user_id"]: snapshot.decode(User, row["state"]) for row in rows}

    async def sights(self) -> Sights:
        """Whether each cluster answers, at most a second old."""
        if time.monotonic() >= self._sights_until:
            return await self._look.answer(None)
        return self._sights

    async def _read_sights(self, questions: Sequence[None]) -> list[Sights]:
        rows = await self.at_hand.fetch(SQL.sights)
        self._sights = {
            row["cluster"]: Sight(reachable=row["reachable"], observed_at=row["observed_at"]) for row in rows
        }
        self._sights_until = time.monotonic() + SIGHT_SECONDS
        return [self._sights] * len(questions)

    def wrote(self, user_id: UUID, position: Position) -> None:
        """Remember how far the views must be for this user to see their own writes."""
        if len(self._written) >= MOST_POSITIONS:
            self._written.clear()
        self._written[user_id] = max(position, self._written.get(user_id, START))

    async def caught_up(self, user_id: UUID) -> None:
        """Wait until the views show the user's own writes, 250 ms at most."""
        wanted = self._written.get(user_id)
        if wanted is None:
            return
        deadline = time.monotonic() + CATCH_UP_SECONDS
        while not await self._reached(wanted) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(CATCH_UP_STEP)
        if self._written.get(user_id) == wanted:
            del self._written[user_id]

    async def _reached(self, wanted: Position) -> bool:
        rows = await self.at_hand.fetch(SQL.checkpoint)
        return any(Position(row["tx"], row["pos"]) >= wanted for row in rows)

    def _records(self, rows: Iterable[asyncpg.Record]) -> list[Recorded[Any]]:
        return [self._store.recorded(row) for row in rows if row["type"] is not None]


def _viewed(text: str | None) -> Operation | None:
    return None if text is None else snapshot.decode(Operation, text)

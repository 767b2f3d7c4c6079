"""Streams as they were at a time and as they are now: folded from the log, not from the views."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from domain import ids
from domain.account.state import Account, User, evolve_account
from domain.record import Recorded
from domain.server import represent
from domain.server.evolve import evolve
from domain.server.state import Server
from eventstore.queries import Queries
from service.deps import Deps
from service.past.difference import difference

SQL = Queries("service.past")


class Life(NamedTuple):
    """What a stream was then and is now; None before its first event."""

    then: Any
    now: Any


async def lives(
    d: Deps, streams: Sequence[UUID], time: datetime, evolve: Callable[[Any, Any], Any], family: str
) -> dict[UUID, Life]:
    """Each stream's life, folded from its events of one family."""
    by_stream: dict[UUID, list[Recorded[Any]]] = defaultdict(list)
    for row in await d.store.pool.fetch(SQL.life_of, list(streams)):
        if row["type"].startswith(family):
            by_stream[row["stream_id"]].append(d.store.recorded(row))
    return {stream: _life(records, time, evolve) for stream, records in by_stream.items()}


def _life(records: Iterable[Recorded[Any]], time: datetime, evolve: Callable[[Any, Any], Any]) -> Life:
    then = now = None
    for record in records:
        now = evolve(now, record)
        then = now if record.at <= time else then
    return Life(then, now)


async def servers(d: Deps, found: Sequence[UUID], time: datetime) -> list[dict[str, Any]]:
    """Servers then and now, with how they differ; one that the log does not know is left out."""
    known = await lives(d, found, time, evolve, "server.")
    return [_server(server, known[server]) for server in found if server in known]


def _server(id: UUID, life: Life) -> dict[str, Any]:
    then, now = (_shown(state) for state in life)
    going_on = life.then.current if life.then is not None else None
    return {
        "id": ids.show(ids.SERVER, id),
        "then": then,
        "operation": represent.operation(going_on, staff=True) if going_on else None,
        "now": now,
        "changes": difference(then, now),
    }


def _shown(state: Server | None) -> dict[str, Any] | None:
    return represent.server(state, {}, staff=True) if state is not None else None


async def account(d: Deps, id: UUID, time: datetime) -> dict[str, Any] | None:
    """An account then and now, with how it differs; None when there never was one."""
    life = (await lives(d, [id], time, evolve_account, "account.")).get(id)
    if life is None:
        return None
    people = await d.reads.people({m.user_id for state in life if state is not None for m in state.members})
    then, now = (_account(state, people) for state in life)
    return {"id": ids.show(ids.ACCOUNT, id), "then": then, "now": now, "changes": difference(then, now)}


def _account(state: Account | None, people: dict[UUID, User]) -> dict[str, Any] | None:
    if state is None:
        return None
    members = {member.user_id: member.role for member in state.members}
    return {
        "id": ids.show(ids.ACCOUNT, state.id),
        "name": state.name,
        "status": state.status,
        "members": [
            {"id": ids.show(ids.USER, id), "name": people[id].name if id in people else None, "role": role}
            for id, role in sorted(members.items())
        ],
    }

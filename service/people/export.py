"""Everything that is kept about a customer, as the law lets them ask for: one JSON document."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.account.state import Account
from domain.record import Recorded
from domain.server import represent
from domain.server.evolve import fold
from service.deps import deps
from service.identity.step_up import recently_proved
from service.people.accounts import named_account
from service.people.statements import SQL
from service.people.users import represent_user
from service.web.reply import reply
from service.webhooks import endpoints

KEPT = ("ssh_key", "session", "api_token", "saved_view")


async def export_account(req: Request) -> Response:
    """Everything that is kept about a customer: the account, its users, its servers, and all that happened.

    A member who acts for other accounts too is named, and no more: how they sign in, and what they did, is theirs.
    """
    account, d = await named_account(req), deps(req)
    await recently_proved(req)
    servers = [row["server_id"] for row in await d.store.pool.fetch(SQL.all_servers_of, account.id)]
    own = [row["user_id"] for row in await d.store.pool.fetch(SQL.only_here, account.id)]
    rows = await d.store.pool.fetch(SQL.happened, [account.id, *servers, *own])
    records = [d.store.recorded(row) for row in rows]
    by_stream: dict[UUID, list[Recorded[Any]]] = defaultdict(list)
    for record in records:
        by_stream[record.stream_id].append(record)
    states = [fold(None, by_stream[id]) for id in servers]
    told = await d.store.pool.fetch(endpoints.SQL.webhooks, account.id, None)
    at = await d.store.pool.fetchval(SQL.at)
    shown = {
        "object": "account_export",
        "at": represent.time(at),
        "account": _account(account),
        "users": [*await _users(req, own), *await _shared(req, account, own)],
        "servers": [represent.server(state, {}, staff=True) for state in states if state is not None],
        "webhooks": [endpoints.shown(row) for row in told],
        "events": [_event(record) for record in records],
    }
    name = f'attachment; filename="{ids.show(ids.ACCOUNT, account.id)}.json"'
    return reply(shown, headers={"Content-Disposition": name})


def _account(account: Account) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(account)
    return shown | {"id": ids.show(ids.ACCOUNT, account.id), "created_at": represent.time(account.created_at)}


async def _users(req: Request, users: list[UUID]) -> list[dict[str, Any]]:
    d = deps(req)
    kept: dict[UUID, dict[str, list[Any]]] = defaultdict(lambda: {kind: [] for kind in KEPT})
    for row in await d.store.pool.fetch(SQL.kept_of_users, users):
        kept[row["user_id"]][row["kind"]].append(json.loads(row["kept"]))
    people = await d.reads.people(users)
    return [represent_user(people[id]) | kept[id] for id in users if id in people]


async def _shared(req: Request, account: Account, own: list[UUID]) -> list[dict[str, Any]]:
    roles = {member.user_id: member.role for member in account.members if member.user_id not in own}
    people = await deps(req).reads.people(sorted(roles))
    return [
        {"id": ids.show(ids.USER, id), "email": user.email, "name": user.name or None, "role": roles[id]}
        for id, user in people.items()
    ]


def _event(record: Recorded[Any]) -> dict[str, Any]:
    return {
        "stream": record.stream_id.hex,
        "version": record.version,
        "at": represent.time(record.at),
        "event": type(record.event).__name__,
        "data": msgspec.to_builtins(record.event),
    }

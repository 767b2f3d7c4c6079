"""Customers for staff: found, and shown with their servers, members, holds and totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.account.state import Account
from domain.server import represent
from domain.server.state import Server
from eventstore import snapshot
from service.accounts.accounts import state_of
from service.deps import caller, deps
from service.people.models import AccountsSearch
from service.people.statements import SQL
from service.servers.resource import pattern
from service.staff.clusters import staff_only
from service.web import paging
from service.web.body import query
from service.web.problems import Problem
from service.web.reply import reply

ORDER, MOST = "staff_accounts", 200


async def list_accounts(req: Request) -> Response:
    """Every customer, newest first."""
    staff_only(req)
    asked, d = query(req, AccountsSearch), deps(req)
    at, id = paging.parse(asked.cursor, ORDER, paging.moment)
    await d.reads.caught_up(caller(req).user_id)
    fields = (pattern(asked.q), asked.status, at, id, asked.limit + 1)
    rows = await d.store.pool.fetch(SQL.staff_accounts, *fields)
    shown = paging.page(
        rows,
        asked.limit,
        lambda row: _shown(snapshot.decode(Account, row["state"]), row["servers"]),
        lambda row: paging.cursor(ORDER, row["created_at"], row["account_id"]),
    )
    return reply(shown)


async def show_account(req: Request) -> Response:
    """A customer with members, servers, holds and totals."""
    account, d = await named_account(req), deps(req)
    await d.reads.caught_up(caller(req).user_id)
    servers = await servers_of(req, account.id, MOST + 1)
    there = [server for server in servers if server.status != "terminated"]
    sights = await d.reads.sights()
    return reply(
        {
            **_shown(account, len(there)),
            "members": await _members(req, account),
            "totals": _totals(there),
            "holds": [_held(server) for server in there if server.holds],
            "servers": [represent.server(server, sights, staff=True) for server in servers[:MOST]],
            "more_servers": len(servers) > MOST,
        }
    )


async def named_account(req: Request) -> Account:
    """The account that the address names, for staff.

    Raises:
        Problem: the caller is no staff, or there is no such account.
    """
    staff_only(req)
    id = ids.parse(ids.ACCOUNT, req.path_params["id"])
    account = await state_of(deps(req), id) if id is not None else None
    if account is None:
        raise Problem("not_found")
    return account


async def servers_of(req: Request, account_id: UUID, limit: int) -> list[Server]:
    """An account's servers, newest first, those that are gone last."""
    rows = await deps(req).store.pool.fetch(SQL.servers_of, account_id, limit)
    return [snapshot.decode(Server, row["state"]) for row in rows]


async def _members(req: Request, account: Account) -> list[dict[str, Any]]:
    roles = {member.user_id: member.role for member in account.members}
    people = await deps(req).reads.people(roles)
    return [
        {
            "id": ids.show(ids.USER, id),
            "email": people[id].email if id in people else "",
            "name": (people[id].name or None) if id in people else None,
            "role": role,
        }
        for id, role in sorted(roles.items())
    ]


def _shown(account: Account, servers: int) -> dict[str, Any]:
    return {
        "id": ids.show(ids.ACCOUNT, account.id),
        "object": "staff_account",
        "name": account.name,
        "email": account.email or None,
        "status": account.status,
        "external_id": f"{account.source}:client:{account.source_id}" if account.source else None,
        "server_count": servers,
        "created_at": represent.time(account.created_at),
    }


def _totals(servers: Sequence[Server]) -> dict[str, Any]:
    sizes: Counter[str] = Counter()
    for server in servers:
        sizes.update(server.size)
    return {
        "by_status": dict(Counter(server.status for server in servers)),
        **{name: sizes[name] for name in ("vcpus", "memory_mib", "disk_gib")},
    }


def _held(server: Server) -> dict[str, Any]:
    reasons = [hold.reason for hold in server.holds]
    return {"server": ids.show(ids.SERVER, server.id), "name": server.name, "reasons": reasons}

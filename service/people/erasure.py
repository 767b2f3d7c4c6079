"""A customer who wants to be forgotten: personal data beside the log is deleted, and with it what views had of it.

The events stay, with `(erased)` where a name was; the projector folds these streams anew.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.account.events import AccountErased, UserErased
from domain.account.state import Account
from domain.record import ERASED
from domain.server.events import OwnerErased
from eventstore.database import Connection
from eventstore.store import Conflict, Entry
from service.deps import caller, deps, meta
from service.identity.step_up import recently_proved
from service.people.accounts import named_account
from service.people.models import DryRun, Erasure
from service.people.statements import SQL
from service.reads import SQL as READS
from service.web.body import body, query
from service.web.problems import Problem, invalid
from service.web.reply import reply

ERASED_THINGS = [
    "names, e-mail addresses, profiles and custom fields of the account and these users, and what staff noted of it",
    "names, labels, notes and SSH keys of its servers, and what a billing system wants of them",
    "passwords, second factors, sessions, API tokens, SSH keys, saved views and invitations of these users",
    "webhooks of the account, and the messages sent to them",
]
KEPT_THINGS = [
    "that there was an account with these servers, and when what was done to them, without names",
    "which server had which address, as the law asks of who provides access",
    "what the imported contracts came to: amounts and dates",
    "backups of the database made before today: erase again after restoring one",
]


async def erase_account(req: Request) -> Response:
    """Erase a customer's personal data for good; a dry run only says what goes and what is kept."""
    account = await named_account(req)
    asked, dry = await body(req, Erasure), query(req, DryRun).dry_run
    d = deps(req)
    await d.reads.caught_up(caller(req).user_id)
    servers = await d.store.pool.fetch(SQL.all_servers_of, account.id)
    users = [row["user_id"] for row in await d.store.pool.fetch(SQL.only_here, account.id)]
    there = [row["name"] for row in servers if not row["gone"]]
    problem = _problem(account, there)
    if not dry:
        await recently_proved(req)
        if problem is not None:
            raise Problem("not_allowed", problem)
        if asked.confirm != account.name:
            raise invalid("/confirm", "This is not the account's name.", "wrong")
        await _erase(req, account, [row["server_id"] for row in servers], users)
    return reply(
        {
            "object": "erasure",
            "dry_run": dry,
            "problem": problem,
            "users": [ids.show(ids.USER, id) for id in users],
            "servers": len(servers),
            "erased": ERASED_THINGS,
            "kept": KEPT_THINGS,
        }
    )


def _problem(account: Account, there: list[str]) -> str | None:
    if account.name == ERASED:
        return "It was erased already."
    if there:
        more = ", …" if len(there) > 5 else ""
        return f"It still has servers: terminate them and wait until they are removed ({', '.join(there[:5])}{more})."
    return None


async def _erase(req: Request, account: Account, servers: list[UUID], users: list[UUID]) -> None:
    d, why = deps(req), meta(req)
    streams = [account.id, *servers, *users]
    versions = {row["stream_id"]: row["version"] for row in await d.store.pool.fetch(READS.versions, streams)}
    events: dict[UUID, Any] = {account.id: AccountErased()}
    events |= dict.fromkeys(servers, OwnerErased()) | dict.fromkeys(users, UserErased())
    entries = [Entry(stream, versions[stream] + 1, event, why) for stream, event in events.items()]
    ended: list[UUID] = []

    async def claims(connection: Connection) -> None:
        rows = await connection.fetch(SQL.erase, streams, users, account.id)
        ended.extend(row["session_id"] for row in rows)

    try:
        d.reads.wrote(caller(req).user_id, await d.store.append(entries, claims=claims))
    except Conflict:
        raise Problem("busy", headers={"Retry-After": "1"}) from None
    for session in ended:
        d.hub.end_session(session)

"""SSH keys over HTTP: each user's own, and nobody else's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.server import represent
from eventstore.queries import Queries
from runtime.ids import new_id
from service.deps import Deps, caller, deps
from service.keys.models import SshKeyChange, SshKeyCreate
from service.keys.public import NoKey, fingerprint
from service.web import paging
from service.web.body import body, query
from service.web.models import PageQuery
from service.web.problems import Problem, invalid
from service.web.reply import reply

SQL = Queries("service.keys")
MOST = 100
ORDER = "ssh_keys"


async def list_keys(req: Request) -> Response:
    """The caller's SSH keys, newest first."""
    asked = query(req, PageQuery)
    at, id = paging.parse(asked.cursor, ORDER, paging.moment)
    rows = await deps(req).store.pool.fetch(SQL.ssh_keys, caller(req).user_id, at, id, asked.limit + 1)
    after = lambda row: paging.cursor(ORDER, row["created_at"], row["key_id"])  # noqa: E731
    return reply(paging.page(rows, asked.limit, _shown, after))


async def show_key(req: Request) -> Response:
    """One of the caller's SSH keys."""
    rows = await deps(req).store.pool.fetch(SQL.ssh_keys_named, caller(req).user_id, [_id(req)])
    return reply(_shown(_one(rows)))


async def add_key(req: Request) -> Response:
    """Keep an SSH key, to name it in orders by its id."""
    given, user_id, pool = await body(req, SshKeyCreate), caller(req).user_id, deps(req).store.pool
    try:
        mark = fingerprint(given.public_key)
    except NoKey as error:
        raise invalid("/public_key", str(error)) from None
    row = await pool.fetchrow(SQL.keep_ssh_key, new_id(), user_id, given.name, given.public_key, mark, MOST)
    if row is None:
        raise await _why_not(deps(req), user_id, mark)
    return reply(_shown(row), 201, {"Location": f"/v1/ssh-keys/{ids.show(ids.SSH_KEY, row['key_id'])}"})


async def rename_key(req: Request) -> Response:
    """Call an SSH key something else."""
    me, id, pool = caller(req).user_id, _id(req), deps(req).store.pool
    _one(await pool.fetch(SQL.ssh_keys_named, me, [id]))
    given = await body(req, SshKeyChange)
    fields = (me, id, given.name)
    return reply(_shown(_one(await deps(req).store.pool.fetch(SQL.rename_ssh_key, *fields))))


async def drop_key(req: Request) -> Response:
    """Forget an SSH key. Servers that have it keep it."""
    _one(await deps(req).store.pool.fetch(SQL.drop_ssh_key, caller(req).user_id, _id(req)))
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


async def public_keys(req: Request, named: Sequence[str]) -> list[str]:
    """The public keys of those of the caller's keys that `ssh_key_ids` names, in that order, each once.

    Raises:
        Problem: the caller has no such key.
    """
    wanted = [ids.parse(ids.SSH_KEY, text) for text in named]
    known = [id for id in wanted if id is not None]
    rows = await deps(req).store.pool.fetch(SQL.ssh_keys_named, caller(req).user_id, known) if known else []
    found: dict[UUID | None, str] = {row["key_id"]: row["public_key"] for row in rows}
    for place, id in enumerate(wanted):
        if id not in found:
            raise invalid(f"/ssh_key_ids/{place}", "You have no such SSH key.", "unknown")
    return list(dict.fromkeys(found[id] for id in wanted))


async def _why_not(d: Deps, user_id: UUID, fingerprint: str) -> Problem:
    row = await d.store.pool.fetchrow(SQL.ssh_key_with, user_id, fingerprint)
    if row is None:
        return Problem("not_allowed", f"There is room for {MOST} SSH keys: delete one first.")
    known = ids.show(ids.SSH_KEY, row["key_id"])
    return Problem("already_exists", f"You have this key already: {row['name']} ({known}).")


def _id(req: Request) -> UUID:
    id = ids.parse(ids.SSH_KEY, req.path_params["id"])
    if id is None:
        raise Problem("not_found")
    return id


def _one(rows: Sequence[asyncpg.Record]) -> asyncpg.Record:
    if not rows:
        raise Problem("not_found")
    return rows[0]


def _shown(row: asyncpg.Record) -> dict[str, Any]:
    return {
        "id": ids.show(ids.SSH_KEY, row["key_id"]),
        "object": "ssh_key",
        "name": row["name"],
        "public_key": row["public_key"],
        "fingerprint": row["fingerprint"],
        "created_at": represent.time(row["created_at"]),
    }

"""A server's snapshots and backups over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from domain.server import represent
from domain.server.state import Backup, Snapshot
from service.servers.writing import seen
from service.web import paging
from service.web.body import query
from service.web.models import PageQuery
from service.web.reply import reply

T = TypeVar("T", Snapshot, Backup)


async def list_snapshots(req: Request) -> Response:
    """A server's snapshots, newest first."""
    return _list(req, (await seen(req)).server.snapshots, "snapshots", represent.snapshot)


async def list_backups(req: Request) -> Response:
    """A server's backups, newest first."""
    return _list(req, (await seen(req)).server.backups, "backups", represent.backup)


def _list(req: Request, kept: Sequence[T], order: str, show: Callable[[T], dict[str, Any]]) -> Response:
    asked = query(req, PageQuery)
    at, id = paging.parse(asked.cursor, order, paging.moment)
    newest = sorted(kept, key=lambda one: (one.created_at, one.id), reverse=True)
    rows = [one for one in newest if at is None or (one.created_at, one.id) < (at, id)]
    rows = rows[: asked.limit + 1]
    return reply(paging.page(rows, asked.limit, show, lambda one: paging.cursor(order, one.created_at, one.id)))

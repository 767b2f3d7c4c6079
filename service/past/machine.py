"""The time machine for staff: a server, a customer or an address at any moment, and what happened since, by whom."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from ipaddress import ip_address
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.record import Recorded
from domain.server import represent
from service.deps import caller, deps
from service.past import lives
from service.past.lives import SQL
from service.past.models import PastQuery
from service.past.words import WORDS
from service.servers import history
from service.staff.addresses import moment, who_had
from service.staff.clusters import staff_only
from service.web import paging
from service.web.body import query
from service.web.problems import Problem, invalid
from service.web.reply import reply

ORDER, MOST = "past", 200
KINDS = {"server": ids.SERVER, "account": ids.ACCOUNT}


async def show_past(req: Request) -> Response:
    """A server, an account or an address as it was at a time, how it differs from now, and the events since."""
    staff_only(req)
    asked = query(req, PastQuery)
    kind, text = _subject(asked)
    time = moment(asked.time)
    if time is None:
        raise invalid("/time", "Say which time: such as 2026-03-03T14:05:00Z.", "missing")
    await deps(req).reads.caught_up(caller(req).user_id)
    shown, streams = await _SHOWN[kind](req, text, time)
    events = await _events(req, streams, time, asked)
    return reply({"object": "past", "time": represent.time(time), "account": None, "address": None} | shown | events)


def _subject(asked: PastQuery) -> tuple[str, str]:
    named = [(kind, text) for kind in _SHOWN if (text := getattr(asked, kind)) is not None]
    if len(named) != 1:
        raise invalid("/server", "Name a server, an account or an address: one of the three.", "missing")
    return named[0]


def _id(kind: str, text: str) -> UUID:
    id = ids.parse(KINDS[kind], text)
    if id is None:
        raise invalid(f"/{kind}", f"This is no id: it looks like {KINDS[kind]}_ and 32 hexadecimal digits.", "unknown")
    return id


async def _server(req: Request, text: str, time: datetime) -> tuple[dict[str, Any], list[UUID]]:
    id = _id("server", text)
    found = await lives.servers(deps(req), [id], time)
    if not found:
        raise Problem("not_found", "There never was such a server.")
    return {"servers": found, "more_servers": False}, [id]


async def _account(req: Request, text: str, time: datetime) -> tuple[dict[str, Any], list[UUID]]:
    d, id = deps(req), _id("account", text)
    account = await lives.account(d, id, time)
    if account is None:
        raise Problem("not_found", "There never was such an account.")
    rows = await d.store.pool.fetch(SQL.servers_of_account, id, MOST + 1)
    servers = [row["server_id"] for row in rows[:MOST]]
    shown = {"account": account, "servers": await lives.servers(d, servers, time), "more_servers": len(rows) > MOST}
    return shown, [id, *servers]


async def _address(req: Request, text: str, time: datetime) -> tuple[dict[str, Any], list[UUID]]:
    d = deps(req)
    try:
        address = ip_address(text)
    except ValueError:
        raise invalid("/address", "This is no IP address.") from None
    holders = await who_had(d.store.pool, address, None)
    then = next(iter(await who_had(d.store.pool, address, time)), None)
    now = next((holder for holder in holders if holder["until"] is None), None)
    named = dict.fromkeys(holder["server"] for holder in (then, now) if holder is not None)
    servers = [id for name in named if (id := ids.parse(ids.SERVER, name)) is not None]
    shown = {"address": {"address": str(address), "then": then, "now": now, "holders": holders}}
    return shown | {"servers": await lives.servers(d, servers, time), "more_servers": False}, servers


_SHOWN = {"server": _server, "account": _account, "address": _address}


async def _events(req: Request, streams: Sequence[UUID], time: datetime, asked: PastQuery) -> dict[str, Any]:
    d = deps(req)
    (tx, pos), _ = paging.parse(asked.cursor, ORDER, paging.place) if asked.cursor else ((None, None), None)
    rows = await d.store.pool.fetch(SQL.happened_since, streams, time, tx, pos, asked.limit + 1)
    records = [d.store.recorded(row) for row in rows]
    people = await d.reads.people(history.people_of(records))
    types = {row["operation_id"]: row["type"] for row in await d.store.pool.fetch(SQL.operation_types_of, streams)}

    def show(record: Recorded[Any]) -> dict[str, Any]:
        family = type(record.event)
        words, prefix = (WORDS, ids.ACCOUNT) if family in WORDS else (history.WORDS, ids.SERVER)
        return history.entry(record, people, types, staff=True, words=words, prefix=prefix)

    def after(record: Recorded[Any]) -> str:
        return paging.cursor(ORDER, [record.tx, record.pos])

    return {"events": paging.page(records, asked.limit, show, after)}

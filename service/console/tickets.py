"""Tickets for consoles: each opens one WebSocket, soon, from where it was asked for, while its session goes on."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from domain.server import represent
from domain.server.state import Server
from eventstore.queries import Queries
from runtime.rfb import PASSWORD_LENGTH
from service.deps import Deps, caller, deps
from service.identity.secret_hash import secret_hash
from service.identity.statements import SQL as SESSIONS
from service.identity.tokens import Caller
from service.reads import Found
from service.servers.writing import writable
from service.staff.clusters import is_observed
from service.web.problems import Problem
from service.web.reply import reply

SQL = Queries("service.console")
SOCKET = "/v1/console"
SECONDS = 30.0
NEVER = 2**63


@dataclass(frozen=True, slots=True)
class Pass:
    """Who may open which server's console, and with what password."""

    caller: Caller
    server_id: UUID
    password: str


async def open_console(req: Request) -> Response:
    """A ticket for the server's screen, keyboard and mouse."""
    found, who, d = await writable(req), caller(req), deps(req)
    await check(d, found, who)
    ticket = secrets.token_urlsafe(32)
    fields = (secret_hash(ticket), who.session_id, who.user_id, found.server.id, req.headers.get("origin"), SECONDS)
    expires_at = await d.store.pool.fetchval(SQL.new_console_ticket, *fields)
    scheme = "wss" if req.url.scheme == "https" else "ws"
    shown = {
        "url": f"{scheme}://{req.url.netloc}{SOCKET}/{ticket}",
        "password": _password(d, ticket),
        "expires_at": represent.time(expires_at),
    }
    return reply(shown, 201)


async def redeem(d: Deps, ticket: str, origin: str | None, host: str) -> Pass | None:
    """Whom a ticket was given to; None when it is worthless, or presented from elsewhere. It is used up in any case."""
    row = await d.store.pool.fetchrow(SQL.redeem_console_ticket, secret_hash(ticket))
    if row is None or not row["valid"] or not _same_origin(row["origin"], origin, host):
        return None
    if not await d.store.pool.fetchval(SESSIONS.session_of, row["session_id"]):
        return None
    user = await d.reads.user(row["user_id"])
    if user is None or not user.may_sign_in:
        return None
    who = Caller(row["user_id"], user.role, row["session_id"], NEVER)
    return Pass(who, row["server_id"], _password(d, ticket))


async def admitted(d: Deps, given: Pass) -> Server:
    """The server, if the holder of a ticket may use its console now.

    Raises:
        Problem: the session has ended, or the right or the reason is gone.
    """
    if not await d.store.pool.fetchval(SESSIONS.session_of, given.caller.session_id):
        raise Problem("unauthorized", "You have signed out.")
    found = await d.reads.server(given.server_id, given.caller)
    if found is None or not found.visible(given.caller):
        raise Problem("not_found")
    if not found.may(given.caller, "act"):
        raise Problem("forbidden")
    await check(d, found, given.caller)
    return found.server


async def check(d: Deps, found: Found, who: Caller) -> None:
    """Make sure that the server can show a screen, and may show it to the caller.

    Raises:
        Problem: it cannot, or may not.
    """
    server = found.server
    if server.mode == "observe" or await is_observed(d.store.pool, d.config, server.cluster):
        raise Problem("not_allowed", "This server is only observed: it is still managed by the system it came from.")
    if server.holds and not who.staff:
        raise Problem("not_allowed", "This is not possible now: the server is suspended.")
    if server.vmid is None or server.identity is None or server.destroyed or not server.adopted:
        raise Problem("not_allowed", "The server has no virtual machine now.")
    if server.power == "stopped" and server.current is None:
        raise Problem("not_allowed", "The server is stopped: start it first.")


def _same_origin(bound: str | None, origin: str | None, host: str) -> bool:
    """A browser says where a page is from; a program need not, but may not then come from a page of another place."""
    if bound is not None or origin is None:
        return bound == origin
    return origin.partition("://")[2] == host


def _password(d: Deps, ticket: str) -> str:
    digest = hmac.new(d.refresh_key, b"console " + ticket.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode()[:PASSWORD_LENGTH]

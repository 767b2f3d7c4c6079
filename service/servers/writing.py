"""What every request that changes a server has in common: who may, on which version, and how it is answered."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request

from domain import ids
from domain.account.roles import Right
from domain.server import represent
from domain.server.events import ServerEvent
from domain.server.operations import Who
from domain.server.represent import Sights
from domain.server.state import Server
from service.deps import caller, deps, meta
from service.reads import Found
from service.servers.transact import Ending, Intent, carry_out
from service.web.idempotency import Key, Stored
from service.web.problems import Problem
from service.web.reply import encode

_VERSION = re.compile(r'(?:W/)?"?(\d{1,9})(?:-[0-9a-f]*)?"?')


async def seen(req: Request) -> Found:
    """The server that the address names.

    Raises:
        Problem: there is none that the caller may see.
    """
    id = ids.parse(ids.SERVER, req.path_params["id"])
    found = await deps(req).reads.server(id, caller(req)) if id is not None else None
    if found is None or not found.visible(caller(req)):
        raise Problem("not_found")
    return found


async def writable(req: Request, right: Right = "act") -> Found:
    """The server that the address names, for who may act on it.

    Raises:
        Problem: there is none that the caller may see, or the caller may only look at it.
    """
    found = await seen(req)
    check_right(req, found, right)
    return found


def check_right(req: Request, found: Found, right: Right) -> None:
    """Make sure that the caller's role allows it.

    Raises:
        Problem: it does not.
    """
    if not found.may(caller(req), "act"):
        raise Problem("forbidden", "You may look at this server, but not act on it.")
    if not found.may(caller(req), right):
        raise Problem("forbidden", "Your role in this account does not allow this.")


def wanted_version(req: Request) -> int | None:
    """The version that If-Match names, None when any will do.

    Raises:
        Problem: it names none.
    """
    given = req.headers.get("if-match", "").strip()
    if given in ("", "*"):
        return None
    match = _VERSION.fullmatch(given)
    if match is None:
        raise Problem("version_mismatch", "If-Match takes a version or an ETag.")
    return int(match[1])


def asked_by(req: Request) -> Who:
    """As what the caller asks."""
    return "staff" if caller(req).staff else "customer"


def at_version(
    req: Request, decide: Callable[[Server], list[ServerEvent]]
) -> Callable[[Server | None], list[ServerEvent]]:
    """The decision, unless If-Match names another version.

    Raises:
        Problem: If-Match names none.
    """
    wanted = wanted_version(req)

    def checked(state: Server | None) -> list[ServerEvent]:
        assert state is not None
        if wanted is not None and wanted != state.version:
            raise Problem("version_mismatch", f"The current version is {state.version}.")
        return decide(state)

    return checked


async def commit(
    req: Request,
    id: UUID,
    operation_id: UUID,
    decide: Any,
    key: Key | None,
    *,
    known: Server | None = None,
    sealed: bytes | None = None,
    new: bool = False,
    created: bool = False,
    claims: Ending | None = None,
) -> Stored:
    """Carry out what was decided about an operation; `new` when it begins with this, `created` its server too.

    Raises:
        Problem: as `carry_out`.
    """
    d, who = deps(req), caller(req)
    sights = await d.reads.sights()
    intent = Intent(
        caller=who,
        server_id=id,
        operation_id=operation_id,
        decide=decide,
        answer=lambda state: accepted(state, operation_id, sights, staff=who.staff, with_server=created),
        meta=meta(req),
        known=known,
        sealed=sealed,
        key=key,
        new=new,
        claims=claims,
    )
    return await carry_out(d, intent)


def sealed_with(req: Request, operation_id: UUID, **given: str | None) -> bytes | None:
    """What was given with an operation and is nobody's to read, sealed for it; None when nothing was."""
    secrets = {name: text for name, text in given.items() if text is not None}
    return deps(req).seal.seal(msgspec.json.encode(secrets), operation_id.bytes) if secrets else None


def accepted(state: Server, operation_id: UUID, sights: Sights, *, staff: bool, with_server: bool) -> Stored:
    """The answer that an operation goes on."""
    known = [one for one in (state.operation, state.queued) if one is not None]
    operation = next((one for one in known if one.id == operation_id), known[0])
    shown = {"operation": represent.operation(operation, staff=staff)}
    if with_server:
        shown = {"server": represent.server(state, sights, staff=staff), **shown}
    headers = {"Location": f"/v1/operations/{shown['operation']['id']}", "Retry-After": "1"}
    return Stored(202, headers, encode(shown).decode())

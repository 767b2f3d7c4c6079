"""All servers of a customer suspended at once, or no longer: seen before as a preview, told server by server."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.errors import Refused
from domain.server.decide import RequestOperation, request
from domain.server.state import Server
from runtime.ids import new_id
from service.deps import caller, deps
from service.people.accounts import named_account, servers_of
from service.people.models import DryRun, MassSuspension
from service.servers.writing import commit
from service.staff.clusters import is_observed
from service.web.body import body, query
from service.web.problems import Problem
from service.web.reply import reply

MOST = 1000


async def suspend_account(req: Request) -> Response:
    """Suspend every server of an account for a reason; a dry run only says which and which not."""
    return await _all(req, "suspend")


async def unsuspend_account(req: Request) -> Response:
    """Lift a reason for which servers of an account are suspended; a dry run only says which."""
    return await _all(req, "unsuspend")


async def _all(req: Request, type: str) -> Response:
    account = await named_account(req)
    asked, dry = await body(req, MassSuspension), query(req, DryRun).dry_run
    await deps(req).reads.caught_up(caller(req).user_id)
    servers = [s for s in await servers_of(req, account.id, MOST + 1) if s.status != "terminated"]
    if len(servers) > MOST:
        raise Problem("not_allowed", f"The account has more than {MOST} servers: suspend them one by one.")
    outcomes = [await _one(req, server, type, asked, dry=dry) for server in servers]
    asked_for = sum(outcome["refused"] is None for outcome in outcomes)
    shown = {"object": "mass_result", "dry_run": dry, "asked": asked_for, "refused": len(outcomes) - asked_for}
    return reply({**shown, "outcomes": outcomes}, 200 if dry else 202)


async def _one(req: Request, server: Server, type: str, asked: MassSuspension, *, dry: bool) -> dict[str, Any]:
    command = await _command(req, server, type, asked)
    operation, refused = None, None
    try:
        if dry:
            request(server, command)
        else:
            found = await deps(req).reads.server(server.id, caller(req))
            known = found.server if found is not None else server
            command = replace(command, now=found.now) if found is not None else command
            decide = partial(_decided, command=command)
            await commit(req, server.id, command.operation_id, decide, None, known=known, new=True)
            operation = ids.show(ids.OPERATION, command.operation_id)
    except Refused as error:
        refused = error.message
    except Problem as error:
        refused = error.detail
    return {
        "server": ids.show(ids.SERVER, server.id),
        "name": server.name,
        "operation": operation,
        "refused": refused,
    }


def _decided(state: Server, *, command: RequestOperation) -> list[Any]:
    return list(request(state, command))


async def _command(req: Request, server: Server, type: str, asked: MassSuspension) -> RequestOperation:
    d = deps(req)
    return RequestOperation(
        operation_id=new_id(),
        type=type,
        now=server.updated_at,
        params={"reason": asked.reason},
        personal={"note": asked.note} if type == "suspend" else {},
        by="staff",
        observed=await is_observed(d.store.pool, d.config, server.cluster),
    )

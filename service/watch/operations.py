"""The operations of all servers for staff, and what staff decide about one: retry, skip its step, or abandon it."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.errors import Refused
from domain.server import represent
from domain.server.decide import Ending, EndOperation, end
from domain.server.state import Operation, Server
from eventstore import snapshot
from service.deps import caller, deps
from service.servers.actions import given_back
from service.servers.waiting import answered
from service.servers.writing import commit
from service.staff.clusters import staff_only
from service.watch.models import OperationDecision, StaffOperationsQuery
from service.watch.statements import SQL
from service.web import idempotency, paging
from service.web.body import body, query
from service.web.problems import Problem
from service.web.reply import reply

ORDER = "staff_operations"
OPEN = ("open", "queued", "running", "needs_attention")
MEANS: dict[str, Ending] = {"retry": "retry", "skip": "skip", "abandon": "cancel"}


async def list_operations(req: Request) -> Response:
    """Operations of all servers with where these are, newest first."""
    staff_only(req)
    asked, d = query(req, StaffOperationsQuery), deps(req)
    at, id = paging.parse(asked.cursor, ORDER, paging.moment)
    await d.reads.caught_up(caller(req).user_id)
    statement = SQL.staff_open_operations if asked.status in OPEN else SQL.staff_operations
    status = None if asked.status == "open" else asked.status
    fields = (status, asked.type, asked.cluster, asked.node, at, id, asked.limit + 1)
    rows = await d.store.pool.fetch(statement, *fields)
    shown = paging.page(
        rows, asked.limit, _shown, lambda row: paging.cursor(ORDER, row["created_at"], row["operation_id"])
    )
    return reply(shown)


def _shown(row: Any) -> dict[str, Any]:
    operation, server = snapshot.decode(Operation, row["state"]), snapshot.decode(Server, row["server"])
    return {
        **represent.operation(operation, staff=True),
        "server": {
            "id": ids.show(ids.SERVER, server.id),
            "name": server.name,
            "account": ids.show(ids.ACCOUNT, server.account_id),
            "cluster": server.cluster,
            "node": server.node,
            "vmid": server.vmid,
        },
        "actions": [action for action in MEANS if _leads_on(server, operation.id, action)],
    }


def _leads_on(server: Server, operation_id: UUID, action: str) -> bool:
    try:
        return bool(end(server, _ending(operation_id, action, None)))
    except Refused:
        return False


def _ending(operation_id: UUID, action: str, reason: str | None) -> EndOperation:
    return EndOperation(what=MEANS[action], operation_id=operation_id, by="staff", reason=reason)


async def decide_operation(req: Request) -> Response:
    """Have an operation tried again, go on without its step, or give it up."""
    staff_only(req)
    id, asked = ids.parse(ids.OPERATION, req.path_params["id"]), await body(req, OperationDecision)
    found = await deps(req).reads.operation(id, caller(req)) if id is not None else None
    if id is None or found is None:
        raise Problem("not_found")
    key, command = idempotency.key_of(req, asked), _ending(id, asked.action, asked.reason or None)
    server = found[0].server
    decide, claims = partial(end, command=command), partial(given_back, id)
    return await answered(req, await commit(req, server.id, id, decide, key, known=server, claims=claims))

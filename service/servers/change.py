"""Changing what a server is called, its labels and its protection."""

from __future__ import annotations

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from domain.server import represent
from domain.server.change import ChangeServer, change
from domain.server.decide import RequestOperation, request
from domain.server.events import ServerEvent
from domain.server.represent import Sights
from domain.server.state import Server
from runtime.ids import new_id
from service.deps import caller, deps, meta
from service.servers.models import ServerChange
from service.servers.transact import Intent, carry_out
from service.servers.waiting import answered
from service.servers.writing import accepted, asked_by, at_version, writable
from service.staff.clusters import is_observed
from service.web import idempotency
from service.web.body import body
from service.web.idempotency import Stored
from service.web.reply import encode, entity_tag


async def change_server(req: Request) -> Response:
    """Change labels and delete protection at once; another name is an operation, as the guest has it too."""
    found = await writable(req)
    asked = await body(req, ServerChange)
    key, d, who = idempotency.key_of(req, asked), deps(req), caller(req)
    sights, operation_id = await d.reads.sights(), new_id()
    rename = None
    if asked.name is not None and asked.name.lower() != found.server.name:
        rename = RequestOperation(
            operation_id=operation_id,
            type="rename",
            now=found.now,
            personal={"name": asked.name.lower()},
            by=asked_by(req),
            observed=await is_observed(d.store.pool, d.config, found.server.cluster),
        )
    protected = asked.protection.delete if asked.protection is not None else None
    command = ChangeServer(labels=asked.labels, protected=protected)

    def decide(state: Server) -> list[ServerEvent]:
        return [*change(state, command), *(request(state, rename) if rename is not None else ())]

    intent = Intent(
        caller=who,
        server_id=found.server.id,
        operation_id=operation_id,
        decide=at_version(req, decide),
        answer=lambda state: _answer(state, operation_id if rename else None, sights, staff=who.staff),
        meta=meta(req),
        known=found.server,
        key=key,
        new=rename is not None,
    )
    return await answered(req, await carry_out(d, intent))


def _answer(state: Server, operation_id: UUID | None, sights: Sights, *, staff: bool) -> Stored:
    if operation_id is not None:
        return accepted(state, operation_id, sights, staff=staff, with_server=True)
    shown = represent.server(state, sights, staff=staff)
    data = encode(shown)
    return Stored(200, {"ETag": entity_tag(shown, data)}, data.decode())

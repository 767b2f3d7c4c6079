"""What people ask of a server that exists: each action as the command it means, and what is kept for it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.account.roles import NEEDED
from domain.errors import Refused
from domain.server import events as e
from domain.server.decide import EndOperation, RequestOperation, end, request
from domain.server.operations import OPERATIONS
from domain.server.state import Operation, Server
from eventstore.database import Connection
from runtime.ids import new_id
from service.deps import caller, deps
from service.reads import SQL, Found
from service.servers import consequences, models, ordering, user_data
from service.servers.waiting import answered
from service.servers.writing import asked_by, at_version, check_right, commit, sealed_with, writable
from service.staff.clusters import is_observed
from service.web import idempotency, problems
from service.web.body import body, query
from service.web.idempotency import Key, Stored
from service.web.problems import Problem, invalid
from service.web.reply import reply

PASSWORD_BYTES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an operation is to do: `personal` is people's own, password and user data are sealed beside the log. A
    password that was `made_up` is shown once.
    """

    params: dict[str, Any] = field(default_factory=dict)
    personal: dict[str, Any] = field(default_factory=dict)
    password: str | None = None
    user_data: str | None = None
    made_up: bool = False


async def act_on_server(req: Request) -> Response:
    """Ask for an operation on a server, have one tried again, or give one up. A dry run only says what it means."""
    found = await writable(req)
    asked, dry = await body(req, models.ServerAction), query(req, models.ActQuery).dry_run
    key, action = idempotency.key_of(req, asked), asked.root
    check_right(req, found, NEEDED.get(action.type, "act"))
    if dry:
        return await _try(req, found, action)
    if isinstance(action, models.End):
        return await _end(req, found, action, key)
    return await _request(req, found, action, key)


async def terminate_server(req: Request) -> Response:
    """Ask for a server's end; it can be undone until it is purged."""
    found = await writable(req, NEEDED["terminate"])
    stored, _ = await _operate(req, found, "terminate", Asked(), idempotency.key_of(req, None))
    return await answered(req, stored)


async def _request(req: Request, found: Found, action: models.Act, key: Key | None) -> Response:
    asked = await _asked(req, found.server, action)
    stored, operation_id = await _operate(req, found, action.type, asked, key)
    return await answered(req, _with_password(stored, operation_id, asked.password) if asked.made_up else stored)


def _with_password(stored: Stored, operation_id: str, password: str | None) -> Stored:
    """The answer with the password that was made up: not in what is kept of it, nor when it is given again."""
    answer = msgspec.json.decode(stored.body)
    if answer["operation"]["id"] != operation_id:
        return stored
    return Stored(stored.status, stored.headers, msgspec.json.encode({**answer, "password": password}).decode())


async def _try(req: Request, found: Found, action: models.Act | models.End) -> Response:
    """Nothing is written; a refusal is the same."""
    try:
        if isinstance(action, models.End):
            at_version(req, partial(end, command=_ending(req, found, action)))(found.server)
        else:
            asked = await _asked(req, found.server, action)
            command = await _command(req, found, action.type, asked)
            at_version(req, partial(request, command=command))(found.server)
            if isinstance(action, models.Resize):
                await ordering.check_room(req, found.server, asked.params["plan"])
    except Refused as refused:
        raise problems.of(refused) from None
    return reply({"fits": True, "dry_run": True, "notes": consequences.of(found.server, action)})


async def _asked(req: Request, server: Server, action: models.Act) -> Asked:
    if OPERATIONS[action.type].who == "staff" and not caller(req).staff:
        raise Problem("forbidden", "Only staff may do this.")
    match action:
        case models.Rebuild():
            return await _rebuild(req, server, action)
        case models.Resize():
            plan = await ordering.plan(req, action.plan)
            return Asked(params={"plan": _fields(plan), "restart": action.restart})
        case models.Rename():
            return Asked(personal={"name": action.name.lower()})
        case models.ResetPassword():
            return await _reset_password(req, action)
        case models.Take():
            _check_backups(req, server, action)
            return Asked(personal={"name": action.name})
        case models.OfSnapshot():
            return Asked(params={"snapshot_id": _id(ids.SNAPSHOT, action.snapshot, "/snapshot")})
        case models.OfBackup():
            return Asked(params={"backup_id": _id(ids.BACKUP, action.backup, "/backup")})
        case models.Suspend():
            return Asked(params={"reason": action.reason}, personal={"note": action.note})
        case models.Unsuspend():
            return Asked(params={"reason": action.reason})
        case _:
            return Asked()


async def _rebuild(req: Request, server: Server, action: models.Rebuild) -> Asked:
    image = await ordering.image_for(req, action.image, server)
    if action.user_data is not None:
        cluster = deps(req).config.known_cluster(server.cluster)
        user_data.check_place([cluster] if cluster is not None else [], server.location.name)
    keys = await ordering.all_keys(req, action)
    personal = {} if keys is None else {"ssh_keys": keys}
    params = {"image": _fields(image), "safety": action.safety}
    return Asked(params=params, personal=personal, password=action.password, user_data=action.user_data)


async def _reset_password(req: Request, action: models.ResetPassword) -> Asked:
    keys = await ordering.all_keys(req, action)
    if action.password is None and keys is None:
        return Asked(password=secrets.token_urlsafe(PASSWORD_BYTES), made_up=True)
    personal = {} if keys is None else {"ssh_keys": keys}
    return Asked(personal=personal, password=action.password)


def _check_backups(req: Request, server: Server, action: models.Take) -> None:
    cluster = deps(req).config.known_cluster(server.cluster)
    if action.type == "backup" and cluster is not None and cluster.backup_storage is None:
        raise Problem("not_allowed", f"Backups are not offered in {server.location.name}.")


def _id(prefix: str, text: str, pointer: str) -> str:
    id = ids.parse(prefix, text)
    if id is None:
        raise invalid(pointer, f"This is no id: it looks like {prefix}_ and 32 hexadecimal digits.", "unknown")
    return str(id)


def _fields(value: e.Plan | e.Image) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


async def _command(req: Request, found: Found, type: str, asked: Asked) -> RequestOperation:
    return RequestOperation(
        operation_id=new_id(),
        type=type,
        now=found.now,
        params=asked.params,
        personal=asked.personal,
        by=asked_by(req),
        observed=await is_observed(deps(req).store.pool, deps(req).config, found.server.cluster),
        user_data=asked.user_data is not None,
    )


async def _operate(req: Request, found: Found, type: str, asked: Asked, key: Key | None) -> tuple[Stored, str]:
    command = await _command(req, found, type, asked)
    sealed = sealed_with(req, command.operation_id, password=asked.password, user_data=asked.user_data)
    decide = at_version(req, lambda state: request(state, command))
    stored = await commit(
        req, found.server.id, command.operation_id, decide, key, known=found.server, sealed=sealed, new=True
    )
    return stored, ids.show(ids.OPERATION, command.operation_id)


def _ending(req: Request, found: Found, action: models.End) -> EndOperation:
    named = None if action.operation is None else ids.parse(ids.OPERATION, action.operation)
    if action.operation is not None and named is None:
        raise invalid("/operation", "This is no id of an operation.", "unknown")
    newest = found.server.queued or found.server.operation
    operation = named or (newest.id if newest is not None else None)
    if operation is None:
        raise Problem("not_allowed", "The server has no operation.")
    return EndOperation(what=action.type, operation_id=operation, by=asked_by(req))


async def _end(req: Request, found: Found, action: models.End, key: Key | None) -> Response:
    command = _ending(req, found, action)
    operation = command.operation_id
    assert operation is not None
    decide = at_version(req, lambda state: end(state, command))
    claims = partial(given_back, operation)
    stored = await commit(req, found.server.id, operation, decide, key, known=found.server, claims=claims)
    return await answered(req, stored)


async def given_back(operation_id: Any, after: Server, connection: Connection) -> None:
    """What was kept or promised for an operation that ends here."""
    operation = _operation(after, operation_id)
    if operation is None or operation.status != "cancelled":
        return
    await connection.execute(SQL.forget_secret, operation.id)
    if operation.type == "resize":
        size = after.size
        await connection.execute(SQL.promise_exactly, after.id, size["memory_mib"], size["vcpus"], size["disk_gib"])


def _operation(state: Server, id: Any) -> Operation | None:
    return next((one for one in (state.operation, state.queued) if one is not None and one.id == id), None)

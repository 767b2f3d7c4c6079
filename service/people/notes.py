"""What staff write down about a customer or a server: seen by staff alone, erased with the customer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.account.events import NoteRemoved, NoteWritten
from domain.account.notes import Note, notes
from domain.account.state import Account
from domain.server import represent
from runtime.ids import new_id
from service.accounts.accounts import account_event
from service.deps import caller, deps
from service.people.accounts import named_account
from service.people.models import NoteNew, NotesQuery
from service.people.statements import SQL
from service.web import paging
from service.web.body import body, query
from service.web.problems import Problem, invalid
from service.web.reply import reply

MOST = 500


async def list_notes(req: Request) -> Response:
    """What is noted about a customer, newest first."""
    account, asked = await named_account(req), query(req, NotesQuery)
    server_id = await _server(req, account, asked.server) if asked.server is not None else None
    found = await _notes(req, account)
    return reply(await _listed(req, [note for note in found if server_id in (None, note.server_id)]))


async def write_note(req: Request) -> Response:
    """Note something about a customer, or about one of the servers."""
    account, asked = await named_account(req), await body(req, NoteNew)
    server_id = await _server(req, account, asked.server) if asked.server is not None else None
    if len(await _notes(req, account)) >= MOST:
        raise Problem("not_allowed", f"There is room for {MOST} notes about a customer: remove some first.")
    id = new_id()
    await account_event(req, account, NoteWritten(note_id=id, server_id=server_id, text=asked.text))
    written = await _listed(req, [note for note in await _notes(req, account) if note.id == id])
    shown = written["data"][0]
    return reply(shown, 201, {"Location": f"{req.url.path}/{shown['id']}"})


async def remove_note(req: Request) -> Response:
    """Show a note no more; the log keeps it until the customer is erased."""
    account, id = await named_account(req), ids.parse(ids.NOTE, req.path_params["note"])
    if id not in {note.id for note in await _notes(req, account)}:
        raise Problem("not_found")
    assert id is not None
    await account_event(req, account, NoteRemoved(note_id=id))
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


async def _notes(req: Request, account: Account) -> list[Note]:
    store = deps(req).store
    return notes(store.recorded(row) for row in await store.pool.fetch(SQL.notes_of, account.id))


async def _server(req: Request, account: Account, text: str) -> UUID:
    id = ids.parse(ids.SERVER, text)
    found = await deps(req).reads.server(id, caller(req)) if id is not None else None
    if found is None or found.server.account_id != account.id:
        raise invalid("/server", "This customer has no such server.", "unknown")
    return found.server.id


async def _listed(req: Request, found: Sequence[Note]) -> dict[str, Any]:
    authors = {note.id: ids.parse(ids.USER, note.actor.person) for note in found}
    people = await deps(req).reads.people({id for id in authors.values() if id is not None})
    names = {ids.show(ids.USER, id): user.name or user.email for id, user in people.items()}
    return paging.whole(found, lambda note: _shown(note, names.get(note.actor.person, "")))


def _shown(note: Note, author: str) -> dict[str, Any]:
    return {
        "id": ids.show(ids.NOTE, note.id),
        "object": "note",
        "server": ids.show(ids.SERVER, note.server_id) if note.server_id is not None else None,
        "text": note.text,
        "author": {"id": note.actor.person, "name": author},
        "created_at": represent.time(note.at),
    }

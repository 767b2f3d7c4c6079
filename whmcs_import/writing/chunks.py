"""What of loading a chunk needs no database: its rows as the events of their streams, ready to be appended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from uuid import UUID

import msgspec

from domain import ids
from domain.account.events import AccountImported, UserImported
from domain.catalogue.events import PlanDeclared
from domain.record import Meta
from domain.server.events import ImportUpdated, Mode, ServerImported
from eventstore.bulk import Entry, Row, encode_chunk
from runtime import passwords
from whmcs_import.mapping import users
from whmcs_import.source.staging import Copy
from whmcs_import.source.staging import Row as Planned

KINDS = {"product": PlanDeclared, "user": UserImported, "client": AccountImported, "service": ServerImported}
Credential = tuple[UUID, str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """One row to write: where it came from, whether its stream is new, and what it says."""

    source_id: str
    is_new: bool
    content_hash: bytes
    stream: UUID


@dataclass(frozen=True, slots=True)
class Ready:
    """A chunk that only wants to be written: `events` as if every stream began here."""

    entity: str = ""
    changes: list[Change] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    opened: list[tuple[str, UUID]] = field(default_factory=list)  # addresses, and who signs in with them
    closed: list[UUID] = field(default_factory=list)  # who does not
    credentials: list[Credential] = field(default_factory=list)


_pack = msgspec.msgpack.Encoder().encode
unpack = msgspec.msgpack.Decoder(Ready).decode


@dataclass(frozen=True, slots=True)
class Run:
    """What all events of a run have in common; `plans` are the streams of products, `names` what the catalogue calls
    images and locations.
    """

    source: str
    id: UUID
    mode: Mode
    meta: Meta
    plans: Mapping[str, UUID]
    names: Mapping[UUID, str]


class Scribe:
    """Writes events down."""

    def __init__(self, _: Copy | None, run: Run):
        self._run = run
        common = {"run_id": run.id, "mode": run.mode, "origin": "import"}
        self._rest = b"," + msgspec.json.encode(common)[1:]

    def ready(self, entity: str, planned: Sequence[Planned], raw: Mapping[int, str]) -> bytes:
        """A chunk of the plan as `Ready`, packed; `raw` are the users' passwords as the source has them."""
        changes, events = [], []
        for source_id, action, content, payload in planned:
            is_new = action == "create"
            changes.append(Change(source_id, is_new, content, self._stream(entity, source_id)))
            events.append(self._event(entity, payload, again=not is_new))
        entries = [self._entry(change.stream, event) for change, event in zip(changes, events, strict=True)]
        ready = Ready(entity, changes, encode_chunk(entries))
        if entity == "user":
            _sign_in(ready, events, raw)
        return _pack(ready)

    def again(self, entity: str, stream: UUID, payload: bytes) -> Row:
        """The event of a row whose stream is not new."""
        return encode_chunk([self._entry(stream, self._event(entity, payload, again=True))])[0]

    def _stream(self, entity: str, source_id: str) -> UUID:
        return self._run.plans[source_id] if entity == "product" else ids.imported(self._run.source, entity, source_id)

    def _event(self, entity: str, payload: bytes, *, again: bool) -> Any:
        kind = ImportUpdated if again and entity == "service" else KINDS[entity]
        event = _decoder(kind).decode(payload[:-1] + self._rest)
        return self._named(event) if entity == "service" else event

    def _named(self, server: Any) -> Any:
        """A server whose image and location are called as the catalogue here calls them."""
        parts = {
            part: replace(item, name=self._run.names[item.id])
            for part in ("image", "location")
            if (item := getattr(server, part)).id in self._run.names
        }
        return replace(server, **parts) if parts else server

    def _entry(self, stream: UUID, event: Any) -> Entry:
        """The first event of a stream, and whose personal data it holds."""
        subject = None if isinstance(event, PlanDeclared) else getattr(event, "account_id", stream)
        return Entry(stream, 1, event, self._run.meta, subject)


@cache
def _decoder(kind: type) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _sign_in(ready: Ready, events: Sequence[UserImported], raw: Mapping[int, str]) -> None:
    """Who of a chunk signs in with which address and password, and who does not; old digests take their time."""
    for change, event in zip(ready.changes, events, strict=True):
        if not event.login:
            ready.closed.append(change.stream)
            continue
        ready.opened.append((event.email, change.stream))
        hashed = passwords.import_hash(raw.get(users.number(change.source_id), ""))
        if hashed is not None:
            ready.credentials.append((change.stream, *hashed))

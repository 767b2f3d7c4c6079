"""Write a plan into the log, chunk by chunk. Each chunk is one transaction: its events, then its claims.

A run that is killed leaves whole chunks; the next one finds their claims and goes on with the rest. Nobody is asked
or told anything here: no e-mail, no invoice, no call to Proxmox.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from domain import ids
from domain.account.events import AccountImported, UserImported
from domain.catalogue.events import PlanDeclared
from domain.importing.events import ChunkLoaded, ImportFinished, ImportStarted
from domain.record import Actor, Meta
from domain.server.events import ImportUpdated, Mode, ServerImported
from eventstore.bulk import Entry, Row, Wake, append_chunk, append_encoded, encode_chunk
from eventstore.database import Connection
from eventstore.store import Conflict
from runtime import passwords
from whmcs_import import mapping, target, users
from whmcs_import.mapping_file import MappingFile
from whmcs_import.plan import ENTITIES, Plan
from whmcs_import.shop import Shop
from whmcs_import.staging import Row as Planned
from whmcs_import.staging import Staging
from whmcs_import.target import SQL, TargetError

CHUNK = 500
LEGACY_DAYS = 180  # how long a hash other than bcrypt opens an account that nobody signs in to
ATTEMPTS = 5
WAKE = "import"
EVENTS = {"product": PlanDeclared, "user": UserImported, "client": AccountImported}
Progress = Callable[[str, int], None]
Credential = tuple[UUID, str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """One row to write: where it came from, whether its stream is new, and what it becomes."""

    source_id: str
    is_new: bool
    content_hash: bytes
    stream: UUID
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Ready:
    """A chunk that only wants to be written: `events` as if every stream began here."""

    entity: str = ""
    changes: list[Change] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    credentials: list[Credential] = field(default_factory=list)


class _Part(Struct):
    id: str


class _Parts(Struct):
    """What of a server the catalogue here may have another name for."""

    image: _Part
    location: _Part


_decode_parts = msgspec.json.Decoder(_Parts).decode


async def load(
    connection: Connection,
    staging: Staging,
    plan: Plan,
    file: MappingFile,
    *,
    run_id: UUID,
    mode: Mode,
    report: dict[str, Any],
    progress: Progress,
) -> None:
    """Write everything the plan would create or update, as run `run_id`; `report` is what its log keeps of it.

    Raises:
        TargetError: somebody else writes the same rows.
    """
    loader = _Loader(connection, staging, plan.source, plan.shop, file, run_id, mode)
    counts = {name: {"create": t.create, "update": t.update} for name, t in plan.entities.items()}
    await loader.tell(ImportStarted(source=plan.source, plan_hash=plan.plan_hash, counts=counts))
    await loader.learn_names()
    for name, entity in ENTITIES.items():
        await _load_all(loader, staging, entity, partial(progress, name))
    await loader.tell(ImportFinished(report=report))


async def _load_all(loader: _Loader, staging: Staging, entity: str, progress: Callable[[int], None]) -> None:
    """Write all of an entity: each chunk is made ready while the one before it is written."""
    done, ready = 0, _Ready()
    for rows in staging.planned(entity, CHUNK):
        raw = staging.passwords([users.number(row[0]) for row in rows]) if entity == "user" else {}
        following, _ = await asyncio.gather(asyncio.to_thread(loader.ready, entity, rows, raw), loader.write(ready))
        done, ready = done + len(ready.changes), following
        progress(done)
    await loader.write(ready)
    progress(done + len(ready.changes))


class _Loader:
    """One run: its stream, and how each entity is written."""

    def __init__(
        self,
        connection: Connection,
        staging: Staging,
        source: str,
        shop: Shop,
        file: MappingFile,
        run_id: UUID,
        mode: Mode,
    ):
        self._connection = connection
        self._staging = staging
        self._source = source
        self._shop = shop
        self._file = file
        self._run = run_id
        self._mode = mode
        self._names: dict[str, str] = {}
        self._version = 0
        self._chunks = 0
        actor = Actor(type="import", id=ids.show(ids.RUN, run_id))
        self._meta = Meta(actor=actor, correlation=ids.show(ids.RUN, run_id))

    async def tell(self, event: object) -> None:
        """Append to the run's own stream."""
        async with self._connection.transaction():
            await append_chunk(self._connection, [self._told(event)])
        self._version += 1

    async def learn_names(self) -> None:
        """Ask what the catalogue here calls the images and locations of all servers."""
        parts = map(_decode_parts, self._staging.payloads("service"))
        items = {id for part in parts for id in (part.image.id, part.location.id)}
        self._names = await target.catalogue_names(self._connection, [UUID(item) for item in sorted(items)])

    def ready(self, entity: str, planned: Sequence[Planned], raw: dict[int, str]) -> _Ready:
        """Everything about a chunk that needs no database; `raw` are the users' passwords as the source has them."""
        changes = [self._change(entity, row) for row in planned]
        events = encode_chunk([self._entry(entity, change, again=not change.is_new) for change in changes])
        return _Ready(entity, changes, events, _credentials(changes, raw) if entity == "user" else [])

    async def write(self, ready: _Ready) -> None:
        """Write one chunk; when a stream has grown meanwhile, look again and try once more."""
        for attempt in range(ATTEMPTS if ready.changes else 0):
            try:
                await self._write(ready)
                return
            except Conflict as error:
                if attempt == ATTEMPTS - 1:
                    raise TargetError(f"another program keeps writing the same rows ({error}): run again") from None
            except asyncpg.UniqueViolationError as error:
                what = error.constraint_name or "a claim"
                raise TargetError(f"{what}: somebody else took it meanwhile: run again, nothing is lost") from None

    async def _write(self, ready: _Ready) -> None:
        here = await target.versions(self._connection, [change.stream for change in ready.changes])
        batch = self._placed(ready, here)
        wakes = []
        if ready.entity == "service":
            streams = [change.stream for change in ready.changes]
            batch += encode_chunk([self._told(ChunkLoaded(number=self._chunks + 1, server_ids=streams))])
            wakes.append(Wake(self._run, WAKE))
        async with self._connection.transaction():
            await append_encoded(self._connection, batch, wakes)
            await self._claim(ready.entity, ready.changes)
            if ready.entity == "user":
                await self._logins(ready.changes, ready.credentials)
        if wakes:
            self._version, self._chunks = self._version + 1, self._chunks + 1

    def _placed(self, ready: _Ready, here: dict[UUID, int]) -> list[Row]:
        """The events of a chunk behind what their streams hold; what is new and there already was taken back once."""
        if not here:
            return list(ready.events)
        found = []
        for change, row in zip(ready.changes, ready.events, strict=True):
            if change.is_new and change.stream in here:
                row = encode_chunk([self._entry(ready.entity, change, again=True)])[0]
            found.append(row._replace(version=here.get(change.stream, 0) + 1))
        return found

    def _told(self, event: object) -> Entry:
        return Entry(self._run, self._version + 1, event, self._meta)

    def _change(self, entity: str, row: Planned) -> Change:
        source_id, action, content, payload = row
        stream = ids.imported(self._source, entity, source_id)
        if entity == "product":
            stream = mapping.plan_id(self._source, self._shop.products[int(source_id)], self._file)
        return Change(source_id, action == "create", content, stream, msgspec.json.decode(payload))

    def _entry(self, entity: str, change: Change, *, again: bool) -> Entry:
        """The first event of a change's stream, and whose personal data it holds; `again`: it is not the first."""
        plain = {**change.payload, "run_id": self._run, "mode": self._mode, "origin": "import"}
        subject = None if entity == "product" else change.stream
        kind = EVENTS.get(entity, ImportUpdated if again else ServerImported)
        if entity == "service":
            subject = UUID(plain["account_id"])
            for part in ("image", "location"):
                plain[part] = {**plain[part], "name": self._names.get(plain[part]["id"], plain[part]["name"])}
        return Entry(change.stream, 1, msgspec.convert(plain, kind), self._meta, subject)

    async def _claim(self, entity: str, changes: list[Change]) -> None:
        new = [change for change in changes if change.is_new]
        old = [change for change in changes if not change.is_new]
        if new:
            columns = [c.source_id for c in new], [c.stream for c in new], [c.content_hash for c in new]
            await self._connection.execute(SQL.claim_rows, self._source, entity, *columns, self._run)
        if old:
            renewed = [c.source_id for c in old], [c.content_hash for c in old]
            await self._connection.execute(SQL.renew_rows, self._source, entity, *renewed, self._run)

    async def _logins(self, changes: list[Change], credentials: list[Credential]) -> None:
        closed = [change.stream for change in changes if not change.payload["login"]]
        opened = [(change.payload["email"], change.stream) for change in changes if change.payload["login"]]
        await self._connection.execute(SQL.close_logins, closed)
        await self._connection.execute(SQL.open_logins, [email for email, _ in opened], [user for _, user in opened])
        columns: list[list[Any]] = [list(column) for column in zip(*credentials, strict=True)] or [[], [], []]
        await self._connection.execute(SQL.put_credentials, *columns, LEGACY_DAYS)


def _credentials(changes: list[Change], raw: dict[int, str]) -> list[Credential]:
    """The passwords of users who can sign in; wrapping old digests is the only costly work of an import."""

    def kept(change: Change) -> Credential | None:
        hashed = passwords.import_hash(raw.get(users.number(change.source_id), ""))
        return None if hashed is None else (change.stream, *hashed)

    opened = [change for change in changes if change.payload["login"]]
    with ThreadPoolExecutor() as threads:
        return [credential for credential in threads.map(kept, opened) if credential is not None]

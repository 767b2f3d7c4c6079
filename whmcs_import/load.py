"""Write a plan into the log, chunk by chunk. Each chunk is one transaction: its events, then its claims.

A run that is killed leaves whole chunks; the next one finds their claims and goes on with the rest. Nobody is asked
or told anything here: no e-mail, no invoice, no call to Proxmox.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from domain import ids
from domain.importing.events import ChunkLoaded, ImportFinished, ImportStarted
from domain.record import Actor, Meta
from domain.server.events import Mode
from eventstore.bulk import Entry, Row, Wake, append_chunk, append_encoded, encode_chunk
from eventstore.database import Connection
from eventstore.store import Conflict
from whmcs_import import mapping, target, users
from whmcs_import.chunks import Change, Ready, Run, Scribe, unpack
from whmcs_import.crew import Alone, Crew
from whmcs_import.mapping_file import MappingFile
from whmcs_import.plan import ENTITIES, Plan
from whmcs_import.staging import Row as Planned
from whmcs_import.staging import Staging
from whmcs_import.target import SQL, TargetError

CHUNK = 1000
LEGACY_DAYS = 180  # how long a hash other than bcrypt opens an account that nobody signs in to
ATTEMPTS = 5
WAKE = "import"
Progress = Callable[[str, int], None]


class _Part(Struct):
    id: UUID


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
    crew: Crew | None = None,
) -> None:
    """Write everything the plan would create or update, as run `run_id`; `report` is what its log keeps of it.

    The `crew` makes chunks ready while others are written.

    Raises:
        CrewLost: a member of it died.
        TargetError: somebody else writes the same rows.
    """
    actor = Actor(type="import", id=ids.show(ids.RUN, run_id))
    meta = Meta(actor=actor, correlation=ids.show(ids.RUN, run_id))
    plans = {str(id): mapping.plan_id(plan.source, product, file) for id, product in plan.shop.products.items()}
    run = Run(plan.source, run_id, mode, meta, plans, await _names(connection, staging))
    loader = _Loader(connection, run, is_first=not await target.has_runs(connection, plan.source))
    counts = {name: {"create": t.create, "update": t.update} for name, t in plan.rows.items()}
    await loader.tell(ImportStarted(source=plan.source, plan_hash=plan.plan_hash, counts=counts))
    scribes = crew or Alone(staging)
    scribes.begin(Scribe, run)
    async with _unhurried(connection):
        for name, entity in ENTITIES.items():
            await _load_all(loader, scribes, staging, entity, partial(progress, name))
    await loader.tell(ImportFinished(report=report))


@asynccontextmanager
async def _unhurried(connection: Connection) -> AsyncIterator[None]:
    """Chunks need not be on disk before the next one is written: were the database to lose the last of them, the next
    run would find that they are not there. Whatever is committed afterwards, here or elsewhere, is on disk after them.
    """
    await connection.execute(SQL.commit_unhurried)
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute(SQL.commit_as_usual)


async def _names(connection: Connection, staging: Staging) -> dict[UUID, str]:
    """What the catalogue here calls the images and locations of all servers."""
    parts = map(_decode_parts, staging.payloads("service"))
    items = {id for part in parts for id in (part.image.id, part.location.id)}
    return await target.catalogue_names(connection, sorted(items))


async def _load_all(
    loader: _Loader, scribes: Crew, staging: Staging, entity: str, progress: Callable[[int], None]
) -> None:
    """Write all of an entity: chunks are made ready while the one before them is written."""
    pending: deque[list[Planned]] = deque()

    def tasks() -> Iterator[tuple[Any, ...]]:
        for rows in staging.planned(entity, CHUNK):
            pending.append(rows)
            yield entity, rows, staging.passwords([users.number(row[0]) for row in rows]) if entity == "user" else {}

    answers = map(unpack, scribes.each("ready", tasks()))
    done, ready, planned = 0, Ready(), list[Planned]()
    while True:
        following, _ = await asyncio.gather(asyncio.to_thread(next, answers, None), loader.write(ready, planned))
        done += len(ready.changes)
        progress(done)
        if following is None:
            return
        ready, planned = following, pending.popleft()


class _Loader:
    """One run: its stream, and how each entity is written."""

    def __init__(self, connection: Connection, run: Run, *, is_first: bool):
        self._connection = connection
        self._run = run
        self._is_first = is_first  # of its source: then none of its streams is there
        self._scribe = Scribe(None, run)
        self._version = 0
        self._chunks = 0

    async def tell(self, event: object) -> None:
        """Append to the run's own stream."""
        async with self._connection.transaction():
            await append_chunk(self._connection, [self._told(event)])
        self._version += 1

    async def write(self, ready: Ready, planned: Sequence[Planned]) -> None:
        """Write one chunk; when a stream has grown meanwhile, look again and try once more."""
        for attempt in range(ATTEMPTS if ready.changes else 0):
            try:
                await self._write(ready, planned, look=attempt > 0 or not self._is_first or ready.entity == "product")
                return
            except Conflict as error:
                if attempt == ATTEMPTS - 1:
                    raise TargetError(f"another program keeps writing the same rows ({error}): run again") from None
            except asyncpg.UniqueViolationError as error:
                what = error.constraint_name or "a claim"
                raise TargetError(f"{what}: somebody else took it meanwhile: run again, nothing is lost") from None

    async def _write(self, ready: Ready, planned: Sequence[Planned], *, look: bool) -> None:
        streams = [change.stream for change in ready.changes]
        here = await target.versions(self._connection, streams) if look else {}
        batch = self._placed(ready, planned, here)
        wakes = []
        if ready.entity == "service":
            batch += encode_chunk([self._told(ChunkLoaded(number=self._chunks + 1, server_ids=streams))])
            wakes.append(Wake(self._run.id, WAKE))
        async with self._connection.transaction():
            await append_encoded(self._connection, batch, wakes)
            await self._claim(ready.entity, ready.changes)
            if ready.entity == "user":
                await self._logins(ready)
        if wakes:
            self._version, self._chunks = self._version + 1, self._chunks + 1

    def _placed(self, ready: Ready, planned: Sequence[Planned], here: dict[UUID, int]) -> list[Row]:
        """The events of a chunk behind what their streams hold; what is new and there already was taken back once."""
        if not here:
            return list(ready.events)
        found = []
        for change, row, (*_, payload) in zip(ready.changes, ready.events, planned, strict=True):
            if change.is_new and change.stream in here:
                row = self._scribe.again(ready.entity, change.stream, payload)
            found.append(row._replace(version=here.get(change.stream, 0) + 1))
        return found

    def _told(self, event: object) -> Entry:
        return Entry(self._run.id, self._version + 1, event, self._run.meta)

    async def _claim(self, entity: str, changes: list[Change]) -> None:
        new = [change for change in changes if change.is_new]
        old = [change for change in changes if not change.is_new]
        source, run = self._run.source, self._run.id
        if new:
            columns = [c.source_id for c in new], [c.stream for c in new], [c.content_hash for c in new]
            await self._connection.execute(SQL.claim_rows, source, entity, *columns, run)
        if old:
            renewed = [c.source_id for c in old], [c.content_hash for c in old]
            await self._connection.execute(SQL.renew_rows, source, entity, *renewed, run)

    async def _logins(self, ready: Ready) -> None:
        await self._connection.execute(SQL.close_logins, ready.closed)
        addresses, people = [email for email, _ in ready.opened], [user for _, user in ready.opened]
        await self._connection.execute(SQL.open_logins, addresses, people)
        columns: list[list[Any]] = [list(column) for column in zip(*ready.credentials, strict=True)] or [[], [], []]
        await self._connection.execute(SQL.put_credentials, *columns, LEGACY_DAYS)

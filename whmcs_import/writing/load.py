"""Write a plan into the log, chunk by chunk. Each chunk is one transaction: its events, then its claims.

Connections take turns, so that the database appends one chunk while the claims of the one before are written. Chunks
are committed in their order: a run that is killed leaves whole chunks from the first on, and the next one finds their
claims and goes on with the rest. Nobody is asked or told anything here: no e-mail, no invoice, no call to Proxmox.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import cycle
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from domain import ids
from domain.importing.events import ChunkLoaded, ImportFinished, ImportStarted
from domain.record import Actor, Meta
from domain.server.events import Mode
from eventstore.bulk import Entry, Row, Wake, append_chunk, append_encoded, encode_chunk
from eventstore.database import Connection
from eventstore.store import Conflict
from whmcs_import.mapping import mapping, users
from whmcs_import.mapping.mapping_file import MappingFile
from whmcs_import.planning import target
from whmcs_import.planning.crew import Alone, Crew
from whmcs_import.planning.plan import ENTITIES, Plan
from whmcs_import.planning.target import SQL, TargetError
from whmcs_import.source.staging import Row as Planned
from whmcs_import.source.staging import Staging
from whmcs_import.writing.chunks import Change, Ready, Run, Scribe, unpack

CHUNK = 1000
LEGACY_DAYS = 180  # how long a hash other than bcrypt opens an account that nobody signs in to
ATTEMPTS = 5
WAKE = "import"
Progress = Callable[[str, int], None]


async def load(
    connections: Sequence[Connection],
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

    As many chunks are being written at a time as there are `connections`. The `crew`
    makes chunks ready while others are written.

    Raises:
        CrewLost: a member of it died.
        TargetError: somebody else writes the same rows.
    """
    actor = Actor(type="import", id=ids.show(ids.RUN, run_id))
    meta = Meta(actor=actor, correlation=ids.show(ids.RUN, run_id))
    plans = {str(id): mapping.plan_id(plan.source, product, file) for id, product in plan.shop.products.items()}
    first = connections[0]
    names = await target.catalogue_names(first, sorted(map(UUID, plan.items)))
    run = Run(plan.source, run_id, mode, meta, plans, names)
    loader = _Loader(connections, run, is_first=not await target.has_runs(first, plan.source))
    counts = {name: {"create": t.create, "update": t.update} for name, t in plan.rows.items()}
    await loader.tell(ImportStarted(source=plan.source, plan_hash=plan.plan_hash, counts=counts))
    scribes = crew or Alone(staging)
    scribes.begin(Scribe, run)
    async with AsyncExitStack() as stack:
        for connection in connections:
            await stack.enter_async_context(_unhurried(connection))
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


async def _load_all(
    loader: _Loader, scribes: Crew, staging: Staging, entity: str, progress: Callable[[int], None]
) -> None:
    """Write all of an entity: chunks are made ready while those before them are written."""
    pending: deque[list[Planned]] = deque()

    def tasks() -> Iterator[tuple[Any, ...]]:
        for rows in staging.planned(entity, CHUNK):
            pending.append(rows)
            yield entity, rows, staging.passwords([users.number(row[0]) for row in rows]) if entity == "user" else {}

    answers = map(unpack, scribes.each("ready", tasks()))
    writing: deque[asyncio.Task[int]] = deque()
    done = 0
    progress(done)
    try:
        while (ready := await asyncio.to_thread(next, answers, None)) is not None or writing:
            if ready is None or len(writing) == loader.most:
                done += await writing.popleft()
                progress(done)
            if ready is not None:
                writing.append(loader.begin(ready, pending.popleft()))
    finally:
        for rest in writing:
            rest.cancel()
        await asyncio.gather(*writing, return_exceptions=True)


class _Written(NamedTuple):
    """A chunk that is being written: whether its events are appended, and who writes it."""

    appended: asyncio.Event
    writing: asyncio.Task[int]


class _Loader:
    """One run: its stream, and how each entity is written."""

    def __init__(self, connections: Sequence[Connection], run: Run, *, is_first: bool):
        self._connections = connections
        self._turns = cycle(connections)
        self._run = run
        self._is_first = is_first  # of its source: then none of its streams is there
        self._scribe = Scribe(None, run)
        self._version = 0
        self._chunks = 0
        self._last: _Written | None = None

    @property
    def most(self) -> int:
        """How many chunks are written at a time."""
        return len(self._connections)

    async def tell(self, event: object) -> None:
        """Append to the run's own stream."""
        async with self._connections[0].transaction():
            await append_chunk(self._connections[0], [self._told(event)])
        self._version += 1

    def begin(self, ready: Ready, planned: Sequence[Planned]) -> asyncio.Task[int]:
        """Write one chunk behind the one before; answers, once it is committed, with how many rows it has."""
        before, appended = self._last, asyncio.Event()
        writing = asyncio.create_task(self._write(next(self._turns), ready, planned, before, appended))
        self._last = _Written(appended, writing)
        return writing

    async def _write(
        self,
        connection: Connection,
        ready: Ready,
        planned: Sequence[Planned],
        before: _Written | None,
        appended: asyncio.Event,
    ) -> int:
        """When a stream has grown meanwhile, look again and try once more."""
        try:
            if before is not None and ready.entity == "service":
                # The log has the events of the run's stream in the order of their versions.
                await before.appended.wait()
            for attempt in range(ATTEMPTS):
                look = attempt > 0 or not self._is_first or ready.entity == "product"
                try:
                    await self._try(connection, ready, planned, before, appended, look=look)
                    break
                except Conflict as error:
                    if attempt == ATTEMPTS - 1:
                        raise TargetError(f"another program keeps writing the same rows ({error}): run again") from None
                except asyncpg.UniqueViolationError as error:
                    what = error.constraint_name or "a claim"
                    raise TargetError(f"{what}: somebody else took it meanwhile: run again, nothing is lost") from None
        finally:
            appended.set()
        return len(ready.changes)

    async def _try(
        self,
        connection: Connection,
        ready: Ready,
        planned: Sequence[Planned],
        before: _Written | None,
        appended: asyncio.Event,
        *,
        look: bool,
    ) -> None:
        streams = [change.stream for change in ready.changes]
        here = await target.versions(connection, streams) if look else {}
        batch = self._placed(ready, planned, here)
        wakes = []
        if ready.entity == "service":
            batch += encode_chunk([self._told(ChunkLoaded(number=self._chunks + 1, server_ids=streams))])
            wakes.append(Wake(self._run.id, WAKE))
        async with connection.transaction():
            await append_encoded(connection, batch, wakes)
            if wakes:
                self._version, self._chunks = self._version + 1, self._chunks + 1
            appended.set()
            if before is not None:
                await asyncio.wait([before.writing])
                before.writing.result()
            await self._claim(connection, ready.entity, ready.changes)
            if ready.entity == "user":
                await self._logins(connection, ready)

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

    async def _claim(self, connection: Connection, entity: str, changes: list[Change]) -> None:
        new = [change for change in changes if change.is_new]
        old = [change for change in changes if not change.is_new]
        source, run = self._run.source, self._run.id
        if new:
            columns = [c.source_id for c in new], [c.stream for c in new], [c.content_hash for c in new]
            await connection.execute(SQL.claim_rows, source, entity, *columns, run)
        if old:
            renewed = [c.source_id for c in old], [c.content_hash for c in old]
            await connection.execute(SQL.renew_rows, source, entity, *renewed, run)

    async def _logins(self, connection: Connection, ready: Ready) -> None:
        await connection.execute(SQL.close_logins, ready.closed)
        addresses, people = [email for email, _ in ready.opened], [user for _, user in ready.opened]
        await connection.execute(SQL.open_logins, addresses, people)
        columns: list[list[Any]] = [list(column) for column in zip(*ready.credentials, strict=True)] or [[], [], []]
        await connection.execute(SQL.put_credentials, *columns, LEGACY_DAYS)

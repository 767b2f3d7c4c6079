"""Write a plan into the log, chunk by chunk. Each chunk is one transaction: its events, then its claims.

A run that is killed leaves whole chunks; the next one finds their claims and goes on with the rest. Nobody is asked
or told anything here: no e-mail, no invoice, no call to Proxmox.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from domain import ids
from domain.account.events import AccountImported, UserImported
from domain.catalogue.events import PlanDeclared
from domain.importing.events import ChunkLoaded, ImportFinished, ImportStarted
from domain.record import Actor, Meta
from domain.server.events import ImportUpdated, Mode, ServerImported
from eventstore.bulk import Entry, Wake, append_chunk
from eventstore.database import Connection
from eventstore.store import Conflict
from runtime import passwords
from whmcs_import import mapping, target, users
from whmcs_import.mapping_file import MappingFile
from whmcs_import.plan import ENTITIES, Plan
from whmcs_import.shop import Shop
from whmcs_import.staging import Row, Staging
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
    for name, entity in ENTITIES.items():
        done = 0
        for rows in staging.planned(entity, CHUNK):
            await loader.write(entity, rows)
            done += len(rows)
            progress(name, done)
    await loader.tell(ImportFinished(report=report))


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
        self._version = 0
        self._chunks = 0
        actor = Actor(type="import", id=ids.show(ids.RUN, run_id))
        self._meta = Meta(actor=actor, correlation=ids.show(ids.RUN, run_id))

    async def tell(self, event: object) -> None:
        """Append to the run's own stream."""
        async with self._connection.transaction():
            await append_chunk(self._connection, [self._told(event)])
        self._version += 1

    async def write(self, entity: str, rows: list[Row]) -> None:
        """Write one chunk; when a stream has grown meanwhile, look again and try once more."""
        changes = [self._change(entity, row) for row in rows]
        names = await self._names(changes) if entity == "service" else {}
        here = await target.versions(self._connection, [change.stream for change in changes])
        entries = [(change, *self._event(entity, change, names, again=change.stream in here)) for change in changes]
        credentials = self._credentials(changes) if entity == "user" else []
        for attempt in range(ATTEMPTS):
            try:
                await self._write(entity, changes, entries, credentials)
                return
            except Conflict as error:
                if attempt == ATTEMPTS - 1:
                    raise TargetError(f"another program keeps writing the same rows ({error}): run again") from None
            except asyncpg.UniqueViolationError as error:
                what = error.constraint_name or "a claim"
                raise TargetError(f"{what}: somebody else took it meanwhile: run again, nothing is lost") from None

    async def _write(
        self,
        entity: str,
        changes: list[Change],
        entries: list[tuple[Change, object, UUID | None]],
        credentials: list[Credential],
    ) -> None:
        versions = await target.versions(self._connection, [change.stream for change in changes])
        batch = [
            Entry(change.stream, versions.get(change.stream, 0) + 1, event, self._meta, subject)
            for change, event, subject in entries
        ]
        wakes = []
        if entity == "service":
            loaded = ChunkLoaded(number=self._chunks + 1, server_ids=[change.stream for change in changes])
            batch.append(self._told(loaded))
            wakes.append(Wake(self._run, WAKE))
        async with self._connection.transaction():
            await append_chunk(self._connection, batch, wakes)
            await self._claim(entity, changes)
            if entity == "user":
                await self._logins(changes, credentials)
        if wakes:
            self._version, self._chunks = self._version + 1, self._chunks + 1

    def _told(self, event: object) -> Entry:
        return Entry(self._run, self._version + 1, event, self._meta)

    def _change(self, entity: str, row: Row) -> Change:
        source_id, action, content, payload = row
        stream = ids.imported(self._source, entity, source_id)
        if entity == "product":
            stream = mapping.plan_id(self._source, self._shop.products[int(source_id)], self._file)
        return Change(source_id, action == "create", content, stream, msgspec.json.decode(payload))

    def _event(self, entity: str, change: Change, names: dict[str, str], *, again: bool) -> tuple[object, UUID | None]:
        """The event of a change, and whose personal data it holds; `again`: the stream exists, maybe taken back."""
        plain = {**change.payload, "run_id": self._run, "mode": self._mode}
        if entity == "service":
            for part in ("image", "location"):
                plain[part] = {**plain[part], "name": names.get(plain[part]["id"], plain[part]["name"])}
            return msgspec.convert(plain, ImportUpdated if again else ServerImported), UUID(plain["account_id"])
        if entity == "product":
            return msgspec.convert(plain | {"origin": "import"}, PlanDeclared), None
        return msgspec.convert(plain, EVENTS[entity]), change.stream

    async def _names(self, changes: list[Change]) -> dict[str, str]:
        """What the catalogue here calls the images and locations of these servers."""
        items = {change.payload[part]["id"] for change in changes for part in ("image", "location")}
        return await target.catalogue_names(self._connection, [UUID(item) for item in items])

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

    def _credentials(self, changes: list[Change]) -> list[Credential]:
        """The passwords of users who can sign in; wrapping old digests is the only costly work of an import."""
        raw = self._staging.passwords([users.number(change.source_id) for change in changes if change.payload["login"]])

        def kept(change: Change) -> Credential | None:
            hashed = passwords.import_hash(raw.get(users.number(change.source_id), ""))
            return None if hashed is None else (change.stream, *hashed)

        with ThreadPoolExecutor() as threads:
            return [credential for credential in threads.map(kept, changes) if credential is not None]

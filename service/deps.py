"""What handlers work with: opened once when the service starts, closed when it ends."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from starlette.requests import Request

from domain import ids
from domain.record import Actor, Meta
from domain.registry import EVENTS
from eventstore.coalescer import Coalescer
from eventstore.codec import Codec
from eventstore.database import open_pool
from eventstore.store import EventStore
from hypervisor.clusters import open_clusters
from hypervisor.port import Hypervisor
from runtime.background import beside
from runtime.sealing import Seal, load_seal
from runtime.settings import Config, Settings, read_secret
from service.housekeeping import tidy_hourly
from service.identity.signing_keys import Keys
from service.identity.tokens import Caller, Tokens
from service.live.hub import Hub
from service.mail.post import Post
from service.reads import Reads
from service.servers.measured import Measured
from service.servers.shown import Shown
from service.web.limits import Limiter
from service.web.metrics import Metrics
from service.web.problems import Problem
from service.webhooks.replay import Replayer
from service.webhooks.sender import Sender
from service.webhooks.wire import Wire

POOL_SIZE = 16
PATIENCE = 0.5  # seconds that a caller waits to hear what became of an append while the database was lost


@dataclass(frozen=True, slots=True)
class Deps:
    """Everything a handler may need. `refresh_key` derives the successor of a refresh token."""

    config: Config
    store: EventStore
    log_id: UUID
    reads: Reads
    tokens: Tokens
    seal: Seal
    refresh_key: bytes
    hub: Hub
    post: Post
    ui: Path
    clusters: dict[str, Hypervisor]
    limiter: Limiter
    wire: Wire
    sender: Sender
    replayer: Replayer
    shown: Shown
    metrics: Metrics = field(default_factory=Metrics)
    # Hashing a password fills a core: more at once only makes everybody wait.
    hashing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    measured: Measured = field(default_factory=Measured)
    consoles: Counter[UUID] = field(default_factory=Counter)  # how many each user has open


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Deps]:
    """Open everything the service needs.

    Raises:
        SettingsError: a setting or key is missing or wrong.
        DatabaseUnavailable: PostgreSQL did not answer.
        NotMigrated: tables are missing.
    """
    config = settings.config
    seal = load_seal(config.auth.secret_key_file)
    secret = read_secret(config.auth.secret_key_file, "auth.secret_key_file")
    clusters = open_clusters(config.cluster)
    wire = Wire(config.webhooks)
    limiter = Limiter(config.limits.requests_per_minute)
    codec = Codec(EVENTS)
    pool = await open_pool(settings.database_url, size=POOL_SIZE, application="hostler-service")
    try:
        async with Coalescer(settings.database_url, codec, lanes=2, patience=PATIENCE) as coalescer:
            store = EventStore(pool, codec, coalescer)
            log_id = await store.log_id()
            reads = Reads(store)
            keys = Keys(pool, seal, config.auth.signing_key_file)
            await keys.read()
            signer = Tokens(keys, config.auth.access_seconds)
            hub = Hub(store, log_id, reads, settings.database_url, signer)
            async with (
                hub,
                beside(signer.follow_keys()),
                beside(tidy_hourly(pool)),
                Post(pool, seal, config.mail) as post,
            ):
                sender = Sender(store, seal, post, wire)
                refresh_key = hmac.new(secret, b"refresh token", hashlib.sha256).digest()
                yield Deps(
                    config,
                    store,
                    log_id,
                    reads,
                    signer,
                    seal,
                    refresh_key,
                    hub,
                    post,
                    settings.ui_dir,
                    clusters,
                    limiter,
                    wire,
                    sender,
                    Replayer(store, log_id, sender.ring),
                    Shown(reads),
                )
    finally:
        pool.terminate()
        await wire.close()
        for hypervisor in clusters.values():
            await hypervisor.close()


def deps(request: Request) -> Deps:
    """What this application was built with."""
    found: Deps = request.app.state.deps
    return found


def caller(request: Request) -> Caller:
    """Who makes this request; the routes under /v1 that are not public always have one.

    Raises:
        Problem: nobody is signed in.
    """
    found: Caller | None = request.scope["state"].get("caller")
    if found is None:
        raise Problem("unauthorized", headers={"WWW-Authenticate": "Bearer"})
    return found


def request_id(request: Request) -> str:
    """The id of this request, given or made."""
    found: str = request.scope["state"]["request_id"]
    return found


def meta(request: Request) -> Meta:
    """Why events of this request are there: its caller asked."""
    who = caller(request)
    return meta_of(request, who.user_id, who.behind)


def meta_of(request: Request, user_id: UUID, behind: UUID | None = None) -> Meta:
    """Why events of this request are there: a user asked who proved otherwise than by a token who they are, or staff
    who act as them.
    """
    id, name = request_id(request), ids.show(ids.USER, user_id)
    actor = Actor(type="user", id=name if behind is None else f"{ids.show(ids.USER, behind)} as {name}")
    return Meta(actor=actor, request_id=id, correlation=id)

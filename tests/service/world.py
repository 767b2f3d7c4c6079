"""The service on a database of the test's own: people, what the orchestrator appends, clients."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from domain import ids
from domain.account.events import AccountOpened, MemberAdded, MemberRole, UserRegistered, UserRole
from domain.record import Actor, Meta
from eventstore.store import Entry, EventStore
from projector.loop import catch_up
from runtime import passwords
from runtime.ids import new_id
from runtime.settings import Settings
from service.app import build
from service.deps import Deps
from service.identity.people import claim_login
from service.identity.statements import SQL

SYSTEM = Meta(actor=Actor(type="system"))
PASSWORD = "correct horse battery"
HASH = passwords.hash_password(PASSWORD)
CONFIG = """
[auth]
signing_key_file = "signing.pem"
secret_key_file = "secret.key"

[mail]
sender = "Hostler <hostler@example.com>"
link_base = "https://panel.example.com/"
folder = "mail"

[[cluster]]
name = "demo"
endpoints = ["https://127.0.0.1:1"]
token_id = "root@pam!hostler"
token_secret_file = "token"
storage = "local"
backup_storage = "backups"
snippets = { storage = "local", folder = "snippets" }
templates = { debian-12 = 9000 }

[[pool]]
name = "fra1-v4"
location = "fra1"
network = "10.99.0.0/24"
gateway = "10.99.0.1"
first = "10.99.0.100"
last = "10.99.0.101"

[[plan]]
key = "small"
name = "Small"
vcpus = 1
memory_mib = 1024
disk_gib = 10

[[plan]]
key = "large"
name = "Large"
vcpus = 4
memory_mib = 8192
disk_gib = 80

[[image]]
key = "debian-12"
name = "Debian 12"
template = "debian-12"
min_disk_gib = 2

[[image]]
key = "ubuntu-24.04"
name = "Ubuntu 24.04"
template = "ubuntu-24.04"
min_disk_gib = 20

[[location]]
key = "fra1"
name = "Frankfurt"
cluster = "demo"
"""


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in, and the account they own."""

    id: UUID
    email: str
    account_id: UUID | None
    role: UserRole


class World:
    """People and the service, for a test."""

    def __init__(self, deps: Deps, url: str):
        self.deps, self.url = deps, url
        self.store: EventStore = deps.store
        self.transport = httpx.ASGITransport(build(deps), raise_app_exceptions=False, client=("127.0.0.1", 5000))

    async def person(
        self, email: str, *, role: UserRole = "customer", credential: tuple[str, str] | None = None
    ) -> Person:
        """A new user who owns a new account (staff own none)."""
        user_id, account_id = new_id(), new_id() if role == "customer" else None
        scheme, stored = credential or ("argon2id", HASH)
        registered = UserRegistered(role=role, email=email, name=email.partition("@")[0])
        entries = [Entry(user_id, 1, registered, SYSTEM, user_id)]
        if account_id is not None:
            entries.append(Entry(account_id, 1, AccountOpened(name=email), SYSTEM, account_id))
            entries.append(Entry(account_id, 2, MemberAdded(user_id=user_id, role="owner"), SYSTEM))
        await self.store.append(entries, claims=lambda c: claim_login(c, email, user_id, scheme, stored))
        await self.project()
        return Person(user_id, email, account_id, role)

    async def join(self, person: Person, account_id: UUID, role: MemberRole) -> None:
        """Make somebody a member of an account that has two events so far."""
        await self.store.append([Entry(account_id, 3, MemberAdded(user_id=person.id, role=role), SYSTEM)])
        await self.project()

    async def project(self) -> None:
        """Bring the views up to date."""
        await catch_up(self.store)

    def anonymous(self, **headers: str) -> httpx.AsyncClient:
        """Somebody who is not signed in."""
        return httpx.AsyncClient(transport=self.transport, base_url="http://hostler.test", headers=headers)

    async def signed_in(self, person: Person) -> httpx.AsyncClient:
        """Somebody who is, without the time that checking a password takes."""
        return self.anonymous(Authorization=f"Bearer {await self.token(person)}")

    async def token(self, person: Person) -> str:
        """An access token of a new session."""
        session_id = new_id()
        await self.store.pool.execute(
            SQL.open_session, session_id, person.id, 3600.0, session_id.bytes, "127.0.0.1", ""
        )
        return self.deps.tokens.sign(person.id, person.role, session_id)

    async def until(self, state: Callable[[], bool]) -> None:
        """Wait for a state, ten seconds at most."""
        async with asyncio.timeout(10):
            while not state():  # noqa: ASYNC110 - what is waited for knows nothing of us
                await asyncio.sleep(0.01)

    async def append(self, server: str, *events: Any) -> None:
        """Events that the orchestrator would append to a server."""
        stream_id = _stream(server)
        version = await self.version(server)
        entries = [Entry(stream_id, version + n, event, SYSTEM, stream_id) for n, event in enumerate(events, start=1)]
        await self.store.append(entries)

    async def version(self, server: str) -> int:
        """How many events a server has."""
        return len(await self.store.read_stream(_stream(server)))


def _stream(server: str) -> UUID:
    stream_id = ids.parse(ids.SERVER, server)
    assert stream_id is not None
    return stream_id


def write_keys(folder: Path) -> None:
    """The key files that CONFIG names."""
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "signing.pem").write_bytes(pem)
    (folder / "secret.key").write_bytes(base64.b64encode(secrets.token_bytes(32)))
    (folder / "token").write_text("secret")


def settings_of(folder: Path, database_url: str, config: str = CONFIG) -> Settings:
    """Settings of an installation with everything of its own in a folder."""
    write_keys(folder)
    (folder / "hostler.toml").write_text(config)
    environment = {
        "HOSTLER_DATABASE_URL": database_url,
        "HOSTLER_CONFIG": str(folder / "hostler.toml"),
        "HOSTLER_UI_DIR": str(folder / "dashboard"),
    }
    return Settings(environment)

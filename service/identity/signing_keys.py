"""The Ed25519 keys of access tokens. They lie in the database, so that every process has the same: one signs, its
private part sealed; those it replaced hold until the last token they signed has ended, and sign nothing any more."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc.jwk import OKPKey

from eventstore.database import Connection, Pool
from runtime.sealing import Seal, Unsealable
from runtime.settings import SettingsError, read_secret
from service.identity.statements import SQL

KEYS_CHANGED = "keys"  # what is said on the channel of ended sessions when keys have changed
PAUSE_SECONDS = 1.0
OTHER_SECRET = "auth.secret_key_file: the signing key was sealed with another key; give that file, or `keys rotate`"


@dataclass(frozen=True, slots=True)
class Held:
    """A key that tokens may be signed with: `ends_at` in epoch seconds, None for the one that signs."""

    kid: str
    key: OKPKey
    ends_at: float | None


class Keys:
    """The keys that hold, as they were read last; never without one that signs."""

    def __init__(self, pool: Pool, seal: Seal, first: Path | None):
        self._pool, self._seal, self._first = pool, seal, first
        self._held: dict[str, Held] = {}
        self._read_at = 0.0

    @property
    def signing(self) -> Held:
        """The key that signs."""
        return next(held for held in self._held.values() if held.ends_at is None)

    def named(self, kid: object) -> OKPKey | None:
        """A key that holds now."""
        held = self._held.get(kid) if isinstance(kid, str) else None
        if held is None or (held.ends_at is not None and held.ends_at <= time.time()):
            return None
        return held.key

    def published(self) -> list[dict[str, str]]:
        """The public parts of those that hold now, as JSON Web Keys."""
        return [{"alg": "Ed25519", "use": "sig", **_jwk(held)} for held in self._held.values() if self.named(held.kid)]

    async def read(self) -> bool:
        """Read them, and make the first if there is none; whether others hold than before.

        Raises:
            SettingsError: the file of the first key is no key, or what is sealed cannot be opened.
        """
        known, self._read_at = set(self._held), time.monotonic()
        found = await opened(self._pool, self._seal)
        if not found:
            await self._pool.execute(SQL.first_signing_key, *_row(self._seal, _first(self._first)))
            found = await opened(self._pool, self._seal)
        self._held = {held.kid: held for held in found}
        return set(self._held) != known

    async def look_again(self) -> bool:
        """Read them for the sake of a token whose key is unknown, once a second at most; whether others hold."""
        return time.monotonic() - self._read_at >= PAUSE_SECONDS and await self.read()


async def opened(source: Connection | Pool, seal: Seal) -> list[Held]:
    """The keys that hold, the newest first.

    Raises:
        SettingsError: what is sealed cannot be opened.
    """
    return [_held(row, seal) for row in await source.fetch(SQL.signing_keys)]


async def rotate(connection: Connection, seal: Seal, seconds: float) -> str:
    """A new key signs from now on, and those there were hold for so many seconds; the id of the new one."""
    row = _row(seal, Ed25519PrivateKey.generate())
    async with connection.transaction():
        await connection.execute(SQL.lock_signing_keys)
        await connection.execute(SQL.retire_signing_keys, seconds)
        await connection.execute(SQL.next_signing_key, *row)
    return row[0]


def private_key(path: Path) -> Ed25519PrivateKey:
    """The private key in a PEM file.

    Raises:
        SettingsError: naming the setting and the file.
    """
    pem = read_secret(path, "auth.signing_key_file")
    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError) as error:
        raise SettingsError(f"auth.signing_key_file: {path} is not a private key in PEM") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"auth.signing_key_file: {path} is not an Ed25519 private key")
    return key


def _first(path: Path | None) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate() if path is None else private_key(path)


def _row(seal: Seal, key: Ed25519PrivateKey) -> tuple[str, bytes, bytes]:
    kid = OKPKey.import_key(key.public_key()).thumbprint()
    return kid, key.public_key().public_bytes_raw(), seal.seal(key.private_bytes_raw(), _purpose(kid))


def _held(row: asyncpg.Record, seal: Seal) -> Held:
    if row["sealed"] is None:
        public = OKPKey.import_key(Ed25519PublicKey.from_public_bytes(row["public"]))
        return Held(row["kid"], public, row["ends_at"].timestamp())
    try:
        private = Ed25519PrivateKey.from_private_bytes(seal.open(row["sealed"], _purpose(row["kid"])))
    except Unsealable as error:
        raise SettingsError(OTHER_SECRET) from error
    return Held(row["kid"], OKPKey.import_key(private), None)


def _purpose(kid: str) -> bytes:
    return f"signing key {kid}".encode()


def _jwk(held: Held) -> dict[str, str]:
    public = held.key.as_dict(private=False)
    return {"kid": held.kid, **{name: str(public[name]) for name in ("kty", "crv", "x")}}

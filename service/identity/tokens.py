"""Access tokens: compact JWS signed with Ed25519 (RFC 9864). What was checked is remembered for a minute, or until its
session ends: every process is told of that at once, and one that cannot hear remembers nothing."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Protocol
from uuid import UUID, uuid4

import structlog
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import OKPKey

from domain import ids
from eventstore.database import FAILED
from runtime.settings import SettingsError
from service.identity.signing_keys import Keys

ISSUER, AUDIENCE, ALGORITHM, TYPE = "hostler", "hostler-api", "Ed25519", "at+jwt"
KEYS_SECONDS = 60.0  # a process that was not told of a new key finds it after so long
OTHER_CLOCKS = 60  # seconds that the clock of another machine may be behind
log = structlog.get_logger()
CACHE_SECONDS = 60.0
CACHE_SIZE = 10_000
LONGEST = 2048


class Signed(Protocol):
    """A token whose signature is yet to be checked."""

    def headers(self) -> dict[str, Any]:
        """What it says of itself."""


class InvalidToken(Exception):
    """It is no token of ours."""


class ExpiredToken(InvalidToken):
    """It was ours; its time is over."""


class UnknownKey(InvalidToken):
    """It was signed with a key that this process does not know."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request: `expires_at` is the end of the access token, in epoch seconds.

    A program's caller has the id of its API token as `session_id`, and may do what its `scopes` say, from `networks`.
    """

    user_id: UUID
    role: str
    session_id: UUID
    expires_at: float
    scopes: frozenset[str] | None = None
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    behind: UUID | None = None  # the administrator who acts as this user

    @property
    def staff(self) -> bool:
        """Whether this is an administrator."""
        return self.role == "admin"


class Tokens:
    """Signs and checks access tokens; remembers for a minute at most which ones it has checked."""

    def __init__(self, keys: Keys, seconds: int):
        self.keys = keys
        self.seconds = seconds
        self._news = asyncio.Event()
        self._known: OrderedDict[str, tuple[Caller, float]] = OrderedDict()
        self._hears = False
        self.ends = 0

    def sign(
        self, user_id: UUID, role: str, session_id: UUID, *, behind: UUID | None = None, seconds: int | None = None
    ) -> str:
        """A new access token for a user's session; `behind` it is the administrator who acts as them (RFC 8693)."""
        now, signing = int(time.time()), self.keys.signing
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": ids.show(ids.USER, user_id),
            "sid": session_id.hex,
            "role": role,
            "iat": now,
            "nbf": now - OTHER_CLOCKS,
            "exp": now + (seconds or self.seconds),
            "jti": uuid4().hex,
        }
        if behind is not None:
            claims["act"] = {"sub": ids.show(ids.USER, behind)}
        header = {"alg": ALGORITHM, "typ": TYPE, "kid": signing.kid}
        return jwt.encode(header, claims, signing.key, algorithms=[ALGORITHM])

    def verify(self, token: str, *, expired: bool = False) -> Caller:
        """Who a token was signed for; `expired` also takes one whose time is over.

        Raises:
            InvalidToken: it was not signed by us for this API.
            ExpiredToken: its time is over.
            UnknownKey: it may have been signed with a key that is newer than those that were read.
        """
        if len(token) > LONGEST:
            raise InvalidToken("too long")
        try:
            decoded = jwt.decode(token, self._key_of, algorithms=[ALGORITHM])
            _REGISTRY.validate(decoded.claims)
        except ExpiredTokenError as error:
            if not expired:
                raise ExpiredToken("expired") from error
        except (JoseError, ValueError) as error:
            raise InvalidToken(str(error)) from error
        return _caller(decoded.claims)

    def _key_of(self, token: Signed) -> OKPKey:
        header = token.headers()
        if header.get("typ") != TYPE or "kid" not in header:
            raise InvalidToken("no access token")
        key = self.keys.named(header["kid"])
        if key is None:
            raise UnknownKey("signed with no key that holds")
        return key

    async def follow_keys(self) -> None:
        """Read the keys again for ever: when there is news of them, and once a minute."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(KEYS_SECONDS):
                    await self._news.wait()
            self._news.clear()
            await self._read_keys()

    async def _read_keys(self) -> None:
        try:
            if await self.keys.read():
                self._forget_all()
        except SettingsError as error:
            log.error("keys not read", error=str(error))
        except FAILED as error:
            log.warning("keys not read", error=str(error) or type(error).__name__)

    def keys_changed(self) -> None:
        """Another key signs now: read them again at once."""
        self._news.set()

    def known(self, token: str) -> Caller | None:
        """The caller of a token that was checked within the last minute and has not expired since."""
        found = self._known.get(token)
        if found is None:
            return None
        caller, until = found
        if time.monotonic() < until and time.time() < caller.expires_at:
            return caller
        del self._known[token]
        return None

    def remember(self, token: str, caller: Caller, ends: int) -> None:
        """The token was checked, and its session goes on; unless one has ended since `ends` was read."""
        if not self._hears or ends != self.ends:
            return
        self._known[token] = (caller, time.monotonic() + CACHE_SECONDS)
        if len(self._known) > CACHE_SIZE:
            self._known.popitem(last=False)

    @property
    def remembered(self) -> int:
        """How many tokens it would take without asking."""
        return len(self._known)

    @property
    def hearing(self) -> bool:
        """Whether this process is told of sessions that end."""
        return self._hears

    def hear(self, hears: bool) -> None:
        """Whether this process is told of sessions that end; what was remembered before may be out of date."""
        self._hears = hears
        self._news.set()
        self._forget_all()

    def _forget_all(self) -> None:
        self.ends += 1
        self._known.clear()

    def forget(self, session_id: UUID) -> None:
        """The session has ended: its tokens are checked anew."""
        self.ends += 1
        gone = [token for token, (caller, _) in self._known.items() if caller.session_id == session_id]
        for token in gone:
            del self._known[token]


_REGISTRY = jwt.JWTClaimsRegistry(
    iss={"essential": True, "value": ISSUER},
    aud={"essential": True, "value": AUDIENCE},
    sub={"essential": True},
    sid={"essential": True},
    role={"essential": True},
    exp={"essential": True},
    nbf={"essential": True},
    iat={"essential": True},
    jti={"essential": True},
)


def _caller(claims: dict[str, object]) -> Caller:
    user_id, expires_at = ids.parse(ids.USER, str(claims["sub"])), claims["exp"]
    try:
        session_id = UUID(str(claims["sid"]))
    except ValueError as error:
        raise InvalidToken("of no session") from error
    if user_id is None or not isinstance(expires_at, int):
        raise InvalidToken("not a user's token")
    return Caller(user_id, str(claims["role"]), session_id, expires_at, behind=_behind(claims))


def _behind(claims: dict[str, object]) -> UUID | None:
    act = claims.get("act")
    if act is None:
        return None
    behind = ids.parse(ids.USER, str(act.get("sub"))) if isinstance(act, dict) else None
    if behind is None:
        raise InvalidToken("not an administrator's token")
    return behind

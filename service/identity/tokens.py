"""Access tokens: compact JWS signed with Ed25519 (RFC 9864). What was checked is remembered for a minute, or until its
session ends: every process is told of that at once, and one that cannot hear remembers nothing."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import OKPKey

from domain import ids
from runtime.settings import SettingsError, read_secret

ISSUER, AUDIENCE, ALGORITHM = "hostler", "hostler-api", "Ed25519"
CACHE_SECONDS = 60.0
CACHE_SIZE = 10_000
LONGEST = 2048


class InvalidToken(Exception):
    """It is no token of ours."""


class ExpiredToken(InvalidToken):
    """It was ours; its time is over."""


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

    def __init__(self, key: OKPKey, seconds: int):
        self._key = key
        self.seconds = seconds
        self._known: OrderedDict[str, tuple[Caller, float]] = OrderedDict()
        self._hears = False
        self.ends = 0

    def sign(
        self, user_id: UUID, role: str, session_id: UUID, *, behind: UUID | None = None, seconds: int | None = None
    ) -> str:
        """A new access token for a user's session; `behind` it is the administrator who acts as them (RFC 8693)."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": ids.show(ids.USER, user_id),
            "sid": session_id.hex,
            "role": role,
            "iat": now,
            "nbf": now,
            "exp": now + (seconds or self.seconds),
            "jti": uuid4().hex,
        }
        if behind is not None:
            claims["act"] = {"sub": ids.show(ids.USER, behind)}
        return jwt.encode({"alg": ALGORITHM, "typ": "at+jwt"}, claims, self._key, algorithms=[ALGORITHM])

    def verify(self, token: str, *, expired: bool = False) -> Caller:
        """Who a token was signed for; `expired` also takes one whose time is over.

        Raises:
            InvalidToken: it was not signed by us for this API.
            ExpiredToken: its time is over.
        """
        if len(token) > LONGEST:
            raise InvalidToken("too long")
        try:
            decoded = jwt.decode(token, self._key, algorithms=[ALGORITHM])
            _REGISTRY.validate(decoded.claims)
        except ExpiredTokenError as error:
            if not expired:
                raise ExpiredToken("expired") from error
        except (JoseError, ValueError) as error:
            raise InvalidToken(str(error)) from error
        return _caller(decoded.claims)

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
)


def _caller(claims: dict[str, object]) -> Caller:
    user_id = ids.parse(ids.USER, str(claims["sub"]))
    expires_at = claims["exp"]
    if user_id is None or not isinstance(expires_at, int):
        raise InvalidToken("not a user's token")
    return Caller(user_id, str(claims["role"]), UUID(str(claims["sid"])), expires_at, behind=_behind(claims))


def _behind(claims: dict[str, object]) -> UUID | None:
    act = claims.get("act")
    if act is None:
        return None
    behind = ids.parse(ids.USER, str(act.get("sub"))) if isinstance(act, dict) else None
    if behind is None:
        raise InvalidToken("not an administrator's token")
    return behind


def load(path: Path, seconds: int) -> Tokens:
    """Tokens signed with the Ed25519 private key (PEM) in a file; each holds for `seconds`.

    Raises:
        SettingsError: naming the setting and the file.
    """
    pem = read_secret(path, "auth.signing_key_file")
    try:
        key = OKPKey.import_key(pem)
    except (JoseError, ValueError, TypeError) as error:
        raise SettingsError(f"auth.signing_key_file: {path} is not a private key in PEM") from error
    if key.curve_name != "Ed25519" or not key.is_private:
        raise SettingsError(f"auth.signing_key_file: {path} is not an Ed25519 private key")
    return Tokens(key, seconds)

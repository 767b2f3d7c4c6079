"""Bodies about people and their sessions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, Strict, StringConstraints

from service.web.models import Answer, Page, Request

Name = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$")]
Network = Annotated[str, StringConstraints(max_length=50)]
Scope = Literal["read", "write", "staff", "billing"]


class JsonWebKey(Answer):
    """The public part of a key (RFC 8037)."""

    kid: str
    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: str
    alg: Literal["Ed25519"]
    use: Literal["sig"]


class JsonWebKeys(Answer):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[JsonWebKey]


class Credentials(Request):
    email: Annotated[str, StringConstraints(min_length=1, max_length=320, pattern=r"^[^\x00-\x1f\x7f]*$")]
    password: Annotated[str, StringConstraints(max_length=1024)]
    otp: Annotated[str, StringConstraints(max_length=32)] | None = None


class Code(Request):
    otp: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]


class Proof(Request):
    """`otp` is needed from whoever has a second factor: a code, or a recovery code."""

    password: Annotated[str, StringConstraints(max_length=1024)]
    otp: Annotated[str, StringConstraints(max_length=32)] | None = None


class Forgotten(Request):
    email: Annotated[str, StringConstraints(min_length=1, max_length=320, pattern=r"^[^\x00-\x1f\x7f]*$")]


class UserChange(Request):
    name: Name | None = None


NewPassword = Annotated[str, StringConstraints(min_length=10, max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")]


class PasswordChange(Request):
    current_password: Annotated[str, StringConstraints(max_length=1024)]
    password: NewPassword


class PasswordReset(Request):
    token: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    password: NewPassword


class ApiTokenCreate(Request):
    """`write` includes `read`; `staff` is for the routes below /v1/admin and /v1/billing, `billing` for the latter
    alone. Without `networks` it may be used from anywhere, without `expires_at` until it is revoked.
    """

    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=4)]
    networks: Annotated[list[Network], Field(max_length=50, default_factory=list)]
    expires_at: Annotated[AwareDatetime, Strict(False)] | None = None


class User(Answer):
    id: str
    object: Literal["user"]
    email: str
    name: str | None
    role: Literal["admin", "customer"]
    created_at: datetime


class Session(Answer):
    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    user: User


class OpenSession(Answer):
    """A place where a user is signed in; `current` is the one that asks. `by_staff`: staff act as the user there."""

    id: str
    object: Literal["session"]
    current: bool
    by_staff: bool
    address: str | None
    user_agent: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


class OpenSessions(Answer):
    data: list[OpenSession]
    page: Page


class TwoFactor(Answer):
    object: Literal["two_factor"]
    enabled: bool
    recovery_codes_left: int


class TwoFactorOffer(Answer):
    """A secret for an authenticator app, as text and as the address behind its QR code."""

    object: Literal["two_factor_offer"]
    secret: str
    uri: str


class RecoveryCodes(Answer):
    """Each opens once in place of a code; they are never shown again."""

    object: Literal["recovery_codes"]
    codes: list[str]


class ApiToken(Answer):
    id: str
    object: Literal["api_token"]
    name: str
    scopes: list[Scope]
    networks: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    last_used_from: str | None


class ApiTokens(Answer):
    data: list[ApiToken]
    page: Page


class NewApiToken(ApiToken):
    """With the token itself, which is never shown again."""

    token: str

"""The provider by which staff sign in: where it sends people, and who it says has come back (OpenID Connect Core 1.0).

The code flow with PKCE (RFC 7636). What the provider says of itself is read at every sign-in: there are few.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from authlib.deprecate import AuthlibDeprecationWarning
from authlib.integrations.base_client import OAuthError
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from runtime.settings import Oidc

with warnings.catch_warnings():
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)  # it would rather have a successor of httpx
    from authlib.integrations.httpx_client import AsyncOAuth2Client

CALLBACK = "/v1/oidc/callback"
SCOPE = "openid email profile"
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
CLOCKS_SECONDS = 60
TIMEOUT_SECONDS = 10.0


class ProviderAway(Exception):
    """The provider does not answer, or not as one; the message says what it did."""


class NotProven(Exception):
    """What came back proves nothing; the message says why."""


@dataclass(frozen=True, slots=True)
class Proven:
    """Who the provider says it is. `email` is empty where it does not vouch for the address."""

    subject: str
    email: str
    groups: frozenset[str]


class Provider:
    """One sign-in at the provider of the settings."""

    def __init__(self, settings: Oidc):
        self._settings = settings
        self._client = AsyncOAuth2Client(
            settings.client_id,
            settings.client_secret(),
            scope=SCOPE,
            redirect_uri=settings.link_base.rstrip("/") + CALLBACK,
            code_challenge_method="S256",
            timeout=TIMEOUT_SECONDS,
        )

    async def __aenter__(self) -> Provider:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def address(self, state: str, nonce: str, verifier: str) -> str:
        """Where somebody proves who they are.

        Raises:
            ProviderAway: it does not say where.
        """
        there = (await self._about())["authorization_endpoint"]
        url, _ = self._client.create_authorization_url(there, state=state, nonce=nonce, code_verifier=verifier)
        return str(url)

    async def proven(self, code: str, nonce: str, verifier: str) -> Proven:
        """Who has come back with a code.

        Raises:
            ProviderAway: it does not answer.
            NotProven: the code, or what was got for it, is not right.
        """
        about = await self._about()
        token = await self._token(about["token_endpoint"], code, verifier)
        keys = await self._get(about["jwks_uri"])
        return self._checked(str(token.get("id_token", "")), keys, nonce)

    async def _about(self) -> Mapping[str, Any]:
        issuer = self._settings.issuer.rstrip("/")
        about = await self._get(f"{issuer}/.well-known/openid-configuration")
        if str(about.get("issuer", "")).rstrip("/") != issuer:
            raise ProviderAway(f"{issuer} describes itself as {about.get('issuer')!r}")
        wanted = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if missing := [name for name in wanted if not isinstance(about.get(name), str)]:
            raise ProviderAway(f"{issuer} does not name its {missing[0]}")
        return about

    async def _get(self, url: str) -> Mapping[str, Any]:
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
                answer = await client.get(url)
            found = answer.raise_for_status().json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise ProviderAway(f"{url}: {error or type(error).__name__}") from error
        if not isinstance(found, dict):
            raise ProviderAway(f"{url} answers no object")
        return found

    async def _token(self, url: str, code: str, verifier: str) -> Mapping[str, Any]:
        try:
            found = await self._client.fetch_token(
                url, grant_type="authorization_code", code=code, code_verifier=verifier
            )
        except OAuthError as error:
            raise NotProven(str(error)) from error
        except (httpx.HTTPError, ValueError) as error:
            raise ProviderAway(f"{url}: {error or type(error).__name__}") from error
        return dict(found)

    def _checked(self, id_token: str, keys: Mapping[str, Any], nonce: str) -> Proven:
        settings = self._settings
        registry = jwt.JWTClaimsRegistry(
            leeway=CLOCKS_SECONDS,
            iss={"essential": True, "value": settings.issuer},
            aud={"essential": True, "value": settings.client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            claims = jwt.decode(id_token, KeySet.import_key_set(dict(keys)), algorithms=ALGORITHMS).claims  # type: ignore[arg-type]
            registry.validate(claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise NotProven(f"the ID token does not hold: {error}") from error
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != settings.client_id:
            raise NotProven("the ID token was made for another client")
        return self._proven(claims)

    def _proven(self, claims: Mapping[str, Any]) -> Proven:
        vouched = claims.get("email_verified") is True or self._settings.trust_email
        email = str(claims.get("email", "")).strip().lower() if vouched else ""
        groups = claims.get(self._settings.groups_claim)
        named = frozenset(str(group) for group in groups) if isinstance(groups, list) else frozenset[str]()
        return Proven(str(claims["sub"]), email, named)

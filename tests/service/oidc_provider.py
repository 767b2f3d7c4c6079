"""A provider for the tests: it keeps to the parts of OpenID Connect that a sign-in takes, and can be told to lie."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import parse_qsl

from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from testbed.postgres import free_port
from tests.service.listening import listening

CLIENT_ID, CLIENT_SECRET = "hostler-panel", "a secret with : and %"
KEY = RSAKey.generate_key(2048, {"kid": "first", "use": "sig", "alg": "RS256"})


class Provider:
    """`claims` are what it says of whoever comes; `id_token` replaces what it would issue."""

    def __init__(self) -> None:
        self.issuer = f"http://127.0.0.1:{free_port()}/realm"
        self.claims: dict[str, Any] = {}
        self.id_token: str | None = None
        self.denies = False
        self._codes: dict[str, dict[str, str]] = {}

    def app(self) -> Starlette:
        """What it serves."""
        return Starlette(
            routes=[
                Route("/realm/.well-known/openid-configuration", self._about),
                Route("/realm/authorize", self._authorize),
                Route("/realm/token", self._token, methods=["POST"]),
                Route("/realm/keys", self._keys),
            ]
        )

    def signed(self, claims: dict[str, Any], key: RSAKey = KEY) -> str:
        """A token with these claims."""
        return jwt.encode({"alg": "RS256", "kid": "first"}, claims, key)

    def usual(self, nonce: str) -> dict[str, Any]:
        """The claims of somebody who has just signed in."""
        now = int(time.time())
        times = {"iat": now, "exp": now + 300, "nonce": nonce}
        return {"iss": self.issuer, "aud": CLIENT_ID, "sub": "248289761001", **times, **self.claims}

    async def _about(self, _: Request) -> Response:
        names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        return JSONResponse({"issuer": self.issuer} | {key: f"{self.issuer}/{name}" for key, name in names.items()})

    async def _keys(self, _: Request) -> Response:
        return JSONResponse({"keys": [KEY.as_dict(private=False)]})

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert (asked["client_id"], asked["response_type"]) == (CLIENT_ID, "code")
        assert (asked["code_challenge_method"], "openid" in asked["scope"].split()) == ("S256", True)
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        said = "error=access_denied" if self.denies else f"code={code}"
        return RedirectResponse(f"{asked['redirect_uri']}?{said}&state={asked['state']}", 302)

    async def _token(self, request: Request) -> Response:
        given = dict(parse_qsl((await request.body()).decode()))
        asked = self._codes.pop(given["code"], None)
        if asked is None or not self._is_right(request, given, asked):
            return JSONResponse({"error": "invalid_grant"}, 400)
        id_token = self.id_token or self.signed(self.usual(asked["nonce"]))
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "expires_in": 60, "id_token": id_token})

    def _is_right(self, request: Request, given: dict[str, str], asked: dict[str, str]) -> bool:
        client = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        digest = hashlib.sha256(given["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return (
            request.headers["authorization"] == f"Basic {client}"
            and challenge == asked["code_challenge"]
            and given["redirect_uri"] == asked["redirect_uri"]
        )


def serving(provider: Provider) -> AbstractAsyncContextManager[int]:
    """The provider, reachable."""
    return listening(provider.app(), port=int(provider.issuer.split(":")[2].split("/")[0]))

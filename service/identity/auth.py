"""Who makes a request: everything under /v1 needs an access token, except the routes by which one is got."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from service.deps import Deps
from service.identity.tokens import Caller, ExpiredToken, InvalidToken
from service.reads import SQL
from service.web.problems import Problem

PUBLIC = (
    "/v1/login",
    "/v1/token/refresh",
    "/v1/logout",
    "/v1/password",
    "/v1/invitations",
    "/v1/oidc",
    "/v1/auth",
)


class Authenticate:
    """ASGI middleware that puts the caller into the request's state, or refuses with 401."""

    def __init__(self, app: ASGIApp, deps: Deps):
        self._app = app
        self._deps = deps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and needs_token(scope["path"]):
            scope["state"]["caller"] = await self._caller(bearer(scope))
        await self._app(scope, receive, send)

    async def _caller(self, token: str | None) -> Caller:
        if token is None:
            raise Problem("unauthorized", headers={"WWW-Authenticate": "Bearer"})
        known = self._deps.tokens.known(token)
        return known if known is not None else await self._check(token)

    async def _check(self, token: str) -> Caller:
        refused = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        try:
            caller = self._deps.tokens.verify(token)
        except ExpiredToken:
            raise Problem("token_expired", headers=refused) from None
        except InvalidToken:
            raise Problem("unauthorized", headers=refused) from None
        if not await self._deps.store.pool.fetchval(SQL.session_of, caller.session_id):
            raise Problem("unauthorized", "The session of this access token has ended.", headers=refused)
        self._deps.tokens.remember(token, caller)
        return caller


def bearer(scope: Scope) -> str | None:
    """The token of the Authorization header, or None."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, token = value.decode("latin-1").partition(" ")
            return token.strip() if scheme.lower() == "bearer" and token.strip() else None
    return None


def needs_token(path: str) -> bool:
    """Whether an address may only be asked with an access token."""
    return (path == "/v1" or path.startswith("/v1/")) and not path.startswith(PUBLIC)

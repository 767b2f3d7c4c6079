"""Who makes a request: everything under /v1 needs a token, except the routes by which one is got."""

from __future__ import annotations

from ipaddress import ip_address

from starlette.types import ASGIApp, Receive, Scope, Send

from service.deps import Deps
from service.identity import api_tokens
from service.identity.statements import SQL
from service.identity.tokens import Caller, ExpiredToken, InvalidToken, UnknownKey
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
REFUSED = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
# Programs act; who somebody is, and by what means they sign in, only they themselves may change.
PERSONAL = "/v1/users/me/"
OWN = ("/v1/users/", "/v1/accounts", "/v1/ssh-keys", "/v1/admin/")
READING = ("GET", "HEAD")
TOO_MANY = "You ask more often than is allowed: wait as long as Retry-After says."


class Authenticate:
    """ASGI middleware that puts the caller into the request's state, or refuses with 401."""

    def __init__(self, app: ASGIApp, deps: Deps):
        self._app = app
        self._deps = deps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and needs_token(scope["path"]):
            caller = await caller_of(self._deps, scope)
            if caller.scopes is not None:
                _check_program(caller, caller.scopes, scope)
            if caller.behind is not None:
                _check_impersonated(scope)
            scope["state"]["caller"] = caller
            self._spend(scope, caller)
        await self._app(scope, receive, send)

    def _spend(self, scope: Scope, caller: Caller) -> None:
        verdict = self._deps.limiter.spend(caller.user_id)
        if verdict is None:
            return
        scope["state"]["limits"] = verdict.headers
        if verdict.wait:
            raise Problem("rate_limited", TOO_MANY, headers={"Retry-After": str(verdict.wait)})


async def caller_of(deps: Deps, scope: Scope) -> Caller:
    """Who makes a request, by the token it comes with.

    Raises:
        Problem: it comes with none, or with one that does not hold.
    """
    token = bearer(scope)
    if token is None:
        raise Problem("unauthorized", headers={"WWW-Authenticate": "Bearer"})
    known = deps.tokens.known(token)
    if known is not None:
        return known
    ends = deps.tokens.ends
    if token.startswith(api_tokens.PREFIX):
        caller = await api_tokens.check(deps, token, host(scope))
    else:
        caller = await _check(deps, token)
    deps.tokens.remember(token, caller, ends)
    return caller


async def _check(deps: Deps, token: str) -> Caller:
    try:
        caller = await verified(deps, token)
    except ExpiredToken:
        raise Problem("token_expired", headers=REFUSED) from None
    except InvalidToken:
        raise Problem("unauthorized", headers=REFUSED) from None
    if not await deps.store.pool.fetchval(SQL.session_of, caller.session_id):
        raise Problem("unauthorized", "The session of this access token has ended.", headers=REFUSED)
    return caller


async def verified(deps: Deps, token: str, *, expired: bool = False) -> Caller:
    """Who a token was signed for, by a key that may have come into use this moment; `expired` as for `verify`.

    Raises:
        InvalidToken: it was not signed by us for this API, or is expired.
    """
    try:
        return deps.tokens.verify(token, expired=expired)
    except UnknownKey:
        if not await deps.tokens.keys.look_again():
            raise
    return deps.tokens.verify(token, expired=expired)


def _check_program(caller: Caller, scopes: frozenset[str], scope: Scope) -> None:
    """Refuse what an API token is not good for."""
    if not _from(caller, host(scope)):
        raise Problem("forbidden", "This token may not be used from your address.")
    path, method = scope["path"], scope["method"]
    if path.startswith(PERSONAL):
        raise Problem("session_required")
    needed, more = _scopes(path, method)
    if not scopes & {needed, *more}:
        raise Problem("forbidden", f"This token lacks the scope {needed}.")


def _scopes(path: str, method: str) -> tuple[str, tuple[str, ...]]:
    """The scope that an address takes, and those that include it."""
    if path.startswith("/v1/admin/"):
        return "staff", ()
    if path.startswith("/v1/billing/"):
        return "billing", ("staff",)
    return ("read", ("write",)) if method in READING else ("write", ())


def _check_impersonated(scope: Scope) -> None:
    """Refuse what staff may not do as somebody else: change how they sign in, or who acts for them."""
    if scope["path"].startswith(OWN) and scope["method"] not in READING:
        raise Problem("forbidden", "Staff who act as a customer may not change by what means, or who, acts for them.")


def _from(caller: Caller, address: str | None) -> bool:
    if not caller.networks:
        return True
    if address is None:
        return False
    found = ip_address(address)
    return any(found.version == network.version and found in network for network in caller.networks)


def host(scope: Scope) -> str | None:
    """The caller's IP address; None when it has none."""
    client = scope.get("client")
    try:
        return str(ip_address(client[0])) if client else None
    except ValueError:
        return None


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

"""Staff sign in through the company's provider: sent there with a sealed cookie, let in when they come back with it.

Nobody becomes staff by this: it opens a session of an administrator who is there already. The first time the address
has to be theirs; from then on the provider's own name of them counts, whatever their address becomes.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from uuid import UUID

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from domain.account.events import IdentityLinked
from domain.account.state import User
from eventstore.store import ClaimLost, Conflict, Entry
from runtime.sealing import Unsealable
from runtime.settings import Oidc
from service.deps import deps, meta_of, request_id
from service.identity import cookies
from service.identity.session import open_session
from service.oidc.provider import NotProven, Proven, Provider, ProviderAway
from service.oidc.statements import SQL
from service.web.problems import Problem
from service.web.reply import reply

COOKIE, PATH, PURPOSE = "hostler_oidc", "/v1/oidc", b"oidc sign-in"
SECONDS = 600
ATTEMPTS = 3
LONGEST_NEXT = 500
log = structlog.get_logger()


class Refused(Exception):
    """Nobody is let in; `why` is what the sign-in page says of it: away, refused, unknown, or not_allowed."""

    def __init__(self, why: str, detail: str):
        super().__init__(detail)
        self.why = why


@dataclass(frozen=True, slots=True)
class Journey:
    """What must be the same when somebody comes back. `begun_at` in epoch seconds."""

    state: str
    nonce: str
    verifier: str
    next: str
    begun_at: float


async def show(req: Request) -> Response:
    """Whether staff may sign in through a provider, and what it is called."""
    settings = deps(req).config.oidc
    return reply({"object": "sign_in_provider", "name": settings.name if settings else None})


async def leave(req: Request) -> Response:
    """Send somebody to the provider."""
    settings = _settings(req)
    state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
    journey = Journey(state, nonce, verifier, _next(req.query_params.get("next")), time.time())
    try:
        async with Provider(settings) as provider:
            there = await provider.address(state, nonce, verifier)
    except ProviderAway as error:
        return _turned_away(req, Refused("away", str(error)))
    answer = RedirectResponse(there, 303, {"Cache-Control": "no-store"})
    sealed = deps(req).seal.seal(msgspec.json.encode(asdict(journey)), PURPOSE).hex()
    # Lax: the provider sends the browser back from another site.
    answer.set_cookie(COOKIE, sealed, SECONDS, path=PATH, secure=cookies.is_secure(req), httponly=True, samesite="lax")
    return answer


async def arrive(req: Request) -> Response:
    """Let somebody in who comes back from the provider."""
    settings = _settings(req)
    try:
        journey = _journey(req)
        user = await _user(req, settings, await _proven(settings, journey, req.query_params))
    except Refused as refused:
        return _turned_away(req, refused)
    answer = RedirectResponse(journey.next, 303, {"Cache-Control": "no-store"})
    _, token, seconds = await open_session(req, user)
    cookies.put(req, answer, token, seconds)
    _forget(req, answer)
    return answer


def _settings(req: Request) -> Oidc:
    found = deps(req).config.oidc
    if found is None:
        raise Problem("not_found", "No provider is set up here: sign in with your password.")
    return found


def _next(text: str | None) -> str:
    """Where somebody goes who is in: a place of the dashboard, never another site."""
    within = text is not None and text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return text if within and text is not None and len(text) <= LONGEST_NEXT else "/"


def _journey(req: Request) -> Journey:
    try:
        sealed = bytes.fromhex(req.cookies.get(COOKIE, ""))
        journey = msgspec.json.decode(deps(req).seal.open(sealed, PURPOSE), type=Journey)
    except (ValueError, Unsealable) as error:
        raise Refused("refused", "nobody was sent to the provider from this browser") from error
    if time.time() > journey.begun_at + SECONDS:
        raise Refused("refused", "it took too long")
    if not hmac.compare_digest(journey.state.encode(), req.query_params.get("state", "").encode()):
        raise Refused("refused", "the state is another one")
    return journey


async def _proven(settings: Oidc, journey: Journey, said: Mapping[str, str]) -> Proven:
    if "code" not in said:
        raise Refused("refused", f"the provider says {said.get('error', 'nothing')!r}")
    try:
        async with Provider(settings) as provider:
            who = await provider.proven(said["code"], journey.nonce, journey.verifier)
    except ProviderAway as error:
        raise Refused("away", str(error)) from error
    except NotProven as error:
        raise Refused("refused", str(error)) from error
    if not settings.admits(who.email, who.groups):
        raise Refused("not_allowed", "neither the domain of the address nor a group is one that may")
    return who


async def _user(req: Request, settings: Oidc, who: Proven) -> User:
    """The administrator who somebody is."""
    pool = deps(req).store.pool
    known: UUID | None = await pool.fetchval(SQL.linked_user, settings.issuer, who.subject)
    named: UUID | None = await pool.fetchval(SQL.user_of_address, who.email) if known is None and who.email else None
    id = known or named
    user = await deps(req).reads.user(id) if id is not None else None
    if user is None or user.role != "admin" or not user.may_sign_in:
        raise Refused("unknown", "no administrator signs in with this address")
    if known is None:
        await _link(req, settings, who, user)
    return user


async def _link(req: Request, settings: Oidc, who: Proven, user: User) -> None:
    d, event = deps(req), IdentityLinked(issuer=settings.issuer, subject=who.subject)
    fields = (settings.issuer, who.subject, user.id)
    for _ in range(ATTEMPTS):
        entry = Entry(user.id, user.version + 1, event, meta_of(req, user.id), user.id)
        try:
            await d.store.append([entry], claims=lambda connection: connection.execute(SQL.link, *fields))
            return
        except ClaimLost as error:
            raise Refused("unknown", "the administrator is somebody else at the provider") from error
        except Conflict:
            user = await d.reads.user(user.id) or user
    raise Problem("busy", headers={"Retry-After": "1"})


def _turned_away(req: Request, refused: Refused) -> Response:
    """Back to the sign-in page, which says why; what exactly was wrong is for the log."""
    log.warning("sign-in through the provider failed", why=refused.why, error=str(refused), request_id=request_id(req))
    answer = RedirectResponse(f"/login#sign-in={refused.why}", 303, {"Cache-Control": "no-store"})
    _forget(req, answer)
    return answer


def _forget(req: Request, answer: Response) -> None:
    answer.delete_cookie(COOKIE, path=PATH, secure=cookies.is_secure(req), httponly=True, samesite="lax")

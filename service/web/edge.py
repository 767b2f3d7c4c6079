"""The outermost layer of every request: its id, its time limit, its log line, and problems instead of stack traces."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Set
from typing import Any

import asyncpg
import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eventstore.database import LOST
from runtime.ids import new_id
from service.web import packing, problems
from service.web.metrics import Metrics
from service.web.problems import Problem

LIMIT_SECONDS = 20.0
MOST_AT_ONCE = 1_000  # requests that a process works on, streams aside: more would only wait for the database
LONGEST_WAIT = 30  # seconds that a caller may prefer to wait for an operation
GIVEN = re.compile(rb"[A-Za-z0-9._~:+/=@-]{1,128}")
DATABASE_AWAY: tuple[type[Exception], ...] = (*LOST, asyncpg.TooManyConnectionsError)
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",  # pages have their own
}
_SECURITY = [(name.lower().encode(), value.encode()) for name, value in SECURITY.items()]
SOON = {"Retry-After": "2"}
ONLY_TLS = b"max-age=31536000"
log = structlog.get_logger()


class Edge:
    """ASGI middleware around everything else."""

    def __init__(self, app: ASGIApp, metrics: Metrics):
        self._app = app
        self._metrics = metrics
        self._at_once = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = _Request(scope, send)
        began = time.perf_counter()
        try:
            await self._answer(scope, receive, request)
        finally:
            seconds = time.perf_counter() - began
            route = getattr(scope.get("route"), "path", "none")
            self._metrics.answered(scope["method"], route, request.status, seconds)
            _log(scope, request, seconds)

    async def _answer(self, scope: Scope, receive: Receive, request: _Request) -> None:
        limit = _limit(scope)
        counted = limit is not None
        self._at_once += counted
        try:
            if self._at_once > MOST_AT_ONCE and counted:
                raise Problem("unavailable", "Too much is asked at once: try again soon.", headers=SOON)
            async with asyncio.timeout(limit):
                await self._app(scope, receive, request.send)
        except ClientDisconnect:
            return
        except Exception as error:
            if request.status:
                raise
            problem = _problem_of(error, request.id)
            answer = problems.response(problem, path=scope["path"], request_id=request.id)
            await answer(scope, receive, request.send)
        finally:
            self._at_once -= counted


class _Request:
    """One request on its way: adds our headers to the answer and remembers its status."""

    def __init__(self, scope: Scope, send: Send):
        self.id = _given_id(scope) or new_id().hex
        self.status = 0
        self._send = send
        self._state: dict[str, Any] = scope.setdefault("state", {})
        self._state["request_id"] = self.id
        self._tls = scope["scheme"] == "https"
        self._scope = scope
        self._held: Message | None = None  # the head of an answer whose body is packed first

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], *self._ours({name for name, _ in message["headers"]})]
            if packing.may_be_packed(message):
                message["headers"] = packing.headers(message["headers"], None)
                self._held = message if packing.reads_gzip(self._scope) else None
                if self._held is not None:
                    return
        elif self._held is not None and not message.get("more_body"):
            body, held, self._held = await packing.pack(message["body"]), self._held, None
            await self._send({**held, "headers": packing.headers(held["headers"], len(body))})
            message = {**message, "body": body}
        await self._send(message)

    def _ours(self, said: Set[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """The headers of every answer that this one does not have of its own."""
        yield b"x-request-id", self.id.encode()
        yield from (header for header in _SECURITY if header[0] not in said)
        yield from self._state.get("limits", ())
        yield from self._state.get("deprecated", ())
        if self._tls:
            yield b"strict-transport-security", ONLY_TLS


def _limit(scope: Scope) -> float | None:
    """How long a request may take, in seconds: a stream for ever, and who prefers to wait longer than others."""
    if scope["path"] == "/v1/events":
        return None
    waits = any(name == b"prefer" for name, _ in scope["headers"])
    return LIMIT_SECONDS + LONGEST_WAIT if waits else LIMIT_SECONDS


def _given_id(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            return value.decode() if GIVEN.fullmatch(value) else None
    return None


def _problem_of(error: Exception, request_id: str) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, DATABASE_AWAY):
        log.warning("database away", request_id=request_id, error=str(error) or type(error).__name__)
        return Problem("unavailable", headers=SOON)
    log.error("request failed", request_id=request_id, exc_info=error)
    return Problem("internal")


def _log(scope: Scope, request: _Request, seconds: float) -> None:
    if scope["method"] in ("GET", "HEAD") and request.status < 500:
        return
    caller: Any = scope["state"].get("caller")
    log.info(
        "request",
        method=scope["method"],
        path=scope["path"],
        status=request.status,
        ms=round(seconds * 1000, 1),
        request_id=request.id,
        user=caller.user_id.hex if caller else None,
    )

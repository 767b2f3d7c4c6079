"""Is the service up, can it serve, and what does Prometheus want to know."""

from __future__ import annotations

from ipaddress import ip_address

from starlette.requests import Request
from starlette.responses import Response

from eventstore.database import is_migrated
from service.deps import deps
from service.web.edge import DATABASE_AWAY
from service.web.problems import Problem
from service.web.reply import reply

FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


async def healthz(req: Request) -> Response:
    """Whether the process answers at all."""
    return reply({"status": "up"})


async def readyz(req: Request) -> Response:
    """Whether requests can be served; names what cannot be used."""
    try:
        migrated = await is_migrated(deps(req).store.pool, 5)
        wrong = None if migrated else "it is not migrated: run `hostler-admin migrate`"
    except DATABASE_AWAY:
        wrong = "it cannot be reached"
    checks = [{"name": "database", "ok": wrong is None, "detail": wrong}]
    status, code = ("ready", 200) if wrong is None else ("not_ready", 503)
    return reply({"status": status, "checks": checks}, code, {} if wrong is None else {"Retry-After": "2"})


async def metrics(req: Request) -> Response:
    """Prometheus metrics, for programs on this machine that ask directly."""
    if not _direct_loopback(req):
        raise Problem("not_found")
    return await exposition(req)


async def exposition(req: Request) -> Response:
    """The metrics as Prometheus reads them."""
    text, media_type = deps(req).metrics.exposition()
    return Response(text, media_type=media_type)


def _direct_loopback(req: Request) -> bool:
    """Not through a proxy: one on this machine would make the whole world look like loopback."""
    if req.client is None or any(name in req.headers for name in FORWARDED):
        return False
    try:
        return ip_address(req.client.host).is_loopback
    except ValueError:
        return False

"""hostler-service: the HTTP API and the dashboard, one worker per process."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import sys
from collections.abc import Iterator
from typing import Any

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from eventstore.database import DatabaseUnavailable, NotMigrated
from runtime.program import Stop, run
from runtime.settings import Settings, SettingsError
from service.app import build
from service.background import working
from service.deps import Deps, opened
from service.web import health
from service.web.patience import Patient

GRACE_SECONDS = 5
GARBAGE = 10_000  # objects made, net of those gone, between two looks for garbage: a list's page alone makes hundreds
# What waits of a console's typing is bounded; what it shows does not shrink by compressing it again.
CONSOLES: dict[str, Any] = {"ws_max_size": 256 * 1024, "ws_max_queue": 8, "ws_per_message_deflate": False}
log = structlog.get_logger()


class CannotListen(Exception):
    """The address is taken or not ours; the message names it."""


class Server(uvicorn.Server):
    """A server that leaves signals to the program it is part of."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are handled by `runtime.program`."""
        yield


async def serve(stop: Stop) -> None:
    """Serve until `stop` is set, then let open requests finish."""
    settings = Settings()
    settings.config  # noqa: B018 - a wrong setting stops the program before anything else is opened
    async with opened(settings) as deps, working(deps):
        serving = [_served(settings, "HOSTLER_BIND", settings.bind, build(deps))]
        if settings.metrics_bind is not None:
            serving.append(_served(settings, "HOSTLER_METRICS_BIND", settings.metrics_bind, _metrics_only(deps)))
        gc.set_threshold(GARBAGE)
        gc.freeze()  # what was opened stays: it need not be looked through for garbage
        tasks = [asyncio.create_task(server.serve([bound])) for server, bound in serving]
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        for server, _ in serving:
            server.should_exit = True
        deps.hub.close()
        await asyncio.gather(*tasks)


def _served(settings: Settings, name: str, address: tuple[str, int], app: Starlette) -> tuple[Server, socket.socket]:
    config = uvicorn.Config(
        app,
        http=Patient,
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=30,
        **CONSOLES,
    )
    return Server(config), _bound(name, *address)


def _bound(name: str, host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # Only where the protocol is named do accepted connections send small answers at once (TCP_NODELAY).
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        raise CannotListen(f"{name}={host}:{port}: {error.strerror}: choose another address") from None
    return listener


def _metrics_only(deps: Deps) -> Starlette:
    """What the metrics address serves: nothing but metrics, to whoever can reach it."""
    app = Starlette(routes=[Route("/metrics", health.exposition)])
    app.state.deps = deps
    return app


def main() -> None:
    """Run the service until SIGTERM."""
    expected = (SettingsError, DatabaseUnavailable, NotMigrated, CannotListen)
    sys.exit(run("hostler-service", serve, expected=expected))


if __name__ == "__main__":
    main()

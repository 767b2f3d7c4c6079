"""hostler-service: the HTTP API and the dashboard, one worker per process."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Iterator

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from eventstore.database import DatabaseUnavailable, NotMigrated
from runtime.program import Stop, run
from runtime.settings import Settings, SettingsError
from service import health
from service.app import build
from service.deps import Deps, opened

GRACE_SECONDS = 5
log = structlog.get_logger()


class CannotListen(Exception):
    """The port is taken or not ours; the message names it."""


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
    async with opened(settings) as deps:
        servers = [(_server(settings, settings.bind, build(deps)), settings.bind)]
        if settings.metrics_bind is not None:
            servers.append((_server(settings, settings.metrics_bind, _metrics_only(deps)), settings.metrics_bind))
        tasks = [asyncio.create_task(_listen(server, *address)) for server, address in servers]
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        deps.hub.end_all()
        for server, _ in servers:
            server.should_exit = True
        await asyncio.gather(*tasks)


def _server(settings: Settings, address: tuple[str, int], app: Starlette) -> Server:
    host, port = address
    return Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=True,
            forwarded_allow_ips=settings.trusted_proxies,
            timeout_graceful_shutdown=GRACE_SECONDS,
            timeout_keep_alive=30,
        )
    )


async def _listen(server: Server, host: str, port: int) -> None:
    try:
        await server.serve()
    except SystemExit:  # what uvicorn makes of a port it cannot have
        raise CannotListen(
            f"cannot listen on {host}:{port}: it is in use or not allowed; set HOSTLER_BIND to another address"
        ) from None


def _metrics_only(deps: Deps) -> Starlette:
    """What the metrics address serves: nothing but metrics, to whoever can reach it."""
    app = Starlette(routes=[Route("/metrics", health.exposition)])
    app.state.deps = deps
    return app


def main() -> None:
    """Run the service until SIGTERM."""
    sys.exit(run("hostler-service", serve, expected=(SettingsError, DatabaseUnavailable, NotMigrated, CannotListen)))


if __name__ == "__main__":
    main()

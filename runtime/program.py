"""Run a long-running program until SIGTERM or SIGINT; say in one line what stops it from starting."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable

import structlog
import uvloop

from runtime import logs

log = structlog.get_logger()
Stop = asyncio.Event


def run(name: str, main: Callable[[Stop], Awaitable[None]], *, expected: tuple[type[Exception], ...]) -> int:
    """Run `main(stop)`; `stop` is set on SIGTERM and SIGINT. `expected` errors are one line and exit code 1."""
    logs.configure(name)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_until_stopped(main))
    except expected as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


async def _until_stopped(main: Callable[[Stop], Awaitable[None]]) -> None:
    stop = Stop()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    log.info("started")
    await main(stop)
    log.info("stopped")

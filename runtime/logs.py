"""Logging: one line per unit of work, JSON in production, readable on a terminal."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import msgspec
import structlog


def configure(program: str) -> None:
    """Set up structlog and the standard library's logging for a program; log to stderr."""
    pretty = sys.stderr.isatty()
    renderer = structlog.dev.ConsoleRenderer() if pretty else as_json
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(program=program)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("proxmoxer").setLevel(logging.WARNING)  # at INFO it writes passwords


def as_json(_logger: object, _method: str, event: Any) -> str:
    """A line as JSON; what is no plain value as it shows itself."""
    try:
        return msgspec.json.encode(event, enc_hook=repr).decode()
    except UnicodeEncodeError:  # half of a character: only the slower one writes that down
        return json.dumps(event, default=repr)

"""The command line of the demo."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from testbed.demo.place import REPOSITORY, DemoError, Guests, Place, obstacle

DEFAULT_PORT = 8000


@dataclass(frozen=True, slots=True)
class Options:
    """`seconds` counts from the moment everything runs; `guests` None means imported `sim`, created `qemu`."""

    place: Place
    port: int
    fresh: bool
    seconds: float | None
    guests: Guests | None


def read(argv: list[str] | None) -> Options:
    """Parse and check. Raises DemoError; a wrong option ends the program with its usage."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description="Hostler on this machine, with sample data.")
    parser.add_argument("--fresh", action="store_true", help="forget everything of earlier runs first")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help=f"port of the dashboard ({DEFAULT_PORT})")
    parser.add_argument("--seconds", type=float, help="end by itself this long after everything runs")
    parser.add_argument("--guests", choices=("sim", "qemu"), help="run every guest simulated, or every guest for real")
    state = os.environ.get("HOSTLER_DEMO_STATE") or REPOSITORY / "var" / "demo"
    parser.add_argument("--state", type=Path, default=state, help=argparse.SUPPRESS)
    given = parser.parse_args(argv)
    _check(given.port, given.seconds)
    return Options(Place(given.state.absolute(), given.guests), given.port, given.fresh, given.seconds, given.guests)


def _check(port: int, seconds: float | None) -> None:
    if not 0 < port < 65536:
        raise DemoError(f"--port {port} is not between 1 and 65535")
    if reason := obstacle(port):
        raise DemoError(f"port {port} {reason}: stop what listens there, or choose another with --port")
    if seconds is not None and seconds < 0:
        raise DemoError(f"--seconds {seconds:g} is below 0")

"""`hostler-testbed proxmox`: options, start, the ready line, a clean end."""

import argparse
import asyncio
import gc
import json
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from testbed.proxmox import seed
from testbed.proxmox.errors import ApiError
from testbed.proxmox.faults.faults import Faults
from testbed.proxmox.running import PortInUse, running

MOST_NODES = 16


class Refused(Exception):
    """The program cannot start; one line that names the thing and the mend."""


def run(argv: list[str]) -> int:
    """Run until SIGTERM or SIGINT; the exit code."""
    options = _options(argv)
    try:
        _check(options)
        asyncio.run(_in_directory(options))
    except (Refused, PortInUse, seed.InventoryError, ApiError) as error:
        print(f"hostler-testbed proxmox: {error}", file=sys.stderr)
        return 1
    return 0


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="hostler-testbed proxmox", description="A Proxmox VE testbed.")
    parser.add_argument("--port", type=int, default=0, help="HTTPS port of the first node; 0 picks free ones")
    parser.add_argument("--control-port", type=int, default=0, help="port of the control interface")
    parser.add_argument("--nodes", type=int, default=1, help="number of nodes, 1 to 16")
    parser.add_argument("--guests", choices=("sim", "qemu"), default="sim", help="kind of the templates' guests")
    parser.add_argument("--state", type=Path, help="state directory; a temporary one if omitted")
    parser.add_argument("--pve", choices=("8", "9"), default="8", help="major release to speak like")
    parser.add_argument("--faults", type=Path, help="JSON file with faults to begin with")
    parser.add_argument("--inventory", type=Path, help="JSON file with VMs for a new state directory")
    return parser.parse_args(argv)


def _check(options: argparse.Namespace) -> None:
    if not 1 <= options.nodes <= MOST_NODES:
        raise Refused(f"--nodes {options.nodes} is not possible; there are 1 to {MOST_NODES}")


async def _in_directory(options: argparse.Namespace) -> None:
    if options.state is None:
        with tempfile.TemporaryDirectory(prefix="hostler-pve-", ignore_cleanup_errors=True) as directory:
            await _serve(options, Path(directory))
        return
    try:
        options.state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"--state {options.state}: {error.strerror}; name a directory that can be written") from None
    await _serve(options, options.state)


async def _serve(options: argparse.Namespace, directory: Path) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    faults, calls = _faults(options.faults)
    gc.disable()  # what is read at the start stays: looking through it for garbage would take as long as reading it
    async with running(
        directory,
        nodes=options.nodes,
        kind=options.guests,
        pve=options.pve,
        port=options.port,
        control_port=options.control_port,
        faults=faults,
        calls=calls,
        inventory=seed.read_inventory(options.inventory) if options.inventory else [],
    ) as testbed:
        gc.freeze()
        gc.enable()
        print(json.dumps(testbed.ready()), flush=True)
        await stop.wait()


def _faults(path: Path | None) -> tuple[Faults, list[Mapping[str, Any]]]:
    """The rules of a file, and the calls of the control interface that it wants made first."""
    faults, calls = Faults(), list[Mapping[str, Any]]()
    if path:
        try:
            document = json.loads(path.read_text())
            parts = document if isinstance(document, dict) and "match" not in document else {"faults": document}
            faults.add(parts.get("faults", []))
            calls = msgspec.convert(parts.get("calls", []), list[Mapping[str, Any]])
        except (OSError, ValueError, ApiError) as error:
            raise Refused(f"--faults {path}: {error}") from None
    return faults, calls

"""Runs the outside tools (qemu-img, xorriso, apt-get …) and says in one line what is missing or went wrong."""

import asyncio
import subprocess
from collections.abc import Mapping
from pathlib import Path

from testbed.proxmox.guests import GuestError

#: Debian package of each tool that may be missing on a fresh machine.
PACKAGES: Mapping[str, str] = {
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "xorriso": "xorriso",
    "cpio": "cpio",
    "depmod": "kmod",
    "busybox": "busybox-static",
    "setpriv": "util-linux",
    "apt-get": "apt",
    "apt-cache": "apt",
    "dpkg": "dpkg",
}


def missing_tool(tool: str) -> GuestError:
    """The error for a tool that is not installed; names the Debian package that brings it."""
    return GuestError(f"{tool} is not installed: apt-get install {PACKAGES.get(tool, tool)}")


async def run(tool: str, *args: str | Path) -> None:
    """Run a tool to its end; `GuestError` with the last line of its complaint if it fails."""
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            tool, *map(str, args), stdin=nothing, stdout=nothing, stderr=pipe
        )
    except FileNotFoundError as error:
        raise missing_tool(tool) from error
    _check(tool, await _complaint(process), process.returncode)


def run_blocking(tool: str, *args: str | Path, cwd: Path | None = None, stdin: bytes = b"") -> bytes:
    """The same for builders in a thread of their own; returns the tool's standard output."""
    try:
        done = subprocess.run([tool, *map(str, args)], cwd=cwd, input=stdin, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise missing_tool(tool) from error
    _check(tool, done.stderr, done.returncode)
    return done.stdout


def _check(tool: str, complaint: bytes, code: int | None) -> None:
    if code:
        lines = complaint.decode(errors="replace").strip().splitlines()
        raise GuestError(f"{tool} failed: {lines[-1] if lines else f'exit code {code}'}")


async def _complaint(process: asyncio.subprocess.Process) -> bytes:
    try:
        return (await process.communicate())[1]
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise

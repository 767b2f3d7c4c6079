"""Run a database server that refuses root: as the caller, or as `nobody` when the caller is root.

Every child dies with the process that started it, even under SIGKILL (`PR_SET_PDEATHSIG`).
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def server_user() -> pwd.struct_passwd | None:
    """The user to drop to, or None when the caller is already unprivileged."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def die_with_parent(sig: int = signal.SIGTERM) -> None:
    """In a child, between fork and exec: ask the kernel to send `sig` when the parent thread ends."""
    _libc.prctl(PR_SET_PDEATHSIG, sig, 0, 0, 0)


def reachable(path: Path) -> bool:
    """Whether an unprivileged user may walk down to `path` (mode bits of every parent directory)."""
    parents = [p for p in path.resolve().parents if p.exists()]
    return all(p.stat().st_mode & stat.S_IXOTH for p in parents)


def home_for(wanted: Path) -> Path:
    """`wanted`, made and owned by the server's user; or a place under /var/tmp where `wanted` is out of its reach."""
    user = server_user()
    place = wanted.resolve()
    if user is not None and not reachable(place):
        key = hashlib.sha256(str(place).encode()).hexdigest()[:12]
        place = Path(f"/var/tmp/hostler-{key}") / wanted.name
        place.parent.mkdir(mode=0o755, exist_ok=True)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    if user is not None:
        os.chown(place, user.pw_uid, user.pw_gid)
    return place


def readable_copy(source: Path, name: str) -> Path:
    """`source`, or a copy of it under /var/tmp when the server's user cannot reach it."""
    if server_user() is None or reachable(source):
        return source
    copy = Path("/var/tmp") / name
    if not copy.exists():
        partial = copy.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(source, partial, symlinks=True)
        partial.chmod(0o755)
        partial.rename(copy)
    return copy


def spawn(
    command: Sequence[str | Path],
    *,
    log: IO[bytes],
    env: dict[str, str] | None = None,
    death_signal: int = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a server as its unprivileged user, output to `log`; it ends when this process does."""
    user = server_user()
    return subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=env,
        cwd="/",
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
        start_new_session=True,
        preexec_fn=lambda: die_with_parent(death_signal),  # after the change of user, which clears it
    )


def run(command: Sequence[str | Path], *, timeout: float = 120) -> None:
    """Run one command as the server's user to its end.

    Raises:
        RuntimeError: it failed; the text is what it printed.
    """
    user = server_user()
    done = subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd="/",
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
        timeout=timeout,
        check=False,
    )
    if done.returncode:
        text = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise RuntimeError(f"{command[0]} failed: {text}")

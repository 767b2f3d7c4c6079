"""Commands that come to an end, run while the programs are watched."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time

from testbed import unprivileged
from testbed.demo.place import DemoError
from testbed.demo.processes import POLL_SECONDS, Supervisor

LIMIT_SECONDS = 300.0


def run(
    command: list[str],
    title: str,
    supervisor: Supervisor,
    environment: dict[str, str],
    *,
    codes: tuple[int, ...] = (0,),
) -> str:
    """Run a command to its end and return what it printed.

    Raises:
        DemoError: its exit code is none of `codes`, or it did not end in time.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            env={**os.environ, **environment},
            start_new_session=True,
            preexec_fn=lambda: unprivileged.die_with_parent(signal.SIGKILL),
        )
        try:
            _follow(process, title, supervisor)
        finally:
            process.kill()
            process.wait()
        output.seek(0)
        errors.seek(0)
        said, complaint = output.read().decode(errors="replace"), errors.read().decode(errors="replace")
    if process.returncode not in codes:
        raise DemoError(f"{title} failed: {_reason(complaint or said)}")
    return said


def _follow(process: subprocess.Popen[bytes], title: str, supervisor: Supervisor) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while process.poll() is None:
        if time.monotonic() > deadline:
            raise DemoError(f"{title} did not end within {LIMIT_SECONDS:.0f} s")
        supervisor.watch()
        time.sleep(POLL_SECONDS)


def _reason(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"

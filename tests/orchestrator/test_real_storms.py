"""The long ones: real programs, real sockets, and the testbed asked at the end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.long, pytest.mark.pg, pytest.mark.pve]
BENCH = Path(__file__).resolve().parents[2] / "bench"


def _figures(name: str, *options: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, BENCH / name, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def test_ten_minutes_of_a_storm_break_no_law() -> None:
    """Four orchestrators and three nodes, killed, frozen and cut off."""
    assert _figures("storm.py", "--seed", "1", "--servers", "200", "--minutes", "10")["operations"] > 0


def test_five_hundred_creations_at_once_all_run() -> None:
    """They queue for the storage's lock; none fails."""
    assert _figures("creates.py", "--servers", "500")["running"] == 500

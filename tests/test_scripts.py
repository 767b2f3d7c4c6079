"""The scripts at the front door, with everything they would start replaced."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.databases import REPOSITORY

PROGRAMS = ("ruff", "mypy", "lint-imports", "npm", "pytest")
# Leaves the report it was asked for; what is wrong with it is the test's.
PROGRAM = """#!/bin/bash
for word in "$@"; do
    case $word in *.xml) echo '<testsuite><testcase name="one"/></testsuite>' >"${word#*=}" ;; esac
done
echo "${0##*/} $*" >>"$CALLS"
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that has the scripts alone."""
    shutil.copytree(REPOSITORY / "scripts", tmp_path / "checkout/scripts")
    (tmp_path / "checkout/ui").mkdir()
    return tmp_path / "checkout"


@pytest.fixture
def prepared(checkout: Path) -> Path:
    """One whose programs do nothing and are content."""
    programs = checkout / ".venv/bin"
    programs.mkdir(parents=True)
    for name in PROGRAMS:
        write(programs / name, PROGRAM)
    write(checkout / "scripts/setup", "#!/bin/sh\n")
    (programs / "python").symlink_to(sys.executable)
    return checkout


def write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def run(checkout: Path, script: str, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "CALLS": str(checkout / "calls")}
    command = [str(checkout / "scripts" / script), *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("place", [".venv", "ui/node_modules"])
def test_what_belongs_to_another_checkout_is_left_alone(checkout: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "theirs").mkdir()
    (checkout / place).symlink_to(tmp_path / "theirs")
    refused = run(checkout, "setup")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert f"{place} leads out of this checkout, to {tmp_path / 'theirs'}" in refused.stderr
    assert not list((tmp_path / "theirs").iterdir())


@pytest.mark.parametrize(("option", "reports"), [("--quick", 2), ("--long", 3)])
def test_all_reports_are_summed(prepared: Path, option: str, reports: int) -> None:
    done = run(prepared, "test", option)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, f"{reports} passed, 0 failed")
    assert ("Left out: " in done.stdout) == (option == "--quick")


@pytest.mark.parametrize("broken", PROGRAMS)
def test_whatever_breaks_is_counted(prepared: Path, broken: str) -> None:
    """Those that run beside the tests, too."""
    write(prepared / ".venv/bin" / broken, "#!/bin/sh\nexit 1\n")
    done = run(prepared, "test")
    assert done.returncode == 1
    names = {"ruff": "ruff check", "lint-imports": "floors", "npm": "dashboard", "pytest": "python"}
    assert f"FAILED: {names.get(broken, broken)}\n" in done.stdout
    assert not done.stdout.endswith(" 0 failed\n")

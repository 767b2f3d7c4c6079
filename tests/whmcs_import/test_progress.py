"""Whoever waits for an import sees how fast it goes and how long it will take yet."""

from __future__ import annotations

import json

import pytest

from whmcs_import.telling import progress


def test_programs_get_a_line_for_each_thing_with_its_rate_and_the_seconds_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([100.0, 102.0, 102.5, 104.0, 105.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    with progress.shown(quiet=False) as tell:
        tell("map", "services", 1000, 4000)
        tell("map", "services", 1100, 4000)
        tell("map", "services", 4000, 4000)
        tell("write", "servers", 10, None)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["done"], line["rate"], line["seconds_left"]) for line in lines] == [
        (1000, 500, 6),
        (4000, 1000, 0),
        (10, 10, None),
    ]
    assert all(line.keys() == {"phase", "what", "done", "total", "rate", "seconds_left"} for line in lines)


def test_a_terminal_shows_the_rate_and_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    with progress._bar() as bar:
        task = bar.add_task("write servers", total=100)
        shown = [type(column).__name__ for column in bar.columns]
        bar.update(task, completed=100)
    assert {"Rate", "TimeRemainingColumn", "BarColumn"} <= set(shown)


def test_whoever_wants_quiet_sees_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.shown(quiet=True) as tell:
        tell("read", "tblhosting", 5, 10)
    assert capsys.readouterr().err == ""

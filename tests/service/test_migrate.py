"""Migrating: what is said when it cannot be done."""

from __future__ import annotations

import os

import pytest

from service.command.migrate import MigrationFailed, deploy
from testbed.postgres import Postgres


def test_a_wrong_password_is_said_in_one_line_without_it(postgres: Postgres) -> None:
    url = f"postgresql://hostler:wrong-secret@127.0.0.1:{postgres.port}/postgres"
    with pytest.raises(MigrationFailed) as refused:
        deploy(url, path=f"{postgres.binaries}:{os.environ['PATH']}")
    assert "password authentication failed" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "wrong-secret" not in str(refused.value)

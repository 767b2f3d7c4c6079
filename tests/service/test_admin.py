"""hostler-admin: what it does, and the one clear line it says when it cannot."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.settings import Settings
from service.command import admin
from testbed.postgres import Postgres
from tests.service.world import CONFIG, World

Run = Callable[..., int]


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, postgres: Postgres) -> Run:
    """Run a command in this installation; returns its exit code."""
    monkeypatch.setenv("HOSTLER_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("HOSTLER_CONFIG", str(tmp_path / "hostler.toml"))
    monkeypatch.setenv("PATH", f"{postgres.binaries}:{os.environ['PATH']}")
    (tmp_path / "password").write_text("long enough\n")

    def run(*arguments: str) -> int:
        with pytest.raises(SystemExit) as ended:
            admin.main([part.replace("PASSWORD", str(tmp_path / "password")) for part in arguments])
        return int(ended.value.code or 0)

    return run


async def wrong_password(world: World, email: str, password: str) -> int:
    async with world.anonymous() as client:
        return (await client.post("/v1/login", json={"email": email, "password": password})).status_code


def test_a_new_admin_and_a_new_customer_can_sign_in(run: Run, settings: Settings) -> None:
    assert run("create-admin", "--email", "Root@Example.com", "--password-file", "PASSWORD") == 0
    assert run("create-user", "--email", "ann@example.com", "--name", "Ann", "--password-file", "PASSWORD") == 0

    async def sign_in() -> list[dict[str, object]]:
        from service.deps import opened

        async with opened(settings) as deps:
            world = World(deps, settings.database_url)
            async with world.anonymous() as client:
                bodies = [{"email": f"{name}@example.com", "password": "long enough"} for name in ("root", "ann")]
                return [(await client.post("/v1/login", json=body)).json()["user"] for body in bodies]

    root, ann = asyncio.run(sign_in())
    assert (root["role"], root["email"]) == ("admin", "Root@Example.com")
    assert (ann["role"], ann["name"]) == ("customer", "Ann")


def test_an_address_signs_in_one_user(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("create-admin", "--email", "root@example.com", "--password-file", "PASSWORD") == 0
    assert run("create-user", "--email", "ROOT@example.com", "--password-file", "PASSWORD") == 1
    assert capsys.readouterr().err == "hostler-admin: somebody signs in as ROOT@example.com already\n"


def test_the_catalogue_follows_the_settings(run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run("apply-catalogue") == 0
    assert "added plan small" in capsys.readouterr().out
    assert run("apply-catalogue") == 0
    assert capsys.readouterr().out.startswith("nothing to change")
    changed = CONFIG.replace('name = "Large"', 'name = "Big"').replace('key = "small"', 'key = "tiny"')
    (tmp_path / "hostler.toml").write_text(changed)
    assert run("apply-catalogue") == 0
    assert set(capsys.readouterr().out.split("\n")) >= {"added plan tiny", "changed plan large", "unlisted plan small"}


def test_migrating_says_what_it_did(
    run: Run, bare_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOSTLER_DATABASE_URL", bare_database_url)
    assert run("migrate") == 0
    *changes, told = capsys.readouterr().out.splitlines()
    assert changes[:2] == ["deployed roles", "deployed log"]
    assert told == f"{len(changes)} changes deployed"
    assert run("migrate") == 0
    assert capsys.readouterr().out == "nothing to deploy: the database is up to date\n"


def test_effects_are_paused_and_resumed(run: Run, settings: Settings) -> None:
    async def switch() -> tuple[bool, str | None]:
        import asyncpg

        connection = await asyncpg.connect(settings.database_url)
        row = await connection.fetchrow("SELECT paused, reason FROM effects_switch")
        await connection.close()
        assert row is not None
        return row["paused"], row["reason"]

    assert run("pause", "--reason", "moving racks") == 0
    assert asyncio.run(switch()) == (True, "moving racks")
    assert run("resume") == 0
    assert asyncio.run(switch()) == (False, None)


def test_maintenance_is_begun_and_ended(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("maintenance", "demo", "pve1", "on", "--reason", "memory") == 0
    assert run("maintenance", "demo", "pve1", "on", "--reason", "memory") == 0
    assert run("maintenance", "demo", "off") == 0
    assert run("maintenance", "demo", "pve1", "off") == 0
    assert capsys.readouterr().out.splitlines() == [
        "node pve1 of demo: maintenance on",
        "node pve1 of demo: maintenance was already on",
        "cluster demo: maintenance was already off",
        "node pve1 of demo: maintenance off",
    ]


def test_removals_are_allowed_for_a_time(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("allow-destroys", "--minutes", "5") == 0
    assert capsys.readouterr().out == "for 5 minutes no removal waits for staff\n"
    assert run("allow-destroys", "--minutes", "0") == 64


def test_the_doctor_names_what_is_wrong(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("doctor") == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ok     database: reachable and migrated"
    assert lines[-1].startswith("WRONG  cluster demo: ")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["create-admin"], 64, "--email"),
        (["fly"], 64, "invalid choice"),
        ([], 64, "required"),
        (["proxmox"], 64, "verb"),
        (["proxmox", "init"], 64, "--url"),
        (["proxmox", "doctor", "--cluster", "nowhere"], 1, "hostler.toml has no cluster nowhere"),
        (["maintenance", "moon", "on"], 1, "hostler.toml has no cluster moon"),
        (["maintenance", "demo", "perhaps"], 64, "invalid choice"),
        (["create-admin", "--email", "nobody", "--password-file", "PASSWORD"], 1, "not an e-mail address"),
        (["create-admin", "--email", "a@b.c", "--password-file", "/nowhere"], 1, "/nowhere"),
    ],
)
def test_wrong_usage_is_said(
    run: Run, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, words: str
) -> None:
    assert run(*arguments) == code
    assert words in capsys.readouterr().err


def test_a_missing_database_is_one_line(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOSTLER_DATABASE_URL", "postgresql://hostler:s3cret@127.0.0.1:1/none")
    assert run("pause") == 1
    said = capsys.readouterr().err
    assert said.startswith("hostler-admin: PostgreSQL at 127.0.0.1:1/none cannot be used")
    assert said.count("\n") == 1
    assert "s3cret" not in said


def test_a_backup_is_restored_from_the_command_line(
    run: Run,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    other_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = str(tmp_path / "backup")
    assert run("apply-catalogue") == 0
    assert run("backup", file) == 0
    assert f"rows are in {file}" in capsys.readouterr().out
    assert run("backup", file) == 1
    assert capsys.readouterr().err == f"hostler-admin: {file} cannot be written: {file} is there already\n"
    assert run("restore", file) == 1
    assert "the database is not empty" in capsys.readouterr().err
    assert run("restore", f"{file}s") == 1
    assert capsys.readouterr().err == f"hostler-admin: {file}s cannot be read: No such file or directory\n"
    monkeypatch.setenv("HOSTLER_DATABASE_URL", other_database_url)
    assert run("restore", file) == 0
    assert "are restored, as the log" in capsys.readouterr().out


def test_keys_are_listed_and_rotated(run: Run, settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("keys", "list") == 0
    assert "no key yet" in capsys.readouterr().out
    assert run("keys", "rotate") == 0
    first = capsys.readouterr().out.split()[0]
    assert run("keys", "rotate", "--at-once") == 0
    assert run("keys", "list") == 0
    lines = capsys.readouterr().out.splitlines()[-2:]
    assert lines[0].endswith("signs")
    assert lines[1].startswith(first)
    assert " ended " in lines[1]

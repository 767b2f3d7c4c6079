"""The folder that files of user data are put into: whole, readable by few, and nothing else is touched."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from uuid import UUID

import pytest

from orchestrator import snippets
from orchestrator.snippets import Folder, OutOfReach, name_of, open_snippets, volume_of
from runtime.settings import Cluster, SettingsError, Snippets

SERVER = UUID(int=7)
NAME = name_of(SERVER)


def _cluster(folder: Path, **changes: object) -> Cluster:
    named = Snippets.model_validate({"storage": "shared", "folder": folder, **changes})
    return Cluster(
        name="demo",
        endpoints=["https://127.0.0.1:1"],
        token_id="root@pam!t",
        token_secret_file=folder / "token",
        storage="local",
        snippets=named,
    )


async def test_a_file_is_written_replaced_and_removed(tmp_path: Path) -> None:
    folder = Folder("shared", tmp_path)
    assert volume_of(folder.storage, SERVER) == f"shared:snippets/{NAME}"
    (tmp_path / "base.yaml").write_text("#cloud-config")
    for text in ("#!/bin/sh\n", "#cloud-config\nä: 1\n"):
        await folder.write(NAME, text)
        assert (tmp_path / NAME).read_text() == text
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o640
    for _ in range(2):
        await folder.remove(NAME)
    assert os.listdir(tmp_path) == ["base.yaml"]


async def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    folder, other = tmp_path / "snippets", tmp_path / "passwd"
    folder.mkdir()
    other.write_text("root")
    for name in (NAME, f".{NAME}.new"):
        (folder / name).symlink_to(other)
    await Folder("shared", folder).write(NAME, "#!/bin/sh\n")
    assert (other.read_text(), (folder / NAME).is_symlink()) == ("root", False)
    assert os.listdir(folder) == [NAME]


async def test_a_folder_that_is_gone_or_hangs_is_out_of_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OutOfReach, match="No such file"):
        await Folder("shared", tmp_path / "none").write(NAME, "#!/bin/sh\n")
    monkeypatch.setattr(snippets, "PATIENCE_SECONDS", 0.01)
    hanging = asyncio.get_running_loop().create_future()
    monkeypatch.setattr(asyncio.get_running_loop(), "run_in_executor", lambda *_: hanging)
    with pytest.raises(OutOfReach, match="no answer"):
        await Folder("shared", tmp_path).remove(NAME)


async def test_what_proxmox_reads_as_nobody_is_readable_by_all(tmp_path: Path) -> None:
    found = open_snippets([_cluster(tmp_path, readable_by_all=True)])
    await found["demo"].write(NAME, "#!/bin/sh\n")
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o644


def test_a_folder_that_is_not_there_is_said_at_the_start(tmp_path: Path) -> None:
    missing = tmp_path / "none"
    with pytest.raises(SettingsError) as caught:
        open_snippets([_cluster(missing)])
    said = f"cluster demo: snippets.folder: {missing} is no folder: mount the storage shared there, or correct it"
    assert str(caught.value) == said


def test_a_folder_that_cannot_be_written_is_said_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(SettingsError, match=r"cannot be written by this user$"):
        open_snippets([_cluster(tmp_path)])


async def test_the_servers_that_have_files_are_told(tmp_path: Path) -> None:
    folder, other = Folder("shared", tmp_path), UUID(int=8)
    await folder.write(NAME, "#!/bin/sh\n")
    os.utime(tmp_path / NAME, (1, 1))
    for name in ("base.yaml", "hostler-7.yaml", f"{NAME}.bak", f".{name_of(other)}.new"):
        (tmp_path / name).write_text("x")
    found = await folder.servers()
    assert set(found) == {SERVER, other}
    assert found[SERVER] > 1e9 > 60 > found[other]

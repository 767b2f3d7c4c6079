"""Volumes on disk, as qemu-img sees them."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from testbed.proxmox.guests import GuestError
from testbed.proxmox.qemu.disks import Disks
from tests.testbed_qemu.samples import GIB, TEMPLATE

pytestmark = pytest.mark.qemu
LINKED = f"{TEMPLATE}/101/vm-101-disk-0.qcow2"


@pytest.fixture
async def disks(tmp_path: Path) -> Disks:
    made = Disks(tmp_path)
    await made.create(TEMPLATE, GIB)
    return made


def image(path: Path) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(subprocess.check_output(["qemu-img", "info", "--output=json", path]))
    return answer


async def test_a_linked_clone_refers_to_its_base_by_a_path_that_can_move(disks: Disks, tmp_path: Path) -> None:
    await disks.clone(TEMPLATE, LINKED, full=False)
    facts = image(tmp_path / "101/vm-101-disk-0.qcow2")
    assert facts["backing-filename"] == f"../{TEMPLATE}"
    assert facts["virtual-size"] == GIB


async def test_a_full_clone_stands_alone(disks: Disks, tmp_path: Path) -> None:
    await disks.clone(TEMPLATE, "102/vm-102-disk-0.qcow2", full=True)
    disks.delete(TEMPLATE)
    assert "backing-filename" not in image(tmp_path / "102/vm-102-disk-0.qcow2")


async def test_a_raw_volume_stays_raw(disks: Disks, tmp_path: Path) -> None:
    await disks.clone(TEMPLATE, "103/vm-103-disk-0.raw", full=True)
    assert image(tmp_path / "103/vm-103-disk-0.raw")["format"] == "raw"


async def test_growing_a_clone_leaves_its_base(disks: Disks, tmp_path: Path) -> None:
    await disks.clone(TEMPLATE, LINKED, full=False)
    await disks.resize(LINKED, 4 * GIB)
    assert image(tmp_path / "101/vm-101-disk-0.qcow2")["virtual-size"] == 4 * GIB
    assert image(tmp_path / TEMPLATE)["virtual-size"] == GIB


async def test_deleting_twice_is_no_error_and_leaves_no_folder(disks: Disks, tmp_path: Path) -> None:
    await disks.clone(TEMPLATE, LINKED, full=False)
    disks.delete(LINKED)
    disks.delete(LINKED)
    assert os.listdir(tmp_path) == ["9000"]


async def test_renaming_keeps_the_content(disks: Disks, tmp_path: Path) -> None:
    disks.rename(TEMPLATE, "9000/base-9000-disk-1.qcow2")
    assert image(tmp_path / "9000/base-9000-disk-1.qcow2")["virtual-size"] == GIB


async def test_a_volume_is_never_overwritten(disks: Disks) -> None:
    with pytest.raises(GuestError, match="already exists"):
        await disks.create(TEMPLATE, GIB)


@pytest.mark.parametrize("volume", ["../x.qcow2", "101/../../x", "/etc/passwd", "101", "101/.hidden", "a/b.qcow2"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, volume: str) -> None:
    with pytest.raises(GuestError, match="unable to parse volume name"):
        Disks(tmp_path).path(volume)


async def test_a_missing_source_is_named(disks: Disks) -> None:
    with pytest.raises(GuestError, match=r"^volume '1/vm-1-disk-0.qcow2' does not exist$"):
        await disks.clone("1/vm-1-disk-0.qcow2", LINKED, full=False)

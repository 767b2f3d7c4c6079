"""The guest image: built the same each time, without root, and clear about what is missing."""

from pathlib import Path

import pytest

from testbed.proxmox.guests import GuestError
from testbed.proxmox.qemu import accel, image
from testbed.proxmox.qemu.accel import accelerator, boots_with

pytestmark = pytest.mark.qemu


@pytest.mark.long
def test_two_builds_are_equal_to_the_byte(tmp_path: Path) -> None:
    first, second = image.build(tmp_path / "a"), image.build(tmp_path / "b")
    assert first.key == second.key
    assert first.initrd.read_bytes() == second.initrd.read_bytes()
    assert first.kernel.read_bytes() == second.kernel.read_bytes()


def test_a_built_image_is_used_again(tmp_path: Path) -> None:
    built = image.build()
    before = built.initrd.stat().st_mtime_ns
    assert image.build().initrd.stat().st_mtime_ns == before


def test_a_missing_tool_is_named_with_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GuestError, match=r"^busybox is not installed: apt-get install busybox-static$"):
        image.build(tmp_path / "cache")


async def test_the_probe_sees_a_guest_boot() -> None:
    assert await boots_with("tcg", image.build(), 60.0)


async def test_the_probe_gives_up_in_time() -> None:
    assert not await boots_with("tcg", image.build(), 0.1)


async def test_the_answer_of_the_probe_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOSTLER_TESTBED_ACCEL", raising=False)
    answers = iter([True])

    async def boots(*_: object) -> bool:
        return next(answers)

    monkeypatch.setattr(accel, "boots_with", boots)
    monkeypatch.setattr("os.access", lambda *_: True)
    fresh = image.Image("key", tmp_path / "vmlinuz", tmp_path / "initrd.gz")
    assert await accelerator(fresh) == "kvm"
    assert await accelerator(fresh) == "kvm"


async def test_an_unknown_accelerator_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOSTLER_TESTBED_ACCEL", "turbo")
    with pytest.raises(GuestError, match="HOSTLER_TESTBED_ACCEL is 'turbo': set it to kvm or tcg"):
        await accelerator(image.build())

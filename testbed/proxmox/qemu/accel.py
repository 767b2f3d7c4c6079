"""Whether this machine runs guests with KVM or must emulate them.

An openable /dev/kvm proves little (nested and para-virtual hosts open it, then run no Linux guest), so the
answer comes from booting the guest image once. It is remembered beside the image, per host kernel.
`HOSTLER_TESTBED_ACCEL=kvm|tcg` overrides it.
"""

import asyncio
import json
import os
import platform
from pathlib import Path
from typing import Literal, cast

from testbed.proxmox.guests import GuestError
from testbed.proxmox.qemu.commands import missing_tool
from testbed.proxmox.qemu.image import Image

Accelerator = Literal["kvm", "tcg"]
# rdrand gives the kernel its entropy at once; without it the first random read waits for seconds.
CPU: dict[Accelerator, str] = {"tcg": "qemu64,+rdrand", "kvm": "host"}
#: A guest under KVM is up in one or two seconds.
PROBE_SECONDS = 8.0


async def accelerator(image: Image) -> Accelerator:
    """The fastest accelerator that really boots `image` here."""
    override = os.environ.get("HOSTLER_TESTBED_ACCEL")
    if override in ("kvm", "tcg"):
        return cast(Accelerator, override)
    if override:
        raise GuestError(f"HOSTLER_TESTBED_ACCEL is '{override}': set it to kvm or tcg, or leave it out")
    memory = image.kernel.with_name("accelerator.json")
    known = _remembered(memory)
    if known is None:
        known = "kvm" if await _has_kvm(image) else "tcg"
        memory.write_text(json.dumps({"host": platform.release(), "accelerator": known}) + "\n")
    return known


def _remembered(memory: Path) -> Accelerator | None:
    try:
        found = json.loads(memory.read_text())
    except (OSError, ValueError):
        return None
    return cast(Accelerator, found["accelerator"]) if found["host"] == platform.release() else None


async def _has_kvm(image: Image) -> bool:
    return os.access("/dev/kvm", os.R_OK | os.W_OK) and await boots_with("kvm", image, PROBE_SECONDS)


async def boots_with(accelerator: Accelerator, image: Image, seconds: float) -> bool:
    """Whether a guest reaches its first program within `seconds`."""
    kernel = ("-kernel", str(image.kernel), "-initrd", str(image.initrd))
    machine = ("-machine", "pc", "-accel", accelerator, "-cpu", CPU[accelerator], "-m", "128")
    devices = ("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio")
    try:
        process = await asyncio.create_subprocess_exec(
            *("setpriv", "--pdeathsig", "KILL", "--", "qemu-system-x86_64", *machine, *devices, *kernel),
            *("-append", "console=ttyS0 quiet panic=-1 no_timer_check testbed_probe"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except FileNotFoundError as error:
        raise missing_tool("setpriv") from error
    try:
        return await _says_ready(process, seconds)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _says_ready(process: asyncio.subprocess.Process, seconds: float) -> bool:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(seconds):
            async for line in process.stdout:
                if b"READY" in line:
                    return True
    except TimeoutError:
        pass
    return False

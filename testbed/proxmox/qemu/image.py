"""Builds what every real guest boots: Debian's cloud kernel and a small initramfs with the guest agent.

Needs no root: packages are fetched with `apt-get download` and unpacked with `dpkg -x`. The result lies in
`<cache>/<key>/`, where the key covers everything that comes from here (the init script, the lists below, the
installed busybox); the versions of the fetched packages are in its `manifest.json`. A built image is used
until its folder is deleted, so that a guest boots the same on every day and without a network.

`python -m testbed.proxmox.qemu` builds it ahead of time and prints where it is.
"""

import fcntl
import gzip
import hashlib
import json
import lzma
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from testbed.proxmox.guests import GuestError
from testbed.proxmox.qemu.commands import missing_tool
from testbed.proxmox.qemu.commands import run_blocking as run

KERNEL_PACKAGE = "linux-image-cloud-amd64"
AGENT_PACKAGE = "qemu-guest-agent"
#: Loaded at boot, with what they depend on. The cloud kernel has no AHCI, hence the IDE CD-ROM by ata_piix.
MODULES = (
    *("virtio_pci", "virtio_scsi", "virtio_net", "virtio_console", "virtio_balloon"),
    *("sd_mod", "sr_mod", "isofs", "ata_piix", "button", "evdev"),
)
ONLY_DEPENDS = (
    *("--no-recommends", "--no-suggests", "--no-conflicts"),
    *("--no-breaks", "--no-replaces", "--no-enhances"),
)
FOLDERS = (
    *("bin", "data", "dev", "etc/acpi/PWRF", "home", "lib64", "proc"),
    *("root", "run", "seed", "sys", "tmp", "usr", "var/log"),
)
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "etc/group": "root:x:0:\n",
    "etc/shadow": "root:*:19000:0:99999:7:::\n",
    "etc/profile": "cat /etc/issue\nexport PATH=/bin PS1='\\u@\\h:\\w\\$ '\n",
    "etc/modules": "\n".join(MODULES) + "\n",
    "etc/inittab": (
        "::sysinit:/etc/rc\ntty1::respawn:-/bin/sh\nttyS0::respawn:-/bin/sh\n"
        "::ctrlaltdel:/bin/reboot\n::shutdown:/bin/sync\n::shutdown:/bin/umount /data\n"
    ),
    "etc/os-release": (
        'ID=testguest\nNAME="Test Guest"\nVERSION_ID="1"\nVERSION="1"\n'
        'PRETTY_NAME="Test Guest of the Proxmox VE testbed"\n'
    ),
}
SCRIPTS = {
    "etc/acpi/PWRF/00000080": "#!/bin/sh\nexec /bin/poweroff\n",
    # The guest agent calls this for guest-shutdown.
    "bin/shutdown": '#!/bin/sh\ncase "$*" in *-r*) exec reboot ;; *-H*) exec halt ;; *) exec poweroff ;; esac\n',
    "etc/udhcpc.script": (
        '#!/bin/sh\n[ "$1" = bound ] || exit 0\nip addr add "$ip/$mask" broadcast + dev "$interface"\n'
        '[ -z "$router" ] || ip route add default via "${router%% *}"\n'
    ),
}


@dataclass(frozen=True, slots=True)
class Image:
    """A built guest image; `key` changes whenever the image does."""

    key: str
    kernel: Path
    initrd: Path


def default_cache() -> Path:
    """`HOSTLER_TESTBED_GUEST_CACHE`, else `var/cache/guest` at the root of the checkout."""
    override = os.environ.get("HOSTLER_TESTBED_GUEST_CACHE")
    return Path(override) if override else Path(__file__).resolve().parents[3] / "var" / "cache" / "guest"


def build(cache: Path | None = None) -> Image:
    """The guest image, built if the cache does not hold it; raises `GuestError` naming what is missing."""
    cache = cache or default_cache()
    _make_writable(cache)
    key = _key()
    target = cache / key
    with _only_builder(cache):
        if not target.exists():
            _build_into(cache, target)
    return Image(key, target / "vmlinuz", target / "initrd.gz")


def _make_writable(cache: Path) -> None:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        (cache / ".lock").touch()
    except OSError as error:
        reason = f"cannot write the guest cache {cache}: {error.strerror}"
        raise GuestError(f"{reason}; set HOSTLER_TESTBED_GUEST_CACHE to a folder of yours") from error


def _key() -> str:
    recipe = json.dumps([KERNEL_PACKAGE, AGENT_PACKAGE, MODULES, FOLDERS, FILES, SCRIPTS], sort_keys=True)
    parts = [recipe.encode(), _init_script().read_bytes(), _busybox().read_bytes()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _init_script() -> Path:
    return Path(__file__).with_name("init")


def _busybox() -> Path:
    found = shutil.which("busybox")
    if found is None:
        raise missing_tool("busybox")
    return Path(found)


@contextmanager
def _only_builder(cache: Path) -> Iterator[None]:
    """Two testbeds that start together build once; the second waits for the first."""
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build_into(cache: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".build-", dir=cache) as scratch:
        work = Path(scratch)
        packages, unpacked, root, result = (work / name for name in ("debs", "unpacked", "root", "result"))
        for folder in (packages, unpacked, root, result):
            folder.mkdir()
        _fetch(packages, unpacked)
        _fill_root(unpacked, root)
        shutil.copyfile(_one(unpacked, "boot/vmlinuz-*"), result / "vmlinuz")
        (result / "initrd.gz").write_bytes(_archive(root))
        versions = sorted(path.name for path in packages.iterdir())
        (result / "manifest.json").write_text(json.dumps({"packages": versions}, indent=1) + "\n")
        result.chmod(0o755)
        result.rename(target)


def _fetch(packages: Path, unpacked: Path) -> None:
    names = [_kernel_package(), AGENT_PACKAGE, *_libraries(AGENT_PACKAGE)]
    try:
        run("apt-get", "download", "-q", *names, cwd=packages)
    except GuestError as error:
        raise GuestError(f"cannot fetch the guest's packages, is `apt-get update` done? {error}") from error
    for package in sorted(packages.iterdir()):
        run("dpkg", "-x", package, unpacked)


def _kernel_package() -> str:
    depends = _depends(KERNEL_PACKAGE)
    found = [name for name in depends if name.startswith("linux-image-")]
    if not found:
        raise GuestError(f"apt knows no {KERNEL_PACKAGE}: apt-get update (Debian on amd64 is needed)")
    return found[0]


def _libraries(package: str) -> list[str]:
    """Every library package below `package`; which files of them are needed is the linker's answer."""
    names = _depends(package, "--recurse")
    return sorted({name for name in names if name.startswith("lib") and "perl" not in name})


def _depends(package: str, *options: str) -> list[str]:
    out = run("apt-cache", "depends", *ONLY_DEPENDS, *options, package)
    lines = (line.strip().removeprefix("|") for line in out.decode().splitlines())
    return [line.split()[-1] for line in lines if "epends: " in line and "<" not in line]


def _fill_root(unpacked: Path, root: Path) -> None:
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for link, to in (("sbin", "bin"), ("usr/sbin", "../bin"), ("lib", "lib64"), ("var/run", "../run")):
        (root / link).symlink_to(to)
    for name, text in FILES.items():
        (root / name).write_text(text)
    for name, text in SCRIPTS.items():
        _executable(root / name, text.encode())
    _executable(root / "etc/rc", _init_script().read_bytes())
    (root / "init").symlink_to("bin/busybox")
    _install_busybox(root)
    _install_agent(unpacked, root)
    _install_modules(unpacked, root)


def _executable(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o755)


def _install_busybox(root: Path) -> None:
    if b"\0/lib64/ld-linux" in _busybox().read_bytes():
        raise GuestError("busybox is linked dynamically: apt-get install busybox-static")
    _executable(root / "bin/busybox", _busybox().read_bytes())
    for applet in run("busybox", "--list").decode().split():
        if not (root / "bin" / applet).exists():
            (root / "bin" / applet).symlink_to("busybox")


def _install_agent(unpacked: Path, root: Path) -> None:
    agent = _one(unpacked, "**/sbin/qemu-ga")
    shutil.copy(agent, root / "bin/qemu-ga")
    linker = next(path for path in sorted(unpacked.glob("**/ld-linux-x86-64.so.2")) if not path.is_symlink())
    folders = ":".join(str(path) for path in sorted(unpacked.glob("**/lib/x86_64-linux-gnu")))
    listing = run(str(linker), "--library-path", folders, "--list", agent).decode()
    if "not found" in listing:
        raise GuestError(f"a library of qemu-ga is missing: {listing.strip()}")
    shutil.copy(linker, root / "lib64/ld-linux-x86-64.so.2")
    for line in listing.splitlines():
        name, arrow, rest = line.strip().partition(" => ")
        if arrow:
            shutil.copy(rest.split(" (")[0], root / "lib64" / Path(name).name)


def _install_modules(unpacked: Path, root: Path) -> None:
    modules = _one(unpacked, "**/lib/modules/*/modules.order").parent
    release = modules.name
    run("depmod", "-b", modules.parents[2], release)
    target = root / "lib64" / "modules" / release
    for name in _module_files(modules):
        file = target / name.removesuffix(".xz")
        file.parent.mkdir(parents=True, exist_ok=True)
        content = (modules / name).read_bytes()
        file.write_bytes(lzma.decompress(content) if name.endswith(".xz") else content)
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        shutil.copy(modules / name, target / name)
    run("depmod", "-b", root, release)
    for index in target.glob("modules.*"):
        if index.name not in ("modules.dep", "modules.alias", "modules.symbols", "modules.builtin"):
            index.unlink()


def _module_files(modules: Path) -> Iterable[str]:
    """Files of `MODULES` and of all they depend on; `modules.dep` lists the dependencies in full."""
    wanted = {name.replace("-", "_") for name in MODULES}
    files: set[str] = set()
    for line in (modules / "modules.dep").read_text().splitlines():
        file, _, dependencies = line.partition(":")
        if Path(file).name.split(".")[0].replace("-", "_") in wanted:
            files.update([file, *dependencies.split()])
    return sorted(files)


def _archive(root: Path) -> bytes:
    """The folder as a compressed cpio archive; the same content gives the same bytes."""
    names = sorted(str(path.relative_to(root)) for path in root.rglob("*"))
    for name in [*names, "."]:
        os.utime(root / name, (0, 0), follow_symlinks=False)
    archive = run(
        "cpio",
        *("--create", "--format=newc", "--owner=0:0", "--reproducible", "--null", "--quiet"),
        cwd=root,
        stdin="\0".join([".", *names]).encode() + b"\0",
    )
    return gzip.compress(archive, mtime=0)


def _one(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if not found:
        raise GuestError(f"the fetched packages hold no {pattern}")
    return found[0]

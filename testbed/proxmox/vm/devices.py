"""Formats of the options for a VM's devices and its start (qemu-server QemuServer.pm, PCI.pm, USB.pm, CPUConfig.pm)."""

import re
from collections.abc import Mapping

from testbed.proxmox.formats import BOOLEAN, PropertyString, config_id, split_list, volume_id
from testbed.proxmox.schema import FormatError, Param

MAX_USB, MAX_PCI, MAX_NET = 14, 16, 32
CPU_FLAGS = (
    *("pcid", "spec-ctrl", "ibpb", "ssbd", "virt-ssbd", "amd-ssbd", "amd-no-ssb", "pdpe1gb", "md-clear"),
    *("hv-tlbflush", "hv-evmcs", "aes"),
)
#: Processors that can be named without a definition of one's own.
CPU_TYPES = frozenset(
    {
        *("486", "pentium", "pentium2", "pentium3", "coreduo", "core2duo", "Conroe", "Penryn"),
        *("Nehalem", "Nehalem-IBRS", "Westmere", "Westmere-IBRS", "SandyBridge", "SandyBridge-IBRS"),
        *("IvyBridge", "IvyBridge-IBRS", "Haswell", "Haswell-IBRS", "Haswell-noTSX", "Haswell-noTSX-IBRS"),
        *("Broadwell", "Broadwell-IBRS", "Broadwell-noTSX", "Broadwell-noTSX-IBRS"),
        *("Skylake-Client", "Skylake-Client-IBRS", "Skylake-Client-noTSX-IBRS", "Skylake-Client-v4"),
        *("Skylake-Server", "Skylake-Server-IBRS", "Skylake-Server-noTSX-IBRS", "Skylake-Server-v4"),
        *("Skylake-Server-v5", "Cascadelake-Server", "Cascadelake-Server-v2", "Cascadelake-Server-noTSX"),
        *("Cascadelake-Server-v4", "Cascadelake-Server-v5", "Cooperlake", "Cooperlake-v2", "KnightsMill"),
        *("Icelake-Client", "Icelake-Client-noTSX", "Icelake-Server", "Icelake-Server-noTSX"),
        *("Icelake-Server-v3", "Icelake-Server-v4", "Icelake-Server-v5", "Icelake-Server-v6"),
        *("SapphireRapids", "SapphireRapids-v2", "GraniteRapids", "athlon", "phenom"),
        *("Opteron_G1", "Opteron_G2", "Opteron_G3", "Opteron_G4", "Opteron_G5", "EPYC", "EPYC-IBPB"),
        *("EPYC-v3", "EPYC-v4", "EPYC-Rome", "EPYC-Rome-v2", "EPYC-Rome-v3", "EPYC-Rome-v4", "EPYC-Milan"),
        *("EPYC-Milan-v2", "EPYC-Genoa", "host", "kvm32", "kvm64", "qemu32", "qemu64", "max"),
        *("x86-64-v2", "x86-64-v2-AES", "x86-64-v3", "x86-64-v4"),
    }
)
CPU_MODELS = tuple(sorted((name for name in CPU_TYPES if not name.startswith("x86-64")), key=str.lower))


def _phys_bits(text: str) -> None:
    if text != "host" and not (re.fullmatch(r"\d{1,2}", text) and 8 <= int(text) <= 64):
        raise FormatError("value must be an integer between 8 and 64 or 'host'")


def _vm_cpu(cpu: Mapping[str, str]) -> None:
    kind = cpu.get("cputype")
    if not kind:
        raise FormatError("CPU is missing cputype")
    if kind.startswith("custom-"):
        raise FormatError(f"Custom cputype '{kind.removeprefix('custom-')}' not found")
    if kind not in CPU_TYPES:
        raise FormatError(f"Built-in cputype '{kind}' is not defined (missing 'custom-' prefix?)")
    if any(flag[1:] not in CPU_FLAGS for flag in cpu.get("flags", "").split(";") if flag):
        raise FormatError(f"VM-specific CPU flags must be a subset of: {', '.join(CPU_FLAGS)}")
    if "reported-model" in cpu:
        raise FormatError("Property 'reported-model' not allowed in VM-specific CPU config.")


CPU = PropertyString(
    {
        "cputype": Param(),
        "reported-model": Param(enum=CPU_MODELS),
        "hidden": BOOLEAN,
        "hv-vendor-id": Param(pattern=r"[a-zA-Z0-9]{1,12}"),
        "flags": Param(pattern=r"[+-][a-zA-Z0-9\-_.]+(;[+-][a-zA-Z0-9\-_.]+)*"),
        "phys-bits": Param(check=_phys_bits),
    },
    "cputype",
    check=_vm_cpu,
)
_VERSION = r"\d+(\.\d+)+(\+pve\d+)?"
MACHINE = PropertyString(
    {
        "type": Param(
            pattern=rf"(pc|pc(-i440fx)?-{_VERSION}(\.pxe)?|q35|pc-q35-{_VERSION}(\.pxe)?"
            r"|virt(?:-\d+(\.\d+)+)?(\+pve\d+)?)",
            max_length=40,
        ),
        "viommu": Param(enum=("intel", "virtio")),
        "enable-s3": BOOLEAN,
        "enable-s4": BOOLEAN,
        "aw-bits": Param("number", minimum=32, maximum=64, since="9"),
    },
    "type",
)
_DISPLAYS = (
    *("cirrus", "qxl", "qxl2", "qxl3", "qxl4", "none", "serial0", "serial1", "serial2", "serial3"),
    *("std", "virtio", "virtio-gl", "vmware"),
)
VGA = PropertyString(
    {
        "type": Param(enum=_DISPLAYS),
        "memory": Param("integer", minimum=4, maximum=512),
        "clipboard": Param(enum=("vnc",)),
    },
    "type",
)
TDX = PropertyString(
    {
        "type": Param(optional=False, enum=("tdx",)),
        "attestation": BOOLEAN,
        "vsock-cid": Param("integer", minimum=2),
        "vsock-port": Param("integer", minimum=0),
    },
    "type",
)
WATCHDOG = PropertyString(
    {
        "model": Param(enum=("i6300esb", "ib700")),
        "action": Param(enum=("reset", "shutdown", "poweroff", "pause", "debug", "none")),
    },
    "model",
)
AUDIO = PropertyString(
    {
        "device": Param(optional=False, enum=("ich9-intel-hda", "intel-hda", "AC97")),
        "driver": Param(enum=("spice", "none")),
    }
)
RNG = PropertyString(
    {
        "source": Param(optional=False, enum=("/dev/urandom", "/dev/random", "/dev/hwrng")),
        "max_bytes": Param("integer"),
        "period": Param("integer"),
    },
    "source",
)
_USB_ID = r"(0x)?([0-9A-Fa-f]{4}):(0x)?([0-9A-Fa-f]{4})"
_USB_PATH = r"(\d+)\-(\d+(\.\d+)*)"
USB = PropertyString(
    {
        "host": Param(pattern=rf"(?:(?:{_USB_ID})|(?:{_USB_PATH})|[Ss][Pp][Ii][Cc][Ee])"),
        "mapping": Param(check=config_id),
        "usb3": BOOLEAN,
    },
    "host",
)
_PCI = r"(?:[a-f0-9]{4,}:)?[a-f0-9]{2}:[a-f0-9]{2}(?:\.[a-f0-9])?"
_HEX_ID = Param(pattern=r"0x[0-9a-fA-F]{4}")
HOSTPCI = PropertyString(
    {
        "host": Param(pattern=rf"{_PCI}(;{_PCI})*"),
        "mapping": Param(check=config_id),
        "rombar": BOOLEAN,
        "romfile": Param(pattern=r"[^,;]+"),
        "pcie": BOOLEAN,
        "x-vga": BOOLEAN,
        "legacy-igd": BOOLEAN,
        "mdev": Param(pattern=r"[^/\.:]+"),
        **dict.fromkeys(("vendor-id", "device-id", "sub-vendor-id", "sub-device-id"), _HEX_ID),
    },
    "host",
)
_RANGES = r"\d+(?:-\d+)?(?:;\d+(?:-\d+)?)*"
NUMA = PropertyString(
    {
        "cpus": Param(optional=False, pattern=_RANGES),
        "memory": Param("number"),
        "hostnodes": Param(pattern=_RANGES),
        "policy": Param(enum=("preferred", "bind", "interleave")),
    }
)
VIRTIOFS = PropertyString(
    {
        "dirid": Param(optional=False, check=config_id),
        "cache": Param(enum=("auto", "always", "metadata", "never")),
        "direct-io": BOOLEAN,
        "expose-xattr": BOOLEAN,
        "expose-acl": BOOLEAN,
    },
    "dirid",
)
IVSHMEM = PropertyString(
    {"size": Param("integer", optional=False, minimum=1), "name": Param(pattern=r"[a-zA-Z0-9\-]+")}
)
SPICE = PropertyString({"foldersharing": BOOLEAN, "videostreaming": Param(enum=("off", "all", "filter"))})
SEV = PropertyString(
    {
        "type": Param(optional=False, enum=("std", "es", "snp"), max_length=3),
        **dict.fromkeys(("no-debug", "no-key-sharing", "allow-smt", "kernel-hashes"), BOOLEAN),
    },
    "type",
)
CICUSTOM = PropertyString({name: Param(check=volume_id) for name in ("meta", "network", "user", "vendor")})


def boot_device(text: str) -> None:
    """A device that can be started from: a drive other than EFI and TPM, a network card, a passed-through device."""
    counts = {"ide": 4, "scsi": 31, "sata": 6, "virtio": 16, "net": MAX_NET, "usb": MAX_USB, "hostpci": MAX_PCI}
    match = re.fullmatch(r"([a-z]+)(0|[1-9]\d*)", text)
    if not match or int(match[2]) >= counts.get(match[1], 0):
        raise FormatError(f"invalid boot device '{text}'")


def _boot_devices(text: str) -> None:
    for item in split_list(text):
        boot_device(item)


BOOT = PropertyString({"legacy": Param(pattern="[acdn]{1,4}"), "order": Param(check=_boot_devices)}, "legacy")
HOTPLUG_FEATURES = ("network", "disk", "cpu", "memory", "usb", "cloudinit")
HOTPLUG_DEFAULT = frozenset({"network", "disk", "usb"})


def hotplug_features(text: str) -> frozenset[str]:
    """What is plugged while a VM runs; `1` is the default, `0` nothing."""
    if text in ("0", "1"):
        return HOTPLUG_DEFAULT if text == "1" else frozenset()
    for feature in split_list(text):
        if feature not in HOTPLUG_FEATURES:
            raise FormatError(f"invalid hotplug feature '{feature}'")
    return frozenset(split_list(text))


def startup_order(text: str) -> dict[str, int]:
    """`order`, and the delays `up` and `down` in seconds, of a text that `formats.startup_order` has checked."""
    pairs = (part.rpartition("=") for part in text.split(",") if part.strip())
    return {key or "order": int(value) for key, _, value in pairs}


def cpu_set(text: str) -> None:
    """Numbers and ranges of processors."""
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part)
        if not match or (match[2] and int(match[2]) < int(match[1])):
            raise FormatError("unable to parse cpuset option")


def boot_disk(text: str) -> None:
    """A drive as `bootdisk` names it."""
    try:
        boot_device(text)
    except FormatError:
        raise FormatError(f"invalid boot disk '{text}'") from None

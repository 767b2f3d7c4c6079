"""The options of drives by bus, and all buses together (qemu-server QemuServer/Drive.pm)."""

import re
from collections.abc import Mapping

from testbed.proxmox.formats import (
    BOOLEAN,
    PropertyString,
    drive_file,
    parse_size,
    url_encoded,
    volume_id,
    volume_or_path,
)
from testbed.proxmox.schema import Param

INTEGER, NUMBER, SECONDS = Param("integer"), Param("number"), Param("integer", minimum=1)
GEOMETRY = Param("integer", until="8")
IMAGE_FORMATS = ("raw", "qcow", "qed", "qcow2", "vmdk", "cloop")

_FILE = {"file": Param(optional=False, check=drive_file)}
_IMAGE = {"format": Param(enum=IMAGE_FORMATS), "size": Param(check=parse_size)}
_IMPORT = {"import-from": Param(check=volume_or_path)}
_LIMITS: dict[str, Param] = {
    **{
        f"{kind}{way}": param
        for kind, param in (("bps", INTEGER), ("mbps", NUMBER), ("iops", INTEGER))
        for way in ("", "_rd", "_wr")
    },
    **{
        f"{kind}{way}_max": param for kind, param in (("mbps", NUMBER), ("iops", INTEGER)) for way in ("", "_rd", "_wr")
    },
    **{f"{kind}{way}_max_length": SECONDS for kind in ("bps", "iops") for way in ("", "_rd", "_wr")},
}
_BASE: dict[str, Param] = {
    **_FILE,
    **_IMAGE,
    **_LIMITS,
    "aio": Param(enum=("native", "threads", "io_uring")),
    "backup": BOOLEAN,
    "cache": Param(enum=("none", "writethrough", "writeback", "unsafe", "directsync")),
    "cyls": GEOMETRY,
    "detect_zeroes": BOOLEAN,
    "discard": Param(enum=("ignore", "on")),
    "heads": GEOMETRY,
    "media": Param(enum=("cdrom", "disk")),
    "replicate": BOOLEAN,
    "rerror": Param(enum=("ignore", "report", "stop")),
    "secs": GEOMETRY,
    "serial": Param(check=url_encoded, max_length=60),
    "shared": BOOLEAN,
    "snapshot": BOOLEAN,
    "trans": Param(enum=("none", "lba", "auto"), until="8"),
    "werror": Param(enum=("enospc", "ignore", "report", "stop")),
}
_IOTHREAD, _READ_ONLY, _SSD = {"iothread": BOOLEAN}, {"ro": BOOLEAN}, {"ssd": BOOLEAN}
_WWN = {"wwn": Param(pattern=r"0x[0-9a-fA-F]{16}")}
_MODEL = {"model": Param(check=url_encoded, max_length=120)}
_SCSI = {
    "product": Param(pattern=r"[A-Za-z0-9\-_\s]{,16}"),
    "queues": Param("integer", minimum=2),
    "scsiblock": BOOLEAN,
    "vendor": Param(pattern=r"[A-Za-z0-9\-_\s]{,8}"),
}
_EFI = {
    "efitype": Param(enum=("2m", "4m")),
    "ms-cert": Param(enum=("2011", "2023", "2023w", "2023k")),
    "pre-enrolled-keys": BOOLEAN,
}
_TPM = {"version": Param(enum=("v1.2", "v2.0"))}
_TPM_FORMAT = {"format": Param(enum=("raw", "qcow2", "vmdk"), since="9")}
_ALIASES = {
    "volume": "file",
    **{f"{kind}_{way}_length": f"{kind}_{way}_max_length" for kind in ("bps", "iops") for way in ("rd", "wr")},
}


def _format(*parts: Mapping[str, Param]) -> PropertyString:
    return PropertyString({key: param for part in parts for key, param in part.items()}, "file", _ALIASES)


#: By bus, with what a request to make a new volume may say.
BUSES = {
    "ide": _format(_BASE, _MODEL, _SSD, _WWN, _IMPORT),
    "scsi": _format(_BASE, _IOTHREAD, _SCSI, _READ_ONLY, _SSD, _WWN, _IMPORT),
    "virtio": _format(_BASE, _IOTHREAD, _READ_ONLY, _IMPORT),
    "sata": _format(_BASE, _SSD, _WWN, _IMPORT),
    "efidisk": _format(_FILE, _IMAGE, _EFI, _IMPORT),
    "tpmstate": _format(_FILE, {"size": _IMAGE["size"]}, _TPM, _TPM_FORMAT, _IMPORT),
}
UNUSED = PropertyString({"file": Param(optional=False, check=volume_id)}, "file", {"volume": "file"})
#: Whatever the bus.
DRIVE = _format(_BASE, _IOTHREAD, _MODEL, _SCSI, _READ_ONLY, _SSD, _WWN, _EFI, _TPM, _IMPORT)

#: Each limit that makes sense only beside another one.
_NEEDS = {
    **{f"{kind}{way}_max": f"{kind}{way}" for kind in ("mbps",) for way in ("", "_rd", "_wr")},
    **{f"bps{way}_max_length": f"mbps{way}_max" for way in ("", "_rd", "_wr")},
    **{f"iops{way}_max_length": f"iops{way}_max" for way in ("", "_rd", "_wr")},
}
_EITHER = tuple((f"{kind}{way}", kind) for kind in ("mbps", "iops") for way in ("_rd", "_wr"))
_NOT_FOR_CDROMS = ("snapshot", "trans", "format", "heads", "secs", "cyls")


def consistent(key: str, drive: Mapping[str, str]) -> bool:
    """Whether properties that are right by themselves go together (Drive.pm parse_drive)."""
    if any(name in drive and needed not in drive for name, needed in _NEEDS.items()):
        return False
    if any(one in drive and other in drive for one, other in _EITHER):
        return False
    if drive.get("media") != "cdrom":
        return True
    return not key.startswith("virtio") and not any(drive.get(name, "0") != "0" for name in _NOT_FOR_CDROMS)


def bus(key: str) -> str:
    """The bus of a drive's option."""
    return re.sub(r"\d+$", "", key)


def printed(drive: Mapping[str, str]) -> str:
    """A drive as it is stored: the volume, then the properties by name."""
    return PropertyString.format(drive, "file")

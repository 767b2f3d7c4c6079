"""What a storage holds beside disks, and how it is called (pve-storage Storage.pm, Storage/Plugin.pm parse_volname)."""

import re
import time
from dataclasses import dataclass

from testbed.proxmox.errors import Die, parameter_errors

KINDS = ("rootdir", "images", "vztmpl", "iso", "backup", "snippets", "import")
FOLDERS = {
    "iso": "template/iso",
    "vztmpl": "template/cache",
    "backup": "dump",
    "snippets": "snippets",
    "import": "import",
}
COMPRESSORS = r"gz|lzo|zst|bz2"
SAFE = r"[ a-zA-Z0-9\-.+=_]"
#: What a file's name must be; the group is its format.
NAMES = {
    "iso": re.compile(r"[^/]+\.(?:iso|img)", re.IGNORECASE),
    "vztmpl": re.compile(r"[^/]+\.tar\.(gz|xz|zst|bz2)", re.IGNORECASE),
    "backup": re.compile(rf"[^/]+\.(tgz|(?:tar|vma)(?:\.(?:{COMPRESSORS}))?)"),
    "snippets": re.compile(r"[^/]+"),
    "import": re.compile(rf"{SAFE}+\.(ova|ovf|qcow2|raw|vmdk)"),
}
IMAGE = re.compile(r"(?:\d+/(?:base|basevol)-\d+-[^/]+/)?(\d+)/(?:vm|base|subvol)-\S+\.(raw|qcow2|vmdk|subvol)")
BLOCK = re.compile(r"(?:base-\d+-\S+/)?(?:vm|base|subvol|basevol)-(\d+)-\S+")
ARCHIVE = re.compile(
    r"vzdump-(lxc|openvz|qemu)-(\d+)-(\d{4}_\d{2}_\d{2}-\d{2}_\d{2}_\d{2})\.(?:tgz|(?:tar|vma)(?:\.\w+)?)"
)
ARCHIVE_TIME = "%Y_%m_%d-%H_%M_%S"


def kind(name: str) -> str:
    """The kind of content that a volume's name is of."""
    folder = name.partition("/")[0]
    return folder if folder in FOLDERS else "images"


def place(name: str) -> str:
    """Where a volume lies below its storage's directory."""
    folder, _, rest = name.partition("/")
    return f"{FOLDERS[folder]}/{rest}" if folder in FOLDERS else f"images/{name}"


@dataclass(frozen=True, slots=True)
class Named:
    """What a volume's name tells: the kind of content, its owner if it has one, the format that is shown for it."""

    kind: str
    owner: int | None
    format: str


def parse(name: str, files: bool) -> Named:
    """Read the name of a volume, on a storage of `files` or of blocks; raises `Die`."""
    if not files:
        if match := BLOCK.fullmatch(name):
            return Named("images", int(match[1]), "raw")
        raise Die(f"unable to parse lvm volume name '{name}'")
    folder, _, rest = name.partition("/")
    if folder in NAMES and (match := NAMES[folder].fullmatch(rest)):
        return Named(folder, owner(name), shown_format(folder, match))
    if match := IMAGE.fullmatch(name):
        return Named("images", int(match[1]), match[2])
    if re.fullmatch(r"\d+/\S+", name) and not re.fullmatch(r"\d+/\d+/\S+", name):
        return Named("images", int(folder), "")
    raise Die(f"unable to parse directory volume name '{name}'")


def shown_format(folder: str, match: re.Match[str]) -> str:
    """What lists show as the format of a file."""
    if folder == "iso":
        return "iso"
    if folder == "snippets":
        return "snippet"
    return f"t{match[1]}" if folder == "vztmpl" else match[1]


def owner(name: str) -> int | None:
    """The guest that a backup is of."""
    match = ARCHIVE.fullmatch(name.partition("/")[2]) if name.startswith("backup/") else None
    return int(match[2]) if match else None


def backup_type(name: str) -> str:
    """Which kind of guest a backup is of: `qemu`, `lxc` or `unknown`."""
    match = ARCHIVE.fullmatch(name.rpartition("/")[2])
    return match[1] if match else "unknown"


def backup_time(name: str) -> int | None:
    """When a backup with a standard name was made, as Unix time."""
    match = ARCHIVE.fullmatch(name.rpartition("/")[2])
    return int(time.mktime(time.strptime(match[3], ARCHIVE_TIME))) if match else None


def normal_filename(name: str) -> str:
    """A file's name without its folder and with an underscore for every unusual character."""
    return re.sub(r"[^a-zA-Z0-9_.-]", "_", re.sub(r"^.*[/\\]", "", name.rstrip("\n"), flags=re.DOTALL))


UPLOADED = {
    "iso": NAMES["iso"],
    "vztmpl": NAMES["vztmpl"],
    "import": re.compile(r"[a-zA-Z0-9\-.+=_]+\.(ova|qcow2|raw|vmdk)"),
}


def check_uploaded(folder: str, name: str) -> None:
    """Raise 400 for a name that a file of this kind must not have."""
    if not UPLOADED[folder].fullmatch(name):
        text = "invalid filename or wrong extension" if folder == "import" else "wrong file extension"
        raise parameter_errors({"filename": text})

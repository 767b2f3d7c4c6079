"""A change of a VM's configuration: what is allowed, what a running VM takes at once, what waits."""

import base64
import binascii
import ctypes
import ctypes.util
import secrets
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from urllib.parse import unquote

from testbed.proxmox import formats
from testbed.proxmox.access.config_rights import ConfigRights
from testbed.proxmox.calls import Call
from testbed.proxmox.cluster.node import Node
from testbed.proxmox.errors import Die, parameter_errors
from testbed.proxmox.storage import disks
from testbed.proxmox.vm.options import INTERNAL, NET_KEYS, OPTIONS
from testbed.proxmox.vm.vms import Config, Vm, with_mac

CONTROL = (
    "delete",
    "revert",
    "force",
    "digest",
    "skiplock",
    "background_delay",
    "import-working-storage",
    "node",
    "vmid",
)
UNSAID = ("digest", "background_delay", "import-working-storage", "node", "vmid")
#: What control groups of the second version allow.
CPU_UNITS = 10_000
HASHED = ("$1$", "$5$", "$6$", "$y$", "$2a$", "$2b$")


@dataclass(slots=True)
class Change:
    """What one request asks for."""

    options: Config
    delete: list[str] = field(default_factory=list)
    revert: list[str] = field(default_factory=list)
    force: bool = False
    digest: str | None = None
    skip_lock: bool = False
    rights: ConfigRights | None = None
    asked: Config = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """The request as the log of its task shows it."""
        hidden = self.asked | ({"cipassword": "<hidden>"} if "cipassword" in self.asked else {})
        return " ".join(f"-{key} {value}" for key, value in sorted(hidden.items()))


def prepare(call: Call) -> Change:
    """The change of a request, as far as it can be checked without the VM's lock."""
    values = call.values
    change = Change(
        {key: value for key, value in values.items() if key not in CONTROL},
        formats.split_list(values.get("delete", "")),
        formats.split_list(values.get("revert", "")),
        call.flag("force"),
        values.get("digest"),
        call.flag("skiplock"),
        ConfigRights(call.node.access, call.who, call.vmid),
        {key: value for key, value in values.items() if key not in UNSAID},
    )
    name_cdrom(change.options)
    if not (change.options or change.delete or change.revert):
        raise Die("no options specified")
    _check_names(change)
    disks.check_new_drives(call.node, change.options)
    change.options = normalised(change.options)
    _check_rights(change)
    return change


def name_cdrom(options: Config) -> None:
    """Give the option `cdrom` its full name."""
    if "cdrom" in options:
        value = options.pop("cdrom")
        options["ide2"] = value if "media=" in value else f"{value},media=cdrom"


def _check_rights(change: Change) -> None:
    """Raise for what the caller may not ask for, whatever the VM is like."""
    if change.rights is not None:
        change.rights.options([*change.delete, *change.options])
        change.rights.storages(change.options)
        change.rights.bridges(change.options)


def check_rights_at(node: Node, vm: Vm, change: Change) -> None:
    """Raise for what the caller may not do to this VM's present options."""
    rights = change.rights
    if rights is None or rights.who.root:
        return
    rights.cpu(change.options.get("cpu"), vm.config.get("cpu"))
    for name in change.delete:
        value = vm.config.get(name, vm.pending.get(name))
        if value is not None and name != "tags":
            rights.delete(name, value, change.force)
    rights.change(vm.config, change.options)
    if "tags" in change.options or "tags" in change.delete:
        settings = node.store.get("setting", "datacenter") or {}
        rights.tags(vm.config.get("tags", ""), change.options.get("tags", ""), settings, _tags_seen(node, rights))


def _tags_seen(node: Node, rights: ConfigRights) -> Iterator[str]:
    for vm in node.cluster.vms:
        if "tags" in vm.config and rights.access.may(rights.who, f"/vms/{vm.vmid}", "VM.Audit"):
            yield from formats.split_list(vm.config["tags"])


def _check_names(change: Change) -> None:
    for name in change.revert:
        _check_known("revert", name)
        if name in change.options:
            raise parameter_errors({"delete": f"you can't use '-{name}' and -revert {name}' at the same time"})
    change.delete = ["ide2" if name == "cdrom" else name for name in change.delete]
    for name in change.delete:
        if name in change.options:
            raise parameter_errors({"delete": f"you can't use '-{name}' and -delete {name}' at the same time"})
        if name in change.revert:
            raise parameter_errors({"revert": f"you can't use '-delete {name}' and '-revert {name}' at the same time"})
        _check_known("delete", name)


def _check_known(parameter: str, name: str) -> None:
    if name not in OPTIONS and name not in INTERNAL:
        raise parameter_errors({parameter: f"unknown option '{name}'"})


def normalised(options: Config) -> Config:
    """Options as they are stored: tags sorted, passwords hashed, network cards with an address."""
    stored = dict(options)
    if "tags" in stored:
        stored["tags"] = formats.normal_tags(stored["tags"])
    if "sshkeys" in stored:
        check_ssh_keys(unquote(stored["sshkeys"]))
    if "cipassword" in stored and not stored["cipassword"].startswith(HASHED):
        stored["cipassword"] = hashed(stored["cipassword"])
    if "description" in stored:
        stored["description"] = stored["description"].rstrip()
    if "cpuunits" in stored:
        stored["cpuunits"] = str(min(int(stored["cpuunits"]), CPU_UNITS))
    if "smp" in stored:
        stored = {"sockets": stored.pop("smp"), **stored}
    if stored.get("vmgenid") == "1":
        stored["vmgenid"] = str(uuid.uuid4())
    return stored | {key: with_mac(stored[key]) for key in NET_KEYS if key in stored}


def check_ssh_keys(text: str) -> None:
    """Raise `Die` unless every line is a public key."""
    for line in text.splitlines():
        if line.strip() and not _is_ssh_key(line.split()):
            raise Die("SSH public key validation error")


def _is_ssh_key(words: list[str]) -> bool:
    for kind, data in pairwise(words):
        try:
            blob = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            continue
        length = int.from_bytes(blob[:4], "big")
        if blob[4 : 4 + length] == kind.encode():
            return True
    return False


def hashed(password: str) -> str:
    """SHA-256 crypt, as qemu-server hashes cloud-init passwords."""
    library = ctypes.CDLL(ctypes.util.find_library("crypt") or "libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    salt = f"$5${secrets.token_hex(4)}$"
    result = library.crypt(password.encode(), salt.encode())
    if not result:
        raise Die("unable to hash the password: this system's libcrypt has no SHA-256")
    return str(result.decode())


def checked(node: Node, vmid: int, change: Change) -> Vm:
    """The VM, after the checks that need its lock."""
    vm = node.vms.load(vmid)
    vm.check_digest(change.digest)
    drops_state = "vmstate" in change.delete and vm.lock == "suspended"
    if not change.skip_lock and not drops_state:
        vm.check_lock()
    return vm

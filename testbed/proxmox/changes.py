"""A change of a VM's configuration: what is allowed, what a running VM takes at once, what waits."""

import base64
import binascii
import ctypes
import ctypes.util
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from urllib.parse import unquote

from testbed.proxmox import disks, drive_formats, formats
from testbed.proxmox.calls import Call
from testbed.proxmox.config_rights import ConfigRights
from testbed.proxmox.errors import ApiError, Die, parameter_errors
from testbed.proxmox.node import Node
from testbed.proxmox.options import DISK_KEYS, LIVE, NET_KEYS, OPTIONS, UNUSED_KEYS
from testbed.proxmox.vms import Config, Vm, is_cdrom, is_disk, with_mac

CONTROL = ("delete", "revert", "force", "digest", "skiplock", "background_delay", "node", "vmid")
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

    @property
    def summary(self) -> str:
        """The request as the log of its task shows it."""
        hidden = self.options | ({"cipassword": "<hidden>"} if "cipassword" in self.options else {})
        parts = [f"-{key} {value}" for key, value in sorted(hidden.items())]
        parts += [f"-delete {','.join(self.delete)}"] if self.delete else []
        return " ".join([*parts, *([f"-revert {','.join(self.revert)}"] if self.revert else [])])


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
    )
    if not (change.options or change.delete or change.revert):
        raise Die("no options specified")
    _check_names(change)
    _check_rights(change)
    change.options = normalised(change.options)
    disks.check_new_drives(call.node, change.options)
    return change


def _check_rights(change: Change) -> None:
    """Raise for what the caller may not ask for, whatever the VM is like."""
    if change.rights is not None:
        change.rights.options([*change.delete, *change.options])
        change.rights.storages(change.options)
        change.rights.bridges(change.options)


def _check_rights_at(node: Node, vm: Vm, change: Change) -> None:
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
    for name in change.delete:
        if name in change.options:
            raise parameter_errors({"delete": f"you can't use '-{name}' and -delete {name}' at the same time"})
        if name in change.revert:
            raise parameter_errors({"revert": f"you can't use '-delete {name}' and '-revert {name}' at the same time"})
    for key, names in (("delete", change.delete), ("revert", change.revert)):
        for name in names:
            if name not in OPTIONS:
                raise parameter_errors({key: f"unknown option '{name}'"})


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
    if not change.skip_lock:
        vm.check_lock()
    for name in change.delete:
        if name in DISK_KEYS and is_disk(vm.config.get(name)) and vm.flag("protection"):
            raise Die(f"can't remove drive '{name}' - protection mode enabled")
    return vm


async def apply(node: Node, vm: Vm, change: Change) -> None:
    """Carry out a change and save the VM; raises 400 for what a running VM refuses, which then stays pending."""
    _check_rights_at(node, vm, change)
    for name in change.revert:
        vm.pending.pop(name, None)
        vm.pending_delete.pop(name, None)
    options = dict(change.options)
    await disks.create_drives(node, vm, options)
    for name, value in options.items():
        vm.pending[name] = value
        vm.pending_delete.pop(name, None)
    for name in change.delete:
        _ask_deletion(vm, name, change.force)
    errors = await _apply_pending(node, vm, live=node.running(vm))
    node.vms.save(vm)
    if errors:
        raise ApiError(400, "Parameter verification failed.", errors)


def _ask_deletion(vm: Vm, name: str, force: bool) -> None:
    vm.pending.pop(name, None)
    if name in vm.config:
        vm.pending_delete[name] = force
        _leave_boot_order(vm, name)


def _leave_boot_order(vm: Vm, name: str) -> None:
    order = vm.merged.get("boot", "").removeprefix("order=").split(";")
    if name in order:
        rest = [key for key in order if key != name]
        vm.pending["boot"] = f"order={';'.join(rest)}" if rest else " "


async def apply_pending(node: Node, vm: Vm) -> None:
    """Make all pending changes, as a cold start does."""
    await _apply_pending(node, vm, live=False)
    node.vms.save(vm)


async def _apply_pending(node: Node, vm: Vm, live: bool) -> dict[str, str]:
    errors: dict[str, str] = {}
    for name in list(vm.pending_delete):
        if live and name == vm.boot_disk:
            errors[name] = f"hotplug problem - can't unplug bootdisk '{name}'\n"
        elif not live or _takes_live(name):
            force = vm.pending_delete.pop(name)
            await _delete(node, vm, name, force)
    for name in list(vm.pending):
        if vm.pending[name] == vm.config.get(name):
            del vm.pending[name]
        elif not live or _takes_live(name):
            await _set(node, vm, name, vm.pending.pop(name))
    return errors


def _takes_live(name: str) -> bool:
    return name in LIVE or name in NET_KEYS or name in DISK_KEYS or name in UNUSED_KEYS


async def _set(node: Node, vm: Vm, name: str, value: str) -> None:
    old = vm.config.get(name)
    if old is not None and name in DISK_KEYS and is_disk(old) and _file(old) != _file(value):
        _set_aside(vm, old)
    vm.config[name] = value


async def _delete(node: Node, vm: Vm, name: str, force: bool) -> None:
    value = vm.config.pop(name, None)
    if value is None or name not in (*DISK_KEYS, *UNUSED_KEYS):
        return
    volume = node.volumes.get(_file(value))
    if volume is None or volume.vmid != vm.vmid:
        return
    if force or name in UNUSED_KEYS or is_cdrom(value):
        await disks.free(node, volume)
    else:
        _set_aside(vm, value)


def _file(drive: str) -> str:
    return drive_formats.DRIVE.parse(drive)["file"]


def _set_aside(vm: Vm, drive: str) -> None:
    slot = next((key for key in UNUSED_KEYS if key not in vm.config), None)
    if slot is None:
        raise Die("Too many unused volumes - please delete them first.")
    vm.config[slot] = _file(drive)

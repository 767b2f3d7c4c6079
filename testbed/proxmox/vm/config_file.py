"""A VM's configuration as the text of its file, of which the digest is, and what a value is after its way through it
(qemu-server QemuServer.pm write_vm_config, check_type, parse_vm_config).
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from testbed.proxmox.errors import Die
from testbed.proxmox.vm.options import OPTIONS

if TYPE_CHECKING:
    from testbed.proxmox.vm.vms import Vm

#: What a description keeps as it is in the file: printable ASCII but for `:` and `%` (pve-common Tools.pm encode_text).
PLAIN = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in ":%")


def settle(vm: "Vm") -> None:
    """Make a VM's options what they are once they were written and read again; raises `Die` for what cannot be written.

    An empty value is read as one blank, an empty description as none, unless it waits to become that.
    """
    for options in (vm.config, vm.pending, *vm.snapshots.values()):
        options |= {name: _settled(name, value) for name, value in options.items() if name != "description"}
        if options is not vm.pending and options.get("description") == "":
            del options["description"]


def _settled(name: str, value: str) -> str:
    try:
        return _checked(name, value).strip() or " "
    except Die as error:
        raise Die(f"unable to parse value of '{name}' - {error.message}") from None


def _checked(name: str, value: str) -> str:
    if "\n" in value or "\r" in value:
        raise Die("property contains a line feed")
    known = OPTIONS.get(name)
    if known is not None and known.type == "integer":
        if not re.fullmatch(r"[0-9]+", value):
            raise Die(f"type check ('integer') failed - got '{value}'")
        return str(int(value))
    if known is not None and known.check is None and re.fullmatch(r'".*"', value):
        return value[1:-1]
    return value


def text(vm: "Vm") -> str:
    """The file: options, pending changes, the section of the cloud-init drive, snapshots."""
    parts = [section(vm.config)]
    pending = _deletions(vm.pending_delete) | vm.pending
    if pending:
        parts.append("[PENDING]\n" + section(pending, pending=True))
    if vm.cloudinit:
        parts.append("[special:cloudinit]\n" + section(vm.cloudinit))
    parts += [f"[{name}]\n{section(vm.snapshots[name])}" for name in sorted(vm.snapshots)]
    return "\n".join(parts)


def section(options: Mapping[str, str], pending: bool = False) -> str:
    """The lines of one section: the description as comments, then the options by name."""
    lines = [f"#{quote(line, safe=PLAIN)}\n" for line in _lines(options.get("description", ""))]
    if pending and options.get("description") == "":
        lines = ["#\n"]
    lines += [f"{key}: {options[key]}\n" for key in sorted(options) if key != "description"]
    return "".join(lines)


def _lines(description: str) -> list[str]:
    return description.rstrip("\n").split("\n") if description else []


def _deletions(pending_delete: Mapping[str, bool]) -> dict[str, str]:
    """The line that names the options to remove; those whose disk goes too have a `!`."""
    names = [f"!{name}" if pending_delete[name] else name for name in sorted(pending_delete)]
    return {"delete": ",".join(names)} if names else {}

"""A VM's configuration as the text of its file, of which the digest is (qemu-server QemuServer.pm write_vm_config)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from testbed.proxmox.vm.vms import Vm

#: What a description keeps as it is in the file: printable ASCII but for `:` and `%` (pve-common Tools.pm encode_text).
PLAIN = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in ":%")


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

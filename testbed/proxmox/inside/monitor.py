"""What QEMU's human monitor says about a simulated guest."""

from typing import TYPE_CHECKING

from testbed.proxmox.guests import GuestSpec
from testbed.proxmox.inside.keys import UnknownKey, typed
from testbed.proxmox.inside.lines import Lines

if TYPE_CHECKING:
    from testbed.proxmox.guests import Guests

VERSION = "9.2.0 (pve-qemu-kvm_9.2.0)"


class Monitor:
    """The monitor of one guest."""

    def __init__(self, guests: "Guests", spec: GuestSpec, lines: Lines) -> None:
        self._guests = guests
        self._spec = spec
        self._lines = lines

    async def execute(self, command: str) -> str:
        """The lines that a command prints, each ended by CR LF."""
        words = command.split()
        if not words:
            return ""
        if words[0] == "info":
            return self._info(words[1:])
        if words[0] == "sendkey":
            return self._send_key(words[1:])
        return await self._act(words[0])

    def _info(self, words: list[str]) -> str:
        paused = self._guests.paused(self._spec.vmid)
        known = {
            "status": f"VM status: {'paused' if paused else 'running'}",
            "name": self._spec.name,
            "uuid": self._spec.smbios_uuid,
            "version": VERSION,
            "kvm": "kvm support: enabled",
        }
        if words[:1] and words[0] in known:
            return f"{known[words[0]]}\r\n"
        return _unknown(" ".join(["info", *words])) if words else ""

    def _send_key(self, words: list[str]) -> str:
        if not words:
            return "sendkey: string expected\r\n"
        try:
            self._lines.type(typed(words[0]))
        except UnknownKey as error:
            return f"invalid parameter: {error}\r\n"
        return ""

    async def _act(self, word: str) -> str:
        acts = {
            "cont": self._guests.resume,
            "c": self._guests.resume,
            "stop": self._guests.pause,
            "s": self._guests.pause,
            "system_powerdown": self._guests.powerdown,
            "system_reset": self._guests.reset,
            "quit": self._guests.stop,
            "q": self._guests.stop,
        }
        if word not in acts:
            return _unknown(word)
        await acts[word](self._spec.vmid)
        return ""


def _unknown(command: str) -> str:
    return f"unknown command: '{command}'\r\n"

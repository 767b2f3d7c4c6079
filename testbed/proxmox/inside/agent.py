"""The QEMU guest agent of a simulated guest (QEMU docs/interop/qemu-ga-ref)."""

import asyncio
import base64
import binascii
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from testbed.proxmox.guests import AgentError, Interface
from testbed.proxmox.inside.programs import Ended, find
from testbed.proxmox.inside.system import OS_RELEASE, System

VERSION = "7.2.22"
COUNTERS = ("rx-bytes", "rx-packets", "rx-errs", "rx-dropped", "tx-bytes", "tx-packets", "tx-errs", "tx-dropped")
FROZEN_ALLOWS = ("guest-ping", "guest-info", "guest-fsfreeze-status", "guest-fsfreeze-thaw")
WITHOUT_ANSWER = ("guest-shutdown", "guest-suspend-disk", "guest-suspend-hybrid", "guest-suspend-ram")
SWITCHED_OFF = ("guest-get-devices",)
#: What an agent lists besides, and no call of Proxmox VE asks for.
UNREACHABLE = (
    *("guest-file-flush", "guest-fsfreeze-freeze-list", "guest-get-cpustats", "guest-get-devices", "guest-get-disks"),
    *("guest-get-diskstats", "guest-set-memory-blocks", "guest-set-time", "guest-set-vcpus", "guest-sync"),
    *("guest-ssh-add-authorized-keys", "guest-ssh-get-authorized-keys", "guest-ssh-remove-authorized-keys"),
    "guest-sync-delimited",
)
READ_DEFAULT = 4096
MEMORY_BLOCK = 128 * 1024**2
CAPTURED = 16 * 1024**2

Arguments = Mapping[str, Any]


@dataclass(slots=True)
class _Open:
    path: str
    mode: str
    offset: int = 0


@dataclass(slots=True)
class GuestAgent:
    """Answers the agent's commands for one system."""

    system: System
    frozen: bool = False
    _files: dict[int, _Open] = field(default_factory=dict)
    _processes: "dict[int, asyncio.Task[Ended]]" = field(default_factory=dict)
    _last_handle: int = 999

    async def execute(self, command: str, arguments: Arguments) -> Any:
        """The command's return value; raises `AgentError`."""
        if command not in COMMANDS:
            raise AgentError(f"The command {command} has not been found", "CommandNotFound")
        if self.frozen and command not in FROZEN_ALLOWS:
            text = f"Command {command} has been disabled: the agent is in frozen state"
            raise AgentError(text, "CommandNotFound")
        return await COMMANDS[command](self, arguments)

    def close(self) -> None:
        """End every program."""
        for process in self._processes.values():
            process.cancel()

    async def ping(self, _arguments: Arguments) -> Any:
        """Nothing but an answer."""
        return {}

    async def info(self, _arguments: Arguments) -> Any:
        """Its version and its commands."""
        listed = [
            {"name": name, "enabled": name not in SWITCHED_OFF, "success-response": name not in WITHOUT_ANSWER}
            for name in sorted((*COMMANDS, *UNREACHABLE))
        ]
        return {"version": VERSION, "supported_commands": listed}

    async def host_name(self, _arguments: Arguments) -> Any:
        """The host's name."""
        return {"host-name": self.system.hostname}

    async def os_info(self, _arguments: Arguments) -> Any:
        """The operating system."""
        return dict(OS_RELEASE)

    async def now(self, _arguments: Arguments) -> Any:
        """The time in nanoseconds."""
        return time.time_ns()

    async def timezone(self, _arguments: Arguments) -> Any:
        """Coordinated universal time."""
        return {"zone": "UTC", "offset": 0}

    async def users(self, _arguments: Arguments) -> Any:
        """Nobody is logged in."""
        return []

    async def vcpus(self, _arguments: Arguments) -> Any:
        """The processors; the first cannot be taken away."""
        count = range(self.system.spec.cores)
        return [{"logical-id": number, "online": True, "can-offline": number > 0} for number in count]

    async def memory_blocks(self, _arguments: Arguments) -> Any:
        """The memory in equal parts."""
        count = range(max(self.system.spec.memory_mib * 1024**2 // MEMORY_BLOCK, 1))
        return [{"phys-index": number, "online": True, "can-offline": True} for number in count]

    async def memory_block_info(self, _arguments: Arguments) -> Any:
        """The size of such a part."""
        return {"size": MEMORY_BLOCK}

    async def file_systems(self, _arguments: Arguments) -> Any:
        """The root file system."""
        address = {"domain": 0, "bus": 0, "slot": 5, "function": 0}
        disk = {"bus-type": "scsi", "bus": 0, "target": 0, "unit": 0, "pci-controller": address, "dev": "/dev/sda1"}
        sizes = {"total-bytes": 2_036_293_632, "used-bytes": 1_015_242_752}
        return [{"name": "sda1", "mountpoint": "/", "type": "ext4", "disk": [disk], **sizes}]

    async def interfaces(self, _arguments: Arguments) -> Any:
        """The network."""
        return [_interface(one) for one in self.system.interfaces]

    async def freeze_status(self, _arguments: Arguments) -> Any:
        """Whether the file systems are frozen."""
        return "frozen" if self.frozen else "thawed"

    async def freeze(self, _arguments: Arguments) -> Any:
        """Freeze them; their number."""
        self.frozen = True
        return 1

    async def thaw(self, _arguments: Arguments) -> Any:
        """Thaw them; the number of those that were frozen."""
        was, self.frozen = self.frozen, False
        return int(was)

    async def trim(self, _arguments: Arguments) -> Any:
        """Give free blocks back."""
        return {"paths": [{"path": "/", "minimum": 0, "trimmed": 1_021_050_880}]}

    async def set_password(self, arguments: Arguments) -> Any:
        """Set a user's password."""
        if arguments["username"] not in self.system.users:
            raise AgentError("child process has failed to set user password")
        self.system.passwords[arguments["username"]] = base64.b64decode(arguments["password"]).decode("latin-1")
        return {}

    async def shut_down(self, arguments: Arguments) -> Any:
        """Turn the guest off; there is no answer."""
        self.system.power("reboot" if arguments.get("mode") == "reboot" else "poweroff")

    async def suspend(self, _arguments: Arguments) -> Any:
        """This system cannot sleep."""
        raise AgentError("the requested suspend mode is not supported by the guest")

    async def start(self, arguments: Arguments) -> Any:
        """Start a program; its process id."""
        path = arguments.get("path", "")
        program = find(path)
        if program is None:
            cause = f"Failed to execute child process “{path}” (No such file or directory)"
            raise AgentError(f"Guest agent command failed, error was '{cause}'")
        stdin = base64.b64decode(arguments.get("input-data", ""))
        pid = self.system.next_pid()
        self._processes[pid] = asyncio.ensure_future(program(self.system, arguments.get("arg", ()), stdin))
        await asyncio.sleep(0)
        return {"pid": pid}

    async def outcome(self, arguments: Arguments) -> Any:
        """How a program ended, told once."""
        process = self._processes.get(arguments["pid"])
        if process is None:
            raise AgentError("Invalid parameter 'pid'")
        if not process.done():
            return {"exited": False}
        del self._processes[arguments["pid"]]
        ended = process.result()
        return {"exited": True, "exitcode": ended.code} | _captured("out", ended.out) | _captured("err", ended.err)

    async def open(self, arguments: Arguments) -> Any:
        """Open a file; its handle."""
        path, mode = arguments["path"], arguments.get("mode", "r")
        try:
            if mode[0] == "w":
                self.system.files.write(path, b"")
            elif mode[0] == "a":
                self.system.files.write(path, b"", append=True)
            else:
                self.system.files.read(path)
        except OSError as error:
            raise AgentError(f"failed to open file '{path}' (mode: '{mode}'): {error}") from None
        self._last_handle += 1
        self._files[self._last_handle] = _Open(path, mode)
        return self._last_handle

    def _file(self, arguments: Arguments) -> _Open:
        try:
            return self._files[arguments["handle"]]
        except KeyError:
            raise AgentError(f"handle '{arguments['handle']}' has not been found") from None

    async def seek(self, arguments: Arguments) -> Any:
        """Set the position from the start."""
        file = self._file(arguments)
        file.offset = arguments["offset"]
        return {"position": file.offset, "eof": False}

    async def read(self, arguments: Arguments) -> Any:
        """The next bytes of a file."""
        file, count = self._file(arguments), arguments.get("count", READ_DEFAULT)
        data = self.system.files.read(file.path)[file.offset : file.offset + count]
        file.offset += len(data)
        return {"count": len(data), "buf-b64": base64.b64encode(data).decode(), "eof": len(data) < count}

    async def write(self, arguments: Arguments) -> Any:
        """Append bytes to a file."""
        file = self._file(arguments)
        try:
            data = base64.b64decode(arguments["buf-b64"])
            self.system.files.write(file.path, data, append=True)
        except (OSError, binascii.Error) as error:
            raise AgentError(f"failed to write to file: {error}") from None
        return {"count": len(data), "eof": False}

    async def close_file(self, arguments: Arguments) -> Any:
        """Give a handle up."""
        self._file(arguments)
        del self._files[arguments["handle"]]
        return {}


def _captured(name: str, data: bytes) -> dict[str, Any]:
    if not data:
        return {}
    kept = data[:CAPTURED]
    truncated = {f"{name}-truncated": len(data) > CAPTURED}
    return {f"{name}-data": base64.b64encode(kept).decode()} | truncated


def _interface(one: Interface) -> dict[str, Any]:
    row: dict[str, Any] = {"name": one.name, "hardware-address": one.mac, "statistics": dict.fromkeys(COUNTERS, 0)}
    if one.addresses:
        row["ip-addresses"] = [
            {"ip-address": address, "ip-address-type": "ipv6" if ":" in address else "ipv4", "prefix": prefix}
            for address, prefix in one.addresses
        ]
    return row


Command = Callable[[GuestAgent, Arguments], Awaitable[Any]]
COMMANDS: dict[str, Command] = {
    "guest-exec": GuestAgent.start,
    "guest-exec-status": GuestAgent.outcome,
    "guest-file-close": GuestAgent.close_file,
    "guest-file-open": GuestAgent.open,
    "guest-file-read": GuestAgent.read,
    "guest-file-seek": GuestAgent.seek,
    "guest-file-write": GuestAgent.write,
    "guest-fsfreeze-freeze": GuestAgent.freeze,
    "guest-fsfreeze-status": GuestAgent.freeze_status,
    "guest-fsfreeze-thaw": GuestAgent.thaw,
    "guest-fstrim": GuestAgent.trim,
    "guest-get-fsinfo": GuestAgent.file_systems,
    "guest-get-host-name": GuestAgent.host_name,
    "guest-get-memory-block-info": GuestAgent.memory_block_info,
    "guest-get-memory-blocks": GuestAgent.memory_blocks,
    "guest-get-osinfo": GuestAgent.os_info,
    "guest-get-time": GuestAgent.now,
    "guest-get-timezone": GuestAgent.timezone,
    "guest-get-users": GuestAgent.users,
    "guest-get-vcpus": GuestAgent.vcpus,
    "guest-info": GuestAgent.info,
    "guest-network-get-interfaces": GuestAgent.interfaces,
    "guest-ping": GuestAgent.ping,
    "guest-set-user-password": GuestAgent.set_password,
    "guest-shutdown": GuestAgent.shut_down,
    "guest-suspend-disk": GuestAgent.suspend,
    "guest-suspend-hybrid": GuestAgent.suspend,
    "guest-suspend-ram": GuestAgent.suspend,
}

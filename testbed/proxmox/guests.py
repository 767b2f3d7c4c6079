"""What a virtual machine is to the testbed: it has disks, runs, stops, and may answer through its agent.

The API side (configuration, locks, tasks) never runs a guest itself; it speaks to `Guests`. Two kinds
exist: a boot model (`sim.py`) and real QEMU processes (`qemu/`). Each VM names its kind; clones inherit it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

GuestKind = Literal["sim", "qemu"]

#: Told to `OnExit` after a guest ended: "stop" (power cut), "shutdown" (by itself, also on ACPI) or "crash".
ExitReason = Literal["stop", "shutdown", "crash"]
OnExit = Callable[[int, ExitReason], Awaitable[None]]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class GuestError(Exception):
    """A guest or volume could not do what was asked; the text becomes the error line of the Proxmox task."""


class AgentError(GuestError):
    """The agent in the guest refused a command; `kind` is its class of errors."""

    def __init__(self, text: str, kind: str = "GenericError") -> None:
        super().__init__(text)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class CloudInit:
    """What the cloud-init drive holds; `ip_configs` are the `ipconfigN` values, `ip=…/24,gw=…`."""

    hostname: str
    user: str | None = None
    password_hash: str | None = None
    ssh_keys: tuple[str, ...] = ()
    ip_configs: tuple[str, ...] = ()
    nameserver: str | None = None
    searchdomain: str | None = None
    vendor_data: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class GuestSpec:
    """One guest to start; `volume` names its boot disk, e.g. `101/vm-101-disk-0.qcow2`."""

    vmid: int
    name: str
    cores: int
    memory_mib: int
    volume: str
    mac: str
    smbios_uuid: str
    cloud_init: CloudInit
    agent: bool = True
    acpi: bool = True


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface as the agent reports it; `addresses` are `(address, prefix)`, IPv4 or IPv6."""

    name: str
    mac: str
    addresses: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class GuestInfo:
    """A running guest: its process id (made up by the boot model) and its start as Unix time in seconds."""

    pid: int
    started: float
    usage: Mapping[str, float] = field(default_factory=dict)


class Guests(Protocol):
    """Runs guests of one kind. Volumes are names such as `101/vm-101-disk-0.qcow2`, never paths.

    Every method but `alive`, `paused` and `info` may raise `GuestError`.
    """

    async def create_disk(self, vmid: int, volume: str, size_bytes: int) -> None:
        """Allocate an empty volume."""

    async def clone_disk(self, source_volume: str, volume: str, full: bool) -> None:
        """Copy `source_volume` (`full`) or put an overlay on top of it; returns when the copy is complete."""

    async def import_disk(self, path: Path, volume: str) -> None:
        """Make a volume from a disk image that lies elsewhere; the file's suffix tells its format."""

    async def resize_disk(self, volume: str, size_bytes: int) -> None:
        """Grow a volume, also under a running guest."""

    async def delete_disk(self, volume: str) -> None:
        """Remove a volume; one that is already gone is no error."""

    async def rename_disk(self, volume: str, new_volume: str) -> None:
        """Rename a volume of a stopped guest (a template's disk becomes `base-…`)."""

    async def snapshot_disk(self, volume: str, name: str) -> None:
        """Take a snapshot of a volume, also under a running guest."""

    async def rollback_disk(self, volume: str, name: str) -> None:
        """Return a volume of a stopped guest to a snapshot."""

    async def delete_disk_snapshot(self, volume: str, name: str) -> None:
        """Remove a snapshot of a volume, also under a running guest; one that is gone is no error."""

    async def start(self, spec: GuestSpec) -> None:
        """Start a guest; returns once its process runs, not once it has booted."""

    async def save_state(self, vmid: int, name: str) -> None:
        """Halt a running guest and keep its memory under `name`, for `restore`."""

    async def restore(self, spec: GuestSpec, name: str) -> None:
        """Start a guest where `save_state` halted it; its disks must be those of that moment."""

    async def stop(self, vmid: int) -> None:
        """Cut the power; returns once it is off. A guest that does not run is no error."""

    async def powerdown(self, vmid: int) -> None:
        """Press the ACPI power button; returns at once, the guest may ignore it."""

    async def reset(self, vmid: int) -> None:
        """Press the reset button."""

    async def pause(self, vmid: int) -> None:
        """Halt the virtual CPUs."""

    async def resume(self, vmid: int) -> None:
        """Let the virtual CPUs run on."""

    def alive(self, vmid: int) -> bool:
        """Whether the guest's process runs, also while paused."""

    def paused(self, vmid: int) -> bool:
        """Whether the guest's virtual CPUs are halted."""

    def info(self, vmid: int) -> GuestInfo | None:
        """Process id and start time of a running guest, else None."""

    async def agent_ping(self, vmid: int) -> bool:
        """Whether the guest agent answers within 3 s."""

    async def ask_agent(self, vmid: int, command: str, arguments: Mapping[str, Any], timeout: float) -> Any:
        """The agent's answer to a command such as `guest-info`; None if the guest ends instead of answering.

        Raises `AgentError` when the agent refuses, `GuestError` ("got timeout") when it is silent for `timeout` s.
        """

    async def monitor(self, vmid: int, command: str) -> str:
        """What QEMU's human monitor prints for a command."""

    async def screen(self, vmid: int, password: str) -> Streams:
        """A connection to the guest's screen (RFB), which asks for `password`."""

    async def serial(self, vmid: int, port: str) -> Streams:
        """A connection to a serial line, `serial0` to `serial3`."""

    async def adopt(self, running: Mapping[int, GuestSpec]) -> None:
        """Called once at start with the guests that ran before: take hold of them, or start them again."""

    async def close(self) -> None:
        """End every guest process of this testbed; `OnExit` is not called for them."""


#: How a kind of guests is made: state directory (its own subfolder) and the callback for ended guests.
GuestsFactory = Callable[[Path, OnExit], Guests]

"""The VMs' configurations as the cluster file system holds them: text with a digest, and a pending section."""

import hashlib
import os
import re
import secrets
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import msgspec

from testbed.proxmox import formats
from testbed.proxmox.cluster import clock
from testbed.proxmox.errors import Die
from testbed.proxmox.guests import CloudInit, GuestKind, GuestSpec
from testbed.proxmox.store import Store
from testbed.proxmox.vm import config_file, devices, drive_formats
from testbed.proxmox.vm.options import DISK_KEYS, IPCONFIG_KEYS, NET_KEYS, RESIZABLE

#: The description a target has until its first disk is there (qemu-server API2/Qemu.pm clone_vm).
CLONE_MARK = " qmclone temporary file"
MAC_PREFIX = "BC:24:11"
DEFAULT_MEMORY = "512"
QEMU_VERSION = "9.2.0"
REMEMBERED_SWITCHES = 200

Config = dict[str, str]
_CLOUD_INIT = re.compile(r"[:/](?:vm-\d+-)?cloudinit(?:\.\w+)?$")


@dataclass(slots=True)
class Vm:
    """One VM. `guest` is what runs now; `pending_delete` maps options to whether their disk goes too.

    `snapshots` are configurations of their own; `cloudinit` holds what the drive of a running guest was made
    from where that differs from the configuration. `born` and `switched` are Unix times: of the creation, and of
    switching on and off in turn.
    `node` names where the configuration lies; an empty one becomes that of the first to save it.
    """

    vmid: int
    kind: GuestKind
    config: Config = field(default_factory=dict)
    pending: Config = field(default_factory=dict)
    pending_delete: dict[str, bool] = field(default_factory=dict)
    guest: GuestSpec | None = None
    behaviour: dict[str, Any] = field(default_factory=dict)
    snapshots: dict[str, Config] = field(default_factory=dict)
    cloudinit: Config = field(default_factory=dict)
    node: str = ""
    born: float = 0.0
    switched: list[float] = field(default_factory=list)

    @property
    def lock(self) -> str | None:
        return self.config.get("lock")

    @property
    def template(self) -> bool:
        return self.config.get("template") == "1"

    @property
    def name(self) -> str:
        return self.config.get("name", f"VM {self.vmid}")

    def flag(self, option: str) -> bool:
        """Whether a boolean option is on."""
        return self.config.get(option) == "1"

    def check_lock(self) -> None:
        """Raise `Die` while an operation holds the VM."""
        if self.lock:
            raise Die(f"VM is locked ({self.lock})")

    @property
    def text(self) -> str:
        """The configuration file."""
        return config_file.text(self)

    @property
    def digest(self) -> str:
        """SHA-1 of the configuration file."""
        return hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    def note_power(self) -> None:
        """Remember when it came into being, and when it was switched on or off; the oldest switches are forgotten."""
        now = time.time()
        self.born = self.born or now
        if (self.guest is not None) != (len(self.switched) % 2 == 1):
            self.switched.append(now)
        if len(self.switched) > REMEMBERED_SWITCHES:
            del self.switched[:2]

    def snapshot(self, name: str) -> Config:
        """The configuration of a snapshot; raises `Die` when there is none of this name."""
        if name not in self.snapshots:
            raise Die(f"snapshot '{name}' does not exist")
        return self.snapshots[name]

    def check_protection(self, what: str) -> None:
        """Raise `Die` for what a protected VM does not allow."""
        if self.flag("protection"):
            raise Die(f"{what} - protection mode enabled")

    def check_digest(self, digest: str | None) -> None:
        """Raise `Die` if `digest` is given and of another version."""
        if digest and digest != self.digest:
            raise Die("checksum mismatch (file change by other user?)")

    @property
    def merged(self) -> Config:
        """The configuration as it will be after the next cold start."""
        kept = {key: value for key, value in self.config.items() if key not in self.pending_delete}
        return kept | self.pending

    @property
    def agent(self) -> bool:
        """Whether the guest agent is enabled in the configuration."""
        return "agent" in self.config and formats.AGENT.parse(self.config["agent"])["enabled"] == "1"

    @property
    def cores(self) -> int:
        total = int(self.config.get("cores", 1)) * int(self.config.get("sockets", 1))
        return int(self.config.get("vcpus", total))

    @property
    def memory_mib(self) -> int:
        return int(formats.MEMORY.parse(self.config.get("memory", DEFAULT_MEMORY))["current"])

    @property
    def boot_disk(self) -> str | None:
        """The option of the first disk in the boot order."""
        order = self.config.get("boot", "").removeprefix("order=").split(";")
        return next((key for key in order if key in DISK_KEYS and is_disk(self.config.get(key))), None)

    @property
    def uuid(self) -> str:
        return formats.SMBIOS.parse(self.config.get("smbios1", "")).get("uuid", "")


def is_cdrom(drive: str | None) -> bool:
    """Whether a drive is a CD-ROM; the cloud-init drive is one."""
    return drive is not None and drive_formats.DRIVE.parse(drive).get("media") == "cdrom"


def is_disk(drive: str | None) -> bool:
    """Whether a drive is a disk."""
    return drive is not None and not is_cdrom(drive)


def is_cloud_init(drive: str) -> bool:
    """Whether a drive is the cloud-init drive, made or asked for."""
    return bool(_CLOUD_INIT.search(drive_file(drive)))


def drive_file(drive: str) -> str:
    """The volume of a drive, or what it holds instead."""
    return drive_formats.DRIVE.parse(drive)["file"]


def bootable_drives(config: Mapping[str, str]) -> list[str]:
    """The drives of the boot order, or the one that the older option names."""
    boot = devices.BOOT.parse(config.get("boot", ""))
    if not boot or "legacy" in boot:
        return [config["bootdisk"]] if "bootdisk" in config else []
    return [key for key in formats.split_list(boot.get("order", "")) if key in DISK_KEYS]


def pinned_machine(machine: str | None, ostype: str) -> Config:
    """The machine that Windows is given so that it does not meet another one with the next release."""
    kind = devices.MACHINE.parse(machine).get("type") if machine else None
    if not ostype.startswith("w") or kind not in (None, "pc", "q35"):
        return {}
    rest = f",{machine.partition(',')[2]}" if machine and "," in machine else ""
    return {"machine": f"pc-{kind if kind == 'q35' else 'i440fx'}-{QEMU_VERSION[:3]}+pve1{rest}"}


def drives(config: Mapping[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Every drive of a configuration with its properties, in the order of the options' names."""
    for key in sorted(config):
        if key in RESIZABLE:
            yield key, drive_formats.DRIVE.parse(config[key])


def drives_in_order(config: Mapping[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    """The same in the order in which the original goes through them: IDE, SCSI, VirtIO, SATA, EFI, TPM."""
    for key in RESIZABLE:
        if key in config:
            yield key, drive_formats.DRIVE.parse(config[key])


def volumes(config: Mapping[str, str]) -> list[str]:
    """The volume ids that a configuration owns, unused ones included."""
    unused = [value for key, value in config.items() if key.startswith("unused")]
    files = [drive["file"] for _, drive in drives(config)]
    state = [config["vmstate"]] if "vmstate" in config else []
    return [volid for volid in [*files, *unused, *state] if ":" in volid]


def cloud_init_drive(config: Mapping[str, str]) -> str | None:
    """The option of the cloud-init drive."""
    return next((key for key, drive in drives(config) if "-cloudinit" in drive["file"]), None)


def running_machine(vm: Vm) -> str:
    """The machine that a running guest has, version included."""
    kind = "pc-q35" if "q35" in vm.config.get("machine", "") else "pc-i440fx"
    return f"{kind}-{'.'.join(QEMU_VERSION.split('.')[:2])}+pve1"


def running_cpu(vm: Vm) -> str:
    """The processor as a running guest's command line names it."""
    if vm.config.get("kvm", "1") != "1":
        return "qemu64,enforce,+lahf_lm,+sep"
    return f"{vm.config.get('cpu', 'kvm64').split(',')[0]},enforce,+kvm_pv_eoi,+kvm_pv_unhalt,+lahf_lm,+sep"


def new_mac() -> str:
    """A MAC address of the default prefix."""
    return ":".join([MAC_PREFIX, *(f"{byte:02X}" for byte in secrets.token_bytes(3))])


def new_identity() -> Config:
    """What a new VM gets to be told apart by."""
    return {"smbios1": f"uuid={uuid.uuid4()}", "vmgenid": str(uuid.uuid4())}


def creation_meta() -> Config:
    """Which QEMU made the VM, and when."""
    return {"meta": f"creation-qemu={QEMU_VERSION},ctime={int(clock.now())}"}


def with_mac(net: str, mac: str | None = None) -> str:
    """A network option with `mac`, or else with the one it has, or else with a new one."""
    found = formats.NET.parse(net)
    address = mac or found.get("macaddr") or new_mac()
    model = found["model"]
    rest = {key: value for key, value in found.items() if key not in ("model", "macaddr")}
    return formats.PropertyString.format({model: address, **rest}, first=model)


def guest_spec(vm: Vm, file_of: Callable[[str], str], vendor_data: str) -> GuestSpec:
    """The guest that a configuration describes; `file_of` turns a volume's id into what the guests' runner calls it,
    `vendor_data` is that file of its cloud-init drive.
    """
    config = vm.config
    disk = vm.boot_disk or next((key for key in DISK_KEYS if is_disk(config.get(key))), None)
    net = next((config[key] for key in NET_KEYS if key in config), None)
    mac = formats.NET.parse(net).get("macaddr", "") if net else ""
    volume = drive_formats.DRIVE.parse(config[disk])["file"] if disk else ""
    return GuestSpec(
        vmid=vm.vmid,
        name=vm.name,
        cores=vm.cores,
        memory_mib=vm.memory_mib,
        volume=file_of(volume) if volume else "",
        mac=mac,
        smbios_uuid=vm.uuid,
        cloud_init=_cloud_init(vm, vendor_data),
        agent=vm.agent,
        acpi=config.get("acpi", "1") == "1",
    )


def _cloud_init(vm: Vm, vendor_data: str) -> CloudInit:
    config = vm.config
    keys = unquote(config.get("sshkeys", "")).splitlines()
    return CloudInit(
        hostname=vm.name.split(".")[0],
        user=config.get("ciuser"),
        password_hash=config.get("cipassword"),
        ssh_keys=tuple(key for key in keys if key.strip()),
        ip_configs=tuple(config[key] for key in IPCONFIG_KEYS if key in config),
        nameserver=config.get("nameserver"),
        searchdomain=config.get("searchdomain"),
        vendor_data=vendor_data,
    )


class _ById:
    """VMs by their ids."""

    _vms: dict[int, Vm]

    def __iter__(self) -> Iterator[Vm]:
        return iter(list(self._vms.values()))

    def __contains__(self, vmid: int) -> bool:
        return vmid in self._vms

    def __len__(self) -> int:
        return len(self._vms)

    def get(self, vmid: int) -> Vm | None:
        """A VM, if it is among them."""
        return self._vms.get(vmid)


class AllVms(_ById):
    """All VMs of the cluster; an id belongs to one of them."""

    def __init__(self, store: Store, first_node: str, writable: Callable[[], bool]) -> None:
        self._store = store
        self._writable = writable
        self._vms = {}
        self._by_node: dict[str, dict[int, Vm]] = {}
        for vmid, vm in store.all_as("vm", Vm):
            vm.node = vm.node or first_node
            self._index(vmid, vm)

    def of(self, node: str) -> dict[int, Vm]:
        """The VMs of a node by id."""
        return self._by_node.setdefault(node, {})

    def save(self, vm: Vm) -> None:
        """Write a VM, new or changed; raises `Die` if its id is another's, or if nothing can be written."""
        known, path = self._vms.get(vm.vmid), f"/etc/pve/nodes/{vm.node}/qemu-server/{vm.vmid}.conf"
        if not self._writable():
            self._take_back(vm)
            raise Die(f"unable to open file '{path}.tmp.{os.getpid()}' - Permission denied")
        if known and known is not vm and known.node != vm.node:
            raise Die(f"close (rename) atomic file '{path}' failed: File exists")
        try:
            config_file.settle(vm)
        except Die:
            self._take_back(vm)
            raise
        self.keep(vm)

    def _take_back(self, vm: Vm) -> None:
        """Make a VM what was last written."""
        if vm.vmid in self._vms:
            kept = msgspec.convert(self._store.get("vm", vm.vmid), Vm)
            vm.config, vm.pending, vm.pending_delete = kept.config, kept.pending, kept.pending_delete
            vm.snapshots = kept.snapshots

    def keep(self, vm: Vm) -> None:
        """Write what is of this machine alone, such as whether the guest runs."""
        vm.note_power()
        self._store.put("vm", vm.vmid, vm)
        self._index(vm.vmid, vm)

    def _index(self, vmid: int, vm: Vm) -> None:
        self._vms[vmid] = vm
        self.of(vm.node)[vmid] = vm

    def move(self, vm: Vm, node: str) -> None:
        """Rename a VM's configuration into another node's folder."""
        if not self._writable():
            raise Die(f"failed to move config to node '{node}' - rename failed: Permission denied")
        self.of(vm.node).pop(vm.vmid, None)
        vm.node = node
        self.save(vm)

    def delete(self, vmid: int) -> None:
        """Remove a VM's configuration."""
        if not self._writable():
            raise Die("failed to remove config file: Permission denied")
        self._store.delete("vm", vmid)
        if vm := self._vms.pop(vmid, None):
            self.of(vm.node).pop(vmid, None)


class Vms(_ById):
    """The VMs on one node."""

    def __init__(self, everything: AllVms, node: str) -> None:
        self._all = everything
        self._vms = everything.of(node)
        self._node = node

    def load(self, vmid: int) -> Vm:
        """A VM; raises `Die` with the text of a missing configuration."""
        vm = self._vms.get(vmid)
        if vm is None:
            raise Die(f"Configuration file 'nodes/{self._node}/qemu-server/{vmid}.conf' does not exist")
        return vm

    def check_exists(self, vmid: int) -> Vm:
        """A VM; raises `Die` with the text of those calls that look for the file first."""
        vm = self._vms.get(vmid)
        if vm is None:
            raise Die(f"unable to find configuration file for VM {vmid} on node '{self._node}'")
        return vm

    def save(self, vm: Vm) -> None:
        """Write a VM, new or changed; raises `Die` if its id belongs to one on another node."""
        vm.node = vm.node or self._node
        self._all.save(vm)

    def keep(self, vm: Vm) -> None:
        """Write what is of this machine alone, such as whether the guest runs."""
        self._all.keep(vm)

    def delete(self, vmid: int) -> None:
        """Remove a VM's configuration."""
        if vmid in self._vms:
            self._all.delete(vmid)

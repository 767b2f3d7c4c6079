"""The VMs that the sample's services run on, as the Proxmox testbed is to have them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from itertools import chain, count
from typing import Literal

VmType = Literal["qemu", "lxc"]
NODE = "pve1"
DEMO_NETWORK = IPv4Network("203.0.113.0/24")
# Set aside for benchmarks by RFC 2544; used when the documentation network is full.
LARGE_NETWORK = IPv4Network("198.18.0.0/15")
TEMPLATE_VMID = 9000


@dataclass(frozen=True, slots=True)
class Address:
    """An address with its network."""

    ip: IPv4Address
    network: IPv4Network

    @property
    def gateway(self) -> str:
        """The first address of the network."""
        return str(self.network.network_address + 1)


@dataclass(slots=True)
class Vm:
    """One VM of the inventory; memory in MiB, disk in GiB."""

    vmid: int
    name: str
    cores: int
    memory: int
    disk_gib: int
    address: Address
    status: str = "running"
    type: VmType = "qemu"
    description: str = ""

    def as_json(self) -> dict[str, object]:
        """One entry of `vms` in the inventory file."""
        return {
            "vmid": self.vmid,
            "name": self.name,
            "node": NODE,
            "cores": self.cores,
            "memory": self.memory,
            "disk_gib": self.disk_gib,
            "mac": mac_of(self.vmid),
            "ip": f"{self.address.ip}/{self.address.network.prefixlen}",
            "gateway": self.address.gateway,
            "status": self.status,
            "template": False,
            "type": self.type,
            "guests": "sim",
            "description": self.description,
        }


@dataclass(slots=True)
class Vms:
    """Hands out VMIDs and addresses, each once, and keeps the VMs that exist."""

    existing: dict[int, Vm] = field(default_factory=dict)
    _vmids: Iterator[int] = field(default_factory=lambda: chain(range(101, 200), range(1001, 9000), count(10001)))
    _addresses: Iterator[Address] = field(default_factory=lambda: _addresses())

    def vmid(self) -> int:
        """A VMID nobody else gets."""
        return next(self._vmids)

    def address(self) -> Address:
        """An address nobody else gets."""
        return next(self._addresses)

    def add(self, vm: Vm) -> Vm:
        """Let *vm* exist."""
        assert vm.vmid not in self.existing, f"VMID {vm.vmid} exists already"
        self.existing[vm.vmid] = vm
        return vm

    def as_json(self) -> dict[str, object]:
        """The content of the inventory file."""
        return {"vms": [vm.as_json() for _, vm in sorted(self.existing.items())]}


def mac_of(vmid: int) -> str:
    """A MAC under Proxmox's default prefix, BC:24:11."""
    return "BC:24:11:" + ":".join(f"{byte:02X}" for byte in vmid.to_bytes(4, "big")[1:])


def _addresses() -> Iterator[Address]:
    yield from (Address(ip, DEMO_NETWORK) for ip in list(DEMO_NETWORK.hosts())[9:250])
    yield from (Address(ip, LARGE_NETWORK) for ip in LARGE_NETWORK.hosts() if int(ip) & 0xFF not in (0, 1, 255))

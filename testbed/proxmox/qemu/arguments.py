"""The command line of one guest: a pure function of what the guest is and of where its files are."""

import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

from testbed.proxmox.guests import GuestSpec
from testbed.proxmox.qemu.accel import CPU, Accelerator
from testbed.proxmox.qemu.disks import disk_format
from testbed.proxmox.qemu.image import Image
from testbed.proxmox.qemu.seed import parse_ip_config

#: Below this the kernel finds no room for itself and the initramfs.
MEMORY_FLOOR_MIB = 96
#: `no_timer_check`: a starved host makes the kernel's timer test fail and panic. `tsc=unstable`: so is its clock.
#: `cryptomgr.notests`: self-tests cost half a second under emulation. `panic=-1`: start again at once.
KERNEL_ARGUMENTS = "console=tty0 console=ttyS0 quiet panic=-1 no_timer_check tsc=unstable cryptomgr.notests"
# Every fourth slot of the PC machine shares one interrupt link; each further link costs 0.3 s of ACPI at boot.
SCSI_SLOT, NET_SLOT, SERIAL_SLOT, BALLOON_SLOT = "0x4", "0x8", "0xc", "0x10"
#: What the balloon takes back once the kernel is up, which needs most of its memory only to begin.
TAKEN_BACK_MIB = 16


@dataclass(frozen=True, slots=True)
class Host:
    """What all guests of this machine share."""

    image: Image
    accelerator: Accelerator
    memory_cap_mib: int


@dataclass(frozen=True, slots=True)
class Files:
    """Where one guest's files are; the file descriptors are the guest's ends of two socket pairs."""

    disk: Path
    seed: Path
    vnc: Path
    serial: Path
    serial_log: Path
    qmp_fd: int
    agent_fd: int


def command_line(spec: GuestSpec, host: Host, files: Files) -> list[str]:
    """Everything after the program's name. The guest waits for QMP `cont` before its first instruction (-S)."""
    groups = [_machine(spec, host), _boot(host.image), _disks(files), _network(spec), _screen(files)]
    groups.append(["-chardev", f"socket,id=qmp,fd={files.qmp_fd}", "-mon", "chardev=qmp,mode=control"])
    if spec.agent:
        groups.append(_agent(files.agent_fd))
    return [argument for group in groups for argument in group]


def granted_memory_mib(requested: int, cap: int) -> int:
    """The memory a guest really gets: what it asks for, but at most `cap` and at least what the kernel needs."""
    return max(MEMORY_FLOOR_MIB, min(requested, cap))


def _machine(spec: GuestSpec, host: Host) -> list[str]:
    return [
        *("-S", "-nodefaults", "-no-user-config", "-display", "none"),
        *("-name", f"{spec.name},process=vm-{spec.vmid}"),
        *("-machine", f"pc,acpi={'on' if spec.acpi else 'off'}"),
        *("-accel", "tcg,tb-size=32" if host.accelerator == "tcg" else host.accelerator),
        *("-cpu", CPU[host.accelerator]),
        *("-smp", str(min(spec.cores, os.cpu_count() or 1))),
        *("-m", str(granted_memory_mib(spec.memory_mib, host.memory_cap_mib))),
        *("-device", f"virtio-balloon-pci,id=balloon0,deflate-on-oom=on,addr={BALLOON_SLOT}"),
        *("-smbios", f"type=1,uuid={spec.smbios_uuid}"),
        *("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"),
    ]


def _boot(image: Image) -> list[str]:
    return ["-kernel", str(image.kernel), "-initrd", str(image.initrd), "-append", KERNEL_ARGUMENTS]


def _disks(files: Files) -> list[str]:
    names = "id=drive-scsi0,node-name=disk0"
    disk = f"file={_escape(files.disk)},if=none,{names},format={disk_format(files.disk)},discard=unmap"
    seed = f"file={_escape(files.seed)},if=none,id=drive-ide2,format=raw,media=cdrom,readonly=on"
    return [
        *("-device", f"virtio-scsi-pci,id=scsihw0,addr={SCSI_SLOT}"),
        *("-drive", disk, "-device", "scsi-hd,bus=scsihw0.0,drive=drive-scsi0,id=scsi0"),
        *("-drive", seed, "-device", "ide-cd,bus=ide.1,unit=0,drive=drive-ide2,id=ide2"),
    ]


def _network(spec: GuestSpec) -> list[str]:
    card = f"virtio-net-pci,id=net0,netdev=netdev0,mac={spec.mac},romfile=,addr={NET_SLOT}"
    ip_config = spec.cloud_init.ip_configs[0] if spec.cloud_init.ip_configs else ""
    return ["-netdev", f"user,id=netdev0,restrict=on{user_network(ip_config)}", "-device", card]


def user_network(ip_config: str) -> str:
    """Options that make QEMU's private network look like the guest's own: its gateway is there and answers.

    `restrict=on` beside it keeps guests away from the host and from the outside.
    """
    parts = parse_ip_config(ip_config)
    ipv6 = ",ipv6=on" if parts.get("ip6") in ("auto", "dhcp") else ",ipv6=off"
    if "gw" not in parts or "/" not in parts.get("ip", ""):
        return ipv6
    own, gateway = ipaddress.IPv4Interface(parts["ip"]), ipaddress.IPv4Address(parts["gw"])
    if gateway not in own.network or own.network.num_addresses < 32:
        return ipv6
    resolver = next(own.network[-n] for n in (2, 3, 4) if own.network[-n] not in (own.ip, gateway))
    return f"{ipv6},net={own.network},host={gateway},dns={resolver},dhcpstart={own.network[-20]}"


def _screen(files: Files) -> list[str]:
    serial = f"socket,id=serial0,path={_escape(files.serial)},server=on,wait=off,logfile={_escape(files.serial_log)}"
    return [
        *("-vga", "std", "-vnc", f"unix:{_escape(files.vnc)},password=on"),
        *("-chardev", serial, "-device", "isa-serial,chardev=serial0"),
    ]


def _agent(descriptor: int) -> list[str]:
    return [
        *("-device", f"virtio-serial-pci,id=qga0,addr={SERIAL_SLOT}"),
        *("-chardev", f"socket,id=qga0,fd={descriptor}"),
        *("-device", "virtserialport,chardev=qga0,id=agent,name=org.qemu.guest_agent.0"),
    ]


def _escape(path: Path) -> str:
    """A comma ends an option in QEMU's syntax; doubled it stands for itself."""
    return str(path).replace(",", ",,")

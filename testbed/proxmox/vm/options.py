"""The options of a VM's configuration: schema, needed privilege, and what a running VM takes at once.

Sources: the published API schema of PVE 8.4 for names and limits, qemu-server API2/Qemu.pm
(check_vm_modify_config_perm) for privileges, QemuServer.pm (fast_plug_option) for the rest.
"""

from testbed.proxmox import formats
from testbed.proxmox.formats import PropertyString
from testbed.proxmox.schema import Param
from testbed.proxmox.vm import devices, drive_formats

DISK_KEYS = (
    *(f"ide{n}" for n in range(4)),
    *(f"scsi{n}" for n in range(31)),
    *(f"virtio{n}" for n in range(16)),
    *(f"sata{n}" for n in range(6)),
)
RESIZABLE = (*DISK_KEYS, "efidisk0", "tpmstate0")
NET_KEYS = tuple(f"net{n}" for n in range(32))
IPCONFIG_KEYS = tuple(f"ipconfig{n}" for n in range(32))
UNUSED_KEYS = tuple(f"unused{n}" for n in range(256))
CLOUDINIT_KEYS = (
    *("ciuser", "cipassword", "sshkeys", "nameserver", "searchdomain", "citype", "ciupgrade", "cicustom"),
    *IPCONFIG_KEYS,
)
LOCKS = ("backup", "clone", "create", "migrate", "rollback", "snapshot", "snapshot-delete", "suspending")

#: Applied to a running VM without a restart.
LIVE = frozenset(
    {
        *("name", "description", "tags", "onboot", "protection", "startup", "hookscript", "shares", "lock"),
        *("vmstatestorage", "migrate_downtime", "migrate_speed"),
    }
)


def _each(names: tuple[str, ...], parser: PropertyString) -> dict[str, Param]:
    return {name: Param(check=parser.named(name)) for name in names}


def _numbered(name: str, count: int) -> tuple[str, ...]:
    return tuple(f"{name}{n}" for n in range(count))


def _drive(name: str) -> Param:
    return Param(check=drive_formats.BUSES[drive_formats.bus(name)].named(name))


PARALLEL_KEYS, SERIAL_KEYS = _numbered("parallel", 3), _numbered("serial", 4)
USB_KEYS, PCI_KEYS = _numbered("usb", devices.MAX_USB), _numbered("hostpci", devices.MAX_PCI)
NUMA_KEYS, VIRTIOFS_KEYS = _numbered("numa", 8), _numbered("virtiofs", 10)
BOOLEANS = (
    *("acpi", "autostart", "ciupgrade", "freeze", "keephugepages", "kvm", "localtime", "numa", "onboot"),
    *("protection", "reboot", "tablet", "tdf", "template"),
)
KEYBOARDS = (
    *("de", "de-ch", "da", "en-gb", "en-us", "es", "fi", "fr", "fr-be", "fr-ca", "fr-ch", "hu", "is", "it", "ja"),
    *("lt", "mk", "nl", "no", "pl", "pt", "pt-br", "sv", "sl", "tr"),
)
OSTYPES = ("other", "wxp", "w2k", "w2k3", "w2k8", "wvista", "win7", "win8", "win10", "win11", "l24", "l26")
SCSIHW = ("lsi", "lsi53c810", "virtio-scsi-pci", "virtio-scsi-single", "megasas", "pvscsi")
PROPERTIES: dict[str, PropertyString] = {
    "agent": formats.AGENT,
    "amd-sev": devices.SEV,
    "audio0": devices.AUDIO,
    "boot": devices.BOOT,
    "cicustom": devices.CICUSTOM,
    "cpu": devices.CPU,
    "ivshmem": devices.IVSHMEM,
    "machine": devices.MACHINE,
    "memory": formats.MEMORY,
    "rng0": devices.RNG,
    "spice_enhancements": devices.SPICE,
    "vga": devices.VGA,
    "watchdog": devices.WATCHDOG,
}

OPTIONS: dict[str, Param] = {
    **{name: Param("boolean") for name in BOOLEANS},
    **{name: Param(check=parser.named(name)) for name, parser in PROPERTIES.items()},
    **{name: _drive(name) for name in RESIZABLE},
    **_each(UNUSED_KEYS, drive_formats.UNUSED),
    **_each(NET_KEYS, formats.NET),
    **_each(IPCONFIG_KEYS, formats.IPCONFIG),
    **_each(USB_KEYS, devices.USB),
    **_each(PCI_KEYS, devices.HOSTPCI),
    **_each(NUMA_KEYS, devices.NUMA),
    **_each(VIRTIOFS_KEYS, devices.VIRTIOFS),
    **dict.fromkeys(SERIAL_KEYS, Param(pattern=r"(/dev/.+|socket)")),
    **dict.fromkeys(PARALLEL_KEYS, Param(pattern=r"/dev/parport\d+|/dev/usb/lp\d+")),
    "affinity": Param(check=devices.cpu_set),
    "arch": Param(enum=("x86_64", "aarch64")),
    "allow-ksm": Param("boolean", since="9"),
    "args": Param(),
    "balloon": Param("integer", minimum=0),
    "bios": Param(enum=("seabios", "ovmf")),
    "bootdisk": Param(check=devices.boot_disk, pattern=r"(ide|sata|scsi|virtio)\d+"),
    "cdrom": Param(check=drive_formats.BUSES["ide"].named("cdrom")),
    "cipassword": Param(),
    "citype": Param(enum=("configdrive2", "nocloud", "opennebula")),
    "ciuser": Param(),
    "cores": Param("integer", minimum=1),
    "cpulimit": Param("number", minimum=0, maximum=128),
    "cpuunits": Param("integer", minimum=1, maximum=262144),
    "description": Param(max_length=8192),
    "hookscript": Param(check=formats.volume_id),
    "hotplug": Param(check=devices.hotplug_features),
    "intel-tdx": Param(check=devices.TDX.named("intel-tdx"), since="9"),
    "hugepages": Param(enum=("any", "2", "1024")),
    "keyboard": Param(enum=KEYBOARDS),
    "lock": Param(enum=(*LOCKS, "suspended")),
    "migrate_downtime": Param("number", minimum=0),
    "migrate_speed": Param("integer", minimum=0),
    "name": Param(check=formats.dns_name),
    "nameserver": Param(check=formats.address_list, listed=True),
    "ostype": Param(enum=(*OSTYPES, "solaris")),
    "scsihw": Param(enum=SCSIHW),
    "searchdomain": Param(),
    "shares": Param("integer", minimum=0, maximum=50000),
    "smbios1": Param(max_length=512, check=formats.SMBIOS.named("smbios1")),
    "smp": Param("integer", minimum=1),
    "sockets": Param("integer", minimum=1),
    "sshkeys": Param(check=formats.url_encoded),
    "startdate": Param(pattern=r"(now|\d{4}-\d{1,2}-\d{1,2}(T\d{1,2}:\d{1,2}:\d{1,2})?)"),
    "startup": Param(check=formats.startup_order),
    "tags": Param(check=formats.tag_list, listed=True),
    "vcpus": Param("integer", minimum=1),
    "vmgenid": Param(pattern=r"(?:[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}|[01])"),
    "vmstatestorage": Param(check=formats.storage_id),
}

_CPU = ("cores", "sockets", "cpu", "vcpus", "numa", "cpulimit", "cpuunits")
_HARDWARE = ("acpi", "audio0", "hotplug", "kvm", "machine", "rng0", "scsihw", "smbios1", "tablet", "vga", "watchdog")
_OPTIONS = (
    *("agent", "autostart", "bios", "description", "keyboard", "localtime", "migrate_downtime", "migrate_speed"),
    *("name", "onboot", "ostype", "protection", "reboot", "startdate", "startup", "tdf", "template"),
)

#: What sets an option; those that are in no list are root's. Drives and devices depend on their values.
PRIVILEGES: dict[str, str] = {
    **dict.fromkeys((*_CPU, *NUMA_KEYS), "VM.Config.CPU"),
    **dict.fromkeys(("memory", "balloon", "shares"), "VM.Config.Memory"),
    **dict.fromkeys(("boot", "bootdisk", "vmstatestorage"), "VM.Config.Disk"),
    **dict.fromkeys(NET_KEYS, "VM.Config.Network"),
    **dict.fromkeys(CLOUDINIT_KEYS, "VM.Config.Cloudinit"),
    **dict.fromkeys(_HARDWARE, "VM.Config.HWType"),
    **dict.fromkeys(_OPTIONS, "VM.Config.Options"),
    "freeze": "VM.PowerMgmt",
}
#: The same, but only from release 9 on.
MEMORY_9 = ("allow-ksm",)
#: Whoever has one of these may call the configuration endpoint at all.
CONFIG_PRIVILEGES = (
    *("VM.Config.Disk", "VM.Config.CDROM", "VM.Config.CPU", "VM.Config.Memory", "VM.Config.Network"),
    *("VM.Config.HWType", "VM.Config.Options", "VM.Config.Cloudinit"),
)


#: What only the original itself writes into a configuration.
INTERNAL = ("meta", "parent", "runningcpu", "runningmachine", "snaptime", "vmstate")
INTERNAL_INTEGERS = ("snaptime",)


def json_value(name: str, text: str) -> str | int | float:
    """An option as it appears in JSON: numbers and booleans as numbers, all else as text."""
    kind = OPTIONS[name].type if name in OPTIONS else "integer" if name in INTERNAL_INTEGERS else "string"
    if kind in ("integer", "boolean"):
        return int(text)
    return float(text) if kind == "number" else text

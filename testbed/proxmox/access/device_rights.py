"""Who may give a guest something of the machine (qemu-server QemuServer.pm check_mapping_access)."""

import re

from testbed.proxmox.access.access import Access, Identity
from testbed.proxmox.errors import Die
from testbed.proxmox.vm import devices

_DEVICE = re.compile(r"(serial|usb|hostpci|virtiofs|rng)\d+")


def kind(name: str) -> str | None:
    """The kind of device that an option is about."""
    match = _DEVICE.fullmatch(name)
    return match[1] if match else None


def check_mapping(access: Access, who: Identity, name: str, value: str) -> None:
    """Raise unless a device is mapped and the caller may use the mapping; whatever is not mapped is root's."""
    if who.root:
        return
    match kind(name):
        case "usb":
            found = devices.USB.parse(value)
            if found.get("host", "spice").lower() != "spice":
                raise Die(f"only root can set '{name}' config for real devices")
            _check_use(access, who, "usb", found)
        case "hostpci":
            found = devices.HOSTPCI.parse(value)
            if "host" in found:
                raise Die(f"only root can set '{name}' config for non-mapped devices")
            _check_use(access, who, "pci", found)
        case "virtiofs":
            access.check(who, f"/mapping/dir/{devices.VIRTIOFS.parse(value)['dirid']}", "Mapping.Use")
        case "rng" if devices.RNG.parse(value).get("source") == "/dev/hwrng":
            access.check(who, "/mapping/hwrng", "Mapping.Use")


def _check_use(access: Access, who: Identity, area: str, found: dict[str, str]) -> None:
    if "host" in found:
        return
    if "mapping" not in found:
        raise Die("either 'host' or 'mapping' must be set.")
    access.check(who, f"/mapping/{area}/{found['mapping']}", "Mapping.Use")

"""Is this the guest the log speaks of? Asked before every effect that could harm one."""

from __future__ import annotations

from domain.server.events import Identity
from domain.server.state import Server
from hypervisor.port import GuestConfig


def identity_of(config: GuestConfig) -> Identity:
    """What makes this guest this guest: smbios uuid, MAC per NIC, volume per drive."""
    return Identity(smbios_uuid=config.smbios_uuid, macs=dict(config.macs), volumes=dict(config.volumes))


def mismatch(server: Server, config: GuestConfig, *, volumes: bool = True) -> str | None:
    """Why the guest is not the recorded one, or None when it is. Without `volumes` its disks may be others: for steps
    that put new ones in the place of the old.

    The smbios uuid is new with every clone and stays with the guest (qemu-server, API2/Qemu.pm clone_vm). Guests
    that were adopted must agree in MACs and volumes too; where there is no uuid, those two decide.
    """
    known = server.identity
    if known is None:
        return "its identity was never recorded"
    if known.smbios_uuid != config.smbios_uuid:
        return f"smbios uuid is {config.smbios_uuid}, recorded is {known.smbios_uuid}"
    if known.smbios_uuid is not None and server.source is None:
        return None
    return _hardware_mismatch(known, config, volumes)


def _hardware_mismatch(known: Identity, config: GuestConfig, volumes: bool) -> str | None:
    if known.macs != dict(config.macs):
        return f"MAC addresses are {dict(config.macs)}, recorded are {known.macs}"
    lost = {drive: volume for drive, volume in known.volumes.items() if volume not in config.volumes.values()}
    return f"recorded volumes are not attached: {lost}" if lost and volumes else None

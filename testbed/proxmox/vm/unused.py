"""Disks that a VM owns but does not use: options `unused0` to `unused255` (pve-guest-common AbstractConfig.pm)."""

from testbed.proxmox.errors import Die
from testbed.proxmox.vm.options import UNUSED_KEYS
from testbed.proxmox.vm.vms import Vm, drives, is_cdrom


def add(vm: Vm, volid: str) -> None:
    """List a volume as unused, once; raises `Die` when there is no place left."""
    if any(vm.config.get(key) == volid for key in UNUSED_KEYS):
        return
    slot = next((key for key in UNUSED_KEYS if key not in vm.config), None)
    if slot is None:
        raise Die("Too many unused volumes - please delete them first.")
    vm.config[slot] = volid


def add_if_unreferenced(vm: Vm, volid: str) -> None:
    """List a volume as unused unless a drive of the VM holds it."""
    if all(drive["file"] != volid for _, drive in drives(vm.config)):
        add(vm, volid)


def in_use(vm: Vm, volid: str, except_for: str | None = None) -> bool:
    """Whether another drive of the VM than `except_for`, or any of a snapshot, holds a volume."""
    configs = [{key: text for key, text in vm.config.items() if key != except_for}, *vm.snapshots.values()]
    return any(
        drive["file"] == volid and not is_cdrom(config[key]) for config in configs for key, drive in drives(config)
    )


def drop_used(vm: Vm) -> None:
    """Take volumes off the list that a drive holds again."""
    held = {drive["file"] for _, drive in drives(vm.config)}
    for key in [key for key in vm.config if key.startswith("unused") and vm.config[key] in held]:
        del vm.config[key]

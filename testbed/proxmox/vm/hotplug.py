"""What of the pending changes a running VM takes at once (qemu-server QemuServer.pm vmconfig_hotplug_pending).

Which option is taken depends on the option `hotplug`, on what changes in it, and on how the guest is started.
"""

import re
from collections.abc import Awaitable, Iterable

from testbed.proxmox import formats
from testbed.proxmox.cluster.node import Node
from testbed.proxmox.errors import Die
from testbed.proxmox.storage import disks
from testbed.proxmox.vm import devices, drive_formats
from testbed.proxmox.vm.options import CLOUDINIT_KEYS, LIVE, NET_KEYS
from testbed.proxmox.vm.vms import Vm, bootable_drives, cloud_init_drive, is_cdrom, is_cloud_init

#: Of a network card, what takes the card away and plugs another; all else changes on the host's side.
NEW_CARD = ("model", "macaddr", "queues", "mtu")
#: Of a disk, what waits for a cold start.
COLD_DRIVE = ("aio", "discard", "iothread", "queues", "product", "cache", "ssd", "vendor", "ro")
#: Lets changed keys of the cloud-init drive be told apart from those that the guest has seen.
RECORDED = frozenset((*CLOUDINIT_KEYS, *NET_KEYS, "name"))
_NO_HOT_DRIVE = re.compile(r"(efidisk|ide|sata|tpmstate)\d+")


class _Waits(Exception):
    """The change has to wait for a cold start."""


async def _taken(errors: dict[str, str], name: str, change: Awaitable[None]) -> bool:
    """Whether a running VM takes a change of an option; why not is added to `errors`, unless it just has to wait."""
    try:
        await change
    except _Waits:
        return False
    except Die as error:
        errors[name] = f"hotplug problem - {error.message}\n"
        return False
    return True


async def apply(node: Node, vm: Vm, modified: Iterable[str]) -> dict[str, str]:
    """Make those of the pending changes that a running VM takes; texts by option for those that failed."""
    errors: dict[str, str] = {}
    for name in [name for name in vm.pending if name in LIVE or name in CLOUDINIT_KEYS]:
        _take(vm, name)
    chosen = set(modified)
    for name in sorted(chosen & vm.pending_delete.keys()):
        if await _taken(errors, name, _delete(node, vm, name, vm.pending_delete[name])):
            _record(vm, name, vm.config.pop(name, None), None)
            vm.pending_delete.pop(name)
    for name in [name for name in vm.pending if name in chosen]:
        if await _taken(errors, name, _set(node, vm, name, vm.pending[name])):
            _take(vm, name)
    if "cloudinit" in _features(vm):
        vm.cloudinit.clear()
    return errors


def _take(vm: Vm, name: str) -> None:
    value = vm.pending.pop(name)
    _record(vm, name, vm.config.get(name), value)
    vm.config[name] = value


def _features(vm: Vm) -> frozenset[str]:
    return devices.hotplug_features(vm.config.get("hotplug", "1"))


def _needs(vm: Vm, feature: str) -> None:
    if feature not in _features(vm):
        raise _Waits


def _needs_usb(vm: Vm) -> None:
    _needs(vm, "usb")
    if vm.config.get("ostype") not in ("l26", "win8", "win10", "win11"):
        raise _Waits


async def _delete(node: Node, vm: Vm, name: str, force: bool) -> None:
    if name == "hotplug":
        if _features(vm) & {"cpu", "memory"}:
            raise _Waits
    elif name in ("tablet", "vcpus", "memory"):
        _needs(vm, {"tablet": "usb", "vcpus": "cpu", "memory": "memory"}[name])
    elif name == "balloon":
        if vm.config.get("balloon") == "0":
            raise _Waits
    elif re.fullmatch(r"usb\d+", name):
        _needs_usb(vm)
    elif re.fullmatch(r"net\d+", name):
        _needs(vm, "network")
    elif drive_formats.bus(name) in drive_formats.BUSES:
        await _unplug(node, vm, name, force)
    elif name not in LIVE and name not in CLOUDINIT_KEYS and name not in ("cpuunits", "cpulimit"):
        raise _Waits


async def _unplug(node: Node, vm: Vm, name: str, force: bool) -> None:
    _needs(vm, "disk")
    if _NO_HOT_DRIVE.fullmatch(name):
        raise _Waits
    _check_unplug(vm, name)
    await disks.detach(node, vm, vm.config[name], force)


async def _set(node: Node, vm: Vm, name: str, value: str) -> None:
    if name == "hotplug":
        changed = _features(vm) ^ devices.hotplug_features(value)
        if changed & {"cpu", "memory"} or "memory" in value:
            raise _Waits
    elif name in ("tablet", "vcpus", "memory"):
        _needs(vm, {"tablet": "usb", "vcpus": "cpu", "memory": "memory"}[name])
    elif name == "balloon":
        if (vm.config.get("balloon") == "0") != (value == "0"):
            raise _Waits
    elif re.fullmatch(r"usb\d+", name):
        _needs_usb(vm)
    elif re.fullmatch(r"net\d+", name):
        _set_card(vm, name, value)
    elif drive_formats.bus(name) in drive_formats.BUSES:
        await _set_drive(node, vm, name, value)
    elif name == "agent":
        _set_agent(vm, value)
    elif name not in ("cpuunits", "cpulimit"):
        raise _Waits


def _set_card(vm: Vm, name: str, value: str) -> None:
    new = formats.NET.parse(value)
    old = formats.NET.parse(vm.config[name]) if name in vm.config else {}
    if any(new.get(key) != old.get(key) for key in NEW_CARD) or not (new.get("bridge") and old.get("bridge")):
        _needs(vm, "network")


def _set_agent(vm: Vm, value: str) -> None:
    if "agent" not in vm.config:
        raise _Waits
    sides = [formats.AGENT.parse(text) for text in (vm.config["agent"], value)]
    for side in sides:
        side.pop("fstrim_cloned_disks", None)
    if sides[0] != sides[1]:
        raise _Waits


def _check_unplug(vm: Vm, name: str) -> None:
    if name in bootable_drives(vm.config):
        raise Die(f"can't unplug bootdisk '{name}'")


async def _set_drive(node: Node, vm: Vm, name: str, value: str) -> None:
    if name in ("efidisk0", "tpmstate0"):
        raise _Waits
    old = vm.config.get(name)
    if old is not None:
        if is_cdrom(old) != is_cdrom(value):
            raise Die("unable to change media type")
        if await _changed_in_place(node, vm, name, value):
            return
    _needs(vm, "disk")
    if _NO_HOT_DRIVE.fullmatch(name):
        raise _Waits


async def _changed_in_place(node: Node, vm: Vm, name: str, value: str) -> bool:
    old = vm.config[name]
    was, now = drive_formats.DRIVE.parse(old), drive_formats.DRIVE.parse(value)
    if is_cdrom(old):
        if is_cloud_init(old) and now["file"] == "none":
            await disks.detach(node, vm, old, force=False)
        return True
    if was["file"] != now["file"]:
        _needs(vm, "disk")
        _check_unplug(vm, name)
        await disks.detach(node, vm, old, force=False)
        return False
    if any(was.get(key) != now.get(key) for key in COLD_DRIVE):
        raise _Waits
    return True


def _record(vm: Vm, name: str, old: str | None, new: str | None) -> None:
    """Note that a key of the cloud-init drive no longer is what the running guest was given."""
    if name not in RECORDED or old == new or not cloud_init_drive(vm.config):
        return
    added = set(formats.split_list(vm.cloudinit.pop("added", "")))
    recorded = vm.cloudinit.get(name)
    if recorded is not None:
        if new == recorded:
            del vm.cloudinit[name]
    elif name in added:
        added -= {name} if new is None else set()
    elif old is None:
        added.add(name)
    else:
        vm.cloudinit[name] = old
    if added:
        vm.cloudinit["added"] = ",".join(sorted(added))

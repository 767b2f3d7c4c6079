"""From a request's changes to the section of pending ones, and from there into the configuration.

Facts from qemu-server API2/Qemu.pm (update_vm_api) and QemuServer.pm (vmconfig_apply_pending).
"""

from testbed.proxmox import formats
from testbed.proxmox.cluster.node import Node
from testbed.proxmox.errors import ApiError, Die
from testbed.proxmox.storage import disks
from testbed.proxmox.storage.disks import Say, silent
from testbed.proxmox.vm import devices, drive_formats, hotplug, unused
from testbed.proxmox.vm.changes import Change, check_rights_at
from testbed.proxmox.vm.options import RESIZABLE, UNUSED_KEYS
from testbed.proxmox.vm.vms import Vm, drive_file, is_cdrom, is_cloud_init, pinned_machine
from testbed.proxmox.vm.vmstate import forget_state


async def apply(node: Node, vm: Vm, change: Change, say: Say = silent) -> None:
    """Carry out a change and save the VM; raises 400 for what could not be done, which then stays pending."""
    _resolve_reverts(vm, change)
    _check_balloon(vm, change)
    check_rights_at(node, vm, change)
    modified: set[str] = set()
    for name in change.delete:
        await _ask_deletion(node, vm, change, name, modified, say)
    for name, value in sorted(change.options.items()):
        if vm.pending.get(name) != value:
            modified.add(name)
            await _ask(node, vm, change, name, modified, say)
            vm.pending_delete.pop(name, None)
            node.vms.save(vm)
    _clean_up(vm)
    errors = await (hotplug.apply(node, vm, modified) if node.running(vm) else _apply_cold(node, vm))
    unused.drop_used(vm)
    node.vms.save(vm)
    if errors:
        raise ApiError(400, "Parameter verification failed.", errors)


def _resolve_reverts(vm: Vm, change: Change) -> None:
    for name in change.revert:
        if name in vm.config:
            change.options[name] = vm.config[name]
        elif name in vm.pending:
            change.delete.append(name)


def _check_balloon(vm: Vm, change: Change) -> None:
    if "memory" not in change.options and "balloon" not in change.options:
        return
    after = vm.config | vm.pending | change.options
    memory = int(formats.MEMORY.parse(after.get("memory", "512"))["current"])
    if int(after.get("balloon", 0)) > memory:
        raise Die("balloon value too large (must be smaller than assigned memory)")


def _boot_devices(vm: Vm) -> list[str]:
    """The devices of a boot order that is written as such."""
    return formats.split_list(devices.BOOT.parse(vm.config.get("boot", "")).get("order", ""))


async def _ask_deletion(node: Node, vm: Vm, change: Change, name: str, modified: set[str], say: Say) -> None:
    value = vm.config.get(name, vm.pending.get(name))
    if value is None:
        say(f"cannot delete '{name}' - not set in current configuration!")
        return
    waiting = vm.pending.pop(name, None)
    modified.add(name)
    if name in (order := formats.split_list(_next_order(vm))):
        vm.pending["boot"] = _order_text([device for device in order if device != name])
        modified.add("boot")
    if name in UNUSED_KEYS:
        await _remove_unused(node, vm, name)
    elif name == "vmstate":
        vm.check_protection(f"can't remove vmstate '{value}'")
        await forget_state(node, vm)
    elif name == "tags":
        vm.config.pop(name, None)
    else:
        if name in RESIZABLE:
            vm.check_protection(f"can't remove drive '{name}'")
            if waiting is not None:
                await disks.detach(node, vm, waiting, force=False)
        vm.pending_delete[name] = change.force
    node.vms.save(vm)


def _next_order(vm: Vm) -> str:
    text = vm.pending.get("boot", vm.config.get("boot", ""))
    return devices.BOOT.parse(text).get("order", "")


def _order_text(order: list[str]) -> str:
    return f"order={';'.join(order)}" if order else " "


async def _remove_unused(node: Node, vm: Vm, name: str) -> None:
    volid = drive_file(vm.config[name])
    vm.check_protection(f"can't remove unused disk '{volid}'")
    await disks.remove(node, vm, volid, name)
    vm.config.pop(name, None)


async def _ask(node: Node, vm: Vm, change: Change, name: str, modified: set[str], say: Say) -> None:
    value = change.options[name]
    if name in RESIZABLE:
        await _ask_drive(node, vm, name, value, modified, say)
    elif name == "boot":
        _ask_boot_order(vm, change, value)
    elif name == "cipassword":
        vm.config[name] = value
    else:
        vm.pending[name] = value
    if name == "ostype" and not {"machine"} & (change.options.keys() | vm.pending.keys() | modified):
        vm.pending |= pinned_machine(vm.config.get("machine"), value)


async def _ask_drive(node: Node, vm: Vm, name: str, value: str, modified: set[str], say: Say) -> None:
    if name in vm.pending:
        await disks.detach(node, vm, vm.pending[name], force=False)
    if name == "tpmstate0" and name in vm.config:
        _check_tpm(vm.config[name], value)
    made = {name: value}
    await disks.create_drives(node, vm, made, say)
    vm.pending[name] = made[name]
    order = _boot_devices(vm)
    if order and is_cdrom(made[name]) and not is_cloud_init(made[name]) and name not in order:
        vm.pending["boot"] = _order_text([*order, name])
        modified.add("boot")


def _check_tpm(old: str, new: str) -> None:
    before, after = (drive_formats.DRIVE.parse(drive) for drive in (old, new))
    if before["file"] == after["file"] and before.get("version", "v1.2") != after.get("version", "v1.2"):
        raise Die("cannot change TPM state version after creation")


def _ask_boot_order(vm: Vm, change: Change, value: str) -> None:
    order = formats.split_list(devices.BOOT.parse(value).get("order", ""))
    known = (vm.config.keys() | vm.pending.keys() | change.options.keys()) - set(change.delete)
    for device in order:
        if device not in known:
            raise Die(f"invalid bootorder: device '{device}' does not exist'")
    vm.pending["boot"] = _order_text(order) if order else value
    if order and "bootdisk" in vm.config:
        vm.pending_delete["bootdisk"] = False


def _clean_up(vm: Vm) -> None:
    """Forget changes that change nothing."""
    for name in [name for name, value in vm.pending.items() if vm.config.get(name) == value]:
        del vm.pending[name]
    for name in [name for name in vm.pending_delete if name not in vm.config]:
        del vm.pending_delete[name]


async def apply_cold(node: Node, vm: Vm) -> dict[str, str]:
    """Make all pending changes, as a start does, and save the VM; texts by option for those that failed."""
    errors = await _apply_cold(node, vm)
    unused.drop_used(vm)
    node.vms.save(vm)
    return errors


async def _apply_cold(node: Node, vm: Vm) -> dict[str, str]:
    errors: dict[str, str] = {}
    for name in sorted(vm.pending_delete):
        try:
            if name in vm.config and name in RESIZABLE:
                await disks.detach(node, vm, vm.config[name], vm.pending_delete[name])
        except Die as error:
            errors[name] = f"unable to apply pending change {name} : {error.message}\n"
            continue
        vm.pending_delete.pop(name)
        vm.config.pop(name, None)
    _clean_up(vm)
    for name in list(vm.pending):
        old = vm.config.get(name)
        if old is not None and name in RESIZABLE and drive_file(old) != drive_file(vm.pending[name]):
            await disks.detach(node, vm, old, force=False)
        vm.config[name] = vm.pending.pop(name)
    return errors

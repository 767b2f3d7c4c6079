"""The cloud-init drive: what it was made from, making it anew, its contents (qemu-server API2/Qemu.pm cloudinit_*)."""

from testbed.proxmox.api.config import shown
from testbed.proxmox.calls import Call, perm, perm_any, route
from testbed.proxmox.cluster.locks import CONFIG_TIMEOUT, vm_lock
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.formats import split_list
from testbed.proxmox.schema import Param
from testbed.proxmox.storage import snippets
from testbed.proxmox.vm import cloud_config
from testbed.proxmox.vm.options import CLOUDINIT_KEYS, IPCONFIG_KEYS

PATH = "/nodes/{node}/qemu/{vmid}/cloudinit"
AUDIT = perm("/vms/{vmid}", "VM.Audit")


@route("GET", PATH, AUDIT)
async def listing(call: Call) -> list[Row]:
    """The options with their values on the drive and, where they differ, in the configuration; addresses only then."""
    vm = call.node.vms.load(call.vmid)
    now, then = shown(vm.config), shown(vm.cloudinit)
    added = split_list(str(then.pop("added", "")))
    rows: list[Row] = [{"key": key, "pending": now.get(key)} for key in added]
    for key in CLOUDINIT_KEYS:
        if key in now and key not in IPCONFIG_KEYS and key not in added:
            rows.append({"key": key, "value": then[key], "pending": now[key]} if key in then else _same(key, now[key]))
    return rows + [{"key": key, "delete": 1} for key in then if key not in now]


def _same(key: str, value: object) -> Row:
    return {"key": key, "value": value}


@route("PUT", PATH, perm_any("/vms/{vmid}", "VM.Config.Cloudinit"), protected=True)
async def regenerate(call: Call) -> None:
    """Make the drive anew; a running guest sees it at its next start of cloud-init."""
    node = call.node
    async with node.locks.hold(vm_lock(call.vmid), CONFIG_TIMEOUT):
        vm = node.vms.load(call.vmid)
        vm.check_lock()
        snippets.vendor_data(node, vm)
        vm.cloudinit.clear()
        node.vms.save(vm)


@route("GET", PATH + "/dump", AUDIT, {"type": Param(optional=False, enum=("user", "network", "meta"))})
async def dump(call: Call) -> str:
    """One of the drive's files."""
    vm = call.node.vms.load(call.vmid)
    masked = not call.node.access.may(call.who, f"/vms/{call.vmid}", "VM.Config.Cloudinit")
    return cloud_config.dump(vm, call.values["type"], masked)

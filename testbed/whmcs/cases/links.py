"""Which VM a service names, and why it may not have it."""

from testbed.whmcs.cases.common import NOBODY, claim, exists, link_of, not_adoptable, vmid_of
from testbed.whmcs.catalogue import PVEWHMCS, add_server
from testbed.whmcs.stage import Stage
from testbed.whmcs.vms import TEMPLATE_VMID, Vm

OTHER_SERVER, DISABLED_SERVER = 4, 5


def e52_vmid_legacy_null(stage: Stage) -> None:
    """Before 1.2.10 the module wrote no VMID: it is the number of the service."""
    vmid = stage.world.vms.vmid()
    service = stage.sell(stage.owner("E52"), vm="running", vmid=vmid, service_id=vmid)
    link_of(service)["vmid"] = None


def e53_vmid_clash(stage: Stage) -> None:
    """One VM claimed by two services: outright, and by a service that merely has the VMID as its number."""
    first = stage.sell(stage.owner("E53", "e53-a"), vm="running")
    second = stage.sell(stage.owner("E53", "e53-b"), vm="gone")
    claim(second, first)
    third = stage.sell(stage.owner("E53", "e53-c"), vm="running")
    vmid = vmid_of(third)
    fourth = stage.sell(stage.owner("E53", "e53-d"), vm="gone", service_id=vmid)
    claim(fourth, third)
    link_of(fourth)["vmid"] = None


def e54_vmid_forms(stage: Stage) -> None:
    """VMIDs of a template, below 100, of nothing, and as text only half a number."""
    client = stage.owner("E54")
    template = stage.sell(client, vm="gone", vmid=TEMPLATE_VMID)
    exists(template)
    not_adoptable(template, "vm_is_template")
    low = stage.sell(client, stage.shop.flex, vm="gone", vmid=99)
    not_adoptable(low, "vmid_below_100")
    stage.sell(client, stage.shop.flex, vm="gone")
    for form, readable in (("{} ", True), ("VM-{}", False), ("{}.0", False)):
        service = stage.sell(client, stage.shop.flex, vm="running")
        link_of(service)["value"] = form.format(vmid_of(service))
        if not readable:
            not_adoptable(service, "vmid_unparsed")


def e55_vtype(stage: Stage) -> None:
    """`kvm`, as an old import of guests wrote for qemu; and a container, which is no VM."""
    client = stage.owner("E55")
    link_of(stage.sell(client, vm="running"))["vtype"] = "kvm"
    container = stage.sell(client, stage.shop.container, vm="running")
    link_of(container)["vtype"] = "lxc"
    assert container.vm is not None
    container.vm.type = "lxc"
    not_adoptable(container, "container")


def e56_two_clusters(stage: Stage) -> None:
    """The same VMID on two clusters: the server tells which VM is meant."""
    world, client = stage.world, stage.owner("E56")
    add_server(world, OTHER_SERVER, "pve-ams", PVEWHMCS)
    here = stage.sell(client, vm="running")
    there = stage.sell(client, vm="gone", vmid=vmid_of(here))
    there.row["server"] = OTHER_SERVER
    name = f"vps{there.id}-cus{client.id}"
    size = stage.shop.medium.size
    world.other_vms.add(Vm(vmid_of(there), name, size.vcpus, size.memory_mib, size.disk_gib, there.address))
    exists(there)
    assert there.truth.vm is not None
    there.truth.vm.cluster, there.truth.vm.status = "ams", "running"
    there.truth.vm.adoptable, there.truth.vm.reason = True, ""


def e57_server_gone(stage: Stage) -> None:
    """No server, one that was deleted, and one that takes no new orders but still holds the old."""
    client = stage.owner("E57")
    add_server(stage.world, DISABLED_SERVER, "pve-old", PVEWHMCS, disabled=1)
    for server in (0, NOBODY):
        service = stage.sell(client, vm="running")
        service.row["server"] = server
        not_adoptable(service, "server_not_mapped")
        assert service.truth.vm is not None
        service.truth.vm.cluster = None
    stage.sell(client, vm="running").row["server"] = DISABLED_SERVER

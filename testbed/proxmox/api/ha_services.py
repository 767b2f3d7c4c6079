"""The local resource managers, which bring guests to the wanted state (pve-ha-manager HA/Resources/PVEVM.pm)."""

from testbed.proxmox.access.access import ROOT
from testbed.proxmox.api.migrate import migrate_task
from testbed.proxmox.api.power import shutdown_task, start_task, stop_task
from testbed.proxmox.cluster.cluster import Cluster
from testbed.proxmox.cluster.migration import StorageMap
from testbed.proxmox.errors import ApiError
from testbed.proxmox.vm.vms import Vm


async def look_after(cluster: Cluster) -> None:
    """Do so in rounds, for as long as the testbed runs."""
    while True:
        await cluster.ha.next_round(cluster.knobs)
        for vmid in list(cluster.ha.resources):
            vm = cluster.vms.get(vmid)
            if vm and cluster.quorate and cluster.nodes[vm.node].online:
                _look_after(cluster, vm)


def _look_after(cluster: Cluster, vm: Vm) -> None:
    node, wanted = cluster.nodes[vm.node], cluster.ha.wanted(vm.vmid)
    if wanted is None or vm.lock or any(task.id == str(vm.vmid) for task in node.tasks.active()):
        return
    running, target = node.running(vm), cluster.ha.moves.pop(vm.vmid, None)
    try:
        if target:
            migrate_task(node, cluster.nodes[target], vm.vmid, ROOT, online=running, storages=StorageMap())
        elif wanted == "started" and not running:
            start_task(node, vm.vmid, ROOT)
        elif wanted == "stopped" and running:
            _stop(cluster, vm)
    except ApiError:
        return  # tried again in the next round


def _stop(cluster: Cluster, vm: Vm) -> None:
    node, patience = cluster.nodes[vm.node], cluster.ha.patience.get(vm.vmid, 60)
    if patience:
        shutdown_task(node, vm.vmid, ROOT, timeout=patience, force=True)
    else:
        stop_task(node, vm.vmid, ROOT)

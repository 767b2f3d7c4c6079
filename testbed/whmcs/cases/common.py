"""What several families of cases do alike."""

from testbed.whmcs.catalogue import add_choice
from testbed.whmcs.services import Service
from testbed.whmcs.stage import Stage
from testbed.whmcs.truth import UserTruth
from testbed.whmcs.world import Row

NOBODY = 999_999


def sell_memory(stage: Stage, case: str, label: str, memory: int | None) -> Service:
    """A service whose memory is a choice named *label*; without *memory* nobody can tell how much that is."""
    client = stage.owner(case, f"{case.lower()}-{len(stage.world.truth.clients)}")
    service = stage.sell(client, stage.shop.custom)
    ram = stage.shop.custom.options["RAM"]
    service.options["RAM"]["optionid"] = add_choice(stage.world, ram, label)
    service.truth.memory_mib = memory
    if memory is None:
        service.truth.becomes("quarantine", "memory_mib_unreadable")
    return service


def not_adoptable(service: Service, reason: str) -> None:
    """The VM must not be adopted for this reason."""
    assert service.truth.vm is not None
    service.truth.vm.adoptable = False
    service.truth.vm.reason = reason


def exists(service: Service) -> None:
    """Proxmox has what the service points to, though it was not made for it."""
    assert service.truth.vm is not None
    service.truth.vm.exists, service.truth.vm.status = True, "stopped"


def claim(rival: Service, holder: Service) -> None:
    """Let *rival* point to the VM of *holder*: then neither may have it."""
    assert rival.truth.vm is not None
    assert holder.truth.vm is not None
    rival.truth.vm.vmid = link_of(rival)["vmid"] = vmid_of(holder)
    rival.truth.vm.exists, rival.truth.vm.status = True, holder.truth.vm.status
    not_adoptable(rival, "vmid_clash")
    not_adoptable(holder, "vmid_clash")


def link_of(service: Service) -> Row:
    """The row that names the service's VM."""
    assert service.link is not None
    return service.link


def vmid_of(service: Service) -> int:
    """The VMID to which the service points."""
    assert service.truth.vm is not None
    assert service.truth.vm.vmid is not None
    return service.truth.vm.vmid


def last_user(stage: Stage) -> UserTruth:
    """The user who was added last."""
    return stage.world.truth.users[max(stage.world.truth.users)]

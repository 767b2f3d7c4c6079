"""The guest of a server, for looking at it: found where it is, and known to be the recorded one."""

from __future__ import annotations

from domain.server.state import Server
from hypervisor.errors import Missing
from hypervisor.identity import mismatch
from hypervisor.port import GuestConfig, Hypervisor
from service.deps import Deps
from service.web.problems import Problem

NOT_THERE = "The virtual machine of this server is not there: staff have to look."
ANOTHER = "Another virtual machine stands where this server's should be: staff have to look."


async def guest_of(d: Deps, server: Server) -> tuple[Hypervisor, GuestConfig]:
    """The hypervisor and the guest.

    Raises:
        Problem: the server has none, or it is not the recorded one.
        HypervisorError: it cannot be asked.
    """
    hypervisor = d.clusters.get(server.cluster or "")
    if hypervisor is None or server.vmid is None or server.node is None or server.identity is None:
        raise Problem("not_allowed", "The server has no virtual machine yet.")
    guest = await _found(hypervisor, server.node, server.vmid)
    if guest is None:
        raise Problem("not_allowed", NOT_THERE)
    if mismatch(server, guest, volumes=False) is not None:
        raise Problem("not_allowed", ANOTHER)
    return hypervisor, guest


async def _found(hypervisor: Hypervisor, node: str, vmid: int) -> GuestConfig | None:
    """Its configuration, also when it has just moved."""
    try:
        return await hypervisor.config(node, vmid)
    except Missing:
        row = next((row for row in await hypervisor.guests() if row.vmid == vmid and row.kind == "qemu"), None)
        return await hypervisor.config(row.node, vmid) if row is not None and row.node != node else None

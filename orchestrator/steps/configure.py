"""Configure and resize: what the plan promises, set before the guest starts for the first time."""

from __future__ import annotations

import json
from functools import partial

from domain.server.state import Effect
from eventstore.database import Connection
from hypervisor.port import GuestConfig, GuestSettings, IpConfig, Task
from orchestrator.effect import Plan, pursue, task_finder
from orchestrator.outcome import Attention, Done, Failed, Outcome
from orchestrator.steps.place import pool_of
from orchestrator.work import SQL, Work
from runtime.sealing import Unsealable


async def _no_task(effect: Effect) -> Task | None:
    return None


async def configure(work: Work) -> Outcome:
    """Cores, memory, name, addresses, keys and password; the secret is deleted with the step's end."""
    guest = await work.guest()
    if guest is None:
        return Attention("guest_missing", "The virtual machine is not there any more.")
    try:
        settings = await _settings(work)
    except Unsealable as error:
        return Failed("secret_lost", "The password given cannot be read any more: create the server again.", str(error))

    async def issue() -> None:
        await work.hypervisor.configure(guest.node, guest.vmid, settings, guest.digest)

    plan = Plan(
        verb="configure",
        node=guest.node,
        reached=partial(_configured, work, settings),
        issue=issue,
        find=_no_task,
        grace=0.0,
    )
    outcome = await pursue(work, plan)
    return Done(outcome.detail, claims=partial(_forget, work)) if isinstance(outcome, Done) else outcome


async def _settings(work: Work) -> GuestSettings:
    state = work.state
    sealed = await work.tools.store.pool.fetchval(SQL.secret, work.operation.id)
    secret = json.loads(work.tools.seal.open(sealed, work.operation.id.bytes)) if sealed else {}
    nameserver = next(
        (
            pool.nameserver
            for address in state.addresses
            if (pool := pool_of(work.tools.config.pool, address.address)) and pool.nameserver
        ),
        None,
    )
    return GuestSettings(
        name=state.name,
        tags=frozenset(),
        cores=state.plan.vcpus,
        memory_mib=state.plan.memory_mib,
        password=secret.get("password"),
        ssh_keys=tuple(state.ssh_keys),
        ipconfig={"net0": _ip_config(work)},
        nameserver=nameserver,
    )


def _ip_config(work: Work) -> IpConfig:
    by_family = {address.family: address for address in work.state.addresses}
    v4, v6 = by_family.get(4), by_family.get(6)
    return IpConfig(
        address=f"{v4.address}/{v4.prefix}" if v4 else "dhcp",
        gateway=v4.gateway if v4 else None,
        address6=f"{v6.address}/{v6.prefix}" if v6 else None,
        gateway6=v6.gateway if v6 else None,
    )


async def _configured(work: Work, settings: GuestSettings) -> str | None:
    """Everything that can be read back is as wished. Keys and passwords cannot: they need one attempt of their own."""
    if work.step.effect is None:
        return None
    guest = await work.guest()
    same = guest is not None and (guest.name, guest.cores, guest.memory_mib, guest.ipconfig.get("net0")) == (
        settings.name,
        settings.cores,
        settings.memory_mib,
        settings.ipconfig["net0"],
    )
    return "" if same else None


async def _forget(work: Work, connection: Connection) -> None:
    await connection.execute(SQL.forget_secret, work.operation.id)


async def resize(work: Work) -> Outcome:
    """The disk as large as the plan says; a template's disk that is larger stays as it is."""
    guest = await work.guest()
    if guest is None:
        return Attention("guest_missing", "The virtual machine is not there any more.")
    disk = boot_disk(guest)
    if disk is None:
        return Failed("no_disk", "The image has no disk.", f"VMID {guest.vmid}", retryable=False)
    plan = Plan(
        verb="resize",
        node=guest.node,
        reached=partial(_resized, work, disk),
        issue=lambda: work.hypervisor.resize(guest.node, guest.vmid, disk, work.state.plan.disk_gib),
        find=task_finder(work, "resize"),
        grace=2.0,  # an absolute size: doing it twice is doing it once
    )
    return await pursue(work, plan)


def boot_disk(guest: GuestConfig) -> str | None:
    """The drive that holds the system: the first of the usual buses."""
    for bus in ("scsi", "virtio", "sata", "ide"):
        drives = sorted(drive for drive in guest.volumes if drive.startswith(bus))
        if drives:
            return drives[0]
    return None


async def _resized(work: Work, disk: str) -> str | None:
    guest = await work.guest()
    if guest is None or guest.disk_gib.get(disk, 0.0) < work.state.plan.disk_gib:
        return None
    return ""

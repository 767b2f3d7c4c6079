"""Configure and resize: what the plan promises, set before the guest starts for the first time or anew."""

from __future__ import annotations

from functools import partial

from hypervisor.port import GuestConfig, GuestSettings, IpConfig, Uplink
from orchestrator.effect import Plan, pursue, task_finder, told
from orchestrator.offers import with_offers
from orchestrator.outcome import Done, Failed, Outcome
from orchestrator.steps import user_data
from orchestrator.steps.place import pool_of
from orchestrator.steps.power import ours_lately
from orchestrator.steps.secrets import Given, forget, given_with
from orchestrator.work import Work
from runtime.sealing import Unsealable

LOST = "The password that was given cannot be read any more: ask for the operation again, with a new one."


async def configure(work: Work) -> Outcome:
    """Cores, memory, name, addresses, keys, password and user data; the secret is deleted with the step's end."""
    guest = await ours_lately(work)
    if not isinstance(guest, GuestConfig):
        return guest
    if (failed := user_data.hindrance(work, guest)) is not None:
        return failed
    try:
        given = await given_with(work)
    except Unsealable as error:
        return Failed("secret_lost", LOST, str(error), retryable=False)
    if work.operation.with_user_data and given.user_data is None:
        return Failed("secret_lost", user_data.LOST, retryable=False)
    settings = await _settings(work, guest, given)

    async def tell() -> None:
        await work.hypervisor.configure(guest.node, guest.vmid, settings, guest.digest)

    outcome = await pursue(work, told("configure", guest.node, tell, partial(_configured, work, settings)))
    if isinstance(outcome, Done | Failed) and work.operation.type != "create":
        await user_data.leave_none_unnamed(work)
    return Done(outcome.detail, claims=partial(forget, work)) if isinstance(outcome, Done) else outcome


async def _settings(work: Work, guest: GuestConfig, given: Given) -> GuestSettings:
    """What the guest is to have. A guest that was adopted keeps what it has and Hostler was never told."""
    state, config = work.state, await with_offers(work.tools)
    new, adopted = work.operation.type == "create", state.source is not None
    size = size_of(work)
    addressed = adopted and (not state.addresses or "net0" in guest.ipconfig)
    return GuestSettings(
        name=state.name,
        tags=frozenset() if new else None,
        start_at_boot=True if new else None,
        cores=size["vcpus"],
        memory_mib=size["memory_mib"],
        user=config.user_of(state.image.template),
        password=given.password,
        ssh_keys=None if adopted and not state.ssh_keys else tuple(state.ssh_keys),
        ipconfig={} if addressed else {"net0": _ip_config(work)},
        uplinks=_uplinks(work, guest) if new else {},
        nameserver=None if addressed else _nameserver(work),
        vendor_data=await user_data.laid_out(work, guest, given.user_data),
    )


def size_of(work: Work) -> dict[str, int]:
    """What the guest is to have: its plan, or what it had when it was adopted, until the plan is changed."""
    plan = work.state.plan
    return {"vcpus": plan.vcpus, "memory_mib": plan.memory_mib, "disk_gib": plan.disk_gib} | work.state.actual


def _nameserver(work: Work) -> str | None:
    pools = (pool_of(work.tools.config.pool, address.address) for address in work.state.addresses)
    return next((pool.nameserver for pool in pools if pool is not None and pool.nameserver), None)


def _uplinks(work: Work, guest: GuestConfig) -> dict[str, Uplink]:
    """The bridge and VLAN of its addresses, where the image says otherwise."""
    placed = work.state.placement
    if placed is None or not _elsewhere(guest, "net0", uplink := Uplink(placed.bridge, placed.vlan)):
        return {}
    return {"net0": uplink}


def _elsewhere(guest: GuestConfig, card: str, uplink: Uplink) -> bool:
    nic = guest.nics.get(card)
    return nic is not None and (nic.bridge, nic.vlan) != (uplink.bridge, uplink.vlan)


def _ip_config(work: Work) -> IpConfig:
    """The first address of each family: cloud-init tells a card no more than that."""
    by_family = {address.family: address for address in reversed(work.state.addresses)}
    v4, v6 = by_family.get(4), by_family.get(6)
    return IpConfig(
        address=f"{v4.address}/{v4.prefix}" if v4 else "dhcp",
        gateway=v4.gateway if v4 else None,
        address6=f"{v6.address}/{v6.prefix}" if v6 else None,
        gateway6=v6.gateway if v6 else None,
    )


async def _configured(work: Work, settings: GuestSettings) -> bool:
    """Everything that can be read back is as wished."""
    guest = await work.guest()
    if guest is None or any(_elsewhere(guest, card, uplink) for card, uplink in settings.uplinks.items()):
        return False
    if settings.vendor_data is not None and (guest.vendor_data or "") != settings.vendor_data:
        return False
    sized = (guest.name, guest.cores, guest.memory_mib) == (settings.name, settings.cores, settings.memory_mib)
    return sized and all(guest.ipconfig.get(card) == wanted for card, wanted in settings.ipconfig.items())


async def resize(work: Work) -> Outcome:
    """The disk as large as the plan says; a template's disk that is larger stays as it is."""
    guest = await ours_lately(work)
    if not isinstance(guest, GuestConfig):
        return guest
    disk = boot_disk(guest)
    if disk is None:
        return Failed("no_disk", "The image has no disk.", f"VMID {guest.vmid}", retryable=False)
    plan = Plan(
        verb="resize",
        node=guest.node,
        reached=partial(_resized, work, disk),
        issue=lambda: work.hypervisor.resize(guest.node, guest.vmid, disk, size_of(work)["disk_gib"]),
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
    guest = await (work.guest() if work.step.effect else work.glimpse())
    if guest is None or guest.disk_gib.get(disk, 0.0) < size_of(work)["disk_gib"]:
        return None
    return ""

"""Rebuild: the guest keeps its identity, addresses and place, and gets a disk made anew of an image.

Proxmox copies an image only on the node where its template is, also where the storage is shared (qemu-server
API2/Qemu.pm import_from_volid, "owner VM not on local node"). A guest that nothing ties to its node is taken there for
that time, while it is off, and back: only its configuration moves.
"""

from __future__ import annotations

from functools import partial
from uuid import UUID

from domain.server import events as e
from hypervisor.identity import identity_of
from hypervisor.port import GuestConfig, GuestRow, Task
from orchestrator import slots
from orchestrator.effect import LATE_SECONDS, Plan, pursue, pursue_all, task_finder
from orchestrator.offers import with_offers
from orchestrator.outcome import Done, Failed, Outcome
from orchestrator.steps import power, snapshots, user_data
from orchestrator.steps.configure import boot_disk
from orchestrator.work import SQL, Work

NO_IMAGE = "{image} is not available where the server is: nothing was changed. Choose another, or ask for it there."
NO_DISK = "The server has no disk that could be made anew: nothing was changed."
OUT_OF_REACH = "{image} could not be reached. The disk is still the old one; the server is off and can be started."
NOT_WRITTEN = "{image} could not be written. The disk is still the old one; the server is off and can be started."
SAFETY_NAME = "Before the rebuild"


def wanted(work: Work) -> e.Image:
    """The image that was asked for."""
    asked = work.operation.params["image"]
    return e.Image(**asked | {"id": UUID(str(asked["id"]))})


async def safety(work: Work) -> Outcome:
    """A snapshot of the disk as it is, where one was asked for; it keeps the old disk."""
    guest = await power.ours(work)
    if not isinstance(guest, GuestConfig):
        return guest
    if (failed := user_data.hindrance(work, guest)) is not None:
        return failed
    if await _source(work, guest) is None:
        if (node := await _elsewhere(work, guest)) is None:
            return Failed("image_missing", NO_IMAGE.format(image=wanted(work).name))
        await work.check_effects_allowed(node)
    if not work.operation.params.get("safety"):
        return Done()
    return await snapshots.take_named(work, SAFETY_NAME)


async def _source(work: Work, guest: GuestConfig) -> str | None:
    """The volume the image is copied from, where it is on the guest's own node."""
    template = next((row.vmid for row in await _templates(work) if row.node == guest.node), None)
    if template is None:
        return None
    config = await work.hypervisor.config(guest.node, template)
    disk = boot_disk(config)
    return config.volumes[disk] if disk is not None else None


async def _templates(work: Work) -> list[GuestRow]:
    cluster = (await with_offers(work.tools)).known_cluster(work.state.cluster)
    vmids = cluster.template_vmids(wanted(work).template) if cluster is not None else frozenset()
    return sorted((row for row in await work.hypervisor.guests() if row.vmid in vmids), key=lambda row: row.vmid)


async def _elsewhere(work: Work, guest: GuestConfig) -> str | None:
    """The node that the guest can be taken to for the image."""
    online = {node.name for node in await work.hypervisor.nodes() if node.online}
    node = next((row.node for row in await _templates(work) if row.node in online), None)
    return None if node is None or await work.hypervisor.ties(guest.node, guest.vmid) else node


async def stop(work: Work) -> Outcome:
    """Done once it is off, gracefully if it does so in time, and where the image is. Its disks are noted, to know the
    new one from the old.
    """
    guest = await power.ours(work)
    if not isinstance(guest, GuestConfig):
        return guest
    outcome = await pursue(work, power.shutdown_plan(work, guest, force=True))
    if isinstance(outcome, Done):
        outcome = await _bring(work, guest)
    if not isinstance(outcome, Done):
        return outcome
    guest = await power.ours(work)
    if not isinstance(guest, GuestConfig):
        return guest
    identified = e.GuestIdentified(operation_id=work.operation.id, node=guest.node, identity=identity_of(guest))
    return Done(outcome.detail, [e.PowerObserved(power="stopped"), identified])


async def _bring(work: Work, guest: GuestConfig) -> Outcome:
    """Take it to where the image is. That it is off is recorded before, since it may stay so."""
    if await _source(work, guest) is not None or (node := await _elsewhere(work, guest)) is None:
        return Done()
    if work.state.power != "stopped":
        await work.record(e.PowerObserved(power="stopped"))
    otherwise = Failed("image_out_of_reach", OUT_OF_REACH.format(image=wanted(work).name))
    return await pursue(work, _move(work, guest, node, otherwise))


async def _homing(work: Work, guest: GuestConfig) -> list[Plan]:
    """How it comes back to where this operation took it from; where that cannot be, it stays and is at home there."""
    left = next((step.effect for step in work.operation.steps if step.key == "stop"), None)
    if left is None or left.verb != "migrate" or left.node == guest.node:
        return []
    online = {node.name for node in await work.hypervisor.nodes() if node.online}
    maintained = {row["node"] for row in await work.tools.store.pool.fetch(SQL.maintained, work.state.cluster)}
    status = await work.hypervisor.status(guest.node, guest.vmid)
    stays = left.node not in online or left.node in maintained or status.power != "stopped"
    return [] if stays else [_move(work, guest, left.node, Done())]


def _move(work: Work, guest: GuestConfig, node: str, otherwise: Outcome) -> Plan:
    """How a guest that is off comes to another node; `otherwise` is what it comes to where Proxmox cannot do it."""

    async def reached() -> str | None:
        found = await work.guest()
        return "" if found is not None and found.node == node and found.lock is None else None

    return Plan(
        verb="migrate",
        node=guest.node,
        reached=reached,
        issue=lambda: work.hypervisor.migrate(guest.node, guest.vmid, node),
        find=task_finder(work, "qmigrate"),
        grace=LATE_SECONDS,  # one that comes late must not take it away while it is written
        failed=lambda task: otherwise if task.cause != "busy" and work.step.attempt >= 3 else None,
    )


async def reimage(work: Work) -> Outcome:
    """Done once a new disk is in the place of the old one, which waits unused."""
    guest = await power.ours(work, volumes=False)
    if not isinstance(guest, GuestConfig):
        return guest
    disk, source = boot_disk(guest), await _source(work, guest)
    if disk is None:
        return Failed("no_disk", NO_DISK, f"VMID {guest.vmid}", retryable=False)
    if source is None:
        return Failed("image_missing", NO_IMAGE.format(image=wanted(work).name))
    off = power.shutdown_plan(work, guest, force=True)  # it may have been started before this was tried again
    return await pursue_all(work, [off, _write(work, guest, disk, source)])


async def clean(work: Work) -> Outcome:
    """Done with `ImageChanged` once the old disk is gone with its snapshots, unless a safety snapshot keeps it.

    A step of its own: that the new disk was written is known from here on, whatever becomes of the old one.
    """
    guest = await power.ours(work, volumes=False)
    if not isinstance(guest, GuestConfig):
        return guest
    disk = boot_disk(guest)
    cleaning = _cleaning(work, guest, disk) if disk is not None else []
    outcome = await pursue_all(work, [*cleaning, *await _homing(work, guest)])
    return await _rebuilt(work) if isinstance(outcome, Done) else outcome


def _old(work: Work, disk: str) -> str | None:
    return work.state.identity.volumes.get(disk) if work.state.identity is not None else None


def _write(work: Work, guest: GuestConfig, disk: str, source: str) -> Plan:
    storage = (_old(work, disk) or guest.volumes[disk]).partition(":")[0]
    return Plan(
        verb="reimage",
        node=guest.node,
        reached=partial(_written, work, disk),
        issue=lambda: work.hypervisor.reimage(guest.node, guest.vmid, disk=disk, source=source, storage=storage),
        find=task_finder(work, "qmconfig"),
        grace=LATE_SECONDS,  # a request that comes late must not write over a disk that is in use
        failed=partial(_not_written, work),
        occupies=slots.needed(
            work.state.cluster or "", node=guest.node, storage=slots.disks(work.state, guest.node, storage)
        ),
    )


async def _written(work: Work, disk: str) -> str | None:
    """Another volume is on the drive than was noted, and the storage really has it. The old one waits unused: were it
    not there, the disk was only moved.
    """
    guest, old = await work.guest(), _old(work, disk)
    volume = guest.volumes.get(disk) if guest is not None else None
    if guest is None or guest.lock is not None or volume is None or volume == old:
        return None
    if old not in guest.unused.values():
        return None
    there = await work.hypervisor.volumes(guest.node, volume.partition(":")[0], guest.vmid)
    return "" if volume in there else None


def _not_written(work: Work, task: Task) -> Outcome | None:
    if task.cause != "refused" and (task.cause == "busy" or work.step.attempt < 3):
        return None
    return Failed("reimage_failed", NOT_WRITTEN.format(image=wanted(work).name), task.text)


def _cleaning(work: Work, guest: GuestConfig, disk: str) -> list[Plan]:
    """What goes with the old disk."""
    old = _old(work, disk)
    if work.operation.params.get("safety") or old is None:
        return []
    lost = [snapshots.delete_plan(work, guest, snapshot) for snapshot in work.state.snapshots]
    held = [volume for snapshot in work.state.snapshots for volume in snapshot.volumes]
    kept = set(work.state.identity.volumes.values()) - {old} if work.state.identity is not None else set()
    return [*lost, snapshots.drop_plan(work, guest, frozenset({old, *held}) - kept)]


async def _rebuilt(work: Work) -> Outcome:
    guest = await power.ours(work, volumes=False)
    if not isinstance(guest, GuestConfig):
        return guest
    operation, params = work.operation.id, work.operation.params
    lost = [] if params.get("safety") else work.state.snapshots
    keys = params.get("ssh_keys")
    return Done(
        "",
        [
            e.GuestIdentified(operation_id=operation, node=guest.node, identity=identity_of(guest)),
            *(e.SnapshotDeleted(operation_id=operation, snapshot_id=snapshot.id) for snapshot in lost),
            e.ImageChanged(
                operation_id=operation, image=wanted(work), ssh_keys=work.state.ssh_keys if keys is None else keys
            ),
        ],
    )

"""Rebuild: the guest keeps its identity, addresses and place, and gets a disk made anew of an image."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from domain.server import events as e
from hypervisor.identity import identity_of
from hypervisor.port import GuestConfig, Task
from orchestrator import slots
from orchestrator.effect import LATE_SECONDS, Plan, pursue_all, task_finder
from orchestrator.offers import with_offers
from orchestrator.outcome import Done, Failed, Outcome
from orchestrator.steps import power, snapshots
from orchestrator.steps.configure import boot_disk
from orchestrator.work import Work

NO_IMAGE = "{image} is not available where the server is: nothing was changed."
NO_DISK = "The server has no disk that could be made anew: nothing was changed."
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
    if await _source(work, guest) is None:
        return Failed("image_missing", NO_IMAGE.format(image=wanted(work).name))
    if not work.operation.params.get("safety"):
        return Done()
    return await snapshots.take_named(work, SAFETY_NAME)


async def _source(work: Work, guest: GuestConfig) -> str | None:
    """The volume an image is copied from. Its template must be on the guest's own node, also where the storage is
    shared: Proxmox imports from no other (qemu-server API2/Qemu.pm create_disks, "owner VM not on local node").
    """
    cluster = (await with_offers(work.tools)).known_cluster(work.state.cluster)
    vmids = cluster.template_vmids(wanted(work).template) if cluster is not None else frozenset()
    rows = await work.hypervisor.guests()
    template = next((row.vmid for row in rows if row.vmid in vmids and row.node == guest.node), None)
    if template is None:
        return None
    config = await work.hypervisor.config(guest.node, template)
    disk = boot_disk(config)
    return config.volumes[disk] if disk is not None else None


async def stop(work: Work) -> Outcome:
    """Done once it is off, gracefully if it does so in time. Its disks are noted, to know the new one from the old."""
    outcome = await power.shutdown(work, force=True)
    if not isinstance(outcome, Done):
        return outcome
    guest = await power.ours(work)
    if not isinstance(guest, GuestConfig):
        return guest
    identified = e.GuestIdentified(operation_id=work.operation.id, node=guest.node, identity=identity_of(guest))
    return Done(outcome.detail, [*outcome.events, identified])


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
    outcome = await pursue_all(work, _cleaning(work, guest, disk) if disk is not None else [])
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
        occupies=slots.needed(work.state.cluster or "", node=guest.node, storage=storage),
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

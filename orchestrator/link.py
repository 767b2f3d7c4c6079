"""Link: find the guests of imported servers and adopt them as they are, or say why not. None is ever changed."""

from __future__ import annotations

import contextlib
from uuid import UUID

import structlog

from domain.importing import events as imports
from domain.record import Meta
from domain.server import events as e
from eventstore.database import Connection
from eventstore.outbox import Lease
from eventstore.positions import Position
from eventstore.store import ClaimLost, Conflict, Entry
from hypervisor.errors import AgentSilent, Denied, HypervisorError, Missing, Unreachable
from hypervisor.identity import identity_of
from hypervisor.port import GuestConfig, GuestRow, GuestStatus, Hypervisor
from orchestrator.adoption import Decline, precheck, weigh
from orchestrator.promises import found, promise_found
from orchestrator.steps.configure import boot_disk
from orchestrator.work import ACTOR, SQL, Tools, Work

log = structlog.get_logger()
RETRY_SECONDS = 5.0


async def link_import(tools: Tools, lease: Lease) -> tuple[Position, float | None]:
    """Handle the wake of an import run: every chunk that was loaded and not linked yet."""
    records = await tools.store.read_stream(lease.stream_id)
    position = Position(records[-1].tx, records[-1].pos)
    loaded = {r.event.number: r.event for r in records if isinstance(r.event, imports.ChunkLoaded)}
    linked = {r.event.number for r in records if isinstance(r.event, imports.ChunkLinked)}
    version = records[-1].version
    for number in sorted(loaded.keys() - linked):
        if not await _link_chunk(tools, loaded[number].server_ids):
            return position, RETRY_SECONDS
        entry = Entry(lease.stream_id, version + 1, imports.ChunkLinked(number=number), Meta(actor=ACTOR))
        try:
            position = await tools.store.append([entry])
        except Conflict:
            return position, 0.0
        version += 1
    return position, None


async def _link_chunk(tools: Tools, server_ids: list[UUID]) -> bool:
    """False when a cluster could not be asked: the chunk is looked at again."""
    seen: dict[str, dict[int, GuestRow]] = {}
    complete = True
    for server_id in server_ids:
        work = await Work.load(tools, server_id)
        if work.state.adopted or work.state.declined is not None:
            continue
        try:
            await _link(work, seen)
        except HypervisorError as error:
            log.warning("cannot look for a guest", server=server_id.hex, error=str(error))
            complete = False
        except Conflict:
            complete = False
    return complete


async def _link(work: Work, seen: dict[str, dict[int, GuestRow]]) -> None:
    hint = work.state.hint
    cluster = work.tools.clusters.get(hint.cluster) if hint else None
    row = None
    if hint is not None and cluster is not None and work.state.quarantine is None:
        if hint.cluster not in seen:
            if not await cluster.quorate():
                raise Unreachable("the cluster has no quorum: absence proves nothing", call="link")
            seen[hint.cluster] = {row.vmid: row for row in await cluster.guests()}
        row = seen[hint.cluster].get(hint.vmid)
    declined = precheck(work.state, row, cluster is not None)
    if declined is not None:
        await _decline(work, declined)
        return
    assert row is not None
    await _weigh(work, row)


async def _weigh(work: Work, row: GuestRow) -> None:
    hint = work.state.hint
    assert hint is not None
    cluster = work.tools.clusters[hint.cluster]
    try:
        config, status = await cluster.config(row.node, row.vmid), await cluster.status(row.node, row.vmid)
    except Missing:
        await _decline(work, Decline("vm_missing", "The virtual machine that the source names does not exist."))
        return
    verdict = weigh(work.state, config, await _reported(cluster, config, status))
    if isinstance(verdict, Decline):
        await _decline(work, verdict)
        return
    disk = boot_disk(config)
    actual = {
        "vcpus": config.cores,
        "memory_mib": config.memory_mib,
        "disk_gib": int(config.disk_gib.get(disk, 0)) if disk else 0,
    }
    adopted = e.ServerAdopted(
        cluster=hint.cluster,
        node=row.node,
        vmid=row.vmid,
        power=status.power,
        identity=identity_of(config),
        evidence=verdict.evidence,
        actual=actual,
        promises=await found(work.tools, hint.cluster, config, disk, actual),
    )
    await _adopt(work, adopted)


async def _reported(cluster: Hypervisor, config: GuestConfig, status: GuestStatus) -> list[str]:
    """The addresses that the guest itself tells, where it runs an agent that answers."""
    if not config.agent_enabled or status.power != "running":
        return []
    with contextlib.suppress(AgentSilent, Denied, Missing):
        return [address.address for address in await cluster.addresses(config.node, config.vmid)]
    return []


async def _adopt(work: Work, adopted: e.ServerAdopted) -> None:
    promise = await promise_found(work, adopted)

    async def claims(connection: Connection) -> None:
        await connection.execute(SQL.own_vmid, adopted.cluster, adopted.vmid, work.state.id)
        for address in work.state.addresses:
            await connection.execute(SQL.claim_address, address.address, work.state.id)
        await promise(connection)

    try:
        await work.record(adopted, claims=claims)
    except ClaimLost as error:
        taken = "virtual machine" if error.constraint.startswith("vmid") else "address"
        await _decline(work, Decline("claimed", f"Its {taken} already belongs to another server."))


async def _decline(work: Work, declined: Decline) -> None:
    await work.record(e.AdoptionDeclined(code=declined.code, detail=declined.detail))

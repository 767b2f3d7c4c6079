"""A closer look at one guest: it is read anew, compared, and what differs is recorded as the operator wants it.

The stream is read before the guest, so whatever is done to the guest meanwhile has also moved the stream, and the
append is refused: nothing of our own doing is ever taken for somebody else's.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from uuid import UUID

from domain.server import drift
from domain.server import events as e
from domain.server.drift import Finding, Policy
from domain.server.state import Server
from eventstore.database import Connection
from hypervisor.port import GuestConfig, GuestRow, Hypervisor
from orchestrator.drift.compare import KINDS, Seen, findings
from orchestrator.promises import follow, promise_exactly
from orchestrator.steps.guard import filters, promised
from orchestrator.work import SQL, Tools, Work
from runtime.ids import new_id

CONTAINER = Finding(kind="identity", detail="A container has its number.")
GONE = Finding(kind="gone", detail="No guest of the cluster has its number any more.")


async def look_closer(tools: Tools, cluster: Hypervisor, server_id: UUID, row: GuestRow, locked_s: float) -> None:
    """Compare a guest with its server, as long as no operation is at work on it. It has been locked for `locked_s`.

    Raises:
        HypervisorError: it could not be read.
        Conflict: something else happened to the server meanwhile.
    """
    work = await Work.load(tools, server_id)
    if not comparable(work.state):
        return
    if row.kind != "qemu":
        return await notice(work, CONTAINER)
    status, config = await cluster.status(row.node, row.vmid), await cluster.config(row.node, row.vmid)
    left = locked_s >= tools.config.policy.lock_left_after and not await _busy(cluster, row)
    found = findings(work.state, Seen(config, status, left))
    if "identity" not in {finding.kind for finding in found}:
        found += [*await taken_addresses(tools, config, server_id), *await _unfiltered(work, config)]
    if work.state.node != row.node:
        await follow(work, row.node)
    for finding in found:
        await notice(work, finding)
    await settle(work, {*KINDS, "address", "firewall"} - {finding.kind for finding in found})


async def _busy(cluster: Hypervisor, row: GuestRow) -> bool:
    """Whether a task may explain a lock; a backup of many guests is filed under none of them."""
    tasks = await cluster.tasks(row.node, vmid=row.vmid) + await cluster.tasks(row.node, kind="vzdump")
    return any(task.state == "running" for task in tasks)


async def report_gone(tools: Tools, cluster: Hypervisor, server_id: UUID, vmid: int) -> None:
    """A guest that the bulk read has not got: gone only when its number is free.

    Raises:
        HypervisorError: that could not be found out.
        Conflict: something else happened to the server meanwhile.
    """
    work = await Work.load(tools, server_id)
    if comparable(work.state) and work.state.vmid == vmid and not await cluster.vmid_taken(vmid):
        await notice(work, GONE)


def comparable(state: Server) -> bool:
    """Whether the log is what the guest should be now: no operation moves it, and there is a guest."""
    return state.current is None and not state.destroyed and state.adopted and state.identity is not None


async def notice(work: Work, finding: Finding) -> None:
    """Record a difference, and what the operator's policy makes of it."""
    policy = await _policy(work, finding)
    if finding.kind == "power" and policy == "follow":
        await work.record(e.PowerObserved(power=finding.facts["power"]))
        return
    repair = drift.repair_of(work.state, finding.kind, new_id(), await work.now())
    events = drift.notice(work.state, finding, policy, repair)
    if events:
        asked = [event.operation_id for event in events if isinstance(event, e.OperationRequested)]
        sizes = [event.size for event in events if isinstance(event, e.DriftEnded) and event.size]
        claims = partial(_promise, work.state.id, sizes) if sizes else None
        await work.record(*events, operations=asked, claims=claims, wake=bool(asked))


async def _policy(work: Work, finding: Finding) -> Policy:
    wanted: Policy = getattr(work.tools.config.policy.drift, finding.kind, "ask")
    held = bool(work.state.holds) and finding.kind == "power" and finding.facts["power"] != "stopped"
    if await work.is_observed():
        return "follow" if finding.kind == "power" else "ask"
    adopted = work.state.source is not None and finding.kind == "firewall"
    return "ask" if adopted or (held and wanted == "follow") else wanted


async def _promise(server_id: UUID, sizes: Iterable[dict[str, int]], connection: Connection) -> None:
    for size in sizes:
        await promise_exactly(server_id, size, connection)


async def settle(work: Work, kinds: Iterable[str]) -> None:
    """What is no longer seen has ended by itself."""
    events = [event for kind in sorted(kinds) for event in drift.over(work.state, kind)]
    if events:
        await work.record(*events)


async def _unfiltered(work: Work, config: GuestConfig) -> list[Finding]:
    """The address filter as it should be. Guests that were adopted came without: staff decide about each."""
    allowed = promised(work, config)
    if not allowed or await filters(work, config, allowed):
        return []
    return [Finding(kind="firewall", detail="It could send from addresses that are not its own: the filter is off.")]


async def taken_addresses(tools: Tools, config: GuestConfig, server_id: UUID | None) -> list[Finding]:
    """Addresses that a guest is configured with and that are promised to somebody else."""
    told = [text for ip in config.ipconfig.values() for text in (ip.address, ip.address6) if text and "/" in text]
    addresses = [text.split("/")[0] for text in told]
    if not addresses:
        return []
    rows = await tools.store.pool.fetch(SQL.holders_of, addresses)
    taken = sorted(row["address"] for row in rows if row["server_id"] != server_id)
    if not taken:
        return []
    detail = f"It uses {', '.join(taken)}, which belongs to another server."
    return [Finding(kind="address", detail=detail, facts={"addresses": taken})]

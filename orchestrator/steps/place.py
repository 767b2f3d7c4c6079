"""Place: choose node, VMID and address, and promise them in one transaction."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from ipaddress import ip_address

from domain.server import events as e
from eventstore.database import Connection
from eventstore.store import ClaimLost
from orchestrator import placement
from orchestrator.outcome import Failed, Later, Outcome
from orchestrator.work import SQL, Work
from runtime.settings import Cluster, Pool

# Servers placed at once by one process would choose the same numbers and all but one would choose again.
_one_at_a_time: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)


async def place(work: Work) -> Outcome:
    """Done with `ServerPlaced`, or the reason why it fits nowhere."""
    cluster = work.tools.config.cluster_of(work.state.location.key)
    if cluster is None:
        return Failed("location_closed", f"{work.state.location.name} is no longer offered.", retryable=False)
    template = cluster.templates.get(work.state.image.template)
    if template is None:
        return Failed("image_missing", f"{work.state.image.name} is not available in {work.state.location.name}.")
    async with _one_at_a_time[cluster.name]:
        return await _choose_and_promise(work, cluster, template)


async def _choose_and_promise(work: Work, cluster: Cluster, template: int) -> Outcome:
    choice = await _choose_node(work, cluster, template)
    if not isinstance(choice, placement.Choice):
        return choice
    addresses = await _choose_addresses(work)
    if addresses is None:
        return Failed("no_address", f"There is no free address in {work.state.location.name} now.")
    vmid = await next_vmid(work, cluster)
    if vmid is None:
        return Failed("no_vmid", "The range of VM numbers is used up: staff must widen it.")
    placed = e.ServerPlaced(
        operation_id=work.operation.id,
        cluster=cluster.name,
        node=choice.room.node,
        vmid=vmid,
        template_vmid=template,
        storage=cluster.storage,
        bridge=cluster.bridge,
        full=cluster.full_clone,
        addresses=addresses,
        explanation=choice.explanation,
    )
    done = e.StepCompleted(operation_id=work.operation.id, step="place", detail="")
    try:
        await work.record(placed, done, claims=lambda c: _promise(c, work, placed, choice.room.limit_mib))
    except ClaimLost:
        return Later(0.0)  # another process was faster: choose again
    return Later(0.0)


async def _choose_node(work: Work, cluster: Cluster, template: int) -> placement.Choice | Outcome:
    hypervisor = work.tools.clusters[cluster.name]
    nodes, guests = await asyncio.gather(hypervisor.nodes(), hypervisor.guests())
    having_template = frozenset(row.node for row in guests if row.vmid == template)
    place = work.state.location.name
    if not having_template:
        return Failed("image_missing", f"{work.state.image.name} is not available in {place}.")
    if not any(node.online for node in nodes if node.name in having_template):
        return Later(5.0, "node_down", "The hypervisor cannot be reached. This goes on by itself when it is back.")
    pool = work.tools.store.pool
    owned = frozenset(row["vmid"] for row in await pool.fetch(SQL.owned_vmids, cluster.name))
    promised = {row["node"]: row["promised_mib"] for row in await pool.fetch(SQL.promises, cluster.name)}
    candidates = placement.rooms(cluster, nodes, guests, owned, promised)
    choice = placement.choose(candidates, work.state.plan.memory_mib, having_template)
    return choice or Failed("no_capacity", f"There is no room for {work.state.plan.name} in {place} now.")


async def _choose_addresses(work: Work) -> list[e.Address] | None:
    pools = [pool for pool in work.tools.config.pool if pool.location == work.state.location.key]
    for pool in pools:
        taken = await work.tools.store.pool.fetch(SQL.taken_addresses, str(pool.first), str(pool.last))
        address = placement.next_address(pool, frozenset(row["address"] for row in taken))
        if address is not None:
            return [address]
    return None if pools else []


async def next_vmid(work: Work, cluster: Cluster) -> int | None:
    """The next VMID of the range that no guest has; VMIDs of strangers are burned on the way."""
    pool = work.tools.store.pool
    highest = await pool.fetchval(SQL.highest_vmid, cluster.name, cluster.vmid_first, cluster.vmid_last)
    vmid = cluster.vmid_first if highest is None else highest + 1
    while vmid <= cluster.vmid_last:
        if not await work.tools.clusters[cluster.name].vmid_taken(vmid):
            return int(vmid)
        await pool.execute(SQL.burn_vmid, cluster.name, vmid, work.state.id)
        vmid += 1
    return None


async def _promise(connection: Connection, work: Work, placed: e.ServerPlaced, limit_mib: int) -> None:
    server = work.state.id
    await connection.execute(SQL.own_vmid, placed.cluster, placed.vmid, server)
    for address in placed.addresses:
        await connection.execute(SQL.claim_address, address.address, server)
    memory = work.state.plan.memory_mib
    await connection.execute(SQL.promise_memory, placed.cluster, placed.node, limit_mib, memory, server)


def pool_of(config_pools: list[Pool], address: str) -> Pool | None:
    """The pool an address came from."""
    return next((pool for pool in config_pools if ip_address(address) in pool.network), None)

"""Place: choose node, VMID and addresses, and promise them in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from ipaddress import ip_address, ip_network
from typing import Any

from domain.placement import Choice, Inputs, NoChoice, choose
from domain.server import events as e
from eventstore.database import Connection
from eventstore.store import ClaimLost
from orchestrator import surroundings
from orchestrator.addresses import Given, give
from orchestrator.offers import with_offers
from orchestrator.outcome import MAINTENANCE, MAINTENANCE_SECONDS, Failed, Later, Outcome
from orchestrator.surroundings import Sight
from orchestrator.work import SQL, Work, observed_clusters
from runtime.settings import Cluster, Config, Pool

AWAY_SECONDS = 5.0
NO_USER_DATA = "User data can no longer be handed over in {place}. Order without, or somewhere else."
AWAY = "The hypervisor cannot be reached. This goes on by itself when it is back."


async def place(work: Work) -> Outcome:
    """Done with `ServerPlaced`, or the reason why it fits nowhere."""
    location, image = work.state.location, work.state.image
    config = await with_offers(work.tools)
    clusters = config.clusters_of(location.key)
    observed = await observed_clusters(work.tools, [cluster.name for cluster in clusters])
    clusters = [cluster for cluster in clusters if cluster.name not in observed]
    if not clusters:
        return Failed("location_closed", f"{location.name} is no longer offered.", retryable=bool(observed))
    offering = [cluster for cluster in clusters if image.template in cluster.templates]
    if not offering:
        return Failed("image_missing", f"{image.name} is not available in {location.name}.")
    if work.operation.with_user_data and not any(cluster.snippets for cluster in offering):
        return Failed("no_user_data", NO_USER_DATA.format(place=location.name), retryable=False)
    sights, away = await surroundings.look(work, offering)
    claimed = await asyncio.gather(*(surroundings.claimed_by_others(work, sight) for sight in sights))
    by_others = {sight.cluster.name: found for sight, found in zip(sights, claimed, strict=True)}
    async with work.tools.placing[location.key]:
        return await _choose_and_promise(work, config, sights, away, by_others)


async def _choose_and_promise(
    work: Work, config: Config, sights: Sequence[Sight], away: list[str], by_others: Mapping[str, Mapping[str, str]]
) -> Outcome:
    inputs = await surroundings.inputs(work, sights, away)
    choice = choose(inputs)
    if isinstance(choice, NoChoice):
        return _nowhere(work, inputs, choice)
    cluster = config.cluster_named(choice.candidate.cluster)
    given, skipped = await _addresses(
        work, config.pools_of(work.state.location.key, cluster.name), by_others[cluster.name]
    )
    if given is None:
        return Failed("no_address", f"There is no free address in {work.state.location.name} now.", str(skipped))
    vmid = await next_vmid(work, cluster)
    if vmid is None:
        return Failed("no_vmid", "The range of VM numbers is used up: staff must widen it.")
    placed = _placed(work, cluster, choice, given, vmid, skipped)
    done = e.StepCompleted(operation_id=work.operation.id, step="place", detail="")
    try:
        await work.record(placed, done, claims=partial(_promise, work, placed, choice, given))
    except ClaimLost:
        return Later(0.0)  # another process was faster: choose again
    return Later(0.0)


def _nowhere(work: Work, inputs: Inputs, found: NoChoice) -> Outcome:
    plan, place = work.state.plan.name, work.state.location.name
    debug = "; ".join(f"{node}: {reason}" for node, reason in found.reasons.items())
    if found.waits and found.maintenance:
        return Later(MAINTENANCE_SECONDS, "maintenance", MAINTENANCE, debug)
    if found.waits:
        return Later(AWAY_SECONDS, "node_down", AWAY, debug)
    if not found.image:
        return Failed("image_missing", f"{work.state.image.name} is not available in {place}.", debug)
    return Failed("no_capacity", f"There is no room for {plan} in {place} now.", debug)


def _placed(
    work: Work, cluster: Cluster, choice: Choice, given: Given, vmid: int, skipped: Mapping[str, str]
) -> e.ServerPlaced:
    candidate = choice.candidate
    assert candidate.image_node is not None
    assert candidate.image_vmid is not None
    pool = next((found for a in given.addresses if (found := pool_of(work.tools.config.pool, a.address))), None)
    return e.ServerPlaced(
        operation_id=work.operation.id,
        cluster=cluster.name,
        node=candidate.node,
        template_node=candidate.image_node,
        vmid=vmid,
        template_vmid=candidate.image_vmid,
        storage=cluster.storage,
        bridge=(pool and pool.bridge) or cluster.bridge,
        vlan=pool.vlan if pool else None,
        full=cluster.full_clone,
        addresses=given.addresses,
        networks=given.networks,
        promises=_promises(work, cluster, choice),
        explanation=choice.explanation | ({"skipped": dict(skipped)} if skipped else {}),
    )


def _promises(work: Work, cluster: Cluster, choice: Choice) -> dict[str, int]:
    """What is promised besides memory, by the names it is counted under."""
    candidate, plan = choice.candidate, work.state.plan
    promises = {surroundings.cpu_resource(cluster, candidate.node): plan.vcpus} if candidate.vcpus else {}
    if candidate.disk is not None and candidate.disk_resource is not None:
        promises[candidate.disk_resource] = plan.disk_gib
    return promises


async def _addresses(
    work: Work, pools: list[Pool], by_others: Mapping[str, str]
) -> tuple[Given | None, dict[str, str]]:
    """Addresses that are free, and those that were passed over since a guest of others claims them."""
    networks = [str(pool.network) for pool in pools]
    rows = await work.tools.store.pool.fetch(
        SQL.taken_addresses, networks, float(work.tools.config.policy.address_quarantine)
    )
    taken = [row["address"] for row in rows]
    inside = {address: whose for address, whose in by_others.items() if _of(pools, address)}
    given = give(pools, [*taken, *inside])
    return given, inside


def _of(pools: Sequence[Pool], address: str) -> bool:
    found = ip_address(address)
    return any(found in pool.network for pool in pools if pool.network.version == found.version)


async def next_vmid(work: Work, cluster: Cluster) -> int | None:
    """The next VMID of the range that no guest has; VMIDs of strangers are burned on the way."""
    pool = work.tools.store.pool
    highest = await pool.fetchval(SQL.highest_vmid, cluster.name, cluster.vmid_first, cluster.vmid_last)
    vmid = cluster.vmid_first if highest is None else highest + 1
    while vmid <= cluster.vmid_last:
        if await work.is_vmid_free(cluster.name, vmid):
            return int(vmid)
        await pool.execute(SQL.burn_vmid, cluster.name, vmid, work.state.id)
        vmid += 1
    return None


async def _promise(work: Work, placed: e.ServerPlaced, choice: Choice, given: Given, connection: Connection) -> None:
    server, candidate = work.state.id, choice.candidate
    await connection.execute(SQL.own_vmid, placed.cluster, placed.vmid, server)
    for address in given.claims:
        await connection.execute(SQL.claim_address, address, server)
    memory = work.state.plan.memory_mib
    await connection.execute(SQL.promise_memory, placed.cluster, placed.node, candidate.memory.limit, memory, server)
    for resource, amount in placed.promises.items():
        share: Any = candidate.vcpus if resource.startswith("cpu/") else candidate.disk
        await connection.execute(SQL.promise_capacity, server, work.state.account_id, resource, share.limit, amount)


def pool_of(config_pools: list[Pool], address: str) -> Pool | None:
    """The pool an address came from."""
    found = ip_address(address)
    return next((pool for pool in config_pools if found in ip_network(pool.network)), None)

"""What placement needs to know of the clusters of a location: asked of Proxmox and of the claims."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_interface
from typing import Any
from uuid import UUID

from domain.placement import Candidate, Inputs, Need, Share
from eventstore.database import Pool as Database
from hypervisor.errors import HypervisorError, Unreachable
from hypervisor.port import GuestConfig, GuestRow, Hypervisor, Node, StorageRow
from orchestrator.seen import Seen
from orchestrator.work import SQL, Tools, Work
from runtime.settings import Cluster

GIB = 1024**3
STORAGE_SECONDS = 10.0
CONFIG_SECONDS = 600.0
CONFIGS_AT_ONCE = 8
AGENTS_SECONDS = 1.0  # how long the agents of others' guests are listened to, all in all
MOST_CONFIGS = 100  # how many guests outside our range are asked for their configuration in one look


@dataclass(frozen=True, slots=True)
class Sight:
    """A cluster as it is now."""

    cluster: Cluster
    nodes: list[Node]
    guests: list[GuestRow]
    storages: Mapping[str, StorageRow]  # by node; what was not to be seen is absent


async def look(work: Work, clusters: Iterable[Cluster]) -> tuple[list[Sight], list[str]]:
    """Every cluster that answers, and the names of those that do not.

    Raises:
        Unreachable: none does.
    """
    known = list(clusters)
    found = await asyncio.gather(*(see(work.tools, cluster) for cluster in known), return_exceptions=True)
    for other in found:
        if isinstance(other, BaseException) and not isinstance(other, Unreachable):
            raise other
    sights = [sight for sight in found if isinstance(sight, Sight)]
    if not sights and known:
        raise next(error for error in found if isinstance(error, Unreachable))
    away = [cluster.name for cluster, sight in zip(known, found, strict=True) if not isinstance(sight, Sight)]
    return sights, away


async def see(tools: Tools, cluster: Cluster) -> Sight:
    """A cluster with its nodes, guests and storages.

    Raises:
        HypervisorError: it does not answer.
    """
    hypervisor = tools.clusters[cluster.name]
    nodes, guests = await asyncio.gather(hypervisor.nodes(), hypervisor.guests())
    return await _sight(tools, cluster, nodes, guests)


async def see_around(tools: Tools, cluster: Cluster, guests: Iterable[GuestRow]) -> Sight:
    """The same, of guests that were just read.

    Raises:
        HypervisorError: it does not answer.
    """
    return await _sight(tools, cluster, await tools.clusters[cluster.name].nodes(), list(guests))


async def _sight(tools: Tools, cluster: Cluster, nodes: list[Node], guests: list[GuestRow]) -> Sight:
    hypervisor, seen = tools.clusters[cluster.name], tools.seen
    usable = [node for node in nodes if node.name not in cluster.ignored_nodes]
    names = [node.name for node in usable if node.online]
    rows = await asyncio.gather(*(storage_of(hypervisor, cluster, name, seen) for name in names))
    storages = {name: row for name, row in zip(names, rows, strict=True) if row is not None}
    return Sight(cluster, usable, guests, storages)


async def storage_of(hypervisor: Hypervisor, cluster: Cluster, node: str, seen: Seen) -> StorageRow | None:
    """The cluster's storage as a node sees it, as of lately; None when it is not to be seen."""
    known = seen.storages.get((cluster.name, node))
    if known is not None and _now() - known[0] < STORAGE_SECONDS:
        return known[1]
    try:
        rows = await hypervisor.storages(node)
    except HypervisorError:
        return None
    found = next((row for row in rows if row.name == cluster.storage and row.active), None)
    seen.storages[cluster.name, node] = (_now(), found)
    return found


async def inputs(work: Work, sights: Iterable[Sight], away: list[str]) -> Inputs:
    """Everything the choice of a node depends on."""
    plan, policy = work.state.plan, work.tools.config.policy
    candidates = [candidate for sight in sights for candidate in await _candidates(work, sight)]
    need = Need(plan.memory_mib, plan.vcpus, plan.disk_gib, work.operation.with_user_data)
    return Inputs(need, policy.spread_accounts, candidates, away)


async def inventory(tools: Tools, sight: Sight) -> list[dict[str, Any]]:
    """Each node with what of it may be promised, promised or not, and where it has its images from."""
    rows = await tools.store.pool.fetch(SQL.owned_vmids, sight.cluster.name)
    foreign = _foreign_memory(sight.guests, frozenset(row["vmid"] for row in rows))
    images = {key: _images(sight, key) for key in sight.cluster.templates}
    nodes = [_candidate(sight, node, None, {}, {}, foreign, set(), {}) for node in sight.nodes]
    return [
        {
            "node": one.node,
            "online": one.online,
            "memory_mib": one.memory.limit,
            "vcpus": one.vcpus and one.vcpus.limit,
            "disk_gib": one.disk and one.disk.limit,
            "disk_free_gib": one.disk_free_gib,
            "disk_resource": one.disk_resource,
            "images": {key: there[one.node] for key, there in images.items() if one.node in there},
        }
        for one in nodes
    ]


async def _candidates(work: Work, sight: Sight) -> list[Candidate]:
    pool, name = work.tools.store.pool, sight.cluster.name
    owned = frozenset(row["vmid"] for row in await pool.fetch(SQL.owned_vmids, name))
    memory = {row["node"]: row["promised_mib"] for row in await pool.fetch(SQL.promises, name)}
    capacity = {row["resource"]: row["promised"] for row in await pool.fetch(SQL.capacity, name)}
    maintained = {row["node"] for row in await pool.fetch(SQL.maintained, name)}
    siblings = await _siblings(pool, work.state.account_id)
    images = _images(sight, work.state.image.template)
    foreign = _foreign_memory(sight.guests, owned)
    return [
        _candidate(sight, node, images.get(node.name), memory, capacity, foreign, maintained, siblings)
        for node in sorted(sight.nodes, key=lambda node: node.name)
    ]


def _candidate(
    sight: Sight,
    node: Node,
    image: tuple[str, int] | None,
    memory: Mapping[str, int],
    capacity: Mapping[str, int],
    foreign: Mapping[str, int],
    maintained: set[str],
    siblings: Mapping[str, int],
) -> Candidate:
    cluster, storage = sight.cluster, sight.storages.get(node.name)
    cpus = cpu_resource(cluster, node.name)
    disks = disk_resource(cluster, node.name, storage) if storage else None
    reserve = int(storage.total_bytes * cluster.storage_reserve) if storage else 0
    sized = storage is not None and storage.total_bytes > 0
    return Candidate(
        cluster=cluster.name,
        node=node.name,
        online=node.online,
        maintenance=bool(maintained & {"", node.name, image[0] if image else node.name}),
        image_node=image[0] if image else None,
        image_vmid=image[1] if image else None,
        memory=Share(
            int(node.memory_mib * cluster.memory_overcommit) - foreign.get(node.name, 0), memory.get(node.name, 0)
        ),
        vcpus=Share(int(node.cpus * cluster.cpu_overcommit), capacity.get(cpus, 0)) if node.cpus else None,
        disk=Share(
            int((storage.total_bytes - reserve) * cluster.storage_overcommit) // GIB, capacity.get(disks or "", 0)
        )
        if storage and sized
        else None,
        disk_free_gib=(storage.free_bytes - reserve) // GIB if storage and sized else None,
        disk_resource=disks,
        siblings=siblings.get(cpus, 0),
        user_data=cluster.snippets is not None,
    )


def cpu_resource(cluster: Cluster, node: str) -> str:
    """Under what cores are promised."""
    return f"cpu/{cluster.name}/{node}"


def disk_resource(cluster: Cluster, node: str, storage: StorageRow) -> str:
    """Under what a disk is promised: a shared storage is one for all nodes."""
    return f"disk/{cluster.name}/{storage.name}" + ("" if storage.shared else f"/{node}")


def _images(sight: Sight, key: str) -> dict[str, tuple[str, int]]:
    """Per node: where its image is copied from, and under which VMID. From another node only by a shared storage."""
    configured = sight.cluster.templates.get(key, {})
    vmids = sight.cluster.template_vmids(key)
    at = {row.vmid: row.node for row in sight.guests if row.vmid in vmids}
    online = {node.name for node in sight.nodes if node.online}
    images: dict[str, tuple[str, int]] = {}
    for node in sight.nodes:
        own = configured.get(node.name) if isinstance(configured, dict) else configured
        here = [own] if own in at and at[own] == node.name else []
        shared = node.name in sight.storages and sight.storages[node.name].shared
        others = sorted(vmid for vmid in at if at[vmid] in online) if shared else []
        if found := [*here, *others]:
            images[node.name] = (at[found[0]], found[0])
    return images


def _foreign_memory(guests: Iterable[GuestRow], owned: frozenset[int]) -> dict[str, int]:
    """Memory of running guests that Hostler did not promise: it counts as gone."""
    foreign: dict[str, int] = {}
    for guest in guests:
        if guest.vmid not in owned and not guest.template and guest.status != "stopped":
            foreign[guest.node] = foreign.get(guest.node, 0) + guest.memory_mib
    return foreign


async def _siblings(pool: Database, account_id: UUID) -> dict[str, int]:
    return {row["resource"]: row["servers"] for row in await pool.fetch(SQL.siblings, account_id)}


async def claimed_by_others(work: Work, sight: Sight) -> dict[str, str]:
    """Addresses that a guest which is not ours claims, by its configuration or its agent, and whose. Agents that do
    not answer soon are not waited for.
    """
    rows = await work.tools.store.pool.fetch(SQL.ours, sight.cluster.name)
    ours = {row["vmid"] for row in rows}
    others = [row for row in sight.guests if row.vmid not in ours and row.kind == "qemu" and not row.template]
    stale = [row for row in others if not _fresh(work, sight, row)]
    # Those in our range have addresses of ours: they were made after the backup that the database was restored from.
    own = range(sight.cluster.vmid_first, sight.cluster.vmid_last + 1)
    asked = [row for row in stale if row.vmid in own] + [row for row in stale if row.vmid not in own][:MOST_CONFIGS]
    gate = asyncio.Semaphore(CONFIGS_AT_ONCE)
    configs = await asyncio.gather(*(_ask(work, sight, row, gate) for row in asked))
    pairs = zip(asked, configs, strict=True)
    await _ask_agents(work, sight, [row for row, config in pairs if config is not None and _talks(row, config)])
    seen = work.tools.seen.claimed
    return {
        address: f"VMID {row.vmid}"
        for row in others
        for address in seen.get((sight.cluster.name, row.vmid), (0.0, frozenset()))[1]
    }


def _fresh(work: Work, sight: Sight, row: GuestRow) -> bool:
    known = work.tools.seen.claimed.get((sight.cluster.name, row.vmid))
    return known is not None and _now() - known[0] < CONFIG_SECONDS


async def _ask(work: Work, sight: Sight, row: GuestRow, gate: asyncio.Semaphore) -> GuestConfig | None:
    """Its configuration, None when that cannot be read."""
    try:
        async with gate:
            config = await work.tools.clusters[sight.cluster.name].config(row.node, row.vmid)
    except HypervisorError:
        return None
    work.tools.seen.claimed[sight.cluster.name, row.vmid] = (_now(), addresses_of(config))
    return config


def _talks(row: GuestRow, config: GuestConfig) -> bool:
    return row.status == "running" and config.agent_enabled


async def _ask_agents(work: Work, sight: Sight, rows: Iterable[GuestRow]) -> None:
    """What runs in the guests may use other addresses than they are configured with."""
    gate = asyncio.Semaphore(CONFIGS_AT_ONCE)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(AGENTS_SECONDS):
            await asyncio.gather(*(_ask_agent(work, sight, row, gate) for row in rows))


async def _ask_agent(work: Work, sight: Sight, row: GuestRow, gate: asyncio.Semaphore) -> None:
    with contextlib.suppress(HypervisorError):
        async with gate:
            told = await work.tools.clusters[sight.cluster.name].addresses(row.node, row.vmid)
        seen = work.tools.seen.claimed
        at, configured = seen[sight.cluster.name, row.vmid]
        seen[sight.cluster.name, row.vmid] = (at, configured | {address.address for address in told})


def addresses_of(config: GuestConfig) -> frozenset[str]:
    """The addresses that a guest's configuration gives it."""
    texts = [text for ip in config.ipconfig.values() for text in (ip.address, ip.address6) if text and "/" in text]
    return frozenset(str(ip_interface(text).ip) for text in texts)


def _now() -> float:
    return asyncio.get_running_loop().time()

"""What a server takes where its guest is: found with a guest that was adopted, and taken along when it moves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from uuid import UUID

from domain.server import events as e
from eventstore.database import Connection
from eventstore.store import Claims
from hypervisor.port import GuestConfig
from orchestrator.surroundings import cpu_resource, disk_resource, storage_of
from orchestrator.work import SQL, Tools, Work

NODES_SECONDS = 60.0


async def follow(work: Work, node: str) -> None:
    """Record that the guest is on another node, and move what it was promised there.

    Raises:
        HypervisorError: the node could not be looked at.
        Conflict: something else happened to the server meanwhile.
    """
    await work.record(e.GuestMoved(node=node), claims=await moved(work, node))


async def moved(work: Work, node: str) -> Claims:
    """What is written with `GuestMoved`."""
    limit = await _memory_limit(work.tools, work.state.cluster or "", node)
    return partial(_move, work, node, limit)


async def _move(work: Work, node: str, limit: int, connection: Connection) -> None:
    await connection.execute(SQL.move_memory, work.state.id, node, limit)
    await connection.execute(SQL.move_capacity, work.state.id, node)


async def promise_exactly(server: UUID, size: Mapping[str, int], connection: Connection) -> None:
    """From now on a server is promised exactly its size, where it is promised any: it fits, or its guest has it."""
    await connection.execute(SQL.promise_exactly, server, size["memory_mib"], size["vcpus"], size["disk_gib"])


async def found(
    tools: Tools, cluster: str, config: GuestConfig, disk: str | None, actual: dict[str, int]
) -> dict[str, int]:
    """The cores and GiB of a guest that was there already, by the names they are counted under; `disk`: its drive."""
    known = tools.config.known_cluster(cluster)
    if known is None:
        return {}
    promises = {cpu_resource(known, config.node): actual["vcpus"]}
    if disk is not None and config.volumes[disk].partition(":")[0] == known.storage and actual["disk_gib"] > 0:
        storage = await storage_of(tools.clusters[cluster], known, config.node, tools.seen)
        promises |= {disk_resource(known, config.node, storage): actual["disk_gib"]} if storage else {}
    return promises


async def promise_found(work: Work, adopted: e.ServerAdopted) -> Claims:
    """What is written with `ServerAdopted`: promises that keep no limit, since the guest is there."""
    limit = await _memory_limit(work.tools, adopted.cluster, adopted.node)
    return partial(_promise_found, work, adopted, limit)


async def _promise_found(work: Work, adopted: e.ServerAdopted, limit: int, connection: Connection) -> None:
    if not adopted.promises:
        return
    server, memory = work.state.id, adopted.actual["memory_mib"]
    await connection.execute(SQL.promise_found_memory, adopted.cluster, adopted.node, limit, memory, server)
    for resource, amount in adopted.promises.items():
        await connection.execute(SQL.promise_found_capacity, server, work.state.account_id, resource, amount)


async def _memory_limit(tools: Tools, cluster: str, node: str) -> int:
    """How much of a node's memory may be promised; 0 when there is no such node."""
    now, known = asyncio.get_running_loop().time(), tools.seen.nodes.get(cluster)
    if known is None or now - known[0] > NODES_SECONDS:
        known = tools.seen.nodes[cluster] = (now, await tools.clusters[cluster].nodes())
    settings = tools.config.known_cluster(cluster)
    overcommit = settings.memory_overcommit if settings is not None else 1.0
    return next((int(one.memory_mib * overcommit) for one in known[1] if one.name == node), 0)

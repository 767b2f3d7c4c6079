"""Look at everything the programs need, and say in one line each what is right and what is not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from eventstore.database import DatabaseUnavailable, NotMigrated, check_migrated, connect
from hypervisor.clusters import open_cluster
from hypervisor.errors import HypervisorError
from hypervisor.port import GuestRow, Node
from runtime.sealing import load_seal
from runtime.settings import Cluster, Config, Settings, SettingsError
from service.identity import signing_keys


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, and what is wrong with it, if anything is."""

    name: str
    wrong: str | None = None
    detail: str = ""


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Every finding, as it is made."""
    yield await _database(settings)
    config = None
    try:
        config = settings.config
        yield Finding("settings")
    except SettingsError as error:
        yield Finding("settings", str(error))
    if config is not None:
        yield await _keys(settings.database_url, config)
        for cluster in config.cluster:
            yield await _cluster(cluster)


async def _database(settings: Settings) -> Finding:
    try:
        connection = await connect(settings.database_url)
        try:
            await check_migrated(connection)
        finally:
            await connection.close()
    except (SettingsError, DatabaseUnavailable, NotMigrated) as error:
        return Finding("database", str(error))
    return Finding("database", detail="reachable and migrated")


async def _keys(database_url: str, config: Config) -> Finding:
    try:
        seal = load_seal(config.auth.secret_key_file)
        if config.auth.signing_key_file is not None:
            signing_keys.private_key(config.auth.signing_key_file)
        connection = await connect(database_url)
        try:
            await check_migrated(connection)
            await signing_keys.opened(connection, seal)
        finally:
            await connection.close()
    except (SettingsError, DatabaseUnavailable, NotMigrated) as error:
        return Finding("keys", str(error))
    return Finding("keys")


async def _cluster(cluster: Cluster) -> Finding:
    name = f"cluster {cluster.name}"
    try:
        hypervisor = open_cluster(cluster)
        try:
            nodes, guests = await hypervisor.nodes(), await hypervisor.guests()
        finally:
            await hypervisor.close()
    except (SettingsError, HypervisorError, ValueError) as error:
        return Finding(name, str(error))
    return Finding(name, _wrong(cluster, nodes, guests), f"{len(nodes)} node(s) online")


def _wrong(cluster: Cluster, nodes: Sequence[Node], guests: Sequence[GuestRow]) -> str | None:
    offline = [node.name for node in nodes if not node.online]
    there = {guest.vmid for guest in guests if guest.template}
    missing = [
        f"{key} (VMID {vmid})" for key in cluster.templates for vmid in sorted(cluster.template_vmids(key) - there)
    ]
    wrong = [f"offline: {', '.join(offline)}"] if offline else []
    wrong += [f"no such template: {', '.join(missing)}"] if missing else []
    return "; ".join(wrong) or None

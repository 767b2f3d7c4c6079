"""The clusters of the settings, by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hypervisor.port import Hypervisor
from hypervisor.proxmox import ClusterSettings, connect
from runtime.settings import Cluster

Clusters = Mapping[str, Hypervisor]


def open_cluster(cluster: Cluster) -> Hypervisor:
    """The hypervisor of a configured cluster; nothing is asked of it yet.

    Raises:
        SettingsError: the token's secret cannot be read.
    """
    settings = ClusterSettings(
        name=cluster.name,
        endpoints=tuple(cluster.endpoints),
        token_id=cluster.token_id,
        token_secret=cluster.token_secret(),
        verify=trust_of(cluster),
        fingerprint=cluster.fingerprint,
    )
    return connect(settings)


def trust_of(cluster: Cluster) -> bool | str:
    """By whom a cluster's certificates are signed, as `requests` names it."""
    known: dict[str, bool] = {"system": True, "none": False}
    return known.get(str(cluster.verify), str(cluster.verify))


def open_clusters(clusters: Iterable[Cluster]) -> dict[str, Hypervisor]:
    """A hypervisor per configured cluster, by name.

    Raises:
        SettingsError: a token's secret cannot be read.
    """
    return {cluster.name: open_cluster(cluster) for cluster in clusters}

"""The clusters of the settings, by name."""

from __future__ import annotations

from collections.abc import Mapping

from hypervisor.port import Hypervisor
from hypervisor.proxmox import ClusterSettings, connect
from runtime.settings import Cluster

Clusters = Mapping[str, Hypervisor]


def open_clusters(clusters: list[Cluster]) -> dict[str, Hypervisor]:
    """A hypervisor per configured cluster; nothing is asked of them yet.

    Raises:
        SettingsError: a token's secret cannot be read.
    """
    return {cluster.name: connect(_settings(cluster)) for cluster in clusters}


def _settings(cluster: Cluster) -> ClusterSettings:
    trust: bool | str = {"system": True, "none": False}.get(str(cluster.verify), str(cluster.verify))
    return ClusterSettings(
        name=cluster.name,
        endpoints=tuple(cluster.endpoints),
        token_id=cluster.token_id,
        token_secret=cluster.token_secret(),
        verify=trust,
        fingerprint=cluster.fingerprint,
    )

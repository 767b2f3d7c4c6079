"""A guest on another node than its image, on a shared storage: taken there, given a new disk, brought home."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench import storm_disks
from tests.hypervisor.clusters import VMIDS, Cluster, proxmox_cluster, running_testbed

pytestmark = pytest.mark.pve


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A cluster of two nodes."""
    with running_testbed(tmp_path / "pve", "--nodes", "2") as told:
        yield told


@pytest.fixture
async def cluster(nodes: dict[str, Any]) -> AsyncIterator[Cluster]:
    """Its storage is on both nodes, the template on the first."""
    await storm_disks.shared(nodes)
    found = replace(proxmox_cluster(nodes), template=storm_disks.SHARED, storage="nfs")
    yield found
    await found.hypervisor.close()


async def test_a_guest_is_taken_to_its_image_and_brought_home(cluster: Cluster) -> None:
    """The image is written on its own node alone; the guest stays the same guest with the same disks."""
    proxmox, vmid = cluster.hypervisor, next(VMIDS)
    names = {"name": "web-1", "description": "ours"}
    await _done(cluster, await proxmox.clone("pve1", cluster.template, vmid, **names, full=False, target="pve2"))
    before = await proxmox.config("pve2", vmid)
    assert await proxmox.ties("pve2", vmid) == []
    source = (await proxmox.config("pve1", cluster.template)).volumes["scsi0"]
    refused = await cluster.done(await proxmox.reimage("pve2", vmid, disk="scsi0", source=source, storage="nfs"))
    assert refused.cause == "refused", refused.text
    await _done(cluster, await proxmox.migrate("pve2", vmid, "pve1"))
    there = await proxmox.config("pve1", vmid)
    assert (there.smbios_uuid, there.macs, there.volumes) == (before.smbios_uuid, before.macs, before.volumes)
    await _done(cluster, await proxmox.reimage("pve1", vmid, disk="scsi0", source=source, storage="nfs"))
    await proxmox.drop_unused("pve1", vmid, frozenset(before.volumes.values()))
    await _done(cluster, await proxmox.migrate("pve1", vmid, "pve2"))
    after = await proxmox.config("pve2", vmid)
    assert (after.smbios_uuid, after.unused) == (before.smbios_uuid, {})
    assert after.volumes != before.volumes


async def _done(cluster: Cluster, upid: str) -> None:
    task = await cluster.done(upid)
    assert task.state == "succeeded", task.text

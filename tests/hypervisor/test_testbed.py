"""The adapter against Proxmox behaving badly: what the shared suite cannot ask of the fake as well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from hypervisor.errors import Ambiguous, Denied, Unreachable
from hypervisor.proxmox import connect
from tests.hypervisor.clusters import VMIDS, Cluster, proxmox_cluster, settings_of, until

pytestmark = pytest.mark.pve


@pytest.fixture
async def cluster(testbed: dict[str, Any]) -> AsyncIterator[Cluster]:
    found = proxmox_cluster(testbed)
    yield found
    await found.hypervisor.close()


@pytest.fixture
async def control(testbed: dict[str, Any]) -> AsyncIterator[httpx.AsyncClient]:
    """The testbed's levers; faults are gone afterwards."""
    async with httpx.AsyncClient(base_url=testbed["control_url"]) as client:
        yield client
        (await client.delete("/faults")).raise_for_status()
        (await client.post("/node", json={"state": "up"})).raise_for_status()


async def fault(control: httpx.AsyncClient, kind: str, path: str, method: str = "POST", **more: Any) -> None:
    match = {"method": method, "path_regex": path}
    (await control.post("/faults", json={"match": match, "kind": kind, "times": 1} | more)).raise_for_status()


async def clone(cluster: Cluster, vmid: int) -> str:
    return await cluster.hypervisor.clone("pve1", 9000, vmid, name="web-1", description="ours", full=False)


async def test_a_clone_whose_answer_is_lost_is_ambiguous_and_happens(
    cluster: Cluster, control: httpx.AsyncClient
) -> None:
    vmid = next(VMIDS)
    await fault(control, "drop_after_effect", "/clone$")
    with pytest.raises(Ambiguous):
        await clone(cluster, vmid)
    await until(lambda: cluster.hypervisor.vmid_taken(vmid), bool)
    await until(
        lambda: cluster.hypervisor.config("pve1", vmid), lambda config: (config.lock, config.name) == (None, "web-1")
    )


async def test_a_clone_that_never_arrived_is_ambiguous_too(cluster: Cluster, control: httpx.AsyncClient) -> None:
    vmid = next(VMIDS)
    await fault(control, "drop_before", "/clone$")
    with pytest.raises(Ambiguous):
        await clone(cluster, vmid)
    assert not await cluster.hypervisor.vmid_taken(vmid)


async def test_a_proxy_that_stops_waiting_is_ambiguous(cluster: Cluster, control: httpx.AsyncClient) -> None:
    vmid = next(VMIDS)
    await fault(control, "596", "/clone$")
    with pytest.raises(Ambiguous):
        await clone(cluster, vmid)


async def test_a_node_that_is_down_is_unreachable_until_it_is_back(
    cluster: Cluster, control: httpx.AsyncClient
) -> None:
    await control.post("/node", json={"state": "down"})
    for call in (cluster.hypervisor.config("pve1", 9000), cluster.hypervisor.start("pve1", 9000)):
        with pytest.raises(Unreachable):
            await call
    await control.post("/node", json={"state": "up"})
    assert (await cluster.hypervisor.config("pve1", 9000)).template


async def test_a_wrong_secret_is_denied(testbed: dict[str, Any]) -> None:
    hypervisor = connect(settings_of(testbed, token_secret="00000000-0000-0000-0000-000000000000"))
    with pytest.raises(Denied):
        await hypervisor.version()
    await hypervisor.close()


async def test_many_callers_share_one_hypervisor(cluster: Cluster) -> None:
    vmids = [next(VMIDS) for _ in range(12)]
    tasks = [await cluster.done(upid) for upid in await asyncio.gather(*(clone(cluster, vmid) for vmid in vmids))]
    assert [task.state for task in tasks] == ["succeeded"] * 12
    configs = await asyncio.gather(*(cluster.hypervisor.config("pve1", vmid) for vmid in vmids))
    assert len({config.smbios_uuid for config in configs}) == len({config.macs["net0"] for config in configs}) == 12
    assert [config.vmid for config in configs] == vmids


async def test_the_second_endpoint_serves_when_the_first_is_gone(testbed: dict[str, Any]) -> None:
    settings = settings_of(testbed)
    hypervisor = connect(replace(settings, endpoints=("https://127.0.0.1:1", *settings.endpoints)))
    assert (await hypervisor.version()).startswith("8.")
    await hypervisor.close()

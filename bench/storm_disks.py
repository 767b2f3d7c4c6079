"""Where the servers of a storm have their disks: each node has its own, or all share one storage; and where the files
of user data lie.

All change what the programs are told in their settings: `{what stands there: what shall stand there}`.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx

OWN = 'templates = { "debian-12" = 9000, "ubuntu-24.04" = 9001 }'
FIRST, SHARED = 9100, 9200
DISK = {"name": "debian-12", "cores": 1, "memory": 1024, "disk_gib": 2, "template": True}


async def apart(pve: dict[str, Any], nodes: int) -> dict[str, str]:
    """Every node gets a template on its own storage."""
    if nodes == 1:
        return {}
    vmids = {"pve1": 9000} | {f"pve{n}": FIRST + n for n in range(2, nodes + 1)}
    async with httpx.AsyncClient(base_url=pve["control_url"]) as control:
        for node, vmid in vmids.items():
            if vmid >= FIRST:
                (await control.put(f"/vms/{vmid}", json=DISK | {"node": node})).raise_for_status()
    there = ", ".join(f"{node} = {vmid}" for node, vmid in vmids.items())
    return {OWN: f'templates = {{ "debian-12" = {{ {there} }}, "ubuntu-24.04" = 9001 }}'}


async def snippets(pve: dict[str, Any], folder: Path) -> dict[str, str]:
    """A storage for snippets that all nodes have; they lie in the folder."""
    named = 'snippets = {{ storage = "{storage}", folder = "{path}" }}'
    nfs = {"storage": "snippets", "type": "nfs", "server": "10.99.0.5", "export": "/snippets", "content": "snippets"}
    async with _client(pve) as client:
        (await client.post(f"{pve['url']}/api2/json/storage", data=nfs)).raise_for_status()
    return {named.format(**pve["snippets"]): named.format(storage="snippets", path=folder)}


def _client(pve: dict[str, Any]) -> httpx.AsyncClient:
    token = f"PVEAPIToken={pve['token_id']}={pve['token_secret']}"
    return httpx.AsyncClient(verify=False, headers={"Authorization": token})


async def shared(pve: dict[str, Any]) -> dict[str, str]:
    """A storage that all nodes have, the template on it and on the first of them."""
    async with _client(pve) as client:
        api = f"{pve['url']}/api2/json"
        nfs = {"storage": "nfs", "type": "nfs", "server": "10.99.0.5", "export": "/export", "content": "images,backup"}
        (await client.post(f"{api}/storage", data=nfs)).raise_for_status()
        copy = {"newid": SHARED, "name": "debian-12", "full": 1, "storage": "nfs"}
        await _done(client, api, f"{api}/nodes/pve1/qemu/9000/clone", copy)
        await _done(client, api, f"{api}/nodes/pve1/qemu/{SHARED}/template", {})
    return {
        OWN: f'templates = {{ "debian-12" = {SHARED}, "ubuntu-24.04" = 9001 }}',
        'storage = "local"': 'storage = "nfs"',
    }


async def _done(client: httpx.AsyncClient, api: str, url: str, data: dict[str, Any]) -> None:
    upid = (await client.post(url, data=data)).raise_for_status().json()["data"]
    task = f"{api}/nodes/pve1/tasks/{upid}/status"
    async with asyncio.timeout(60):
        while (told := (await client.get(task)).json()["data"])["status"] == "running":  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    assert told["exitstatus"] == "OK", told

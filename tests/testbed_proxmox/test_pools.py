"""Pools: what they hold, and what they let their users do."""

import asyncio
from typing import Any

import pytest

from tests.testbed_proxmox.bed import Bed

pytestmark = pytest.mark.pve
SOURCE = "/nodes/pve1/qemu/9000"


async def refused(bed: Bed, method: str, path: str, headers: dict[str, str] | None = None, /, **params: Any) -> str:
    """The status and text of a call that fails."""
    answer = await bed.call(method, path, params, headers)
    assert answer.status_code >= 400, answer.text
    return f"{answer.status_code} {answer.json()['message'].rstrip()}"


@pytest.fixture
async def op(bed: Bed) -> dict[str, str]:
    """The headers of a token that may clone the template into the pool `p`, and nothing else."""
    await bed.post("/pools", poolid="p", comment="of op")
    await bed.post("/access/users", userid="op@pve")
    token = await bed.post("/access/users/op@pve/token/t1", privsep=0)
    grants = {
        "/pool/p": "PVEVMAdmin,PVEPoolUser",
        SOURCE.replace("/nodes/pve1/qemu", "/vms"): "PVETemplateUser",
        "/storage/local": "PVEDatastoreUser",
        "/sdn/zones/localnetwork": "PVESDNUser",
    }
    for path, roles in grants.items():
        await bed.put("/access/acl", path=path, users="op@pve", roles=roles)
    return {"Authorization": f"PVEAPIToken=op@pve!t1={token['value']}"}


async def test_the_members_of_a_pool(bed: Bed) -> None:
    await bed.post("/pools", poolid="p")
    await bed.put("/pools", poolid="p", vms="9000,9001", storage="local", comment="c")
    pool = await bed.get("/pools/p")
    assert (pool["poolid"], pool["comment"]) == ("p", "c")
    assert [member["id"] for member in pool["members"]] == ["qemu/9000", "qemu/9001", "storage/pve1/local"]
    (storages,) = await bed.get("/pools", poolid="p", type="storage")
    assert [member["type"] for member in storages["members"]] == ["storage"]
    rows = {row["id"]: row for row in await bed.get("/cluster/resources")}
    assert (rows["qemu/9000"]["pool"], rows["/pool/p"]["type"]) == ("p", "pool")
    assert await bed.get("/pools") == [{"poolid": "p", "comment": "c"}]


async def test_a_vm_is_in_one_pool_and_moves_only_if_asked(bed: Bed) -> None:
    for name in ("p", "q"):
        await bed.post("/pools", poolid=name)
    await bed.put("/pools/p", vms="9000")
    assert await refused(bed, "PUT", "/pools", poolid="q", vms="9001,9000") == (
        "500 update pools failed: VM 9000 belongs already to pool 'p' and 'allow-move' is not set"
    )
    assert (await bed.get("/pools/q"))["members"] == [], "all or nothing"
    await bed.put("/pools", poolid="q", vms="9000", **{"allow-move": 1})
    assert [len((await bed.get(f"/pools/{name}"))["members"]) for name in ("p", "q")] == [0, 1]
    assert await refused(bed, "PUT", "/pools", poolid="p", vms="9000", delete=1) == (
        "500 update pools failed: VM 9000 is not a pool member"
    )


async def test_only_an_empty_pool_can_be_deleted(bed: Bed) -> None:
    await bed.post("/pools", poolid="p")
    await bed.post("/pools", poolid="p/inner")
    assert await refused(bed, "DELETE", "/pools", poolid="p") == (
        "500 delete pool failed: pool 'p' is not empty (contains pool 'p/inner')"
    )
    await bed.delete("/pools", poolid="p/inner")
    await bed.put("/pools", poolid="p", storage="local")
    assert await refused(bed, "DELETE", "/pools/p") == (
        "500 delete pool failed: pool 'p' is not empty (contains storage 'local')"
    )
    await bed.put("/access/acl", path="/pool/p", tokens="root@pam!hostler", roles="PVEPoolUser")
    await bed.put("/pools", poolid="p", storage="local", delete=1)
    await bed.delete("/pools/p")
    assert await bed.get("/access/acl") == []


async def test_pools_that_cannot_be(bed: Bed) -> None:
    create = ("POST", "/pools")
    assert await refused(bed, *create, poolid="p/q") == (
        "500 create pool failed: parent 'p' of pool 'p/q' does not exist"
    )
    errors = (await bed.call(*create, {"poolid": "a/b/c/d"})).json()["errors"]
    assert errors == {"poolid": "invalid format - pool name 'a/b/c/d' nested too deeply (max levels = 3)\n"}
    assert await refused(bed, "GET", "/pools", poolid="nope") == "500 pool 'nope' does not exist"
    assert await refused(bed, "POST", f"{SOURCE}/clone", newid=200, pool="nope") == (
        "403 Permission check failed (pool 'nope' does not exist)"
    )


async def test_a_clone_is_in_its_pool_last_and_out_of_reach_until_then(bed: Bed, op: dict[str, str]) -> None:
    bed.node.knobs.full_clone_seconds = 0.5
    copy = {"newid": 200, "pool": "p", "full": 1}
    upid = (await bed.call("POST", f"{SOURCE}/clone", copy, op)).json()["data"]
    await bed.until(lambda: 200 in bed.node.vms)
    assert await refused(bed, "GET", "/nodes/pve1/qemu/200/config", op) == (
        "403 Permission check failed (/vms/200, VM.Audit)"
    )
    assert await bed.finished(upid) == "OK"
    assert (await bed.call("GET", "/nodes/pve1/qemu/200/config", headers=op)).status_code == 200
    rows = (await bed.call("GET", "/cluster/resources", {"type": "vm"}, op)).json()["data"]
    assert {row["vmid"]: row.get("pool") for row in rows} == {200: "p", 9000: None}


async def test_without_the_pool_there_is_no_right_to_the_id(bed: Bed, op: dict[str, str]) -> None:
    assert await refused(bed, "POST", f"{SOURCE}/clone", op, newid=200) == "403 Permission check failed"
    create = ("POST", "/nodes/pve1/qemu", op)
    assert await refused(bed, *create, vmid=200) == "403 Permission check failed"
    disk = {"scsi0": "local:1", "net0": "virtio,bridge=vmbr0", "cores": 2}
    upid = (await bed.call("POST", "/nodes/pve1/qemu", {"vmid": 200, "pool": "p", **disk}, op)).json()["data"]
    assert await bed.finished(upid) == "OK"
    assert bed.node.access.pools.of_vm(200) == "p"


async def test_a_destroyed_vm_leaves_its_pool(bed: Bed, op: dict[str, str]) -> None:
    await bed.cloned(200, pool="p")
    await bed.put("/access/acl", path="/vms/200", users="op@pve", roles="PVEVMUser")
    assert await bed.run("DELETE", "/nodes/pve1/qemu/200") == "OK"
    assert bed.node.access.pools.of_vm(200) is None
    assert "/vms/200" not in {entry["path"] for entry in await bed.get("/access/acl")}


async def test_who_may_add_to_a_pool(bed: Bed, op: dict[str, str]) -> None:
    add = ("PUT", "/pools", op)
    assert await refused(bed, *add, poolid="p", vms="9000") == "403 Permission check failed (/pool/p, Pool.Allocate)"
    await bed.put("/access/acl", path="/pool/p", users="op@pve", roles="PVEPoolAdmin")
    assert await refused(bed, *add, poolid="p", vms="9000") == (
        "500 update pools failed: 403 Permission check failed (/vms/9000, Permissions.Modify|VM.Allocate)"
    )
    seen = (await bed.call("GET", "/pools", headers=op)).json()["data"]
    assert seen == [{"poolid": "p", "comment": "of op"}]


async def test_simultaneous_clones_all_get_into_the_pool(bed: Bed, op: dict[str, str]) -> None:
    numbers = range(200, 204)
    asked = [bed.call("POST", f"{SOURCE}/clone", {"newid": vmid, "pool": "p"}, op) for vmid in numbers]
    upids = [answer.json()["data"] for answer in await asyncio.gather(*asked)]
    assert {await bed.finished(upid) for upid in upids} == {"OK"}
    assert [bed.node.access.pools.of_vm(vmid) for vmid in numbers] == ["p"] * 4

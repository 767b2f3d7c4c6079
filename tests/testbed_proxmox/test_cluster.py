"""Several nodes with one configuration."""

import json
import sqlite3
from pathlib import Path

import pytest

from tests.testbed_proxmox.bed import Bed, bed_in

pytestmark = pytest.mark.pve


async def through(bed: Bed, name: str, path: str) -> tuple[int, str]:
    """Status and reason of a GET that another node is asked for."""
    response = await bed.client.get(f"{bed.running.urls[name]}/api2/json{path}", headers=bed.headers)
    return response.status_code, response.reason_phrase


async def test_a_single_node_is_no_cluster(bare: Bed) -> None:
    assert [row["type"] for row in await bare.get("/cluster/status")] == ["node"]
    password = bare.running.password
    form = {"username": "root@pam", "password": password}
    assert "clustername" not in (await bare.call("POST", "/access/ticket", form, headers={})).json()["data"]


async def test_every_node_answers_for_every_node(three: Bed) -> None:
    for name in three.running.urls:
        assert await through(three, name, "/nodes/pve1/qemu/9000/config") == (200, "OK")
    assert await through(three, "pve2", "/nodes/localhost/qemu/9000/config") == (
        500,
        "Configuration file 'nodes/pve2/qemu-server/9000.conf' does not exist",
    )
    status = await three.get("/cluster/status")
    assert status[0] == {"id": "cluster", "type": "cluster", "name": "testbed", "nodes": 3, "quorate": 1, "version": 3}
    assert [(row["name"], row["local"], row["nodeid"]) for row in status[1:]] == [
        ("pve1", 1, 1),
        ("pve2", 0, 2),
        ("pve3", 0, 3),
    ]


async def test_a_node_that_is_off_is_not_reached(three: Bed) -> None:
    await three.control.post("/testbed/nodes/pve2", json={"state": "down"})
    response = await three.call("GET", "/nodes/pve2/status")
    assert (response.status_code, response.reason_phrase, response.content) == (595, "No route to host", b"")
    rows = {row["node"]: row for row in await three.get("/nodes")}
    assert (rows["pve2"]["status"], "maxcpu" in rows["pve2"]) == ("offline", False)
    await three.control.post("/testbed/nodes/pve2", json={"state": "up"})
    assert await through(three, "pve2", "/nodes/pve2/status") == (200, "OK")


async def test_a_node_without_its_daemon_refuses_what_that_serves(three: Bed) -> None:
    await three.control.post("/testbed/nodes/pve2", json={"state": "daemon_down"})
    response = await three.call("GET", "/nodes/pve2/qemu")
    assert (response.status_code, response.reason_phrase) == (595, "Connection refused")
    assert (await three.call("GET", "/nodes/pve2/version")).status_code == 200


async def test_an_id_belongs_to_one_vm_of_the_cluster(three: Bed) -> None:
    upid = await three.post("/nodes/pve2/qemu", vmid=200, name="there")
    assert await three.finished(upid) == "OK"
    path = "/etc/pve/nodes/pve1/qemu-server/200.conf"
    outcome = await three.run("POST", "/nodes/pve1/qemu/9000/clone", newid=200)
    assert outcome == f"close (rename) atomic file '{path}' failed: File exists"
    response = await three.call("POST", "/nodes/pve1/qemu", {"vmid": 200})
    assert response.reason_phrase == "unable to create VM 200 - VM 200 already exists on node 'pve2'"
    rows = {row["vmid"]: row["node"] for row in await three.get("/cluster/resources", type="vm")}
    assert rows == {200: "pve2", 9000: "pve1", 9001: "pve1"}


async def test_tasks_belong_to_the_node_that_ran_them(three: Bed) -> None:
    upid = await three.post("/nodes/pve3/qemu", vmid=200)
    assert upid.startswith("UPID:pve3:")
    assert await three.finished(upid) == "OK"
    assert [task["node"] for task in await three.get("/nodes/pve3/tasks")] == ["pve3"]
    assert await three.get("/nodes/pve1/tasks") == []
    assert upid in {task["upid"] for task in await three.get("/cluster/tasks")}


async def test_a_clone_to_another_node_needs_shared_storage(three: Bed) -> None:
    clone = "/nodes/pve1/qemu/9000/clone"
    refused = await three.call("POST", clone, {"newid": 200, "target": "pve2"})
    assert refused.reason_phrase == "can't clone VM to node 'pve2' (VM uses local storage)"
    refused = await three.call("POST", clone, {"newid": 200, "target": "pve2", "storage": "local", "full": 1})
    assert refused.reason_phrase == "can't clone to non-shared storage 'local'"
    refused = await three.call("POST", clone, {"newid": 200, "target": "pve9"})
    assert refused.reason_phrase == "no such cluster node 'pve9'"
    assert await three.run("POST", clone, newid=200, storage="nfs", full=1) == "OK"
    config = await three.get("/nodes/pve1/qemu/200/config")
    assert config["scsi0"].startswith("nfs:200/vm-200-disk-0.qcow2")
    assert config["ide2"].startswith("nfs:200/vm-200-cloudinit.qcow2")
    assert await three.run("POST", "/nodes/pve1/qemu/200/clone", newid=201, target="pve2") == "OK"
    assert (await three.get("/nodes/pve2/qemu/201/config"))["scsi0"].startswith("nfs:201/vm-201-disk-0.qcow2")


async def test_a_state_of_one_node_from_before_opens(tmp_path: Path) -> None:
    async with bed_in(tmp_path) as bed:
        await bed.cloned(200)
        before = await bed.get("/nodes/pve1/qemu/200/config")
    with sqlite3.connect(tmp_path / "state.db") as db:
        for table, key in (("vm", "vmid"), ("volume", "name")):
            for name, text in db.execute(f"SELECT {key}, record FROM {table}").fetchall():
                record = {k: v for k, v in json.loads(text).items() if k not in ("node", "storage", "named_parent")}
                old = record["name"] if table == "volume" else name
                db.execute(f"UPDATE {table} SET {key} = ?, record = ? WHERE {key} = ?", (old, json.dumps(record), name))
    async with bed_in(tmp_path, nodes=2) as bed:
        assert await bed.get("/nodes/pve1/qemu/200/config") == before
        content = await bed.get("/nodes/pve1/storage/local/content", vmid=200)
        assert {row["volid"] for row in content} == {
            "local:9000/base-9000-disk-0.qcow2/200/vm-200-disk-0.qcow2",
            "local:200/vm-200-cloudinit.qcow2",
        }
        assert await bed.run("DELETE", "/nodes/pve1/qemu/200") == "OK"
        assert bed.cluster.volumes.of(200) == []


async def test_without_a_majority_nothing_is_written(three: Bed) -> None:
    await three.cloned(200)
    for name in ("pve2", "pve3"):
        await three.control.post(f"/testbed/nodes/{name}", json={"state": "down"})
    assert (await three.get("/cluster/status"))[0]["quorate"] == 0
    for path, params in [
        ("/nodes/pve1/qemu", {"vmid": 300}),
        ("/nodes/pve1/qemu/9000/clone", {"newid": 300}),
        ("/nodes/pve1/qemu/200/status/start", {}),
    ]:
        refused = await three.call("POST", path, params)
        assert (refused.status_code, refused.reason_phrase) == (500, "cluster not ready - no quorum?")
    refused = await three.call("PUT", "/nodes/pve1/qemu/200/config", {"description": "unwritten"})
    assert refused.status_code == 500
    assert refused.reason_phrase.endswith("Permission denied")
    assert (await three.get("/nodes/pve1/qemu/200/config"))["description"] == "debian-12 cloud image"
    await three.control.post("/testbed/nodes/pve2", json={"state": "up"})
    assert await three.put("/nodes/pve1/qemu/200/config", description="written") is None


async def test_ids_are_proposed_within_their_range(bed: Bed) -> None:
    await bed.put("/cluster/options", **{"next-id": "lower=200,upper=202"})
    assert await bed.get("/cluster/nextid") == "200"
    for vmid in (200, 201):
        assert await bed.run("POST", "/nodes/pve1/qemu", vmid=vmid) == "OK"
    full = await bed.call("GET", "/cluster/nextid")
    assert (full.status_code, full.reason_phrase) == (500, "unable to get any free VMID in range [200, 202]")
    assert await bed.get("/cluster/nextid", vmid=202) == "202"


async def test_release_9_says_first_which_id_a_clone_gets_and_puts_one_line_into_the_status(tmp_path: Path) -> None:
    async with bed_in(tmp_path, pve="9") as bed:
        upid = await bed.post("/nodes/pve1/qemu/9000/clone", newid=200)
        assert await bed.finished(upid) == "OK"
        assert (await bed.log(upid))[0] == "creating a clone of VM 9000 with ID 200"
        await bed.post("/access/users/root@pam/token/other")
        refused = await bed.call("PUT", "/access/users/root@pam/token/other", {"delete": "privsep"})
        assert refused.reason_phrase == "updating token info failed: 400 Parameter verification failed."
        assert refused.json()["message"].splitlines()[1:] == ["delete: unknown option 'privsep'"]

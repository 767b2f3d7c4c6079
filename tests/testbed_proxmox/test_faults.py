"""Faults on demand, one by one: what a client sees of each, and what has happened nonetheless."""

import asyncio
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from testbed.proxmox.storage.storage import Storage
from tests.testbed_proxmox.bed import NODE, TRUSTING, Bed, bed_in

pytestmark = pytest.mark.pve
CLONE = f"/nodes/{NODE}/qemu/9000/clone"


async def rule(bed: Bed, kind: str, match: dict[str, Any], **more: Any) -> None:
    answer = await bed.control.post("/faults", json={"match": match, "kind": kind, **more})
    assert answer.status_code == 200, answer.text


async def control(bed: Bed, method: str, path: str, **body: Any) -> Any:
    answer = await bed.control.request(method, f"/testbed{path}", json=body or None)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def raw(bed: Bed, path: str) -> bytes:
    """All bytes of an answer, until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(bed.running.url).port, ssl=TRUSTING)
    head = [f"GET /api2/json{path} HTTP/1.1", "Connection: close", f"Authorization: {bed.headers['Authorization']}"]
    writer.write("\r\n".join([*head, "", ""]).encode())
    received = bytearray()
    try:
        while some := await asyncio.wait_for(reader.read(4096), 5):
            received += some
    except ConnectionError:
        pass
    finally:
        writer.close()
    return bytes(received)


@pytest.mark.parametrize(("cut", "headers", "body"), [("status_line", 0, 0), ("head", 1, 0), ("body", 1, 1)])
async def test_an_answer_breaks_off(bed: Bed, cut: str, headers: int, body: int) -> None:
    whole = await raw(bed, "/version")
    await rule(bed, "drop_in_answer", {"path_regex": "/version"}, cut=cut)
    received = await raw(bed, "/version")
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    head, _, rest = received.partition(b"\r\n\r\n")
    assert (b"Content-Length" in head, 0 < len(rest) < len(whole) // 2) == (bool(headers), bool(body))
    assert len(received) < len(whole)


async def test_595_without_the_effect_and_with_it(bed: Bed) -> None:
    for newid, effect in ((200, False), (201, True)):
        await rule(bed, "595", {"class": "clone"}, after_effect=effect)
        answer = await bed.call("POST", CLONE, {"newid": newid})
        assert (answer.status_code, answer.reason_phrase, answer.content) == (595, "Connection refused", b"")
    await bed.until(lambda: 201 in bed.node.vms)
    assert 200 not in bed.node.vms


async def test_late_execution_may_answer_595_as_well(bed: Bed) -> None:
    await rule(bed, "late_execution", {"class": "clone"}, seconds=0.1, status=595)
    assert (await bed.call("POST", CLONE, {"newid": 200})).status_code == 595
    assert 200 not in bed.node.vms
    await bed.until(lambda: 200 in bed.node.vms)


async def test_latency_of_a_class_of_endpoints_goes_with_another_fault(bed: Bed) -> None:
    await rule(bed, "delay", {"class": "config"}, seconds=0.2, jitter=0.1, times=None)
    await rule(bed, "status", {"class": "config", "method": "PUT"}, status=500, reason="got timeout")
    loop = asyncio.get_running_loop()
    started = loop.time()
    answer = await bed.call("PUT", f"/nodes/{NODE}/qemu/9000/config", {"name": "other"})
    assert (answer.reason_phrase, loop.time() - started >= 0.2) == ("got timeout", True)
    seen = (await bed.control.get("/requests")).json()
    await bed.get("/version")
    assert [one["fault"] for one in seen if one["path"].endswith("/config")] == ["status"]
    assert len((await bed.control.get("/faults")).json()) == 1


async def test_a_rule_for_one_node_spares_the_others(three: Bed) -> None:
    await rule(three, "status", {"node": "pve2", "path_regex": "/version"}, times=None, reason="no luck")
    answers = [
        await three.client.get(f"{url}/api2/json/version", headers=three.headers) for url in three.running.urls.values()
    ]
    assert [answer.reason_phrase for answer in answers] == ["OK", "no luck", "OK"]


async def outcomes(bed: Bed, seed: int) -> list[int | None]:
    """The status of forty calls under random faults; None where the connection broke."""
    await bed.control.delete("/faults")
    await rule(bed, "random", {"class": "read"}, rate=0.5, seed=seed, times=None)
    found: list[int | None] = []
    for number in range(40):
        try:
            found.append((await bed.call("GET", f"/nodes/{NODE}/qemu/{number % 4 + 9000}/config")).status_code)
        except httpx.TransportError:
            found.append(None)
    return found


async def test_random_faults_are_the_same_for_the_same_seed(bed: Bed) -> None:
    first = await outcomes(bed, 7)
    assert await outcomes(bed, 7) == first
    assert await outcomes(bed, 8) != first
    assert len(set(first)) >= 4


async def test_a_rate_strikes_about_as_often_as_told(bed: Bed) -> None:
    await rule(bed, "status", {"path_regex": "/version"}, rate=0.25, seed=3, times=None)
    struck = [(await bed.call("GET", "/version")).status_code == 500 for _ in range(100)]
    assert 15 <= sum(struck) <= 35


@pytest.mark.parametrize(
    ("point", "left"),
    [
        ({}, (False, 0)),
        ({"line": "create full clone of drive scsi0"}, (True, 1)),
        ({"line": "100.00%"}, (True, 2)),
        ({"at_end": True}, (True, 2)),
    ],
)
async def test_a_worker_is_killed_at_a_point(bed: Bed, point: dict[str, Any], left: tuple[bool, int]) -> None:
    await rule(bed, "kill_worker", {"type": "qmclone"}, **point)
    assert await bed.run("POST", CLONE, newid=200, full=1) == "unexpected status"
    assert (200 in bed.node.vms, len(bed.node.volumes.of(200))) == left
    if "line" in point:
        assert bed.node.vms.load(200).lock == "clone"
        assert await bed.run("DELETE", f"/nodes/{NODE}/qemu/200") == "VM is locked (clone)"
    assert await bed.run("POST", CLONE, newid=201) == "OK"


async def test_a_worker_is_killed_after_some_time_and_locks_are_free_again(bed: Bed) -> None:
    await control(bed, "POST", "/knobs", full_clone_seconds=60)
    await rule(bed, "kill_worker", {"type": "qmclone", "id": "9000"}, seconds=0.1)
    upid = await bed.post(CLONE, newid=200, full=1)
    assert await bed.finished(upid) == "unexpected status"
    assert (await bed.log(upid))[-1].startswith("transferred 0.0 B")
    assert bed.node.vms.load(200).lock == "clone"
    assert await bed.run("POST", CLONE, newid=201) == "OK"


async def test_a_killed_creation_leaves_its_disks(bed: Bed) -> None:
    await rule(bed, "kill_worker", {"type": "qmcreate"}, line="scsi1: success|Formatting .*disk-1")
    disks = {"scsi0": "local:1", "scsi1": "local:1"}
    assert await bed.run("POST", f"/nodes/{NODE}/qemu", vmid=200, **disks) == "unexpected status"
    assert len(bed.node.volumes.of(200)) == 2


async def test_a_worker_fails_with_a_text_at_a_step(bed: Bed) -> None:
    await rule(bed, "fail_worker", {"type": "qmclone"}, step=2, reason="storage 'local' is not online")
    outcome = await bed.run("POST", CLONE, newid=200)
    assert outcome == "clone failed: storage 'local' is not online"
    assert (200 in bed.node.vms, bed.node.volumes.of(200)) == (False, [])


async def test_somebody_takes_the_id_just_before_the_call(bed: Bed) -> None:
    do = {"method": "PUT", "path": "/vms/{newid}", "body": {"name": "theirs"}}
    await rule(bed, "do", {"class": "clone"}, do=do)
    answer = await bed.call("POST", CLONE, {"newid": 200})
    assert answer.reason_phrase == "unable to create VM 200: config file already exists"
    assert bed.node.vms.load(200).name == "theirs"


async def test_somebody_deletes_the_vm_right_after_the_answer(bed: Bed) -> None:
    path = await bed.cloned(200)
    await rule(bed, "do", {"method": "PUT"}, do={"method": "DELETE", "path": "/vms/{vmid}"}, after_effect=True)
    assert (await bed.call("PUT", f"{path}/config", {"name": "mine"})).status_code == 200
    assert (await bed.call("GET", f"{path}/config")).status_code == 500
    assert bed.node.volumes.of(200) == []


async def test_foreign_hands_create_move_and_delete(three: Bed) -> None:
    row = await control(three, "PUT", "/vms/300", node="pve2", disk_gib=5, status="running")
    assert (row["node"], row["running"], len(row["volumes"])) == ("pve2", True, 2)
    row = await control(three, "POST", "/vms/300", node="pve3", config={"name": "moved"})
    assert (row["node"], row["running"]) == ("pve3", True)
    config = await three.get("/nodes/pve3/qemu/300/config")
    assert (config["name"], "size=5G" in config["scsi0"]) == ("moved", True)
    assert (await three.call("GET", "/nodes/pve2/qemu/300/config")).status_code == 500
    assert await three.run("POST", "/nodes/pve3/qemu/300/status/stop") == "OK"
    assert await control(three, "DELETE", "/vms/300") == {}
    assert three.cluster.volumes.of(300) == []
    refused = await three.control.put("/vms/9000", json={})
    assert refused.status_code == 400
    await control(three, "PUT", "/vms/301", type="lxc")
    assert {row["vmid"]: row["type"] for row in await three.get("/cluster/resources", type="vm")}[301] == "lxc"


async def test_a_stranger_does_the_same_for_the_same_seed(three: Bed) -> None:
    deeds = []
    for _ in range(2):
        await control(three, "POST", "/stranger", seconds=0, times=30, seed=5)
        async with asyncio.timeout(10):
            while (done := await control(three, "GET", "/stranger"))["there"]:
                pass
        deeds.append(done["deeds"])
        for vmid in done["vms"]:
            await control(three, "DELETE", f"/vms/{vmid}")
    assert deeds[0] == deeds[1]
    assert {deed["deed"] for deed in deeds[0]} == {"take", "create", "rename", "move", "power", "delete"}
    assert {vm.vmid for vm in three.cluster.vms} == {9000, 9001}
    assert [volume for volume in three.cluster.volumes if volume.vmid not in (9000, 9001)] == []


async def test_a_daemon_restarts_and_tasks_go_on(bed: Bed) -> None:
    await control(bed, "POST", "/knobs", full_clone_seconds=0.5)
    upid = await bed.post(CLONE, newid=200, full=1)
    await control(bed, "POST", "/restart", daemon="pvedaemon", seconds=0.2)
    assert (await bed.call("GET", f"/nodes/{NODE}/tasks/{upid}/status")).status_code == 595
    assert (await bed.call("GET", "/version")).status_code == 200
    await bed.until(lambda: bed.node.state == "up")
    assert await bed.finished(upid) == "OK"


async def test_the_proxy_restarts(bed: Bed) -> None:
    await control(bed, "POST", "/restart", daemon="pveproxy", seconds=0.1)
    with pytest.raises(httpx.TransportError):
        await bed.get("/version")
    async with asyncio.timeout(5):
        while True:
            try:
                await bed.get("/version")
                break
            except httpx.TransportError:
                pass


async def test_a_power_cut_ends_tasks_and_guests(three: Bed) -> None:
    await control(three, "PUT", "/vms/300", node="pve2", status="running")
    await control(three, "POST", "/knobs", full_clone_seconds=60)
    upid = await three.post("/nodes/pve2/qemu/300/clone", newid=301, full=1)
    await control(three, "POST", "/nodes/pve2", state="off")
    assert (await three.call("GET", "/nodes/pve2/qemu")).status_code == 595
    assert {
        row["node"]: row["online"]
        for row in (await three.get("/cluster/status"))[1:]
        for row in [{"node": row["name"], "online": row["online"]}]
    } == {"pve1": 1, "pve2": 0, "pve3": 1}
    await control(three, "POST", "/nodes/pve2", state="up")
    assert await three.finished(upid) == "unexpected status"
    assert (await three.get("/nodes/pve2/qemu/300/status/current"))["status"] == "stopped"
    assert (await three.get("/nodes/pve2/status"))["uptime"] < 60


async def test_the_quorum_is_lost_and_found(three: Bed) -> None:
    assert await control(three, "POST", "/quorum", lost=True) == {"quorate": False, "lost": True}
    answer = await three.call("POST", f"/nodes/{NODE}/qemu", {"vmid": 300})
    assert (answer.status_code, answer.reason_phrase) == (500, "cluster not ready - no quorum?")
    assert (await three.get("/cluster/status"))[0]["quorate"] == 0
    await control(three, "POST", "/quorum", lost=False)
    assert await three.run("POST", f"/nodes/{NODE}/qemu", vmid=300) == "OK"


async def test_a_clock_that_is_wrong_shows_everywhere(three: Bed) -> None:
    await control(three, "POST", "/nodes/pve2", clock_skew=1000)
    right = (await three.get("/nodes/pve1/time"))["time"]
    assert 990 < (await three.get("/nodes/pve2/time"))["time"] - right < 1010
    response = await three.client.get(f"{three.running.urls['pve2']}/api2/json/version", headers=three.headers)
    assert 990 < parsedate_to_datetime(response.headers["Date"]).timestamp() - right < 1010
    upid = await three.post("/nodes/pve2/qemu", vmid=300)
    assert 990 < int(upid.split(":")[4], 16) - right < 1010
    assert await three.finished(upid) == "OK"
    status = await three.get(f"/nodes/pve2/tasks/{upid}/status")
    assert status["starttime"] == int(upid.split(":")[4], 16)


async def test_a_ticket_is_not_valid_where_the_clock_is_wrong(three: Bed) -> None:
    headers = await three.login()
    await control(three, "POST", "/nodes/pve2", clock_skew=7300)
    assert (await three.call("GET", "/nodes/pve1/version", headers=headers)).status_code == 200
    answer = await three.call("GET", "/nodes/pve2/version", headers=headers)
    assert (answer.status_code, answer.reason_phrase) == (401, "Authentication failed!")
    await control(three, "POST", "/nodes/pve2", clock_skew=0)
    assert (await three.call("GET", "/nodes/pve2/version", headers=headers)).status_code == 200


async def test_a_full_storage_is_told_and_emptied(bed: Bed) -> None:
    row = await control(bed, "POST", "/storages/local", full=True)
    assert row["free"] == 0
    assert (await bed.get(f"/nodes/{NODE}/storage/local/status"))["avail"] == 0
    row = await control(bed, "POST", "/storages/local", free=10**9)
    assert row["free"] == 10**9
    await control(bed, "POST", "/storages/local", full=False)
    assert (await bed.get(f"/nodes/{NODE}/storage/local/status"))["avail"] > 10**12


async def test_a_held_storage_lock_makes_clones_wait_and_fail(bed: Bed) -> None:
    await control(bed, "POST", "/knobs", lock_timeout_factor=0.02)
    held = await control(bed, "POST", "/locks", storage="local", seconds=60)
    assert held == ["pve1:/var/lock/pve-manager/pve-storage-local"]
    outcome = await bed.run("POST", CLONE, newid=200)
    assert outcome == "clone failed: can't lock file '/var/lock/pve-manager/pve-storage-local' - got timeout"
    assert await control(bed, "DELETE", "/locks") == []
    assert await bed.run("POST", CLONE, newid=200) == "OK"


async def test_a_held_lock_of_a_shared_storage_is_the_clusters(three: Bed) -> None:
    await control(three, "POST", "/knobs", lock_timeout_factor=0.02)
    await control(three, "POST", "/locks", storage="nfs", seconds=60)
    outcome = await three.run("POST", CLONE, newid=200, full=1, storage="nfs")
    assert outcome == "clone failed: cfs-lock 'storage-nfs' error: got lock request timeout"


async def test_a_held_vm_lock(bed: Bed) -> None:
    path = await bed.cloned(200)
    await control(bed, "POST", "/knobs", lock_timeout_factor=0.02)
    await control(bed, "POST", "/locks", vmid=200, seconds=60)
    outcome = await bed.run("POST", f"{path}/status/start")
    assert outcome == "can't lock file '/var/lock/qemu-server/lock-200.conf' - got timeout"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"match": {}, "kind": "drop_before", "colour": 1}, "colour"),
        ({"match": {}, "kind": "drop_before", "times": "many"}, "times"),
        ({"match": {"class": "nonsense"}, "kind": "delay"}, "overview"),
        ({"match": {"path_regex": "("}, "kind": "delay"}, "path_regex"),
        ({"match": {}, "kind": "do"}, "method"),
        ({"kind": "delay"}, "match"),
    ],
)
async def test_what_is_no_rule_is_refused_with_the_reason(bed: Bed, given: dict[str, Any], told: str) -> None:
    answer = await bed.control.post("/faults", json=given)
    assert answer.status_code == 400
    assert told in answer.json()["error"]
    assert (await bed.control.get("/faults")).json() == []


async def test_calls_are_made_before_anything_else(tmp_path: Any) -> None:
    calls = [{"path": "/knobs", "body": {"boot_seconds": 9}}, {"method": "PUT", "path": "/vms/300", "body": {}}]
    async with bed_in(tmp_path, calls=calls) as bed:
        assert bed.node.knobs.boot_seconds == 9
        assert 300 in bed.node.vms


NO_HEADER = "Could not write qcow2 header: No space left on device"


async def test_nothing_is_made_on_a_full_storage(bed: Bed) -> None:
    path = await bed.cloned(200)
    volumes = len(bed.cluster.volumes)
    await control(bed, "POST", "/storages/local", full=True)
    image = "/var/lib/vz/images/201/vm-201-disk-0.qcow2"
    base = "9000/base-9000-disk-0.qcow2"
    outcome = await bed.run("POST", f"/nodes/{NODE}/qemu", vmid=201, scsi0="local:1")
    assert outcome == f"unable to create VM 201 - unable to create image: qemu-img: {image}: {NO_HEADER}"
    await control(bed, "POST", "/storages/local", free=300_000)
    upid = await bed.post(CLONE, newid=201)
    command = f"/usr/bin/qemu-img create -b ../{base} -F qcow2 -f qcow2 {image}"
    assert await bed.finished(upid) == f"clone failed: command '{command}' failed: exit code 1"
    assert f"qemu-img: {image}: {NO_HEADER}" in await bed.log(upid)
    assert await bed.run("POST", CLONE, newid=201, full=1) != "OK"
    assert (len(bed.cluster.volumes), 201 in bed.node.vms) == (volumes, False)
    await control(bed, "POST", "/storages/local", full=True)
    outcome = await bed.run("POST", f"{path}/snapshot", snapname="s1")
    image = "/var/lib/vz/images/200/vm-200-disk-0.qcow2"
    assert outcome == f"command '/usr/bin/qemu-img snapshot -c s1 {image}' failed: exit code 1"
    assert [row["name"] for row in await bed.get(f"{path}/snapshot")] == ["current"]
    assert "lock" not in await bed.get(f"{path}/config")
    assert await bed.run("DELETE", path) == "OK"


async def test_a_volume_group_gives_what_it_has(bed: Bed) -> None:
    bed.cluster.storages.save(Storage("thick", "lvm", {"vgname": "vg0", "content": "images"}, size=10 * 1024**3))
    create = f"/nodes/{NODE}/qemu"
    assert await bed.run("POST", create, vmid=200, scsi0="thick:6") == "OK"
    assert (await bed.get(f"/nodes/{NODE}/storage/thick/status"))["avail"] == 4 * 1024**3
    outcome = await bed.run("POST", create, vmid=201, scsi0="thick:5")
    text = 'Volume group "vg0" has insufficient free space (1024 extents): 1280 required.'
    assert outcome == f"unable to create VM 201 - lvcreate 'vg0/vm-201-disk-0' error:   {text}"
    await control(bed, "POST", "/storages/thick", free=1000)
    outcome = await bed.run("POST", create, vmid=201, scsi0="thick:1")
    assert outcome == "unable to create VM 201 - not enough free space (1000 < 1048576)"
    assert await bed.run("DELETE", f"{create}/200") == "OK"


async def test_a_migration_to_a_full_storage_leaves_the_vm_where_it_was(three: Bed) -> None:
    assert await three.run("POST", CLONE, newid=200, full=1) == "OK"
    three.cluster.storages.save(Storage("small", "dir", {"path": "/srv/small", "content": "images"}, size=1000))
    outcome = await three.run("POST", f"/nodes/{NODE}/qemu/200/migrate", target="pve2", targetstorage="small")
    assert outcome == "migration aborted"
    config = await three.get(f"/nodes/{NODE}/qemu/200/config")
    assert ("lock" in config, config["scsi0"].startswith("local:")) == (False, True)
    assert {(volume.node, volume.storage) for volume in three.cluster.volumes.of(200)} == {("pve1", "local")}


async def test_a_clone_for_another_node_that_cannot_move_stays_and_its_disks_too(three: Bed) -> None:
    assert await three.run("POST", CLONE, newid=200, storage="nfs", full=1) == "OK"
    await rule(three, "kill_worker", {"type": "qmclone"}, at_end=True)
    outcome = await three.run("POST", f"/nodes/{NODE}/qemu/200/clone", newid=201, target="pve2")
    assert outcome == "unexpected status"
    moved = three.cluster.vms.get(201)
    assert moved is not None
    assert moved.node == "pve2"
    assert len(three.cluster.volumes.of(201)) == 2
    assert "lock" not in await three.get("/nodes/pve2/qemu/201/config")


async def test_a_migration_killed_halfway_keeps_its_lock_and_its_copies(three: Bed) -> None:
    assert await three.run("POST", CLONE, newid=200, full=1) == "OK"
    await rule(three, "kill_worker", {"type": "qmigrate"}, line="on the target$")
    assert await three.run("POST", f"/nodes/{NODE}/qemu/200/migrate", target="pve2") == "unexpected status"
    assert (await three.get(f"/nodes/{NODE}/qemu/200/config"))["lock"] == "migrate"
    assert {volume.node for volume in three.cluster.volumes.of(200)} == {"pve1", "pve2"}


async def test_figures_that_are_too_old_are_forgotten(bed: Bed) -> None:
    await bed.cloned(200)
    await control(bed, "POST", "/knobs", stat_seconds=3600)
    await bed.control.post("/tick")
    rows = {row["vmid"]: row for row in await bed.get("/cluster/resources", type="vm")}
    assert (rows[200]["status"], rows[200]["name"]) == ("stopped", bed.node.vms.load(200).name)
    await control(bed, "POST", "/knobs", stat_expiry_seconds=0)
    rows = {row["vmid"]: row for row in await bed.get("/cluster/resources", type="vm")}
    assert (rows[200]["status"], "name" in rows[200], "maxmem" in rows[200]) == ("unknown", False, False)


async def test_a_stranger_without_quorum_goes_on_trying(three: Bed) -> None:
    await control(three, "POST", "/quorum", lost=True)
    await control(three, "POST", "/stranger", seconds=0, times=3)
    async with asyncio.timeout(10):
        while (done := await control(three, "GET", "/stranger"))["there"]:
            pass
    assert (len(done["deeds"]), done["vms"]) == (3, [])
    assert all("failed" in deed for deed in done["deeds"])

"""The control interface: faults and outside hands."""

import time
from typing import Any

import httpx
import pytest

from tests.testbed_proxmox.bed import Bed

pytestmark = pytest.mark.pve
START = "/nodes/pve1/qemu/200/status/start"


async def fault(bed: Bed, kind: str, path: str = "/status/start$", method: str = "POST", **more: Any) -> None:
    rule = {"match": {"method": method, "path_regex": path}, "kind": kind, **more}
    answer = await bed.control.post("/faults", json=rule)
    assert answer.status_code == 200, answer.text


async def test_a_request_dropped_before_does_nothing(bed: Bed) -> None:
    await bed.cloned(200)
    await fault(bed, "drop_before")
    with pytest.raises(httpx.TransportError):
        await bed.call("POST", START)
    assert not bed.runs(200)
    assert await bed.run("POST", START) == "OK"


async def test_a_response_dropped_after_leaves_the_effect(bed: Bed) -> None:
    await bed.cloned(200)
    await fault(bed, "drop_after_effect")
    with pytest.raises(httpx.TransportError):
        await bed.call("POST", START)
    await bed.until(lambda: bed.runs(200))


async def test_596_with_effect_at_once_and_with_effect_later(bed: Bed) -> None:
    await bed.cloned(200)
    await fault(bed, "596")
    answer = await bed.call("POST", START)
    assert (answer.status_code, answer.reason_phrase) == (596, "Connection timed out")
    await bed.until(lambda: bed.runs(200))
    await fault(bed, "late_execution", path="/clone$", seconds=0.3)
    answer = await bed.call("POST", "/nodes/pve1/qemu/9000/clone", {"newid": 201})
    assert answer.status_code == 596
    assert 201 not in bed.node.vms
    await bed.until(lambda: 201 in bed.node.vms)


async def test_a_made_up_status_strikes_as_often_as_told(bed: Bed) -> None:
    text = "can't lock file '/var/log/pve/tasks/.active.lock' - got timeout"
    await bed.cloned(200)
    await fault(bed, "status", times=2, skip=1, status=500, reason=text, after_effect=True)
    assert (await bed.call("POST", START)).status_code == 200
    answers = [await bed.call("POST", START) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [500, 500, 200]
    assert answers[0].reason_phrase == text
    assert len(await bed.get("/nodes/pve1/tasks", vmid=200, source="all")) == 4


async def test_a_delay(bed: Bed) -> None:
    await fault(bed, "delay", path="/version", method="GET", seconds=0.2)
    started = time.monotonic()
    await bed.get("/version")
    assert time.monotonic() - started >= 0.2


async def test_faults_are_listed_and_cleared_and_nonsense_is_refused(bed: Bed) -> None:
    await fault(bed, "drop_before", times=None)
    assert len((await bed.control.get("/faults")).json()) == 1
    assert (await bed.control.delete("/faults")).json() == []
    refused = await bed.control.post("/faults", json={"match": {}, "kind": "explode"})
    assert refused.status_code == 400
    assert "drop_before" in refused.json()["error"]


async def test_a_node_that_is_down_and_a_daemon_that_is(bed: Bed) -> None:
    await bed.control.post("/node", json={"state": "down"})
    with pytest.raises(httpx.ConnectError):
        await bed.get("/version")
    await bed.control.post("/node", json={"state": "daemon_down"})
    assert (await bed.call("GET", "/version")).status_code == 200
    protected = await bed.call("GET", "/nodes/pve1/qemu")
    assert (protected.status_code, protected.reason_phrase, protected.content) == (595, "Connection refused", b"")
    await bed.control.post("/node", json={"state": "up"})
    assert (await bed.call("GET", "/nodes/pve1/qemu")).status_code == 200


async def test_outside_hands(bed: Bed) -> None:
    vm = await bed.cloned(200)
    await bed.run("POST", START)
    row = (await bed.control.post("/vms/200", json={"power": "stop", "config": {"name": "theirs"}})).json()
    assert (row["running"], row["name"]) == (False, "theirs")
    assert (await bed.get(f"{vm}/status/current"))["status"] == "stopped"
    assert await bed.get("/nodes/pve1/tasks", vmid=200, typefilter="qmstop") == []


async def test_outside_hands_leave_running_what_runs(bed: Bed) -> None:
    vm = await bed.cloned(200)
    await bed.run("POST", START)
    await bed.control.post("/vms/200", json={"power": "start"})
    assert (await bed.get(f"{vm}/status/current"))["status"] == "running"
    await bed.control.post("/vms/200", json={"power": "stop"})
    assert await bed.run("POST", START) == "OK"


async def test_the_request_log_shows_what_was_asked(bed: Bed) -> None:
    await bed.control.delete("/requests")
    await bed.cloned(200)
    await bed.call("DELETE", "/nodes/pve1/qemu/4711")
    log = [entry for entry in (await bed.control.get("/requests")).json() if entry["method"] != "GET"]
    assert [(entry["method"], entry["status"]) for entry in log] == [("POST", 200), ("DELETE", 500)]


async def test_counts_prove_that_nothing_is_left(bed: Bed) -> None:
    before = (await bed.control.get("/vms")).json()["counts"]
    vm = await bed.cloned(200)
    assert (await bed.control.get("/vms")).json()["counts"]["volumes"] == before["volumes"] + 2
    assert await bed.run("DELETE", vm, purge=1) == "OK"
    assert (await bed.control.get("/vms")).json()["counts"] == before

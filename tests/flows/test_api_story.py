"""What a company and its customers go through, by HTTP alone, on everything that Hostler consists of."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.flows.customer import ADMIN, ALICE, BOB, Customer
from tests.flows.running import RunningDemo, until

pytestmark = pytest.mark.qemu
FIRST_OWN_VMID = 10_000_000


@pytest.fixture(scope="module")
def truth(demo: RunningDemo) -> dict[str, Any]:
    """What a right import makes of the sample."""
    content: dict[str, Any] = json.loads((demo.state / "whmcs" / "truth.json").read_text())
    return content


def test_importing_again_changes_nothing(demo: RunningDemo) -> None:
    dry, real = demo.import_again("--dry-run"), demo.import_again()
    for report in (dry, real):
        assert [
            (name, e["create"], e["update"]) for name, e in report["entities"].items() if e["create"] + e["update"]
        ] == []
        assert report["entities"]["servers"]["unchanged"] > 100
    assert dry["plan_hash"] == real["plan_hash"]


@pytest.mark.parametrize("email", [ALICE, BOB])
def test_an_imported_customer_finds_her_servers_as_they_were_sold(
    demo: RunningDemo, truth: dict[str, Any], email: str
) -> None:
    user = next(user for user in truth["users"] if user["email"] == email)
    sold = {s["name"]: s for s in truth["services"] if s["client_id"] in user["owns"] and s["expect"] == "import"}
    found = {s["name"]: s for s in Customer(demo, email).servers() if s["external_id"]}
    assert found.keys() == sold.keys()
    for name, server in found.items():
        _assert_as_sold(server, sold[name])


def _assert_as_sold(server: dict[str, Any], sold: dict[str, Any]) -> None:
    plan, vm = server["plan"], sold["vm"]
    assert (plan["memory_mib"], plan["vcpus"], plan["disk_gib"]) == (
        sold["memory_mib"],
        sold["vcpus"],
        sold["disk_gib"],
    )
    assert server["image"]["name"]
    assert server["location"]["name"] == "Frankfurt"
    assert [ip["address"] for ip in server["ips"] if ip["primary"]] == [sold["address"]]
    if vm and vm["adoptable"]:
        assert server["status"] in (vm["status"], "suspended")
    else:
        assert server["status"] == "unlinked"
        assert server["status_reason"]


def test_nothing_was_done_to_an_adopted_guest(demo: RunningDemo) -> None:
    reading = [r for r in demo.requests() if r["method"] != "GET" and not _of_our_own(r["path"])]
    assert [r for r in reading if "/qemu/" in r["path"]] == []


def _of_our_own(path: str) -> bool:
    """Whether a request is about a guest that Hostler created, or a template it copied."""
    vmid = path.partition("/qemu/")[2].partition("/")[0]
    return vmid.isdigit() and int(vmid) >= 9000


def test_an_adopted_server_reboots(demo: RunningDemo, alice: Customer) -> None:
    server = next(s for s in alice.servers() if s["external_id"] and s["status"] == "running")
    operation = alice.succeeded(alice.act(server["id"], "reboot"))
    assert [step["status"] for step in operation["steps"]] == ["succeeded"]
    alice.becomes(server["id"], "running")


def test_a_server_lives_from_its_creation_to_its_purge(demo: RunningDemo, alice: Customer) -> None:
    server, creation = alice.create("story-1")
    steps = alice.succeeded(creation, 180)["steps"]
    assert [step["key"] for step in steps] == ["place", "clone", "configure", "guard", "resize", "start", "address"]
    address = alice.becomes(server, "running")["ips"][0]["address"]
    assert address.startswith("10.99.0.")
    alice.succeeded(alice.act(server, "shutdown"), 120)
    alice.becomes(server, "stopped")
    alice.succeeded(alice.act(server, "start"), 120)
    alice.becomes(server, "running")
    alice.succeeded(alice.terminate(server), 120)
    assert alice.becomes(server, "terminating")["purge_at"]
    alice.succeeded(alice.act(server, "restore"), 120)
    assert alice.becomes(server, "running")["purge_at"] is None
    alice.succeeded(alice.terminate(server), 120)
    alice.becomes(server, "terminated", 120)
    until("its guest is gone", 30, lambda: demo.named("story-1") == [])
    _assert_history_tells_all(alice, server)


def _assert_history_tells_all(customer: Customer, server: str) -> None:
    operations = customer.get(f"/v1/servers/{server}/actions", limit="200")["data"]
    types = [operation["type"] for operation in reversed(operations)]
    assert types == ["create", "shutdown", "start", "terminate", "restore", "terminate", "destroy"]
    entries = customer.get(f"/v1/servers/{server}/history", limit="200")["data"]
    assert {entry["operation_id"] for entry in entries} >= {operation["id"] for operation in operations}
    text = json.dumps(entries)
    for secret in ("pve1", "UPID", str(FIRST_OWN_VMID)):
        assert secret not in text


@pytest.mark.parametrize("step", ["clone", "start"])
def test_a_killed_orchestrator_leaves_one_guest(demo: RunningDemo, alice: Customer, step: str) -> None:
    name = f"story-killed-at-{step}"
    server, creation = alice.create(name)
    alice.reaches(creation, step)
    for orchestrator in ("orchestrator-1", "orchestrator-2"):
        os.kill(demo.pid(orchestrator), signal.SIGKILL)
    alice.succeeded(creation, 240)
    alice.becomes(server, "running")
    assert len(demo.named(name)) == 1


def test_an_order_waits_for_a_hypervisor_that_is_away(demo: RunningDemo, alice: Customer) -> None:
    adopted = next(s for s in alice.servers() if s["external_id"] and s["status"] == "running")
    demo.hypervisor("down")
    try:
        assert alice.becomes(adopted["id"], "unknown")["last_status"] == "running"
        server, creation = alice.create("story-patient")
        until("the operation waits", 30, lambda: _waits(alice.get(f"/v1/operations/{creation}")))
    finally:
        demo.hypervisor("up")
    alice.becomes(adopted["id"], "running")
    alice.succeeded(creation, 180)
    assert alice.becomes(server, "running")["ips"]
    assert len(demo.named("story-patient")) == 1


def _waits(operation: dict[str, Any]) -> bool:
    """Whether an operation says what it waits for, and has not ended."""
    assert operation["finished_at"] is None
    return any(step["status"] == "waiting" and step["detail"] for step in operation["steps"])


def test_in_the_end_there_is_a_guest_for_every_server_and_the_log_agrees_with_the_views(demo: RunningDemo) -> None:
    admin = Customer(demo, ADMIN)
    own = {vm["vmid"] for vm in demo.guests()["vms"] if vm["vmid"] >= FIRST_OWN_VMID}
    servers = admin.get("/v1/servers", scope="all", limit="200", q="story-")["data"]
    assert own == {server["admin"]["vmid"] for server in servers if server["status"] != "terminated"}
    assert demo.guests()["orphan_volumes"] == []
    demo.run("hostler-replay", "check")


def test_the_sample_file_of_secrets_shows_up_nowhere(demo: RunningDemo, truth: dict[str, Any]) -> None:
    logs = "\n".join(path.read_text(errors="replace") for path in Path(demo.state / "logs").iterdir())
    assert [secret for secret in truth["secrets"] if secret in logs] == []

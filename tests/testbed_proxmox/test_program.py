"""The program: its ready line, its end, and what survives both."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from proxmoxer import ProxmoxAPI

pytestmark = [pytest.mark.pve, pytest.mark.filterwarnings("ignore:Unverified HTTPS request")]
REPOSITORY = Path(__file__).parents[2]
PATIENCE = 20


@contextmanager
def program(*arguments: str | Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The program with what it printed when ready; killed in the end if need be."""
    command = [sys.executable, "-m", "testbed", "proxmox", *map(str, arguments)]
    process = subprocess.Popen(command, cwd=REPOSITORY, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout
        line = process.stdout.readline()
        yield process, json.loads(line) if line else {}
    finally:
        process.kill()
        process.communicate()


def client(ready: dict[str, Any]) -> Any:
    """A client with the API token."""
    user, _, name = ready["token_id"].partition("!")
    host, _, port = ready["url"].removeprefix("https://").partition(":")
    token = {"token_name": name, "token_value": ready["token_secret"]}
    return ProxmoxAPI(host, port=int(port), user=user, verify_ssl=False, timeout=PATIENCE, **token)


def finished(api: Any, upid: str) -> str:
    """The exit status of a task."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        status = api.nodes("pve1").tasks(upid).status.get()
        if status["status"] == "stopped":
            return str(status["exitstatus"])
    raise AssertionError(f"{upid} still runs")


def test_the_life_of_a_server_through_proxmoxer(tmp_path: Path) -> None:
    with program("--state", tmp_path) as (process, ready):
        api = client(ready)
        node, vm = api.nodes("pve1"), api.nodes("pve1").qemu(10_000_000)
        assert finished(api, node.qemu(ready["template_vmid"]).clone.post(newid=10_000_000, name="web")) == "OK"
        vm.config.put(cores=2, memory=2048, ciuser="root", ipconfig0="ip=10.99.0.100/24,gw=10.99.0.1")
        assert finished(api, vm.resize.put(disk="scsi0", size="20G")) == "OK"
        assert finished(api, vm.status.start.post()) == "OK"
        interfaces = vm.agent("network-get-interfaces").get()["result"]
        assert "10.99.0.100" in [one["ip-address"] for card in interfaces for one in card["ip-addresses"]]
        assert finished(api, vm.status.shutdown.post(timeout=60)) == "OK"
        assert finished(api, vm.delete(purge=1)) == "OK"
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


def test_the_ready_line_and_the_password(tmp_path: Path) -> None:
    with program("--state", tmp_path) as (_, ready):
        assert set(ready) == {
            *("url", "node", "user", "password", "token_id", "token_secret", "template_vmid", "control_url"),
            *("nodes", "snippets"),
        }
        form = {"username": ready["user"], "password": ready["password"]}
        answer = httpx.post(f"{ready['url']}/api2/json/access/ticket", data=form, verify=False)
        assert answer.json()["data"]["username"] == "root@pam"


def test_what_was_acknowledged_survives_sigkill(tmp_path: Path) -> None:
    with program("--state", tmp_path) as (process, ready):
        api = client(ready)
        node = api.nodes("pve1")
        httpx.post(f"{ready['control_url']}/knobs", json={"full_clone_seconds": 60})
        assert finished(api, node.qemu(9000).clone.post(newid=200)) == "OK"
        assert finished(api, node.qemu(200).status.start.post()) == "OK"
        node.qemu(200).config.put(description="kept")
        upid = node.qemu(9000).clone.post(newid=201, full=1)
        while "201" not in str(node.qemu.get()):
            pass
        before = node.qemu(200).status.current.get()
        process.kill()
        process.wait()
    with program("--state", tmp_path) as (_, again):
        assert {key: again[key] for key in ("password", "token_secret")} == {
            key: ready[key] for key in ("password", "token_secret")
        }
        api = client(again)
        node = api.nodes("pve1")
        assert node.qemu(200).config.get()["description"] == "kept"
        current = node.qemu(200).status.current.get()
        assert current["status"] == before["status"] == "running"
        assert current["uptime"] >= before["uptime"]
        assert finished(api, upid) == "unexpected status"
        assert node.qemu(201).config.get()["lock"] == "clone"


def test_faults_from_a_file(tmp_path: Path) -> None:
    rules = tmp_path / "faults.json"
    rules.write_text(json.dumps([{"match": {"path_regex": "/version"}, "kind": "status", "reason": "no luck"}]))
    with program("--state", tmp_path / "state", "--faults", rules) as (_, ready):
        url = f"{ready['url']}/api2/json/version"
        headers = {"Authorization": f"PVEAPIToken={ready['token_id']}={ready['token_secret']}"}
        answers = [httpx.get(url, headers=headers, verify=False) for _ in range(2)]
    assert [answer.reason_phrase for answer in answers] == ["no luck", "OK"]


def test_an_inventory_fills_a_new_state(tmp_path: Path) -> None:
    machine = {
        "vmid": 101,
        "name": "vps1-cus2",
        "node": "pve1",
        "cores": 2,
        "memory": 2048,
        "disk_gib": 20,
        "mac": "BC:24:11:00:00:01",
        "ip": "203.0.113.10/24",
        "gateway": "203.0.113.1",
        "status": "running",
        "template": False,
        "type": "qemu",
        "guests": "sim",
        "description": "a note",
    }
    container = machine | {"vmid": 102, "type": "lxc", "name": "ct"}
    inventory = tmp_path / "inventory.json"
    inventory.write_text(json.dumps({"vms": [machine, container]}))
    with program("--state", tmp_path / "state", "--inventory", inventory) as (_, ready):
        api = client(ready)
        config = api.nodes("pve1").qemu(101).config.get()
        assert config["net0"] == "virtio=BC:24:11:00:00:01,bridge=vmbr0"
        assert config["ipconfig0"] == "ip=203.0.113.10/24,gw=203.0.113.1"
        assert config["scsi0"] == "local:101/vm-101-disk-0.qcow2,size=20G"
        assert (config["name"], config["memory"], config["description"]) == ("vps1-cus2", "2048", "a note")
        assert api.nodes("pve1").qemu(101).status.current.get()["status"] == "running"
        kinds = {row["vmid"]: row["type"] for row in api.cluster.resources.get(type="vm")}
        assert (kinds[101], kinds[102]) == ("qemu", "lxc")
        assert api.cluster.nextid.get() == "100"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--nodes", "17"], "--nodes 17 is not possible"),
        (["--inventory", "/nowhere.json"], "/nowhere.json: no usable inventory"),
        (["--faults", "/nowhere.json"], "--faults /nowhere.json"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(tmp_path: Path, arguments: list[str], message: str) -> None:
    with program("--state", tmp_path, *arguments) as (process, ready):
        assert ready == {}
        _, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 1
    assert message in errors
    assert errors.count("\n") == 1


def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    with program("--state", tmp_path / "one") as (_, ready):
        port = ready["url"].rpartition(":")[2]
        with program("--state", tmp_path / "two", "--port", port) as (process, _):
            _, errors = process.communicate(timeout=PATIENCE)
            assert process.returncode == 1
    assert errors == f"hostler-testbed proxmox: port {port} is in use; choose another with --port\n"

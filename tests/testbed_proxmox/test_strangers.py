"""Clients that know nothing of this testbed: proxmoxer as its documentation has it, and curl as the wiki does.

Each story runs beside the testbed's event loop, in a thread, for these clients block.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from proxmoxer import AuthenticationError, ProxmoxAPI, ResourceException
from proxmoxer.tools import Files, Tasks

from tests.testbed_proxmox.bed import PATIENCE, Bed

pytestmark = [pytest.mark.pve, pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")]

SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0f8C9sZ3fmH1bq8QJ4rYz1GkWl2N5kq0E9m8R1x7aB ann@example.com"


@dataclass(frozen=True, slots=True)
class Access:
    """What a stranger is told."""

    host: str
    port: int
    password: str
    token_name: str
    token_value: str


@pytest.fixture
def access(bed: Bed) -> Access:
    """How to reach the testbed, by password and by token."""
    ready, address = bed.running.ready(), urlsplit(bed.running.url)
    token = str(ready["token_id"]).partition("!")[2]
    return Access(address.hostname or "", address.port or 0, str(ready["password"]), token, str(ready["token_secret"]))


def by_password(access: Access) -> ProxmoxAPI:
    return ProxmoxAPI(f"{access.host}:{access.port}", user="root@pam", password=access.password, verify_ssl=False)


def by_token(access: Access) -> ProxmoxAPI:
    return ProxmoxAPI(
        access.host,
        port=access.port,
        user="root@pam",
        token_name=access.token_name,
        token_value=access.token_value,
        verify_ssl=False,
    )


def finished(proxmox: ProxmoxAPI, upid: str) -> str:
    return str(Tasks.blocking_status(proxmox, upid, timeout=PATIENCE, polling_interval=0.01)["exitstatus"])


def answered(guest: Any) -> None:
    """Wait for a guest's agent, as every such script does."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            guest.agent.ping.post()
        except ResourceException:
            assert time.monotonic() < deadline
        else:
            return


@pytest.mark.parametrize("connect", [by_password, by_token])
async def test_proxmoxer_reads_in_every_notation(access: Access, connect: Any) -> None:
    def story() -> None:
        proxmox = connect(access)
        seen = []
        for pve_node in proxmox.nodes.get():
            for vm in proxmox.nodes(pve_node["node"]).qemu.get():
                seen.append(f"{vm['vmid']}. {vm['name']} => {vm['status']}")
        assert "9000. debian-12 => stopped" in seen
        node = proxmox.nodes("pve1")
        assert proxmox("nodes/pve1/storage/local/content").get() == node.storage("local").content.get()
        assert node.storage.local.content.get() == node.storage("local").get("content")
        assert [user["userid"] for user in proxmox.access.users.get()] == ["root@pam"]
        assert proxmox("nodes/{}/lxc".format("pve1")).get() == []
        assert {row["type"] for row in proxmox.cluster.resources.get(type="vm")} == {"qemu"}
        assert proxmox.version.get()["release"] == "8.4"

    await asyncio.to_thread(story)


async def test_proxmoxer_gives_the_ticket_it_works_with(access: Access) -> None:
    def story() -> None:
        ticket, csrf = by_password(access).get_tokens()
        assert ticket.startswith("PVE:root@pam:")
        assert csrf
        again = ProxmoxAPI(f"{access.host}:{access.port}", user="root@pam", password=ticket, verify_ssl=False)
        assert again.nodes.get()[0]["node"] == "pve1"

    await asyncio.to_thread(story)


async def test_proxmoxer_makes_changes_and_deletes_a_machine(access: Access) -> None:
    def story() -> None:
        proxmox = by_token(access)
        node = proxmox.nodes("pve1")
        made = node.qemu.create(
            vmid=202, name="test-202", memory=512, cores=1, scsi0="local:4", net0="virtio,bridge=vmbr0", ostype="l26"
        )
        parts = Tasks.decode_upid(made)
        assert (parts["node"], parts["type"], parts["id"], parts["user"]) == ("pve1", "qmcreate", "202", "root@pam")
        assert finished(proxmox, made) == "OK"
        assert node.qemu(202).config.get()["memory"] == "512"
        assert node.qemu(202).config.put(memory=1024, description="changed") is None
        assert node.qemu(202).config.get()["memory"] == "1024"
        assert finished(proxmox, node.qemu(202).status.start.post()) == "OK"
        assert node.qemu(202).status.current.get()["status"] == "running"
        assert finished(proxmox, node.qemu(202).status.stop.create()) == "OK"
        assert finished(proxmox, node.qemu(202).delete()) == "OK"
        assert 202 not in [vm["vmid"] for vm in node.qemu.get()]

    await asyncio.to_thread(story)


async def test_proxmoxer_sets_up_a_clone_with_cloud_init(access: Access) -> None:
    def story() -> None:
        proxmox = by_password(access)
        qemu = proxmox.nodes("pve1").qemu
        vmid = int(proxmox.cluster.nextid.get())
        assert finished(proxmox, qemu(9000).clone.create(newid=vmid)) == "OK"
        qemu(vmid).config.set(
            ciuser="ann",
            cipassword="secret words",
            sshkeys=quote(SSH_KEY, safe=""),
            ciupgrade=0,
            ipconfig0="ip=192.168.125.25/32,gw=192.168.0.1",
            nameserver="1.1.1.1",
            searchdomain="example.com",
        )
        config = qemu(vmid).config.get()
        assert (config["ciuser"], config["cipassword"]) == ("ann", "**********")
        assert config["sshkeys"] == quote(SSH_KEY, safe="")
        assert finished(proxmox, qemu(vmid).status.start.post()) == "OK"
        answered(qemu(vmid))
        pid = qemu(vmid).agent("exec").post(command=["echo", "hello"])["pid"]
        while not (status := qemu(vmid).agent("exec-status").get(pid=pid))["exited"]:
            pass
        assert (status["out-data"], status["exitcode"]) == ("hello\n", 0)
        cards = qemu(vmid).agent("network-get-interfaces").get()["result"]
        assert "192.168.125.25" in [entry["ip-address"] for card in cards for entry in card["ip-addresses"]]

    await asyncio.to_thread(story)


async def test_proxmoxer_follows_tasks_and_their_logs(access: Access) -> None:
    def story() -> None:
        proxmox = by_token(access)
        upid = proxmox.nodes("pve1").qemu(9000).clone.post(newid=300, name="web-1")
        status = Tasks.blocking_status(proxmox, upid, polling_interval=0.01)
        assert (status["status"], status["exitstatus"], status["type"]) == ("stopped", "OK", "qmclone")
        task = proxmox.nodes("pve1").tasks(upid)
        assert Tasks.decode_log(task.log.get()).splitlines()[-1] == "TASK OK"
        assert upid in [row["upid"] for row in proxmox.nodes("pve1").tasks.get(limit=3, source="all")]

    await asyncio.to_thread(story)


async def test_proxmoxer_hears_why_not(access: Access) -> None:
    def story() -> None:
        proxmox = by_token(access)
        with pytest.raises(ResourceException) as missing:
            proxmox.nodes("pve1").qemu(4711).config.get()
        assert missing.value.status_code == 500
        assert "does not exist" in str(missing.value)
        with pytest.raises(ResourceException) as wrong:
            proxmox.nodes("pve1").qemu(9000).clone.post(newid=99)
        assert wrong.value.status_code == 400
        assert "newid" in wrong.value.errors

    await asyncio.to_thread(story)


async def test_proxmoxer_is_refused_with_a_wrong_password(access: Access) -> None:
    with pytest.raises(AuthenticationError):
        await asyncio.to_thread(
            ProxmoxAPI, access.host, port=access.port, user="root@pam", password="wrong", verify_ssl=False
        )


async def test_proxmoxer_makes_a_user_a_token_and_a_pool_that_it_then_works_in(access: Access) -> None:
    def story() -> None:
        root = by_password(access)
        root.pools.post(poolid="shop", comment="machines of the shop")
        root.access.users.post(userid="op@pve", password="long enough")
        secret = root.access.users("op@pve").token("t1").post(privsep=0)["value"]
        for path, role in (("/pool/shop", "PVEVMAdmin"), ("/storage/local", "PVEDatastoreUser")):
            root.access.acl.put(path=path, roles=role, users="op@pve")
        operator = ProxmoxAPI(
            access.host, port=access.port, user="op@pve", token_name="t1", token_value=secret, verify_ssl=False
        )
        assert operator.cluster.resources.get(type="vm") == []
        made = operator.nodes("pve1").qemu.post(vmid=150, pool="shop", scsi0="local:1", memory=256)
        assert finished(operator, made) == "OK"
        assert [row["vmid"] for row in operator.cluster.resources.get(type="vm")] == [150]
        with pytest.raises(ResourceException, match="403"):
            operator.nodes("pve1").qemu(9000).config.get()
        root.access.users("op@pve").token("t1").delete()
        with pytest.raises(ResourceException, match="401"):
            operator.nodes.get()

    await asyncio.to_thread(story)


async def test_proxmoxer_brings_files(access: Access, tmp_path: Path) -> None:
    file = tmp_path / "tiny.iso"
    file.write_bytes(b"not really an image" * 1000)

    def story() -> None:
        proxmox = by_token(access)
        storage = proxmox.nodes("pve1").storage("local")
        with file.open("rb") as opened:
            assert finished(proxmox, storage.upload.post(content="iso", filename=opened)) == "OK"
        (row,) = storage.content.get(content="iso")
        assert (row["volid"], row["size"]) == ("local:iso/tiny.iso", file.stat().st_size)
        status = Files(proxmox, "pve1", "local").upload_local_file_to_storage(str(file))
        assert status["exitstatus"] == "OK"
        finished(proxmox, storage.content("local:iso/tiny.iso").delete())
        assert storage.content.get(content="iso") == []

    await asyncio.to_thread(story)


class Curl:
    """curl as one types it: `credentials` are its options for signing in."""

    def __init__(self, access: Access, credentials: list[str]) -> None:
        self._root = f"https://{access.host}:{access.port}/api2/json"
        self._credentials = credentials

    def __call__(self, method: str, path: str, *form: str) -> Any:
        """The data of the answer; `form` are `key=value`."""
        options = [part for pair in form for part in ("--data-urlencode", pair)]
        command = ["curl", "--silent", "--show-error", "--fail-with-body", "--insecure", *self._credentials]
        done = subprocess.run(
            [*command, "-X", method, *options, self._root + path], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (method, path, done.stdout, done.stderr)
        return json.loads(done.stdout)["data"]

    def task(self, method: str, path: str, *form: str) -> None:
        """A call that starts a task, which then succeeds."""
        upid, deadline = self(method, path, *form), time.monotonic() + PATIENCE
        while (status := self("GET", f"/nodes/pve1/tasks/{quote(upid)}/status"))["status"] == "running":
            assert time.monotonic() < deadline, status
        assert status["exitstatus"] == "OK", (path, status)


def with_ticket(access: Access) -> Curl:
    """Signed in as the wiki shows: the ticket in a cookie, the CSRF token in a header."""
    data = Curl(access, [])("POST", "/access/ticket", "username=root@pam", f"password={access.password}")
    cookie = f"PVEAuthCookie={data['ticket']}"
    return Curl(access, ["--cookie", cookie, "--header", f"CSRFPreventionToken: {data['CSRFPreventionToken']}"])


def with_token(access: Access) -> Curl:
    """Signed in by an API token."""
    token = f"PVEAPIToken=root@pam!{access.token_name}={access.token_value}"
    return Curl(access, ["-H", f"Authorization: {token}"])


def life(curl: Curl) -> Iterator[str]:
    """A machine's whole life, as Terraform leads it: what was reached, step by step."""
    vm = "/nodes/pve1/qemu/120"
    curl.task(
        *("POST", "/nodes/pve1/qemu", "vmid=110", "name=base", "memory=512", "cores=1", "ostype=l26", "agent=1"),
        *(
            "scsihw=virtio-scsi-single",
            "scsi0=local:3,format=qcow2",
            "ide2=local:cloudinit",
            "net0=virtio,bridge=vmbr0",
        ),
    )
    yield str(curl("GET", "/nodes/pve1/qemu/110/config")["name"])
    curl.task("POST", "/nodes/pve1/qemu/110/clone", "newid=120", "name=web-1", "full=1")
    curl("PUT", f"{vm}/config", "cores=2", "memory=1024", "ipconfig0=ip=10.99.0.120/24,gw=10.99.0.1", "onboot=1")
    curl.task("PUT", f"{vm}/resize", "disk=scsi0", "size=10G")
    config = curl("GET", f"{vm}/config")
    yield f"{config['name']} {config['cores']} {config['memory']} {config['scsi0'].partition('size=')[2]}"
    curl.task("POST", f"{vm}/status/start")
    yield str(curl("GET", f"{vm}/status/current")["status"])
    curl.task("POST", f"{vm}/snapshot", "snapname=before", "description=before the upgrade")
    yield str([row["name"] for row in curl("GET", f"{vm}/snapshot")])
    curl.task("POST", f"{vm}/snapshot/before/rollback")
    curl.task("DELETE", f"{vm}/snapshot/before")
    curl.task("POST", f"{vm}/status/stop")
    yield str(curl("GET", f"{vm}/status/current")["status"])
    curl.task("DELETE", f"{vm}?purge=1&destroy-unreferenced-disks=1")
    curl.task("DELETE", "/nodes/pve1/qemu/110")
    yield str(sorted(row["vmid"] for row in curl("GET", "/cluster/resources?type=vm")))


@pytest.mark.parametrize("sign_in", [with_ticket, with_token])
async def test_curl_leads_a_machine_through_its_life(access: Access, sign_in: Any) -> None:
    reached = await asyncio.to_thread(lambda: list(life(sign_in(access))))
    assert reached == ["base", "web-1 2 1024 10G", "running", "['before', 'current']", "stopped", "[9000, 9001]"]

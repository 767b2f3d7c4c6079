"""hostler-admin proxmox against the testbed: what init makes, the doctor finds; what is taken away, it misses."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from hypervisor.clusters import open_cluster
from hypervisor.port import GuestSettings, IpConfig
from hypervisor.setup import checkup
from hypervisor.setup.found import Unsuitable
from runtime.settings import Settings, load
from service.command import admin
from service.command import proxmox as proxmox_admin
from tests.hypervisor.clusters import Cluster
from tests.testbed_proxmox.bed import Bed, bed_in

pytestmark = [pytest.mark.pve, pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")]

AUTH = '[auth]\nsigning_key_file = "a"\nsecret_key_file = "b"\n\n'
IMAGE = "local:9000/base-9000-disk-0.qcow2"
QCOW2 = b"QFI\xfb\0\0\0\3" + bytes(16) + (2 << 30).to_bytes(8, "big") + bytes(196_000)
TOKEN = "hostler@pve!hostler"
Run = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
async def bed(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bed]:
    """A testbed; a test may say how many nodes and which release."""
    (tmp_path / "pve").mkdir()
    async with bed_in(tmp_path / "pve", **getattr(request, "param", {})) as bed:
        bed.cluster.knobs.full_clone_seconds = 0
        yield bed


@pytest.fixture
def run(bed: Bed, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command on the testbed's cluster; its exit code and what it printed."""
    (tmp_path / "password").write_text(str(bed.running.ready()["password"]) + "\n")
    reach = ["--url", bed.running.url, "--fingerprint", bed.node.fingerprint]
    reach += ["--password-file", str(tmp_path / "password")]

    async def run(verb: str, *more: str) -> tuple[int, str]:
        arguments = ["proxmox", verb, *(reach if verb == "init" else []), *more]
        settings = Settings({"HOSTLER_CONFIG": str(tmp_path / "hostler.toml")})
        code = await proxmox_admin.run(admin._parser().parse_args(arguments), settings)
        return code, capsys.readouterr().out

    return run


@pytest.fixture
async def ready(run: Run, tmp_path: Path) -> Path:
    """A cluster that init made ready, with the hostler.toml that it proposed."""
    secret = ["--secret-file", str(tmp_path / "main.token")]
    code, said = await run("init", *secret, "--template", "debian", "--image", IMAGE, "--vmid", "9100")
    assert code == 0, said
    block = said[said.index("[[cluster]]") : said.index("Left to do")]
    (tmp_path / "hostler.toml").write_text(AUTH + block)
    return tmp_path


def configure(folder: Path, old: str, new: str) -> None:
    text = (folder / "hostler.toml").read_text()
    assert old in text
    (folder / "hostler.toml").write_text(text.replace(old, new))


@pytest.mark.parametrize("bed", [{"nodes": 2}], indirect=True)
async def test_the_other_nodes_are_named_at_the_end(run: Run, bed: Bed) -> None:
    _, said = await run("init")
    address = bed.cluster.nodes["pve2"].address
    assert f"- add to the endpoints, for when pve1 is away: pve2 ({address}); a fingerprint fits one node only" in said


async def test_a_dry_run_lists_everything_and_does_nothing(run: Run, bed: Bed) -> None:
    code, said = await run("init", "--dry-run")
    assert code == 0
    assert "would make the API token hostler@pve!hostler, separated from its user" in said
    assert "would grant Hostler on /vms to hostler@pve and hostler@pve!hostler" in said
    assert [user["userid"] for user in await bed.get("/access/users")] == ["root@pam"]


async def test_the_token_that_init_makes_works_as_the_settings_it_proposes_say(ready: Path) -> None:
    assert (ready / "main.token").stat().st_mode & 0o777 == 0o600
    (cluster,) = load(ready / "hostler.toml").cluster
    hypervisor = open_cluster(cluster)
    assert cluster.templates == {"debian": 9100}
    assert (await hypervisor.config("pve1", 9100)).template
    assert await hypervisor.quorate()
    await hypervisor.close()


@pytest.mark.parametrize("bed", [{"pve": "8"}, {"pve": "9"}], indirect=True)
async def test_the_rights_suffice_for_a_servers_whole_life(ready: Path, bed: Bed) -> None:
    (settings,) = load(ready / "hostler.toml").cluster
    hypervisor = open_cluster(settings)
    cluster = Cluster(hypervisor, hang=lambda vmid: asyncio.sleep(0), template=9100)
    wished = GuestSettings(cores=2, memory_mib=2048, user="ann", password="secret words", description="ours")
    wished = replace(wished, ipconfig={"net0": IpConfig("10.99.0.9/24", "10.99.0.1")}, tags=frozenset({"a"}))
    for full in (False, True):
        vmid = await cluster.cloned(full=full)
        await hypervisor.configure("pve1", vmid, wished)
        tasks = [await cluster.done(await hypervisor.resize("pve1", vmid, "scsi0", 40))]
        tasks += [await cluster.done(await hypervisor.start("pve1", vmid))]
        assert [address.address for address in await cluster.addresses(vmid)] == ["10.99.0.9"]
        tasks += [await cluster.done(await hypervisor.reboot("pve1", vmid))]
        await cluster.running_again(vmid)
        tasks += [await cluster.done(await hypervisor.stop("pve1", vmid, overrule_shutdown=True))]
        assert await hypervisor.volumes("pve1", "local", vmid)
        tasks += [await cluster.done(await hypervisor.destroy("pve1", vmid))]
        assert {task.state for task in tasks} == {"succeeded"}
    assert len(await hypervisor.tasks("pve1", kind="qmclone")) == 2
    await hypervisor.close()


@pytest.mark.parametrize("bed", [{"pve": "8"}, {"pve": "9"}], indirect=True)
async def test_the_rights_suffice_for_copies_passwords_and_the_address_filter(ready: Path, bed: Bed) -> None:
    (settings,) = load(ready / "hostler.toml").cluster
    proxmox = open_cluster(settings)
    cluster = Cluster(proxmox, hang=lambda vmid: asyncio.sleep(0), template=9100)
    vmid = await cluster.started()
    await proxmox.set_password("pve1", vmid, "root", "secret words")
    await proxmox.refresh_cloudinit("pve1", vmid)
    await proxmox.set_firewall("pve1", vmid, allowed={"net0": frozenset({"10.99.0.123"})})
    assert (await proxmox.firewall("pve1", vmid)).ip_filter
    tasks = [await cluster.done(await proxmox.take_snapshot("pve1", vmid, "before"))]
    tasks += [await cluster.done(await proxmox.take_backup("pve1", vmid, storage="local", notes="op=1"))]
    tasks += [await cluster.done(await proxmox.stop("pve1", vmid))]
    tasks += [await cluster.done(await proxmox.roll_back("pve1", vmid, "before"))]
    tasks += [await cluster.done(await proxmox.delete_snapshot("pve1", vmid, "before"))]
    (backup,) = await proxmox.backups("pve1", "local", vmid)
    tasks += [await cluster.done(await proxmox.restore_backup("pve1", vmid, volume=backup.volume, storage="local"))]
    tasks += [await cluster.done(await proxmox.reimage("pve1", vmid, disk="scsi0", source=IMAGE, storage="local"))]
    await proxmox.drop_unused("pve1", vmid, frozenset((await proxmox.config("pve1", vmid)).unused.values()))
    if upid := await proxmox.delete_backup("pve1", "local", backup.volume):
        tasks += [await cluster.done(upid)]
    assert [(task.kind, task.text) for task in tasks if task.state != "succeeded"] == []
    await proxmox.close()


async def test_a_second_run_has_nothing_to_do(ready: Path, run: Run) -> None:
    code, said = await run("init", "--template", "debian", "--image", IMAGE, "--vmid", "9100")
    assert code == 0
    assert "nothing to do: the cluster is as Hostler needs it" in said


async def test_a_new_secret_replaces_the_old_one(ready: Path, run: Run) -> None:
    old = (ready / "main.token").read_text()
    code, _ = await run("init", "--new-secret", "--secret-file", str(ready / "main.token"))
    assert code == 0
    assert (ready / "main.token").read_text() != old
    assert (await run("doctor"))[0] == 0


async def test_a_secret_that_has_no_place_is_not_made(ready: Path, run: Run, bed: Bed) -> None:
    with pytest.raises(Unsuitable, match="exists already"):
        await run("init", "--token", "other", "--secret-file", str(ready / "main.token"))
    assert [row["tokenid"] for row in await bed.get("/access/users/hostler@pve/token")] == ["hostler"]


async def test_the_doctor_finds_all_that_init_made(ready: Path, run: Run) -> None:
    code, said = await run("doctor")
    assert code == 0, said
    assert "OK      main: rights on /vms: 18 privileges\n" in said
    assert "OK      main: template debian (VMID 9100): on pve1\n" in said
    assert "NOTE    main: backup storage: none is configured: servers have no backups. To mend: name" in said
    assert "MISSING" not in said


async def test_the_doctor_speaks_json(ready: Path, run: Run) -> None:
    code, said = await run("doctor", "--json")
    checks = json.loads(said)
    assert code == 0
    assert {check["cluster"] for check in checks} == {"main"}
    assert {"quorum", "bridge vmbr0 on pve1", "storage local on pve1"} <= {check["name"] for check in checks}


async def test_backups_have_a_storage_that_takes_them(ready: Path, run: Run) -> None:
    configure(ready, "templates", 'backup_storage = "local"\ntemplates')
    code, said = await run("doctor")
    assert code == 0, said
    assert "OK      main: backup storage local on pve1: dir, " in said
    assert said.count("rights on /storage/local") == 1


async def test_user_data_has_a_storage_that_takes_it(ready: Path, run: Run) -> None:
    _, before = await run("doctor")
    assert "NOTE    main: user data: no place for it is configured: servers are given none. To mend: mount" in before
    configure(ready, "templates", 'snippets = { storage = "local", folder = "snippets" }\ntemplates')
    code, said = await run("doctor")
    assert code == 0, said
    assert "OK      main: snippets local on pve1: dir, " in said


async def test_the_doctor_stops_quietly_when_nobody_reads_on(ready: Path) -> None:
    command = f"{sys.executable} -m service.command.admin proxmox doctor --json | true; exit ${{PIPESTATUS[0]}}"
    environment = os.environ | {"HOSTLER_CONFIG": str(ready / "hostler.toml")}
    shell = await asyncio.create_subprocess_exec("bash", "-c", command, stderr=asyncio.subprocess.PIPE, env=environment)
    _, complaints = await shell.communicate()
    assert (shell.returncode, complaints) == (141, b"")


async def test_a_missing_privilege_is_named_with_its_path(ready: Path, run: Run, bed: Bed) -> None:
    await bed.put("/access/roles/Hostler", privs="VM.Audit,Datastore.Audit,SDN.Use")
    code, said = await run("doctor")
    assert code == 1
    assert "MISSING main: rights on /storage/local: lacks Datastore.AllocateSpace. To mend: grant them there" in said
    assert "rights on /sdn/zones/localnetwork/vmbr0: 1 privileges" in said
    code, said = await run("init")
    assert "done: add to the role Hostler: Datastore.AllocateSpace" in said
    assert (await run("doctor"))[0] == 0


async def test_a_right_taken_from_the_user_is_missing_to_its_token(ready: Path, run: Run, bed: Bed) -> None:
    await bed.put("/access/acl", path="/vms", roles="Hostler", users="hostler@pve", delete=1)
    code, said = await run("doctor")
    assert code == 1
    assert "MISSING main: rights on /vms: lacks VM.Allocate" in said


MISFITS = (
    (
        "templates",
        'backup_storage = "thin"\ntemplates',
        "backup storage thin on pve1: takes no backups. To mend: ",
    ),
    ("templates", 'backup_storage = "safe"\ntemplates', "rights on /storage/safe: lacks Datastore.AllocateSpace"),
    (
        "templates",
        'snippets = { storage = "thin", folder = "snippets" }\ntemplates',
        "snippets thin on pve1: takes no snippets. To mend: pvesm set thin --content …,snippets",
    ),
    ('storage = "local"', 'storage = "ceph"', "storage ceph on pve1: Permission check failed (/storage/ceph, "),
    ('bridge = "vmbr0"', 'bridge = "vmbr7"', "bridge vmbr7 on pve1: there are: vmbr0"),
    ('"debian" = 9100', '"debian" = 4711', "template debian (VMID 4711): there is no such VM"),
    ("vmid_first = 10000000", "vmid_first = 9050", "VMIDs 9050-99999999: used by others: 9100"),
    ("vmid_first = 10000000", "vmid_first = 10000", "Proxmox proposes ids of it to others"),
    ("templates", 'ignored_nodes = ["pve9"]\ntemplates', "node pve9: is in ignored_nodes, but not in the cluster"),
    ("hostler@pve!hostler", "hostler@pve!other", "the token is unknown or its secret wrong"),
    ('fingerprint = "', 'fingerprint = "00', "its certificate is not trusted"),
)


async def test_settings_that_do_not_fit_are_found(ready: Path, run: Run, bed: Bed) -> None:
    right = (ready / "hostler.toml").read_text()
    await bed.post("/storage", storage="thin", type="lvmthin", vgname="pve", thinpool="data")
    await bed.put("/access/acl", path="/storage/thin", roles="Hostler", users="hostler@pve", tokens=TOKEN)
    await bed.post("/storage", storage="safe", type="dir", path="/srv/safe", content="backup")
    await bed.control.post("/tick")
    for old, new, words in MISFITS:
        (ready / "hostler.toml").write_text(right)
        configure(ready, old, new)
        code, said = await run("doctor")
        assert code == 1, new
        assert any(words in line for line in said.splitlines() if line.startswith("MISSING")), said


async def test_a_template_without_agent_and_cloud_init_is_mended_by_name(ready: Path, run: Run, bed: Bed) -> None:
    await bed.put("/nodes/pve1/qemu/9100/config", delete="agent,ide2")
    code, said = await run("doctor")
    assert code == 1
    assert "has no cloud-init drive. To mend: qm set 9100 --ide2 STORAGE:cloudinit on pve1" in said
    assert "guest agent switched on. To mend: qm set 9100 --agent 1 on pve1" in said


async def test_a_certificate_that_is_not_the_one_pinned_is_shown(ready: Path, run: Run, bed: Bed) -> None:
    right = bed.node.fingerprint
    configure(ready, right, right.translate(str.maketrans("0123456789", "1234567890")))
    code, said = await run("doctor")
    assert code == 1
    assert "its certificate is not trusted. To mend: if `pvenode cert info` shows the same there" in said
    assert f'fingerprint = "{right}"' in said


async def test_a_clock_that_is_wrong_is_said(ready: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = SimpleNamespace(time=lambda: time.time() + 60)
    monkeypatch.setattr("hypervisor.setup.client.time", ahead)
    code, said = await run("doctor")
    assert code == 1
    assert "differs from ours by -6" in said


async def test_a_node_that_does_not_answer_leaves_the_other_endpoint(ready: Path, run: Run, bed: Bed) -> None:
    configure(ready, 'endpoints = ["', 'endpoints = ["https://127.0.0.1:1", "')
    code, said = await run("doctor")
    assert code == 1
    assert said.startswith("MISSING main: endpoint https://127.0.0.1:1: ")
    assert said.count("MISSING") == 1


async def test_an_image_file_is_uploaded_and_made_a_template(run: Run, bed: Bed, tmp_path: Path) -> None:
    image = tmp_path / "noble.img"
    image.write_bytes(QCOW2)
    wanted = ["--template", "ubuntu", "--image", str(image), "--vmid", "9200"]
    with pytest.raises(Unsuitable, match="no storage of pve1 takes images to import"):
        await run("init", *wanted)
    await bed.put("/storage/local", content="images,rootdir,iso,vztmpl,backup,snippets,import")
    code, said = await run("init", *wanted)
    assert code == 0
    assert "done: upload " in said
    assert (await bed.get("/nodes/pve1/qemu/9200/config"))["template"] == 1
    assert 9200 in [row.get("vmid") for row in (await bed.get("/pools/hostler"))["members"]]
    (kept,) = await bed.get("/nodes/pve1/storage/local/content", content="import")
    assert (kept["volid"], kept["size"]) == ("local:import/noble.qcow2", len(QCOW2))
    code, said = await run("init", *wanted[:-1], "9201")
    assert "done: upload" not in said
    assert "done: turn VM 9201 into a template" in said


async def test_a_vmid_of_somebody_else_is_not_touched(run: Run, bed: Bed) -> None:
    before = await bed.get("/nodes/pve1/qemu/9001/config")
    with pytest.raises(Unsuitable, match="VMID 9001 belongs to 'ubuntu"):
        await run("init", "--template", "debian", "--image", IMAGE, "--vmid", "9001")
    assert await bed.get("/nodes/pve1/qemu/9001/config") == before


async def test_an_unknown_certificate_gets_no_password(run: Run, bed: Bed, tmp_path: Path) -> None:
    arguments = ["proxmox", "init", "--url", bed.running.url, "--password-file", str(tmp_path / "password")]
    with pytest.raises(Unsuitable, match=bed.node.fingerprint):
        await proxmox_admin.run(admin._parser().parse_args(arguments), Settings({}))
    seen = (await bed.control.get("/requests")).json()
    assert [request for request in seen if request["path"].endswith("/access/ticket")] == []


async def test_the_fingerprint_is_as_proxmox_prints_it(bed: Bed) -> None:
    assert await asyncio.to_thread(checkup.fingerprint, bed.running.url) == bed.node.fingerprint


@pytest.mark.parametrize("bed", [{"nodes": 3, "pve": "9"}], indirect=True)
async def test_a_cluster_of_the_next_release_is_made_ready_and_watched(ready: Path, run: Run, bed: Bed) -> None:
    role = await bed.get("/access/roles/Hostler")
    assert "VM.GuestAgent.Audit" in role
    assert "VM.Monitor" not in role
    code, said = await run("doctor")
    assert code == 0, said
    assert "OK      main: quorum: the cluster is quorate" in said
    assert all(f"OK      main: storage local on {node}: dir" in said for node in ("pve1", "pve2", "pve3"))
    assert "NOTE    main: template debian (VMID 9100): its disk is on local, local to pve1" in said
    await bed.control.post("/node/pve2", json={"state": "down"})
    code, said = await run("doctor")
    assert code == 1
    assert "MISSING main: node pve2: " in said
    assert "OK      main: node pve3: online" in said

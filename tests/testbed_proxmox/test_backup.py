"""Backups: jobs and their logs, what is kept, and machines that come back from them."""

import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from testbed.proxmox.storage import contents, retention
from testbed.proxmox.storage.retention import Entry
from tests.testbed_proxmox.bed import NODE, Bed, bed_in

pytestmark = pytest.mark.pve
VZDUMP = f"/nodes/{NODE}/vzdump"
CONTENT = f"/nodes/{NODE}/storage/local/content"
DAY = 86_400


async def backed_up(bed: Bed, vmid: int, **options: Any) -> list[str]:
    """The log of a backup that went well."""
    upid = await bed.post(VZDUMP, vmid=vmid, storage="local", **options)
    status = await bed.finished(upid)
    log = await bed.log(upid)
    assert status == "OK", log
    return log


async def backups(bed: Bed, **filters: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await bed.get(CONTENT, content="backup", **filters)
    return rows


async def test_a_backup_is_found_in_the_content_with_its_notes(bed: Bed) -> None:
    await bed.cloned(100, name="web")
    log = await backed_up(
        bed, 100, compress="zstd", protected=1, **{"notes-template": r"{{guestname}} on {{node}}\nrun 7"}
    )
    (row,) = await backups(bed, vmid=100)
    assert row["volid"].startswith("local:backup/vzdump-qemu-100-")
    assert row["volid"].endswith(".vma.zst")
    assert (row["subtype"], row["vmid"], row["format"], row["protected"]) == ("qemu", 100, "vma.zst", 1)
    assert row["notes"] == f"web on {NODE}"
    assert (await bed.get(f"{CONTENT}/{row['volid']}"))["notes"] == f"web on {NODE}\nrun 7"
    assert "INFO: status = stopped" in log
    assert "INFO: backup mode: stop" in log
    assert log[-2:] == ["INFO: Backup job finished successfully", "TASK OK"]
    held = await bed.run("DELETE", f"{CONTENT}/{row['volid']}")
    assert held.startswith("cannot remove protected volume 'backup/vzdump-qemu-100-")


async def test_the_log_of_a_running_machine_names_its_mode(bed: Bed) -> None:
    vm = await bed.cloned(100)
    await bed.run("POST", f"{vm}/status/start")
    await bed.until(lambda: bed.runs(100))
    for mode, line in (
        ("snapshot", "resuming VM again"),
        ("suspend", "suspending guest"),
        ("stop", "stopping virtual"),
    ):
        log = await backed_up(bed, 100, mode=mode)
        assert f"INFO: backup mode: {mode}" in log
        assert any(line in text for text in log)
        assert bed.runs(100)
        for row in await backups(bed, vmid=100):
            await bed.run("DELETE", f"{CONTENT}/{row['volid']}")


async def test_the_machine_is_locked_meanwhile(bed: Bed) -> None:
    vm = await bed.cloned(100)
    bed.node.knobs.full_clone_seconds = 3
    upid = await bed.post(VZDUMP, vmid=100, storage="local")
    await bed.until(lambda: bed.node.vms.load(100).lock == "backup")
    assert await bed.run("POST", f"{vm}/status/start") == "VM is locked (backup)"
    await bed.delete(f"/nodes/{NODE}/tasks/{upid}")
    assert bed.node.vms.load(100).lock is None
    assert await backups(bed) == []


async def test_machines_elsewhere_are_nobodys_business_here(bed: Bed) -> None:
    await bed.cloned(100)
    assert await bed.post(VZDUMP, all=1, exclude="100,9000,9001") != "OK"
    bed.node.containers.add(NODE, 555, "ct", "stopped", 1, 128, 1)
    assert await bed.post(VZDUMP, vmid="555") == "OK"


async def test_one_that_fails_lets_the_others_go_on(bed: Bed) -> None:
    await bed.cloned(100)
    upid = await bed.post(VZDUMP, vmid="100,777")
    assert await bed.finished(upid) == "job errors"
    log = await bed.log(upid)
    assert "ERROR: Backup of VM 777 failed - unable to find VM '777'" in log
    assert len(await backups(bed)) == 1


async def test_jobs_that_make_no_sense_are_refused(bed: Bed) -> None:
    wanted: dict[str, dict[str, Any]] = {
        "vmid": {},
        "all": {"all": 1, "vmid": 100},
        "notes-template": {"vmid": 100, "storage": "local", "notes-template": "{{nope}}"},
    }
    for name, params in wanted.items():
        response = await bed.call("POST", VZDUMP, params)
        assert set(response.json()["errors"]) == {name}
    upid = await bed.post(VZDUMP, vmid=9000, storage="nope")
    assert (await bed.finished(upid)).startswith("could not activate storage 'nope'")


async def test_old_backups_are_pruned(bed: Bed) -> None:
    await bed.cloned(100)
    for age in (3, 2, 1):
        await _dated(bed, 100, age)
    preview = await bed.get(f"/nodes/{NODE}/storage/local/prunebackups", **{"prune-backups": "keep-last=1"})
    assert sorted(row["mark"] for row in preview) == ["keep", "remove", "remove"]
    log = await backed_up(bed, 100, **{"prune-backups": "keep-last=2"})
    assert "INFO: pruned 2 backup(s) not covered by keep-retention policy" in log
    assert len(await backups(bed)) == 2
    path = f"/nodes/{NODE}/storage/local/prunebackups"
    assert await bed.run("DELETE", path, **{"prune-backups": "keep-last=1"}) == "OK"
    assert len(await backups(bed)) == 1


async def _dated(bed: Bed, vmid: int, age: int) -> None:
    await backed_up(bed, vmid)
    newest = max(bed.node.volumes, key=lambda volume: contents.backup_time(volume.name) or 0)
    stamp = time.strftime("%Y_%m_%d-%H_%M_%S", time.localtime(time.time() - age * DAY))
    record = bed.node.store.get("setting", f"backup:{newest.key}")
    bed.node.volumes.rename(newest, f"backup/vzdump-qemu-{vmid}-{stamp}.vma")
    bed.node.store.put("setting", f"backup:{newest.key}", record)


async def test_a_machine_comes_back_as_it_was(bed: Bed) -> None:
    vm = await bed.cloned(100, name="web", full=1)
    await bed.put(f"{vm}/config", memory=2048, tags="a;b", description="before")
    await bed.put(f"{vm}/firewall/options", enable=1)
    await backed_up(bed, 100)
    (row,) = await backups(bed)
    await bed.put(f"{vm}/config", memory=512, description="after")
    old = await bed.get(f"{vm}/config")
    taken = await bed.call("POST", f"/nodes/{NODE}/qemu", {"vmid": 100, "archive": row["volid"]})
    assert taken.reason_phrase == f"unable to restore VM 100 - VM 100 already exists on node '{NODE}'"
    assert await bed.run("POST", f"/nodes/{NODE}/qemu", vmid=100, archive=row["volid"], force=1) == "OK"
    found = await bed.get(f"{vm}/config")
    assert (found["memory"], found["description"], found["tags"]) == ("2048", "before", "a;b")
    assert found["net0"] == old["net0"]
    assert "lock" not in found
    assert len([one for one in bed.node.volumes.of(100) if not one.cloud_init]) == 1


async def test_a_copy_from_a_backup_is_another_machine(bed: Bed) -> None:
    vm = await bed.cloned(100, name="web")
    await bed.put(f"{vm}/firewall/options", enable=1)
    await backed_up(bed, 100)
    (row,) = await backups(bed)
    text = await bed.get(f"{VZDUMP}/extractconfig", volume=row["volid"])
    assert "name: web\n" in text
    assert "#qmdump#map:scsi0:drive-scsi0:local:qcow2:\n" in text
    upid = await bed.post(f"/nodes/{NODE}/qemu", vmid=200, archive=row["volid"], unique=1, name="other", start=1)
    assert await bed.finished(upid) == "OK"
    assert "new volume ID is 'local:200/vm-200-disk-0.qcow2'" in await bed.log(upid)
    old, new = [await bed.get(f"/nodes/{NODE}/qemu/{vmid}/config") for vmid in (100, 200)]
    assert new["name"] == "other"
    assert new["net0"] != old["net0"]
    assert new["smbios1"] != old["smbios1"]
    assert (await bed.get(f"/nodes/{NODE}/qemu/200/firewall/options"))["enable"] == 1
    await bed.until(lambda: bed.runs(200))
    running = await bed.run("POST", f"/nodes/{NODE}/qemu", vmid=200, archive=row["volid"], force=1)
    assert running == "unable to restore VM 200 - vm is running"
    drive = {"vmid": 201, "archive": row["volid"], "scsi0": "local:1"}
    response = await bed.call("POST", f"/nodes/{NODE}/qemu", drive)
    assert response.json()["errors"] == {"scsi0": "option conflicts with option 'archive'"}


async def test_jobs_cover_guests(bed: Bed) -> None:
    await bed.cloned(100)
    without = {row["vmid"] for row in await bed.get("/cluster/backup-info/not-backed-up")}
    assert without == {100, 9000, 9001}
    await bed.post("/cluster/backup", id="nightly", vmid=100, starttime="2:30", dow="sat,sun", storage="local")
    (job,) = await bed.get("/cluster/backup")
    assert (job["id"], job["schedule"], job["enabled"], job["type"]) == ("nightly", "sat,sun 2:30", 1, "vzdump")
    await bed.put("/cluster/backup/nightly", **{"prune-backups": "keep-last=3", "exclude": "9000", "delete": "vmid"})
    job = await bed.get("/cluster/backup/nightly")
    assert (job["all"], job["prune-backups"]) == (1, {"keep-last": "3"})
    tree = await bed.get("/cluster/backup/nightly/included_volumes")
    assert [child["id"] for child in tree["children"]] == [100, 9001]
    assert [row["vmid"] for row in await bed.get("/cluster/backup-info/not-backed-up")] == [9000]
    await bed.delete("/cluster/backup/nightly")
    gone = await bed.call("GET", "/cluster/backup/nightly")
    assert gone.json()["errors"] == {"id": "No such job 'nightly'"}
    early = await bed.call("POST", "/cluster/backup", {"vmid": 100})
    assert early.json()["errors"] == {"schedule": "neither 'starttime' nor 'schedule' were set"}
    for schedule in ("bogus", "25h", "mon,, 1:00"):
        odd = await bed.call("POST", "/cluster/backup", {"all": 1, "schedule": schedule})
        assert odd.json()["errors"]["schedule"].startswith(f"invalid format - invalid calendar event '{schedule}'")


@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        ({"keep-last": 2}, [0, 1]),
        ({"keep-daily": 3}, [0, 2, 4]),
        ({"keep-last": 1, "keep-daily": 2}, [0, 2, 4]),
        ({"keep-all": 1}, list(range(6))),
        ({}, list(range(6))),
    ],
)
def test_retention_keeps_the_newest_of_each_period(keep: dict[str, int], kept: list[int]) -> None:
    noon = int(time.mktime((2026, 6, 15, 12, 0, 0, 0, 0, -1)))
    entries = [Entry(str(number), noon - number // 2 * DAY - number % 2 * 3600) for number in range(6)]
    retention.mark(entries, keep)
    assert [int(entry.volid) for entry in entries if entry.mark == "keep"] == kept


def qemu_io(image: Path, command: str) -> bytes:
    """What qemu-io says to a command on an image."""
    done = subprocess.run(["qemu-io", "-f", "qcow2", "-c", command, str(image)], check=True, capture_output=True)
    return done.stdout


@pytest.mark.skipif(shutil.which("qemu-io") is None, reason="needs qemu-io")
async def test_disks_of_real_guests_are_really_copied(tmp_path: Path) -> None:
    async with bed_in(tmp_path, kind="qemu", templates=False) as bed:
        create = {"vmid": 100, "scsi0": "local:0.01"}
        assert await bed.run("POST", f"/nodes/{NODE}/qemu", **create) == "OK"
        disk = tmp_path / "qemu" / "images" / "100" / "vm-100-disk-0.qcow2"
        qemu_io(disk, "write -P 7 0 64k")
        await backed_up(bed, 100)
        (row,) = await backups(bed)
        assert await bed.run("DELETE", f"/nodes/{NODE}/qemu/100") == "OK"
        assert not disk.exists()
        assert await bed.run("POST", f"/nodes/{NODE}/qemu", vmid=101, archive=row["volid"]) == "OK"
        copy = disk.parent.parent / "101" / "vm-101-disk-0.qcow2"
        assert b"Pattern verification failed" not in qemu_io(copy, "read -P 7 0 64k")
        assert await bed.run("DELETE", f"{CONTENT}/{row['volid']}") == "OK"
        assert not list(disk.parent.glob("*vzdump*"))

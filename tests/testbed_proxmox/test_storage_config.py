"""The storage configuration, and disks on storages of every kind."""

import pytest

from testbed.proxmox.schema import UNKNOWN
from testbed.proxmox.storage import disks
from tests.testbed_proxmox.bed import NODE, Bed

pytestmark = pytest.mark.pve
NFS = {"storage": "nfs", "type": "nfs", "server": "10.99.0.5", "export": "/export", "content": "images"}


async def test_a_storage_comes_changes_and_goes(bed: Bed) -> None:
    assert await bed.post("/storage", **NFS) == {"storage": "nfs", "type": "nfs"}
    row = await bed.get("/storage/nfs")
    assert {key: row[key] for key in ("path", "shared", "content")} == {
        "path": "/mnt/pve/nfs",
        "shared": 1,
        "content": "images",
    }
    refused = await bed.call("PUT", "/storage/nfs", {"disable": 1, "digest": "0" * 40})
    assert refused.reason_phrase == (
        "update storage failed: detected modified configuration - file changed by other user? Try again."
    )
    await bed.put("/storage/nfs", disable=1, digest=row["digest"])
    assert [one["storage"] for one in await bed.get(f"/nodes/{NODE}/storage", enabled=1)] == ["local"]
    refused = await bed.call("POST", f"/nodes/{NODE}/qemu/9000/clone", {"newid": 200, "full": 1, "storage": "nfs"})
    assert refused.reason_phrase == "storage 'nfs' is disabled"
    await bed.put("/storage/nfs", delete="disable")
    await bed.delete("/storage/nfs")
    gone = await bed.call("GET", "/storage/nfs")
    assert (gone.status_code, gone.reason_phrase) == (500, "storage 'nfs' does not exist")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"storage": "local"}, "create storage failed: storage ID 'local' already defined"),
        ({"export": ""}, "missing value for required option 'export'"),
        ({"vgname": "xy"}, "unexpected property 'vgname'"),
        ({"type": "pbs"}, "unexpected property 'export'"),
        (
            {"type": "pbs", "datastore": "d", "export": "", "content": "backup"},
            "create storage failed: nfs: this testbed has no storages of type 'pbs'",
        ),
        ({"type": "lvmthin", "vgname": "vg", "thinpool": "tp"}, "unexpected property 'export'"),
    ],
)
async def test_a_storage_that_cannot_be(bed: Bed, changes: dict[str, str], text: str) -> None:
    given = {name: value for name, value in (NFS | changes).items() if value}
    refused = await bed.call("POST", "/storage", given)
    assert (refused.status_code, refused.reason_phrase) == (500, text)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("path", "srv", "invalid format - value does not look like a valid absolute path\n"),
        ("server", "a_b", "invalid format - value does not look like a valid server name or IP address\n"),
        ("portal", "a_b:3260", "invalid format - value does not look like a valid portal address\n"),
        ("vgname", "a b", "invalid format - lvm name 'a b' contains illegal characters\n"),
        ("options", "a b", "invalid format - invalid options 'a b'\n"),
        ("content-dirs", "iso", "invalid format - invalid override 'iso'\n"),
        ("smbversion", "1", "value '1' does not have a value in the enumeration 'default, 2.0, 2.1, 3, 3.0, 3.11'"),
        ("port", "0", "value must have a minimum value of 1"),
        ("saferemove-stepsize", "2", UNKNOWN),
    ],
)
async def test_options_are_checked_before_they_are_looked_at(bed: Bed, name: str, value: str, text: str) -> None:
    refused = await bed.call("POST", "/storage", NFS | {name: value})
    assert (refused.status_code, refused.json()["errors"]) == (400, {name: text})


async def test_volumes_are_named_as_their_storage_names_them(bed: Bed) -> None:
    await bed.post("/storage", storage="thin", type="lvmthin", vgname="pve", thinpool="data")
    await bed.post("/storage", storage="tank", type="zfspool", pool="tank")
    for vmid, storage in ((300, "thin"), (301, "tank")):
        clone = f"/nodes/{NODE}/qemu/9000/clone"
        assert await bed.run("POST", clone, newid=vmid, full=1, storage=storage) == "OK"
        assert await bed.run("POST", f"/nodes/{NODE}/qemu/{vmid}/template") == "OK"
        assert await bed.run("POST", f"/nodes/{NODE}/qemu/{vmid}/clone", newid=vmid + 10) == "OK"
    thin, tank = [(await bed.get(f"/nodes/{NODE}/qemu/{vmid}/config"))["scsi0"] for vmid in (310, 311)]
    assert (thin, tank) == ("thin:vm-310-disk-0,size=2G", "tank:base-301-disk-0/vm-311-disk-0,size=2G")
    assert (await bed.get(f"/nodes/{NODE}/qemu/310/config"))["ide2"].startswith("thin:vm-310-cloudinit,")
    assert await bed.run("DELETE", f"/nodes/{NODE}/qemu/301") == (
        "base volume 'tank:base-301-disk-0' is still in use by linked cloned"
    )


async def test_a_shared_storage_has_one_lock_for_all_nodes(three: Bed) -> None:
    three.node.knobs.lock_timeout_factor = 0.01
    async with disks.storage_locked(three.cluster.nodes["pve3"], "nfs"):
        outcome = await three.run("POST", "/nodes/pve1/qemu", vmid=200, scsi0="nfs:1")
    assert outcome.endswith("cfs-lock 'storage-nfs' error: got lock request timeout")
    three.node.knobs.storage_hold_seconds = 2
    outcome = await three.run("POST", "/nodes/pve2/qemu", vmid=200, scsi0="nfs:1")
    assert outcome.endswith("'storage-nfs'-locked command timed out - aborting")
    three.node.knobs.storage_hold_seconds = 0
    assert await three.run("POST", "/nodes/pve2/qemu", vmid=200, scsi0="nfs:1") == "OK"

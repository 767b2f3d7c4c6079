"""The shared suite, second part: snapshots, backups, images, the firewall, what the guest agent sets."""

from __future__ import annotations

import pytest

from hypervisor.errors import AgentSilent, Invalid, Missing, Refused
from hypervisor.port import GuestSettings, IpConfig, Task
from tests.hypervisor.clusters import Cluster

NOTES = r"op_1: 100% \n {guest}"


async def succeeded(cluster: Cluster, upid: str | None) -> Task:
    assert upid is not None
    task = await cluster.done(upid)
    assert task.state == "succeeded", task.text
    return task


async def snapshot(cluster: Cluster, vmid: int, name: str, *, memory: bool = False) -> None:
    taken = await cluster.hypervisor.take_snapshot("pve1", vmid, name, description="before\nit", memory=memory)
    assert (await succeeded(cluster, taken)).kind == "qmsnapshot"


async def test_a_snapshot_is_listed_with_what_was_said_of_it(cluster: Cluster) -> None:
    vmid = await cluster.cloned()
    assert await cluster.hypervisor.snapshots("pve1", vmid) == []
    await snapshot(cluster, vmid, "op_abc-1")
    (found,) = await cluster.hypervisor.snapshots("pve1", vmid)
    assert (found.name, found.description, found.with_memory, found.complete) == ("op_abc-1", "before\nit", False, True)
    assert (found.taken_at or 0) > 1_600_000_000


async def test_a_snapshot_of_a_name_that_is_there_fails_and_changes_nothing(cluster: Cluster) -> None:
    vmid = await cluster.cloned()
    await snapshot(cluster, vmid, "one")
    task = await cluster.done(await cluster.hypervisor.take_snapshot("pve1", vmid, "one"))
    assert (task.state, task.cause) == ("failed", "conflict")
    assert len(await cluster.hypervisor.snapshots("pve1", vmid)) == 1


@pytest.mark.parametrize("name", ["1st", "a b", "x" * 41, ""])
async def test_a_snapshot_of_a_bad_name_is_refused(cluster: Cluster, name: str) -> None:
    vmid = await cluster.cloned()
    with pytest.raises(Invalid) as caught:
        await cluster.hypervisor.take_snapshot("pve1", vmid, name)
    assert "snapname" in caught.value.fields


async def test_going_back_brings_the_configuration_back_and_leaves_it_stopped(cluster: Cluster) -> None:
    vmid = await cluster.started()
    before = await cluster.hypervisor.config("pve1", vmid)
    await snapshot(cluster, vmid, "one")
    await cluster.hypervisor.configure("pve1", vmid, GuestSettings(name="other", cores=before.cores + 1))
    await succeeded(cluster, await cluster.hypervisor.roll_back("pve1", vmid, "one"))
    after = await cluster.hypervisor.config("pve1", vmid)
    assert (after.name, after.cores, after.smbios_uuid) == (before.name, before.cores, before.smbios_uuid)
    assert (after.macs, after.volumes) == (before.macs, before.volumes)
    assert (await cluster.hypervisor.status("pve1", vmid)).power == "stopped"


async def test_a_snapshot_with_memory_runs_on(cluster: Cluster) -> None:
    vmid = await cluster.started()
    await snapshot(cluster, vmid, "warm", memory=True)
    assert (await cluster.hypervisor.snapshots("pve1", vmid))[0].with_memory
    await succeeded(cluster, await cluster.hypervisor.roll_back("pve1", vmid, "warm"))
    assert (await cluster.hypervisor.status("pve1", vmid)).power == "running"


async def test_what_is_not_there_cannot_be_gone_back_to_or_deleted(cluster: Cluster) -> None:
    vmid = await cluster.cloned()
    for verb in (cluster.hypervisor.roll_back, cluster.hypervisor.delete_snapshot):
        task = await cluster.done(await verb("pve1", vmid, "nothing"))
        assert (task.state, task.cause) == ("failed", "refused"), task.text


async def test_a_deleted_snapshot_is_gone(cluster: Cluster) -> None:
    vmid = await cluster.cloned()
    await snapshot(cluster, vmid, "one")
    await succeeded(cluster, await cluster.hypervisor.delete_snapshot("pve1", vmid, "one"))
    assert await cluster.hypervisor.snapshots("pve1", vmid) == []


async def test_snapshots_of_a_guest_that_is_not_there_are_missing(cluster: Cluster) -> None:
    with pytest.raises(Missing):
        await cluster.hypervisor.snapshots("pve1", 77_777)


async def test_a_backup_is_found_by_its_notes_and_outlives_its_restoration(cluster: Cluster) -> None:
    vmid = await cluster.cloned()
    taken = await cluster.hypervisor.take_backup("pve1", vmid, storage=cluster.backups, notes=NOTES)
    assert (await succeeded(cluster, taken)).kind == "vzdump"
    (found,) = await cluster.hypervisor.backups("pve1", cluster.backups, vmid)
    assert (found.vmid, found.notes, found.protected) == (vmid, NOTES, False)
    assert await cluster.hypervisor.archive(taken, cluster.backups) == found.volume
    assert found.size_bytes > 0
    before = await cluster.hypervisor.config("pve1", vmid)
    await cluster.hypervisor.configure("pve1", vmid, GuestSettings(name="other", cores=7))
    restored = await cluster.hypervisor.restore_backup("pve1", vmid, volume=found.volume, storage="local")
    assert (await succeeded(cluster, restored)).kind == "qmrestore"
    after = await cluster.hypervisor.config("pve1", vmid)
    assert (after.name, after.cores, after.smbios_uuid) == (before.name, before.cores, before.smbios_uuid)
    assert after.macs == before.macs


async def test_a_running_guest_is_not_restored_over(cluster: Cluster) -> None:
    vmid = await cluster.started()
    await succeeded(cluster, await cluster.hypervisor.take_backup("pve1", vmid, storage=cluster.backups, notes="x"))
    (found,) = await cluster.hypervisor.backups("pve1", cluster.backups, vmid)
    task = await cluster.done(
        await cluster.hypervisor.restore_backup("pve1", vmid, volume=found.volume, storage="local")
    )
    assert (task.state, task.cause) == ("failed", "refused"), task.text
    assert (await cluster.hypervisor.status("pve1", vmid)).power == "running"


async def test_a_deleted_backup_is_gone(cluster: Cluster) -> None:
    vmid = await cluster.cloned()
    await succeeded(cluster, await cluster.hypervisor.take_backup("pve1", vmid, storage=cluster.backups, notes="x"))
    (found,) = await cluster.hypervisor.backups("pve1", cluster.backups, vmid)
    upid = await cluster.hypervisor.delete_backup("pve1", cluster.backups, found.volume)
    if upid is not None:
        await succeeded(cluster, upid)
    assert await cluster.hypervisor.backups("pve1", cluster.backups, vmid) == []


async def test_a_volume_is_known_to_be_named_and_is_deleted_when_it_is_not(cluster: Cluster) -> None:
    vmid = await cluster.cloned()
    config = await cluster.hypervisor.config("pve1", vmid)
    volume = config.volumes["scsi0"]
    assert await cluster.hypervisor.mentions("pve1", vmid, volume)
    assert not await cluster.hypervisor.mentions("pve1", vmid, f"local:{vmid}/vm-{vmid}-disk-99.qcow2")
    upid = await cluster.hypervisor.delete_volume("pve1", "local", volume)
    if upid is not None:
        await succeeded(cluster, upid)
    assert volume not in await cluster.hypervisor.volumes("pve1", "local", vmid)


async def test_a_volume_that_only_a_snapshot_names_is_known(cluster: Cluster) -> None:
    vmid = await cluster.cloned()
    await succeeded(cluster, await cluster.hypervisor.take_snapshot("pve1", vmid, "before"))
    old = (await cluster.hypervisor.config("pve1", vmid)).volumes["scsi0"]
    source = (await cluster.hypervisor.config("pve1", 9000)).volumes["scsi0"]
    await succeeded(
        cluster, await cluster.hypervisor.reimage("pve1", vmid, disk="scsi0", source=source, storage="local")
    )
    assert old not in (await cluster.hypervisor.config("pve1", vmid)).volumes.values()
    assert await cluster.hypervisor.mentions("pve1", vmid, old)


async def test_a_backup_of_a_guest_that_is_nowhere_fails(cluster: Cluster) -> None:
    upid = await cluster.hypervisor.take_backup("pve1", 77_777, storage=cluster.backups, notes="x")
    assert (await cluster.done(upid)).state == "failed"
    assert await cluster.hypervisor.backups("pve1", cluster.backups, 77_777) == []


async def test_a_new_image_takes_the_drives_place_and_the_old_one_waits_unused(cluster: Cluster) -> None:
    vmid = await cluster.cloned(full=True)
    before = await cluster.hypervisor.config("pve1", vmid)
    source = (await cluster.hypervisor.config("pve1", 9000)).volumes["scsi0"]
    upid = await cluster.hypervisor.reimage("pve1", vmid, disk="scsi0", source=source, storage="local")
    assert (await succeeded(cluster, upid)).kind == "qmconfig"
    after = await cluster.hypervisor.config("pve1", vmid)
    assert after.volumes["scsi0"] != before.volumes["scsi0"]
    assert list(after.unused.values()) == [before.volumes["scsi0"]]
    assert (after.smbios_uuid, after.macs) == (before.smbios_uuid, before.macs)
    await cluster.hypervisor.drop_unused("pve1", vmid, frozenset({"local:1/vm-1-disk-9.qcow2"}))
    assert list((await cluster.hypervisor.config("pve1", vmid)).unused.values()) == [before.volumes["scsi0"]]
    old = frozenset({before.volumes["scsi0"]})
    await cluster.hypervisor.drop_unused("pve1", vmid, old)
    assert (await cluster.hypervisor.config("pve1", vmid)).unused == {}
    assert before.volumes["scsi0"] not in await cluster.hypervisor.volumes("pve1", "local", vmid)
    await cluster.hypervisor.drop_unused("pve1", vmid, old)


async def test_a_snapshot_holds_the_disk_that_a_new_image_replaced(cluster: Cluster) -> None:
    vmid = await cluster.cloned(full=True)
    before = await cluster.hypervisor.config("pve1", vmid)
    source = (await cluster.hypervisor.config("pve1", 9000)).volumes["scsi0"]
    await snapshot(cluster, vmid, "one")
    await succeeded(
        cluster, await cluster.hypervisor.reimage("pve1", vmid, disk="scsi0", source=source, storage="local")
    )
    new = await cluster.hypervisor.config("pve1", vmid)
    assert list(new.unused.values()) == list(before.volumes.values())
    with pytest.raises(Refused):
        await cluster.hypervisor.drop_unused("pve1", vmid, frozenset(before.volumes.values()))
    await succeeded(cluster, await cluster.hypervisor.roll_back("pve1", vmid, "one"))
    back = await cluster.hypervisor.config("pve1", vmid)
    assert back.volumes == before.volumes
    assert list(back.unused.values()) == [new.volumes["scsi0"]]


async def test_a_disk_that_only_a_deleted_snapshot_held_waits_unused(cluster: Cluster) -> None:
    vmid = await cluster.cloned(full=True)
    before = await cluster.hypervisor.config("pve1", vmid)
    source = (await cluster.hypervisor.config("pve1", 9000)).volumes["scsi0"]
    await snapshot(cluster, vmid, "one")
    await succeeded(
        cluster, await cluster.hypervisor.reimage("pve1", vmid, disk="scsi0", source=source, storage="local")
    )
    await succeeded(cluster, await cluster.hypervisor.delete_snapshot("pve1", vmid, "one"))
    assert list((await cluster.hypervisor.config("pve1", vmid)).unused.values()) == [before.volumes["scsi0"]]


async def test_an_image_that_is_not_there_leaves_the_drive_as_it_was(cluster: Cluster) -> None:
    vmid = await cluster.cloned()
    before = await cluster.hypervisor.config("pve1", vmid)
    source = "local:4711/base-4711-disk-0.qcow2"
    task = await cluster.done(
        await cluster.hypervisor.reimage("pve1", vmid, disk="scsi0", source=source, storage="local")
    )
    assert task.state == "failed"
    assert (await cluster.hypervisor.config("pve1", vmid)).volumes == before.volumes


async def test_a_guest_with_a_disk_of_its_node_is_tied_to_it(cluster: Cluster) -> None:
    vmid = await cluster.cloned()
    disk = (await cluster.hypervisor.config("pve1", vmid)).volumes["scsi0"]
    assert disk in await cluster.hypervisor.ties("pve1", vmid)
    with pytest.raises(Invalid):
        await cluster.hypervisor.migrate("pve1", vmid, "pve1")
    with pytest.raises(Missing):
        await cluster.hypervisor.ties("pve1", 77_777)


async def test_a_running_guest_is_not_moved(cluster: Cluster) -> None:
    vmid = await cluster.started()
    with pytest.raises((Refused, Invalid)):
        await cluster.hypervisor.migrate("pve1", vmid, "pve2")


async def test_cores_of_a_running_guest_wait_for_the_next_start(cluster: Cluster) -> None:
    vmid = await cluster.started()
    assert await cluster.hypervisor.pending("pve1", vmid) == frozenset()
    cores = (await cluster.hypervisor.config("pve1", vmid)).cores
    await cluster.hypervisor.configure("pve1", vmid, GuestSettings(cores=cores + 1))
    assert "cores" in await cluster.hypervisor.pending("pve1", vmid)
    await succeeded(cluster, await cluster.hypervisor.stop("pve1", vmid))
    await succeeded(cluster, await cluster.hypervisor.start("pve1", vmid))
    assert await cluster.hypervisor.pending("pve1", vmid) == frozenset()


async def test_the_agent_sets_a_password_only_where_it_answers(cluster: Cluster) -> None:
    vmid = await cluster.cloned()
    with pytest.raises((AgentSilent, Refused)):
        await cluster.hypervisor.set_password("pve1", vmid, "root", "hunter2")
    running = await cluster.started()
    await cluster.hypervisor.set_password("pve1", running, "root", "hunter2")


async def test_the_seed_can_be_written_anew(cluster: Cluster) -> None:
    vmid = await cluster.started()
    await cluster.hypervisor.configure("pve1", vmid, GuestSettings(ipconfig={"net0": IpConfig("10.99.0.9/24")}))
    await cluster.hypervisor.refresh_cloudinit("pve1", vmid)


async def test_the_firewall_lets_out_exactly_what_was_promised(cluster: Cluster) -> None:
    vmid = await cluster.cloned()
    assert not (await cluster.hypervisor.firewall("pve1", vmid)).enabled
    for addresses in ({"10.99.0.100", "2001:db8::2"}, {"10.99.0.101"}, {"10.99.0.101"}):
        await cluster.hypervisor.set_firewall("pve1", vmid, allowed={"net0": frozenset(addresses)})
        found = await cluster.hypervisor.firewall("pve1", vmid)
        assert (found.enabled, found.mac_filter, found.ip_filter) == (True, True, True)
        assert found.allowed == {"net0": addresses}
    config = await cluster.hypervisor.config("pve1", vmid)
    assert config.nics["net0"].firewall
    assert config.nics["net0"].mac == config.macs["net0"]


async def test_storages_say_what_they_are_for(cluster: Cluster) -> None:
    rows = {row.name: row for row in await cluster.hypervisor.storages("pve1")}
    assert "images" in rows["local"].content
    assert "backup" in rows[cluster.backups].content
    assert rows["local"].active
    assert 0 < rows["local"].free_bytes <= rows["local"].total_bytes


async def test_a_task_that_has_ended_can_be_aborted_without_harm(cluster: Cluster) -> None:
    vmid = await cluster.cloned()
    upid = await cluster.hypervisor.start("pve1", vmid)
    await succeeded(cluster, upid)
    await cluster.hypervisor.abort_task(upid)
    assert (await cluster.hypervisor.status("pve1", vmid)).power == "running"

"""One suite for the fake and for the adapter: what callers may rely on whichever they hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hypervisor.errors import AgentSilent, Conflict, Invalid, Missing, Refused, Stale
from hypervisor.port import GuestRow, GuestSettings, IpConfig, Uplink
from tests.hypervisor.clusters import VMIDS, Cluster

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKHEChAQSB2u0s5Pj5v9r2wS8vrZ1cN3bKpGqfJm6b8X somebody@example.com"
UNKNOWN_TASK = "UPID:pve1:0000ABCD:00000001:60000000:qmclone:9000:root@pam:"


async def row(cluster: Cluster, vmid: int) -> GuestRow:
    return next(row for row in await cluster.hypervisor.guests() if row.vmid == vmid)


async def test_names_its_version_and_nodes(cluster: Cluster) -> None:
    assert (await cluster.hypervisor.version()).startswith("8.")
    assert [(node.name, node.online) for node in await cluster.hypervisor.nodes()] == [("pve1", True)]
    assert await cluster.hypervisor.quorate()


async def test_has_heard_the_time_after_an_answer(cluster: Cluster) -> None:
    await cluster.hypervisor.version()
    assert (await cluster.hypervisor.server_time() or 0) > 1_600_000_000


async def test_the_bulk_read_knows_templates(cluster: Cluster) -> None:
    found = await row(cluster, 9000)
    assert (found.node, found.kind, found.name, found.template) == ("pve1", "qemu", "debian-12", True)
    assert found.tags == {"template"}


async def test_a_clone_is_a_guest_of_its_own(cluster: Cluster) -> None:
    vmid = await cluster.cloned()
    template = await cluster.hypervisor.config("pve1", 9000)
    clone = await cluster.hypervisor.config("pve1", vmid)
    assert (clone.name, clone.description, clone.lock, clone.template) == ("web-1", "[srv=1 op=2]", None, False)
    assert clone.smbios_uuid not in {None, template.smbios_uuid}
    assert clone.macs["net0"] != template.macs["net0"]
    assert clone.volumes["scsi0"] != template.volumes["scsi0"]
    assert clone.tags == template.tags
    assert clone.cloudinit_drive == template.cloudinit_drive == "ide2"


@pytest.mark.parametrize("full", [False, True], ids=["linked", "full"])
async def test_a_clone_owns_the_volumes_it_names(cluster: Cluster, full: bool) -> None:
    vmid = await cluster.cloned(full=full)
    config = await cluster.hypervisor.config("pve1", vmid)
    assert config.volumes["scsi0"] in await cluster.hypervisor.volumes("pve1", "local", vmid)


async def test_a_new_vmid_is_free_then_taken_then_in_the_bulk_read(cluster: Cluster) -> None:
    assert not await cluster.hypervisor.vmid_taken(next(VMIDS))
    vmid = await cluster.cloned()
    assert await cluster.hypervisor.vmid_taken(vmid)
    assert (await row(cluster, vmid)).status in {"unknown", "stopped"}


async def test_cloning_onto_a_taken_vmid_conflicts(cluster: Cluster) -> None:
    vmid = await cluster.cloned()
    with pytest.raises(Conflict):
        await cluster.hypervisor.clone("pve1", 9000, vmid, name="b", description="", full=False)
    assert (await cluster.hypervisor.config("pve1", vmid)).name == "web-1"


async def test_cloning_from_nothing_is_missing_and_takes_no_vmid(cluster: Cluster) -> None:
    vmid = next(VMIDS)
    with pytest.raises(Missing):
        await cluster.hypervisor.clone("pve1", 77777, vmid, name="b", description="", full=False)
    assert not await cluster.hypervisor.vmid_taken(vmid)


async def test_a_clone_refuses_what_cannot_be(cluster: Cluster) -> None:
    clone = cluster.hypervisor.clone
    with pytest.raises(Refused):
        await clone("pve1", 9000, next(VMIDS), name="b", description="", full=False, storage="local")
    with pytest.raises(Invalid) as caught:
        await clone("pve1", 9000, next(VMIDS), name="under_score", description="", full=False)
    assert "name" in caught.value.fields
    ours = await cluster.cloned()
    with pytest.raises(Refused):
        await clone("pve1", ours, next(VMIDS), name="b", description="", full=False)


async def test_tasks_of_a_clone_are_filed_under_its_source(cluster: Cluster) -> None:
    vmid = next(VMIDS)
    upid = await cluster.hypervisor.clone("pve1", 9000, vmid, name="c", description="", full=False)
    task = await cluster.done(upid)
    assert (task.kind, task.vmid, task.node, task.text) == ("qmclone", 9000, "pve1", "OK")
    found = await cluster.hypervisor.tasks("pve1", vmid=9000, kind="qmclone", since=task.started_at)
    assert upid in [one.upid for one in found]
    assert (await cluster.hypervisor.task_log(upid))[-1] == "TASK OK"


async def test_settings_are_written_and_read_back(cluster: Cluster) -> None:
    vmid = await cluster.cloned()
    address = IpConfig("10.99.0.100/24", "10.99.0.1", "2001:db8::2/64", "2001:db8::1")
    settings = GuestSettings(
        name="mail.example.com",
        description="line one\nüñ; a=b & 100%",
        cores=3,
        memory_mib=3072,
        tags=frozenset({"b", "A"}),
        user="debian",
        password="hunter2-ß;&=",
        ssh_keys=(KEY, KEY),
        ipconfig={"net0": address},
        nameserver="9.9.9.9",
        protection=False,
        upgrade_packages=False,
    )
    await cluster.hypervisor.configure("pve1", vmid, settings)
    config = await cluster.hypervisor.config("pve1", vmid)
    assert (config.name, config.description) == ("mail.example.com", "line one\nüñ; a=b & 100%")
    assert (config.cores, config.memory_mib, config.tags) == (3, 3072, frozenset({"a", "b"}))
    assert config.ipconfig == {"net0": address}


async def test_empty_settings_remove_what_the_template_left(cluster: Cluster) -> None:
    vmid = await cluster.cloned()
    await cluster.hypervisor.configure("pve1", vmid, GuestSettings(ipconfig={"net0": IpConfig("dhcp")}))
    empty = GuestSettings(tags=frozenset(), description="", ipconfig={"net0": IpConfig()})
    await cluster.hypervisor.configure("pve1", vmid, empty)
    config = await cluster.hypervisor.config("pve1", vmid)
    assert (config.tags, config.description, config.ipconfig) == (frozenset(), "", {})


async def test_a_card_is_plugged_in_elsewhere_and_stays_the_same_card(cluster: Cluster) -> None:
    vmid = await cluster.cloned()
    before = (await cluster.hypervisor.config("pve1", vmid)).nics["net0"]
    for uplink in (Uplink("vmbr0", 7), Uplink("vmbr0")):
        settings = GuestSettings(uplinks={"net0": uplink, "net7": uplink})
        await cluster.hypervisor.configure("pve1", vmid, settings)
        nics = (await cluster.hypervisor.config("pve1", vmid)).nics
        assert nics == {"net0": replace(before, bridge=uplink.bridge, vlan=uplink.vlan)}


async def test_a_guest_starts_with_the_vendor_data_it_names_and_not_without_the_file(cluster: Cluster) -> None:
    vmid, volume = await cluster.cloned(), "local:snippets/given.yaml"
    hypervisor = cluster.hypervisor
    await hypervisor.configure("pve1", vmid, GuestSettings(vendor_data=volume))
    assert (await hypervisor.config("pve1", vmid)).vendor_data == volume
    refused = await cluster.done(await hypervisor.start("pve1", vmid))
    assert (refused.state, refused.cause) == ("failed", "refused")
    assert refused.text == f"volume '{volume}' does not exist"
    cluster.snippet("given.yaml", "#!/bin/sh\n")
    assert (await cluster.done(await hypervisor.start("pve1", vmid))).state == "succeeded"
    for _ in range(2):  # nothing to take away is no error
        await hypervisor.configure("pve1", vmid, GuestSettings(vendor_data=""))
        assert (await hypervisor.config("pve1", vmid)).vendor_data is None


async def test_no_settings_change_nothing(cluster: Cluster) -> None:
    vmid = await cluster.cloned()
    before = await cluster.hypervisor.config("pve1", vmid)
    await cluster.hypervisor.configure("pve1", vmid, GuestSettings())
    assert await cluster.hypervisor.config("pve1", vmid) == before


async def test_a_stale_digest_changes_nothing(cluster: Cluster) -> None:
    vmid = await cluster.cloned()
    digest = (await cluster.hypervisor.config("pve1", vmid)).digest
    await cluster.hypervisor.configure("pve1", vmid, GuestSettings(cores=2), digest)
    with pytest.raises(Stale):
        await cluster.hypervisor.configure("pve1", vmid, GuestSettings(cores=4), digest)
    assert (await cluster.hypervisor.config("pve1", vmid)).cores == 2


@pytest.mark.parametrize(
    "settings",
    [
        GuestSettings(name="under_score"),
        GuestSettings(cores=0),
        GuestSettings(ipconfig={"net0": IpConfig("10.99.0.100")}),
        GuestSettings(ipconfig={"net0": IpConfig("dhcp", gateway="10.99.0.1")}),
    ],
    ids=["name", "cores", "no prefix", "gateway beside dhcp"],
)
async def test_settings_that_cannot_be_are_invalid(cluster: Cluster, settings: GuestSettings) -> None:
    vmid = await cluster.cloned()
    with pytest.raises(Invalid) as caught:
        await cluster.hypervisor.configure("pve1", vmid, settings)
    assert caught.value.fields


async def test_a_broken_ssh_key_is_refused(cluster: Cluster) -> None:
    vmid = await cluster.cloned()
    with pytest.raises(Refused):
        await cluster.hypervisor.configure("pve1", vmid, GuestSettings(ssh_keys=("not a key",)))


async def test_a_disk_grows_to_an_absolute_size_and_never_shrinks(cluster: Cluster) -> None:
    vmid = await cluster.cloned()
    resize = cluster.hypervisor.resize
    assert (await cluster.done(await resize("pve1", vmid, "scsi0", 20))).state == "succeeded"
    assert (await cluster.done(await resize("pve1", vmid, "scsi0", 20))).state == "succeeded"
    assert (await cluster.hypervisor.config("pve1", vmid)).disk_gib["scsi0"] == 20
    shrunk = await cluster.done(await resize("pve1", vmid, "scsi0", 10))
    absent = await cluster.done(await resize("pve1", vmid, "scsi7", 10))
    assert (shrunk.state, shrunk.cause) == (absent.state, absent.cause) == ("failed", "refused")


async def test_a_started_guest_runs_and_tells_its_address(cluster: Cluster) -> None:
    vmid = await cluster.cloned()
    settings = GuestSettings(ipconfig={"net0": IpConfig("10.99.0.123/24", "10.99.0.1")})
    await cluster.hypervisor.configure("pve1", vmid, settings)
    with pytest.raises(AgentSilent):
        await cluster.hypervisor.addresses("pve1", vmid)
    assert (await cluster.done(await cluster.hypervisor.start("pve1", vmid))).state == "succeeded"
    status = await cluster.hypervisor.status("pve1", vmid)
    assert (status.power, status.agent_enabled, status.pid is not None) == ("running", True, True)
    addresses = await cluster.addresses(vmid)
    mac = (await cluster.hypervisor.config("pve1", vmid)).macs["net0"]
    assert [(a.mac, a.address, a.prefix, a.family) for a in addresses] == [(mac, "10.99.0.123", 24, 4)]


async def test_starting_twice_fails_as_already_running(cluster: Cluster) -> None:
    vmid = await cluster.started()
    task = await cluster.done(await cluster.hypervisor.start("pve1", vmid))
    assert (task.state, task.cause) == ("failed", "already")


async def test_power_of_a_missing_guest_fails_in_the_task(cluster: Cluster) -> None:
    vmid = next(VMIDS)
    for verb in (cluster.hypervisor.start, cluster.hypervisor.stop):
        task = await cluster.done(await verb("pve1", vmid))
        assert (task.state, task.cause) == ("failed", "missing")


async def test_a_template_does_not_start(cluster: Cluster) -> None:
    task = await cluster.done(await cluster.hypervisor.start("pve1", 9000))
    assert (task.state, task.cause) == ("failed", "refused")


async def test_stopping_stops_and_may_be_repeated(cluster: Cluster) -> None:
    vmid = await cluster.started()
    for _ in range(2):
        assert (await cluster.done(await cluster.hypervisor.stop("pve1", vmid))).state == "succeeded"
        assert (await cluster.hypervisor.status("pve1", vmid)).power == "stopped"


async def test_a_guest_shuts_down_when_asked(cluster: Cluster) -> None:
    vmid = await cluster.started()
    task = await cluster.done(await cluster.hypervisor.shutdown("pve1", vmid, timeout_s=20, force=False))
    assert task.state == "succeeded"
    assert (await cluster.hypervisor.status("pve1", vmid)).power == "stopped"


async def test_a_hung_guest_outlives_a_shutdown_unless_forced(cluster: Cluster) -> None:
    vmid = await cluster.started()
    await cluster.hang(vmid)
    task = await cluster.done(await cluster.hypervisor.shutdown("pve1", vmid, timeout_s=1, force=False))
    assert (task.state, task.cause) == ("failed", "timeout")
    assert (await cluster.hypervisor.status("pve1", vmid)).power == "running"
    task = await cluster.done(await cluster.hypervisor.shutdown("pve1", vmid, timeout_s=1, force=True))
    assert task.state == "succeeded"
    assert (await cluster.hypervisor.status("pve1", vmid)).power == "stopped"


async def test_a_stop_overrules_a_shutdown_that_waits(cluster: Cluster) -> None:
    vmid = await cluster.started()
    await cluster.hang(vmid)
    waiting = await cluster.hypervisor.shutdown("pve1", vmid, timeout_s=60, force=False)
    task = await cluster.done(await cluster.hypervisor.stop("pve1", vmid, overrule_shutdown=True))
    assert task.state == "succeeded"
    assert (await cluster.hypervisor.status("pve1", vmid)).power == "stopped"
    assert (await cluster.done(waiting)).state == "failed"


async def test_a_reboot_brings_a_new_process(cluster: Cluster) -> None:
    vmid = await cluster.started()
    before = (await cluster.hypervisor.status("pve1", vmid)).pid
    assert (await cluster.done(await cluster.hypervisor.reboot("pve1", vmid))).state == "succeeded"
    after = await cluster.running_again(vmid)
    assert after.pid not in {None, before}


async def test_a_reset_keeps_the_process(cluster: Cluster) -> None:
    vmid = await cluster.started()
    before = (await cluster.hypervisor.status("pve1", vmid)).pid
    assert (await cluster.done(await cluster.hypervisor.reset("pve1", vmid))).state == "succeeded"
    assert (await cluster.hypervisor.status("pve1", vmid)).pid == before


async def test_a_stopped_guest_refuses_reboot_and_reset(cluster: Cluster) -> None:
    vmid = await cluster.cloned()
    for verb in (cluster.hypervisor.reboot, cluster.hypervisor.reset):
        with pytest.raises(Refused):
            await verb("pve1", vmid)


async def test_only_a_stopped_unprotected_guest_is_destroyed(cluster: Cluster) -> None:
    vmid = await cluster.started()
    with pytest.raises(Refused):
        await cluster.hypervisor.destroy("pve1", vmid)
    await cluster.done(await cluster.hypervisor.stop("pve1", vmid))
    await cluster.hypervisor.configure("pve1", vmid, GuestSettings(protection=True))
    with pytest.raises(Refused):
        await cluster.hypervisor.destroy("pve1", vmid)
    await cluster.hypervisor.configure("pve1", vmid, GuestSettings(protection=False))
    assert (await cluster.done(await cluster.hypervisor.destroy("pve1", vmid))).state == "succeeded"


async def test_a_destroyed_guest_leaves_nothing(cluster: Cluster) -> None:
    vmid = await cluster.cloned(full=True)
    await cluster.done(await cluster.hypervisor.destroy("pve1", vmid))
    assert not await cluster.hypervisor.vmid_taken(vmid)
    assert await cluster.hypervisor.volumes("pve1", "local", vmid) == []
    assert vmid not in [row.vmid for row in await cluster.hypervisor.guests()]
    for ask in (cluster.hypervisor.config, cluster.hypervisor.status, cluster.hypervisor.destroy):
        with pytest.raises(Missing):
            await ask("pve1", vmid)


async def test_a_template_with_linked_clones_stays(cluster: Cluster) -> None:
    await cluster.cloned()
    task = await cluster.done(await cluster.hypervisor.destroy("pve1", 9000))
    assert (task.state, task.cause) == ("failed", "refused")
    assert (await cluster.hypervisor.config("pve1", 9000)).template


async def test_unknown_tasks_are_missing_and_no_tasks_invalid(cluster: Cluster) -> None:
    with pytest.raises(Missing):
        await cluster.hypervisor.task(UNKNOWN_TASK)
    with pytest.raises(Invalid):
        await cluster.hypervisor.task("garbage")


async def test_an_unknown_storage_is_refused(cluster: Cluster) -> None:
    with pytest.raises(Refused):
        await cluster.hypervisor.volumes("pve1", "nostore", 9000)

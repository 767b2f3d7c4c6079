"""Proxmox's formats in our words and back, by example."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest

from hypervisor import wire
from hypervisor.port import GuestAddress, GuestSettings, GuestStatus, IpConfig, Sample
from hypervisor.wire_looking import samples_of

CONFIG = {
    "name": "web-1",
    "description": "two\nlines",
    "smbios1": "uuid=c0144551-3007-4f33-853d-32da2e566096,base64=1",
    "cores": 2,
    "sockets": 2,
    "memory": "2048",
    "net0": "virtio=BC:24:11:30:26:58,bridge=vmbr0,firewall=1",
    "net1": "model=e1000,macaddr=bc:24:11:00:00:01",
    "scsi0": "local:9001/base-9001-disk-0.qcow2/110/vm-110-disk-0.qcow2,discard=on,size=2252M",
    "virtio1": "ceph:vm-110-disk-1,size=1T",
    "efidisk0": "ceph:vm-110-disk-2,efitype=4m,size=528K",
    "ide2": "local:110/vm-110-cloudinit.qcow2,media=cdrom,size=4M",
    "ide3": "local:iso/debian.iso,media=cdrom,size=600M",
    "unused0": "local:110/vm-110-disk-9.qcow2",
    "scsihw": "virtio-scsi-pci",
    "boot": "order=scsi0",
    "agent": "enabled=1,fstrim_cloned_disks=1",
    "tags": "b;a",
    "ipconfig0": "ip=10.99.0.5/24,gw=10.99.0.1",
    "ipconfig1": "ip6=auto",
    "lock": "backup",
    "digest": "08ece26e8e2005cea1a7b60dc7f891b2a5e91429",
}


def test_reads_a_configuration() -> None:
    config = wire.config_of("pve1", 110, CONFIG)
    assert (config.name, config.description, config.lock) == ("web-1", "two\nlines", "backup")
    assert config.smbios_uuid == "c0144551-3007-4f33-853d-32da2e566096"
    assert (config.cores, config.memory_mib, config.tags) == (4, 2048, frozenset({"a", "b"}))
    assert config.macs == {"net0": "BC:24:11:30:26:58", "net1": "BC:24:11:00:00:01"}
    assert config.ipconfig == {"net0": IpConfig("10.99.0.5/24", "10.99.0.1"), "net1": IpConfig(address6="auto")}
    assert config.agent_enabled
    assert config.digest == CONFIG["digest"]


def test_disks_are_neither_cd_drives_nor_unused_volumes() -> None:
    config = wire.config_of("pve1", 110, CONFIG)
    assert set(config.volumes) == {"scsi0", "virtio1", "efidisk0"}
    assert config.volumes["scsi0"] == "local:9001/base-9001-disk-0.qcow2/110/vm-110-disk-0.qcow2"
    assert config.disk_gib == {"scsi0": 2252 / 1024, "virtio1": 1024.0, "efidisk0": 528 / 1024**2}
    assert config.cloudinit_drive == "ide2"


def test_a_bare_configuration_has_proxmox_defaults() -> None:
    config = wire.config_of("pve1", 110, {"lock": "clone", "description": "qmclone temporary file"})
    assert (config.cores, config.memory_mib, config.name, config.smbios_uuid) == (1, 512, None, None)
    assert (config.volumes, config.macs, config.tags, config.agent_enabled) == ({}, {}, frozenset(), False)


@pytest.mark.parametrize(
    ("text", "enabled"),
    [("1", True), ("0", False), ("enabled=on", True), ("1,type=isa", True), ("fstrim_cloned_disks=1", False)],
)
def test_knows_whether_the_agent_is_enabled(text: str, enabled: bool) -> None:
    assert wire.config_of("pve1", 110, {"agent": text}).agent_enabled is enabled


def test_a_row_without_figures_is_unknown() -> None:
    row = wire.row_of({"type": "qemu", "vmid": 110, "node": "pve1", "status": "unknown", "lock": "clone"})
    assert (row.status, row.name, row.lock, row.template) == ("unknown", None, "clone", False)


@pytest.mark.parametrize(
    ("status", "expected"), [("running", "running"), ("prelaunch", "paused"), ("io-error", "paused"), (None, "unknown")]
)
def test_a_halted_process_counts_as_paused(status: str | None, expected: str) -> None:
    row = wire.row_of({"type": "qemu", "vmid": 1, "node": "pve1", "status": status, "tags": "a b,c;d"})
    assert row.status == expected
    assert row.tags == {"a", "b", "c", "d"}


def test_paused_is_told_from_running_by_the_run_state() -> None:
    paused = wire.status_of({"status": "running", "qmpstatus": "paused", "pid": 5, "uptime": 7, "agent": 1})
    assert paused == GuestStatus("paused", None, 7, 5, True)
    assert wire.status_of({"status": "stopped", "qmpstatus": "stopped"}).power == "stopped"


def test_addresses_leave_out_loopback_and_link_local() -> None:
    interfaces: list[dict[str, object]] = [
        {"name": "lo", "hardware-address": "00:00:00:00:00:00", "ip-addresses": [_ip("127.0.0.1", 8)]},
        {"name": "down", "hardware-address": "bc:24:11:00:00:02"},
        {"name": "tun0", "ip-addresses": [_ip("10.8.0.1", 24)]},
        {
            "name": "eth0",
            "hardware-address": "bc:24:11:e0:ed:11",
            "ip-addresses": [_ip("10.99.0.77", 24), _ip("fe80::be24%eth0", 64), _ip("2001:db8::7", 64)],
        },
    ]
    mac = "BC:24:11:E0:ED:11"
    expected = [GuestAddress(mac, "10.99.0.77", 24, 4), GuestAddress(mac, "2001:db8::7", 64, 6)]
    assert wire.addresses_of(interfaces) == expected


def _ip(address: str, prefix: int) -> dict[str, object]:
    kind = "ipv6" if ":" in address else "ipv4"
    return {"ip-address": address, "prefix": prefix, "ip-address-type": kind}


UPID = "UPID:pve1:00000424:000430AA:6B03259A:qmclone:9000:root@pam!ci:"


def test_a_task_id_says_where_when_what_and_who() -> None:
    assert wire.upid_of(UPID) == wire.Upid("pve1", 0x6B03259A, "qmclone", "9000", "root@pam!ci")
    assert wire.upid_of("UPID:pve1:00000424:1000430AA:6B03259A:vzdump::root@pam:") is not None
    assert wire.upid_of("OK") is None
    assert wire.upid_of(UPID + "../x") is None


@pytest.mark.parametrize(
    ("data", "state", "warnings"),
    [
        ({"status": "running"}, "running", False),
        ({"status": "RUNNING"}, "running", False),
        ({"status": "stopped", "exitstatus": "OK"}, "succeeded", False),
        ({"status": "stopped", "exitstatus": "WARNINGS: 2"}, "succeeded", True),
        ({"status": "OK", "endtime": 5}, "succeeded", False),
        ({"status": "stopped", "exitstatus": "unexpected status"}, "lost", False),
        ({"status": "stopped"}, "lost", False),
        ({"status": "stopped", "exitstatus": "VM is locked (clone)"}, "failed", False),
        ({"status": "VM is locked (clone)", "endtime": 5}, "failed", False),
    ],
)
def test_a_task_has_one_state_whether_asked_or_listed(data: dict[str, object], state: str, warnings: bool) -> None:
    task = wire.task_of({"upid": UPID, "user": "root@pam"} | data)
    assert (task.state, task.warnings, task.vmid) == (state, warnings, 9000)
    assert (task.cause is not None) == (state == "failed")


def test_settings_become_parameters() -> None:
    settings = GuestSettings(cores=4, memory_mib=2048, protection=False, tags=frozenset("ba"), description="")
    assert wire.settings_params(settings) == {
        "cores": 4,
        "sockets": 1,
        "memory": 2048,
        "protection": 0,
        "tags": "a;b",
        "delete": "description",
    }
    assert wire.settings_params(GuestSettings()) == {}


@pytest.mark.parametrize(
    ("had", "volume", "params"),
    [
        ("", "a:snippets/b", {"cicustom": "vendor=a:snippets/b"}),
        (
            "user=a:snippets/u,vendor=a:snippets/c",
            "a:snippets/b",
            {"cicustom": "user=a:snippets/u,vendor=a:snippets/b"},
        ),
        ("user=a:snippets/u,vendor=a:snippets/c", "", {"cicustom": "user=a:snippets/u"}),
        ("vendor=a:snippets/c", "", {"delete": "cicustom"}),
        ("", "", {}),
    ],
)
def test_only_the_vendor_data_of_custom_files_is_ours(had: str, volume: str, params: dict[str, str]) -> None:
    config = {"cicustom": had} if had else {}
    assert wire.settings_params(GuestSettings(vendor_data=volume), config) == params


def test_ssh_keys_are_encoded_once_by_themselves() -> None:
    text = wire.sshkeys_text(["ssh-ed25519 AAAA+/== me@host \n", "ssh-rsa BBBB"])
    assert text == "ssh-ed25519%20AAAA%2B%2F%3D%3D%20me%40host%0Assh-rsa%20BBBB"
    assert unquote(text) == "ssh-ed25519 AAAA+/== me@host\nssh-rsa BBBB"


@pytest.mark.parametrize(
    ("config", "text"),
    [
        (IpConfig("10.0.0.2/24", "10.0.0.1"), "ip=10.0.0.2/24,gw=10.0.0.1"),
        (IpConfig("dhcp", address6="auto"), "ip=dhcp,ip6=auto"),
        (IpConfig(address6="2001:db8::2/64", gateway6="2001:db8::1"), "ip6=2001:db8::2/64,gw6=2001:db8::1"),
        (IpConfig(), ""),
    ],
)
def test_addresses_for_cloud_init_round_trip(config: IpConfig, text: str) -> None:
    assert wire.ipconfig_text(config) == text
    assert wire.ipconfig_of(text) == config


@pytest.mark.parametrize(
    "config",
    [
        IpConfig("10.0.0.2"),
        IpConfig("auto"),
        IpConfig("2001:db8::2/64"),
        IpConfig("10.0.0.2/24", "2001:db8::1"),
        IpConfig("dhcp", "10.0.0.1"),
        IpConfig(gateway="10.0.0.1"),
        IpConfig("10.0.0.2/24,gw=6.6.6.6"),
        IpConfig(address6="10.0.0.2/24"),
    ],
)
def test_addresses_that_cloud_init_would_ignore_are_errors(config: IpConfig) -> None:
    with pytest.raises(ValueError):
        wire.ipconfig_text(config)


def test_what_was_not_measured_is_none() -> None:
    rows: list[dict[str, Any]] = [{"time": 120}, {"time": 60, "cpu": 0.5, "mem": 1024, "netin": 1.5}]
    assert samples_of(rows) == [
        Sample(60, 0.5, 1024.0, None, None, 1.5, None),
        Sample(120, None, None, None, None, None, None),
    ]

"""What a real guest does from its first start to its end."""

import asyncio
from dataclasses import replace

import pytest

from testbed.proxmox.guests import GuestError, GuestSpec
from testbed.proxmox.qemu import QemuGuests
from tests.testbed_qemu.samples import GIB, LIMIT_SECONDS, TEMPLATE, Exits, spec, started

pytestmark = pytest.mark.qemu
AWAIT_DATA = "until grep -q ' /data ' /proc/mounts; do usleep 100000; done"


async def test_a_clone_is_what_it_was_given_and_does_as_it_is_told(guests: QemuGuests, exits: Exits) -> None:
    """One guest for all that needs no boot of its own, since booting is what takes the time."""
    guest = await started(guests, spec(101))
    await has_name_address_user_and_key(guests)
    await has_mac_uuid_and_gateway(guests, guest)
    await sees_its_disk_grow(guests, guest)
    await pauses_with_a_silent_agent(guests)
    await ends_at_the_power_button(guests, exits)


async def has_name_address_user_and_key(guests: QemuGuests) -> None:
    addresses = {interface.name: interface.addresses for interface in await guests.interfaces(101)}
    assert ("10.99.0.101", 24) in addresses["eth0"]
    seen = await guests.run_in_guest(101, "sh", "-c", "hostname; ip route; cat /etc/resolv.conf; cat ~debian/.ssh/*")
    assert seen.exit_code == 0
    assert seen.output.startswith("web101\n")
    assert "default via 10.99.0.1 dev eth0" in seen.output
    assert "nameserver 9.9.9.9" in seen.output
    assert seen.output.endswith("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 someone's key\n")
    assert (await guests.osinfo(101))["id"] == "testguest"


async def has_mac_uuid_and_gateway(guests: QemuGuests, guest: GuestSpec) -> None:
    interfaces = {interface.name: interface for interface in await guests.interfaces(101)}
    assert interfaces["eth0"].mac == guest.mac.lower()
    uuid = await guests.run_in_guest(101, "cat", "/sys/class/dmi/id/product_uuid")
    assert uuid.output.strip() == guest.smbios_uuid
    assert (await guests.run_in_guest(101, "ping", "-c", "1", "-W", "5", "10.99.0.1")).exit_code == 0


async def sees_its_disk_grow(guests: QemuGuests, guest: GuestSpec) -> None:
    assert await sectors(guests, 101) * 512 == GIB
    await guests.resize_disk(guest.volume, 2 * GIB)
    grown = "until [ $(cat /sys/block/sda/size) = 4194304 ]; do usleep 100000; done"
    assert (await guests.run_in_guest(101, "sh", "-c", grown)).exit_code == 0


async def pauses_with_a_silent_agent(guests: QemuGuests) -> None:
    await guests.pause(101)
    assert guests.alive(101)
    assert guests.paused(101)
    assert not await guests.agent_ping(101)
    await guests.resume(101)
    assert not guests.paused(101)
    assert await guests.agent_ping(101), "an abandoned question must not spoil the next one"


async def ends_at_the_power_button(guests: QemuGuests, exits: Exits) -> None:
    await guests.powerdown(101)
    assert await exits.next() == (101, "shutdown")
    assert not guests.alive(101)
    assert guests.info(101) is None
    assert not await guests.agent_ping(101)


async def test_two_guests_run_side_by_side(guests: QemuGuests) -> None:
    """One has a disk that was grown before its start, the other asks for its address."""
    grown, asking = spec(108), spec(109)
    asking = replace(asking, cloud_init=replace(asking.cloud_init, ip_configs=("ip=dhcp",)))
    await guests.clone_disk(TEMPLATE, grown.volume, full=True)
    await guests.resize_disk(grown.volume, 3 * GIB)
    await guests.start(grown)
    await asyncio.gather(guests.await_agent(108, LIMIT_SECONDS), started(guests, asking))
    names = [(await guests.run_in_guest(vmid, "hostname")).output.strip() for vmid in (108, 109)]
    assert names == ["web108", "web109"]
    assert await sectors(guests, 108) * 512 == 3 * GIB
    addresses = {interface.name: interface.addresses for interface in await guests.interfaces(109)}
    assert any(address.startswith("10.0.2.") for address, _ in addresses["eth0"])


async def sectors(guests: QemuGuests, vmid: int) -> int:
    """The size of a guest's disk as the guest sees it, in sectors of 512 bytes."""
    return int((await guests.run_in_guest(vmid, "cat", "/sys/block/sda/size")).output)


async def test_a_cut_of_power_ends_a_guest_before_it_booted(guests: QemuGuests, exits: Exits) -> None:
    guest = spec(104)
    await guests.clone_disk(TEMPLATE, guest.volume, full=False)
    await guests.start(guest)
    assert guests.alive(104)
    await guests.stop(104)
    assert not guests.alive(104)
    assert await exits.next() == (104, "stop")
    await guests.stop(104)


async def test_files_outlive_a_reset_and_vanish_with_the_disk(guests: QemuGuests) -> None:
    guest = await started(guests, spec(105))
    await guests.run_in_guest(105, "sh", "-c", f"{AWAIT_DATA}; date >/data/kept; sync")
    await guests.reset(105)
    await rebooted(guests, 105)
    kept = f"{AWAIT_DATA}; ls /data"
    assert "kept" in (await guests.run_in_guest(105, "sh", "-c", kept)).output
    await guests.stop(105)
    await guests.delete_disk(guest.volume)
    await started(guests, guest)
    assert "kept" not in (await guests.run_in_guest(105, "sh", "-c", kept)).output


async def test_without_an_agent_the_guest_has_no_channel_for_one(guests: QemuGuests) -> None:
    guest = replace(spec(112), agent=False)
    await guests.clone_disk(TEMPLATE, guest.volume, full=False)
    await guests.start(guest)
    assert not await guests.agent_ping(112)
    with pytest.raises(GuestError, match=r"^QEMU guest agent is not running$"):
        await guests.interfaces(112)


async def test_a_second_start_is_refused(guests: QemuGuests) -> None:
    guest = spec(113)
    await guests.clone_disk(TEMPLATE, guest.volume, full=False)
    await guests.start(guest)
    with pytest.raises(GuestError, match=r"^VM 113 already running$"):
        await guests.start(guest)


async def test_a_guest_that_qemu_refuses_says_why(guests: QemuGuests) -> None:
    guest = replace(spec(114), mac="not-a-mac")
    await guests.clone_disk(TEMPLATE, guest.volume, full=False)
    with pytest.raises(GuestError, match=r"^QEMU exited with code 1: .*not-a-mac"):
        await guests.start(guest)
    assert not guests.alive(114)


async def rebooted(guests: QemuGuests, vmid: int) -> None:
    """Wait until the agent went away and came back."""
    await guests.await_agent_gone(vmid)
    await guests.await_agent(vmid)


@pytest.mark.parametrize(
    "given",
    ["#!/bin/sh\nhostname >>/data/ran\n", "#cloud-config\npackages: []\nruncmd:\n  - hostname >>/data/ran\n"],
    ids=["script", "cloud-config"],
)
async def test_vendor_data_is_run_at_the_first_boot_alone(guests: QemuGuests, given: str) -> None:
    guest = spec(113)
    guest = replace(guest, cloud_init=replace(guest.cloud_init, vendor_data=given))
    await started(guests, guest)
    ran = "until [ -s /data/.instance ]; do usleep 100000; done; cat /data/ran"
    assert (await guests.run_in_guest(113, "sh", "-c", ran)).output == "web113\n"
    await guests.reset(113)
    await rebooted(guests, 113)
    booted = f"{AWAIT_DATA}; until grep -qs 113 /etc/issue; do usleep 100000; done; cat /data/ran"
    assert (await guests.run_in_guest(113, "sh", "-c", booted)).output == "web113\n"

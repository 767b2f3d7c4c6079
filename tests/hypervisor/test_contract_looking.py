"""The shared suite, continued: a guest's screen, and what was measured of it."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest

from hypervisor.errors import Missing, Unreachable
from hypervisor.port import Console, Sample
from tests.hypervisor.clusters import VMIDS, Cluster


async def greeted(console: Console) -> str:
    """The title of the screen, once its server has answered the viewer's first word."""
    await console.write(b"\x01")
    data = b""
    while len(data) < 24 or len(data) < 24 + struct.unpack(">I", data[20:24])[0]:
        piece = await console.read()
        assert piece, f"ended after {data!r}"
        data += piece
    width, height = struct.unpack(">HH", data[:4])
    assert width > 0
    assert height > 0
    return data[24:].decode()


async def test_a_screen_is_to_be_seen_without_a_password(cluster: Cluster) -> None:
    vmid = await cluster.started()
    console = await cluster.hypervisor.console("pve1", vmid)
    assert await greeted(console)
    await console.close()
    await console.write(b"nobody hears this")
    assert await console.read() == b""


async def test_several_may_look_at_once(cluster: Cluster) -> None:
    vmid = await cluster.started()
    consoles = [await cluster.hypervisor.console("pve1", vmid) for _ in range(2)]
    assert len({await greeted(console) for console in consoles}) == 1
    for console in consoles:
        await console.close()


async def test_the_screen_ends_with_the_guest(cluster: Cluster) -> None:
    vmid = await cluster.started()
    console = await cluster.hypervisor.console("pve1", vmid)
    await greeted(console)
    await cluster.done(await cluster.hypervisor.stop("pve1", vmid))
    while await console.read():
        pass
    await console.close()


async def test_a_guest_that_does_not_run_shows_no_screen(cluster: Cluster) -> None:
    vmid = await cluster.cloned()
    with pytest.raises(Unreachable):
        await cluster.hypervisor.console("pve1", vmid)


async def test_a_guest_that_is_not_there_shows_no_screen(cluster: Cluster) -> None:
    with pytest.raises(Missing):
        await cluster.hypervisor.console("pve1", next(VMIDS))


async def test_what_was_measured_comes_at_even_distances(cluster: Cluster) -> None:
    vmid = await cluster.started()
    for timeframe in ("hour", "year"):
        samples = await cluster.hypervisor.series("pve1", vmid, timeframe)
        assert all(isinstance(sample, Sample) for sample in samples)
        assert len({later.at - earlier.at for earlier, later in pairwise(samples)}) <= 1


async def test_of_a_guest_that_is_not_there_nothing_was_measured(cluster: Cluster) -> None:
    assert await cluster.hypervisor.series("pve1", next(VMIDS), "hour") == []

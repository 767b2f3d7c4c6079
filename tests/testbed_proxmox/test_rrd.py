"""Data for graphs: rows of the releases, gaps where a machine was off, curves that stay what they were."""

import time
from itertools import pairwise

import pytest

from testbed.proxmox.cluster import load, rrd
from testbed.proxmox.cluster.rrd import History, Source
from tests.testbed_proxmox.bed import NODE, Bed

DAY = 86_400


def source(history: History) -> Source:
    return Source(history, {"maxcpu": 2}, lambda when: {"cpu": load.cpu(load.at(100, when))})


@pytest.mark.parametrize(
    ("release", "frame", "rows", "step"),
    [
        *(("8", "hour", 70, 60), ("8", "day", 70, 1800), ("8", "year", 70, 604_800)),
        *(("9", "hour", 60, 60), ("9", "day", 1440, 60), ("9", "month", 1440, 1800), ("9", "decade", 570, 604_800)),
    ],
)
def test_each_release_has_its_own_rows(release: str, frame: str, rows: int, step: int) -> None:
    found = rrd.data(source(History(0, (0,))), frame, "AVERAGE", release)
    assert len(found) == rows
    assert {later["time"] - earlier["time"] for earlier, later in pairwise(found)} == {step}
    assert all(row["time"] % step == 0 for row in found)


def test_what_was_not_known_is_left_out() -> None:
    now = time.time()
    found = rrd.data(source(History(now - 1800, (now - 1200, now - 600))), "hour", "AVERAGE", "8")
    assert set(found[0]) == {"time"}
    shapes = [frozenset(row) for row in found]
    assert shapes.count(frozenset({"time", "maxcpu", "cpu"})) in (9, 10, 11)
    assert set(found[-1]) == {"time", "maxcpu"}


def test_the_same_moment_always_has_the_same_load() -> None:
    moments = [1_700_000_000 + 60 * minute for minute in range(1440)]
    first = [load.at(7, moment) for moment in moments]
    assert first == [load.at(7, moment) for moment in moments]
    assert all(0 <= value <= 1 for value in first)
    assert max(first) - min(first) > 0.2
    assert first != [load.at(8, moment) for moment in moments]


def test_days_are_busier_than_nights() -> None:
    monday = 1_700_438_400 // DAY * DAY
    day = sum(load.at(vmid, monday + 14 * 3600) for vmid in range(100, 200))
    night = sum(load.at(vmid, monday + 2 * 3600) for vmid in range(100, 200))
    assert day > night * 1.3


def test_the_greatest_is_not_less_than_the_mean() -> None:
    everything = source(History(0, (0,)))
    means, greatest = (rrd.data(everything, "day", kind, "8") for kind in ("AVERAGE", "MAX"))
    assert all(high["cpu"] >= mean["cpu"] for mean, high in zip(means, greatest, strict=True))


async def test_a_vm_has_rows_from_its_first_broadcast_on(bed: Bed) -> None:
    path = f"{await bed.cloned(100)}/rrddata"
    early = await bed.call("GET", path, {"timeframe": "hour"})
    assert early.status_code == 500
    assert early.reason_phrase.startswith("RRD error: opening '/var/lib/rrdcached/db/pve2-vm/100'")
    vm = bed.node.vms.load(100)
    vm.born = time.time() - 3 * 3600
    vm.switched = [time.time() - 1800]
    await bed.run("POST", path.replace("rrddata", "status/start"))
    bed.node.stats.tick()
    rows = await bed.get(path, timeframe="hour")
    assert set(rows[0]) == {"time", "maxcpu", "maxmem", "maxdisk", "disk"}
    assert set(rows[-2]) - set(rows[0]) == {"cpu", "mem", "netin", "netout", "diskread", "diskwrite"}
    missing = await bed.call("GET", path)
    assert missing.json()["errors"] == {"timeframe": "property is missing and it is not optional"}


async def test_a_vm_remembers_when_it_ran(bed: Bed) -> None:
    path = await bed.cloned(100)
    await bed.run("POST", f"{path}/status/start")
    await bed.run("POST", f"{path}/status/stop")
    vm = bed.node.vms.load(100)
    started, stopped = vm.switched
    assert vm.born <= started <= stopped <= time.time()


async def test_nodes_and_storages_have_rows(bed: Bed) -> None:
    node = await bed.get(f"/nodes/{NODE}/rrddata", timeframe="hour", cf="MAX")
    assert {"time"} <= set(node[-1])
    assert len(await bed.get(f"/nodes/{NODE}/storage/local/rrddata", timeframe="week")) == 70
    decade = await bed.call("GET", f"/nodes/{NODE}/rrddata", {"timeframe": "decade"})
    assert decade.status_code == 400

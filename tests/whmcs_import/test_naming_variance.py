"""Names, units and values as public modules have them: each can be said in a mapping file, and is read rightly."""

from __future__ import annotations

import pytest

from tests.whmcs_import import given
from whmcs_import.mapping.options import Note, Refused, Sold, Value
from whmcs_import.mapping.targets import Resolver
from whmcs_import.source.values import Piped, split_pipe

BASE = """\
version: 1
source_timezone: UTC
targets:
  memory_mib: {{sources: [{memory}]}}
  vcpus: {{sources: [{vcpus}]}}
  disk_gib: {{sources: [{disk}]}}
"""
ANY = "{from: option, match: {any: [X]}}"


def read(target: str, name: str, said: str, source: str, *, qty: int = 0, kind: str = "option") -> int:
    sources = {"memory": ANY, "vcpus": ANY, "disk": ANY} | {
        {"memory_mib": "memory", "vcpus": "vcpus", "disk_gib": "disk"}[target]: "{" + source + "}"
    }
    reading = Piped(str(qty), str(qty)) if qty else split_pipe(said)
    value = Value(kind, 1, split_pipe(name), reading, qty)
    notes: list[Note] = []
    return Resolver(given.mapping(BASE.format(**sources))).size(target, given.context(Sold([value])), notes)


@pytest.mark.parametrize(
    ("name", "said", "qty", "source", "mib"),
    [
        ("RAM", "", 4, "from: option, match: {any: [RAM]}, take: qty, scale: 256, unit: MiB", 1024),
        ("RAM", "", 4, "from: option, match: {any: [RAM]}, take: qty, scale: 512, unit: MiB", 2048),
        ("Ram", "2048", 0, "from: option, match: {any: [RAM]}, default_unit: MiB", 2048),
        ("ram", "2", 0, "from: option, match: {any: [RAM]}, unit: GiB", 2048),
        ("Memory", "4096|4 GiB", 0, "from: option, match: {any: [Memory]}", 4096),
        (
            "Memory",
            "8",
            0,
            "from: option, match: {any: [Memory]}, default_unit: MiB, heuristic: {below: 1024, unit: GiB}",
            8192,
        ),
        (
            "Memory",
            "1024",
            0,
            "from: option, match: {any: [Memory]}, default_unit: MiB, heuristic: {below: 1024, unit: GiB}",
            1024,
        ),
        ("memory", "1024MB", 0, "from: option, match: {any: [memory]}", 1024),
        ("memory|Memory", "2048", 0, "from: option, match: {key: memory}, unit: MiB", 2048),
        ("memory_gb", "16", 0, "from: option, match: {any: [memory_gb]}, unit: GiB", 16384),
        ("ram_gb", "16", 0, "from: option, match: {any: ['ram gb']}, unit: GiB", 16384),
        ("RAM (MB)", "512", 0, 'from: option, match: {any: ["re:^RAM .MB.$"]}, unit: MiB', 512),
        ("Memory Limit", "4g", 0, "from: option, match: {any: [Memory Limit]}", 4096),
        ("Memory Allocation", "4", 0, "from: option, match: {any: [Memory*]}, unit: GiB", 4096),
        (
            "memory|placeholder",
            "2048|disk|RAM and SSD",
            0,
            "from: option, match: {key: memory}, take: key, unit: MiB",
            2048,
        ),
    ],
)
def test_memory(name: str, said: str, qty: int, source: str, mib: int) -> None:
    assert read("memory_mib", name, said, source, qty=qty) == mib


@pytest.mark.parametrize(
    ("name", "said", "source", "count"),
    [
        ("CPU", "2", "from: option, match: {any: [CPU]}", 2),
        ("VCPU", "4 vCPU", "from: option, match: {any: [vCPU]}", 4),
        ("CPUCores", "2 Cores", "from: option, match: {any: [CPU Cores]}", 2),
        ("cores|CPU cores", "8|8 Cores", "from: option, match: {any: [CPU Cores]}", 8),
        ("cpu_percent", "200%", "from: option, match: {any: [cpu_percent]}", 2),
        ("CPU核心数", "4核", "from: option, match: {any: [CPU核心数]}", 4),
        ("cpu_count", "2x", "from: option, match: {any: [cpu_count]}", 2),
    ],
)
def test_cores(name: str, said: str, source: str, count: int) -> None:
    assert read("vcpus", name, said, source) == count


@pytest.mark.parametrize(
    ("name", "said", "qty", "source", "gib"),
    [
        ("Disk Space", "20|20 GiB", 0, "from: option, match: {any: [Disk Space]}", 20),
        ("HDD", "", 3, "from: option, match: {any: [HDD]}, take: qty, scale: 10, unit: GiB", 30),
        ("Storage", "80", 0, "from: option, match: {any: [Storage]}, unit: GiB", 80),
        ("disk", "8192MB", 0, "from: option, match: {any: [disk]}", 8),
        ("Disk (GB)", "40", 0, "from: option, match: {any: ['Disk*']}, unit: GiB", 40),
        ("disk_gb", "40", 0, "from: option, match: {any: [disk_gb]}, default_unit: GiB", 40),
        ("磁盘大小GB", "60", 0, "from: option, match: {any: [磁盘大小GB]}, unit: GiB", 60),
        ("additional_disk", "1 TB", 0, "from: option, match: {any: [additional_disk]}", 1024),
    ],
)
def test_disks(name: str, said: str, qty: int, source: str, gib: int) -> None:
    assert read("disk_gib", name, said, source, qty=qty) == gib


def test_a_share_of_a_core_is_no_number_of_cores() -> None:
    with pytest.raises(Refused):
        read("vcpus", "cpu_allowance", "50%", "from: option, match: {any: [cpu_allowance]}")


def test_a_custom_field_says_it_as_well() -> None:
    assert read("memory_mib", "ram", "4 GB", "from: custom_field, match: {key: ram}", kind="custom_field") == 4096

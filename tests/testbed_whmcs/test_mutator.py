"""The mutator: the same changes every time, and any consistent copy is explained by their number."""

import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from testbed.whmcs import sample
from testbed.whmcs.mutator import SETTING, mutations
from tests.testbed_whmcs.running import Testbed

SEQUENCE = f"SELECT value FROM tblconfiguration WHERE setting = '{SETTING}'"
Start = Callable[..., Testbed]


def changes(seed: int, number: int) -> list[Any]:
    world = sample.make(sample.SEED, 5, "all")
    return list(islice(mutations(world, seed), number))


def test_the_seed_decides_the_changes() -> None:
    assert changes(1, 50) == changes(1, 50)
    assert changes(1, 50) != changes(2, 50)


def test_every_kind_of_change_comes_up_and_only_ordinary_services_change() -> None:
    seen = changes(1, 200)
    assert {name for change in seen for name in change.after} == {
        *("memory_mib", "amount", "status", "suspension", "next_due", "os")
    }
    services = sample.make(sample.SEED, 5, "all").truth.services
    assert {services[change.service_id].case for change in seen} == {"clean"}


def wait_for(bed: Testbed, sequence: int) -> None:
    while (found := bed.rows(SEQUENCE)) == [] or int(found[0][0]) < sequence:
        assert bed.process.poll() is None


@pytest.mark.mariadb
def test_a_snapshot_holds_a_whole_number_of_changes(start: Start) -> None:
    bed = start("--scale", "5", "--mutate", "200")
    wait_for(bed, 20)
    connection = bed.connect("readonly_dsn")
    with connection.cursor() as cursor:
        cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        cursor.execute(SEQUENCE)
        [(value,)] = cursor.fetchall()
        held = int(value)
        wait_for(bed, held + 5)
        cursor.execute("SELECT id, amount, domainstatus FROM tblhosting")
        rows = {id: (str(amount), status) for id, amount, status in cursor.fetchall()}
    connection.close()
    services = sample.make(sample.SEED, 5, "all").truth.services
    expected = {id: {"amount": service.amount, "status": service.status} for id, service in services.items()}
    touched = set()
    for change in changes(1, held):
        expected[change.service_id] |= change.after
        touched.add(change.service_id)
    assert {id: rows[id] for id in touched} == {id: (expected[id]["amount"], expected[id]["status"]) for id in touched}


@pytest.mark.mariadb
def test_a_second_start_goes_on_where_the_first_ended(start: Start, state_dir: Path) -> None:
    first = start("--scale", "5", "--mutate", "100", "--state", str(state_dir))
    wait_for(first, 5)
    first.stop()
    second = start("--mutate", "100", "--state", str(state_dir))
    before = len((state_dir / "mutations.jsonl").read_text().splitlines())
    wait_for(second, before + 5)
    second.stop()
    noted = [json.loads(line)["sequence"] for line in (state_dir / "mutations.jsonl").read_text().splitlines()]
    assert noted[:4] == [1, 2, 3, 4]
    assert noted == sorted(set(noted))

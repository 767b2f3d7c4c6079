"""A shop that stays open while it is read: every service is as it was at one moment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from testbed.whmcs import sample
from testbed.whmcs.mutator import SETTING
from tests.testbed_whmcs.running import spawn
from tests.whmcs_import.shops import MAPPING
from whmcs_import.mapping import mapping_file
from whmcs_import.planning import plan
from whmcs_import.source import extract
from whmcs_import.source.staging import private_copy

pytestmark = pytest.mark.mariadb
NAMES = ("amount", "next_due", "memory_mib", "suspension", "os")
SEQUENCE = f"SELECT coalesce(max(value + 0), 0) FROM tblconfiguration WHERE setting = '{SETTING}'"


def test_a_shop_that_stays_open_is_read_as_it_was_at_one_moment() -> None:
    shop = spawn("--scale", "5", "--mutate", "200")
    try:
        while shop.rows(SEQUENCE)[0][0] < 100:
            assert shop.process.poll() is None
        planned = services(shop.ready["readonly_dsn"])
        changes = [json.loads(line) for line in Path(shop.ready["truth"]).with_name("mutations.jsonl").open()]
    finally:
        shop.stop()
    truths = sample.make(sample.SEED, 5, "all").truth.services
    history = {id: [{name: getattr(truth, name) for name in NAMES}] for id, truth in truths.items()}
    for change in changes:
        after = {name: value for name, value in change["after"].items() if name in NAMES}
        history[change["service_id"]].append({**history[change["service_id"]][-1], **after})
    changed = {change["service_id"] for change in changes} & set(planned)
    assert changed
    assert [id for id in changed if planned[id] not in history[id]] == []


def services(source: str) -> dict[int, dict[str, Any]]:
    """What an import would make of each service."""
    with private_copy() as staging:
        extract.extract(extract.parse_dsn(source), staging, lambda table, rows, about: None)
        plan.make(staging, "whmcs", mapping_file.load(MAPPING), plan.Earlier(), lambda what, done: None)
        planned = {int(id): msgspec.json.decode(text) for id, text in staging.planned_as("service", "create")}
    return {
        id: {
            "amount": said["billing"]["amount"],
            "next_due": said["billing"]["next_due"],
            "memory_mib": said["plan"]["memory_mib"],
            "suspension": said["suspension"],
            "os": said["image"]["template"],
        }
        for id, said in planned.items()
    }

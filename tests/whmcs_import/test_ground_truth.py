"""Every row of every generation of WHMCS becomes what the testbed knows to be right: planned, without writing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from testbed.whmcs import load
from tests.testbed_whmcs.running import spawn
from tests.whmcs_import.conftest import MAPPING
from whmcs_import import extract, mapping_file, plan
from whmcs_import.plan import Plan
from whmcs_import.staging import private_copy

pytestmark = pytest.mark.mariadb
ONLY_PROXMOX_KNOWS = ("", "vm_gone", "vm_is_template")
KEYS = {"tblusers": "", "tblclients": "client-", "tblcontacts": "contact-"}
SEEDS = (1, 2, 3)


@dataclass(slots=True)
class Outcome:
    """What a run would do, by entity and id."""

    plan: Plan
    payloads: dict[str, dict[str, Any]]
    codes: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    aside: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for warning in self.plan.warnings:
            self.codes.setdefault((warning["entity"], warning["source_id"]), set()).add(warning["code"])
        self.aside = {(q["entity"], q["source_id"]): q["reason"] for q in self.plan.quarantined}

    def warned(self, entity: str, source_id: str, wanted: list[str]) -> list[str]:
        return sorted(set(wanted) - self.codes.get((entity, source_id), set()))


def outcome(source: str) -> Outcome:
    with private_copy() as staging:
        extract.extract(extract.parse_dsn(source), staging, lambda table, rows: None)
        made = plan.make(staging, "whmcs", mapping_file.load(MAPPING), plan.Earlier(), lambda what, done: None)
        payloads = {
            entity: {id: msgspec.json.decode(text) for id, text in staging.planned_as(entity, "create")}
            for entity in plan.ENTITIES.values()
        }
        return Outcome(made, payloads)


@pytest.mark.parametrize(
    ("schema", "seed"),
    [(schema, seed) for schema in load.schemas() for seed in SEEDS if seed == SEEDS[0] or schema == "v8.3"],
)
def test_every_row_becomes_what_is_right(schema: str, seed: int) -> None:
    testbed = spawn("--cases", "all", "--scale", "5", "--schema", schema, "--seed", str(seed))
    try:
        truth = json.loads(Path(testbed.ready["truth"]).read_text())
        found = outcome(testbed.ready["readonly_dsn"])
    finally:
        testbed.stop()
    assert list(wrong_services(truth, found)) == []
    assert list(wrong_clients(truth, found)) == []
    assert list(wrong_users(truth, found)) == []


def wrong_services(truth: dict[str, Any], found: Outcome) -> Iterator[str]:
    for service in truth["services"]:
        id, label = str(service["service_id"]), f"{service['case']} service {service['service_id']}"
        payload = found.payloads["service"].get(id)
        if (payload is not None) != (service["expect"] == "import"):
            yield f"{label}: {service['expect']} {service['reason']}, but {found.aside.get(('servers', id))}"
        elif payload is not None:
            yield from (f"{label}: {each}" for each in wrong_parts(payload, service))
            yield from (f"{label}: no warning {code}" for code in found.warned("servers", id, service["warnings"]))
        elif service["expect"] == "quarantine" and found.aside.get(("servers", id)) != service["reason"]:
            yield f"{label}: quarantine {service['reason']}, but {found.aside.get(('servers', id))}"


def wrong_parts(payload: dict[str, Any], service: dict[str, Any]) -> Iterator[str]:
    billing, addresses = payload["billing"], [address["address"] for address in payload["addresses"]]
    said = {
        **{name: payload["plan"][name] for name in ("memory_mib", "vcpus", "disk_gib")},
        **{name: billing[name] for name in ("amount", "currency", "cycle", "next_due", "registered")},
        "name": payload["name"],
        "plan": payload["plan"]["name"],
        "os": payload["image"]["template"],
        "location": payload["location"]["key"],
        "address": addresses[0] if addresses else None,
        "assigned": addresses[1:],
        "suspension": payload["suspension"],
    }
    extras = payload["raw"]["extras"]
    said |= {name: extras.get(name) for name in service["extras"]}
    for name, value in said.items():
        right = service["extras"][name] if name in service["extras"] else service[name]
        if value != right:
            yield f"{name} is {value!r}, not {right!r}"
    yield from wrong_guest(payload, service["vm"])


def wrong_guest(payload: dict[str, Any], vm: dict[str, Any] | None) -> Iterator[str]:
    hint, refused = payload["hint"], payload["quarantine"]
    if vm is None:
        right: tuple[object, ...] = (None, None, None)
        said: tuple[object, ...] = (hint and hint["cluster"], hint and hint["vmid"], refused)
    elif vm["reason"] in ONLY_PROXMOX_KNOWS:
        right = (vm["cluster"], vm["vmid"], None)
        said = (hint and hint["cluster"], hint and hint["vmid"], refused)
    else:
        right, said = (vm["reason"],), (refused,)
    if said != right:
        yield f"guest {said}, not {right}"


def wrong_clients(truth: dict[str, Any], found: Outcome) -> Iterator[str]:
    for client in truth["clients"]:
        id, label = str(client["client_id"]), f"{client['case']} client {client['client_id']}"
        payload = found.payloads["client"].get(id)
        if (payload is not None) != (client["expect"] == "import"):
            yield f"{label}: {client['expect']} {client['reason']}"
        elif payload is not None:
            if payload["name"] != client["name"]:
                yield f"{label}: {payload['name']!r}, not {client['name']!r}"
            profile = {name: str(payload["profile"].get(name)) for name in client["profile"]}
            if profile != client["profile"]:
                yield f"{label}: {profile}"
            yield from (f"{label}: no warning {code}" for code in found.warned("accounts", id, client["warnings"]))


def wrong_users(truth: dict[str, Any], found: Outcome) -> Iterator[str]:
    for user in truth["users"]:
        key = f"{KEYS[user['table']]}{user['user_id']}"
        payload = found.payloads["user"].get(key)
        if (payload is not None) != (user["expect"] in ("import", "quarantine")):
            yield f"{user['case']} user {key}: {user['expect']} {user['reason']}"
        elif payload is not None:
            if payload["login"] != (user["expect"] == "import"):
                yield f"{user['case']} user {key}: {payload['login_problem']}, not {user['reason']}"
            missing = found.warned("users", key, user["warnings"])
            yield from (f"{user['case']} user {key}: no warning {code}" for code in missing)

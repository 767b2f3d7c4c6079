"""What must hold when all is quiet, by asking the cluster itself and comparing with the log."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from domain.server import events as e
from domain.server.state import Server
from hypervisor.fake_world import FakeGuest
from orchestrator.snippets import volume_of
from tests.orchestrator.snippets import STORAGE
from tests.orchestrator.storm.installation import FIRST_VMID, Installation

MARK = re.compile(r"hostler server=([0-9a-f]{32}) ")

# What of a guest each kind of drift is about: what staff were told of is no disagreement.
DRIFT = {"power": "power", "renamed": "name"}


@dataclass
class Findings:
    """Broken laws, each with what was seen."""

    duplicates: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    wrong_state: list[str] = field(default_factory=list)

    def all(self) -> dict[str, list[str]]:
        """Those there are, by name."""
        return {name: found for name in vars(self) if (found := getattr(self, name))}


@dataclass
class Outsiders:
    """What people other than ours did to the cluster."""

    strangers: dict[int, str] = field(default_factory=dict)  # VMID, and what the guest looked like
    deleted: set[int] = field(default_factory=set)


def looks(guest: FakeGuest) -> str:
    """Everything of a guest that somebody could have changed."""
    return repr((guest.name, guest.power, guest.node, guest.smbios_uuid, guest.revision, sorted(guest.volumes.items())))


def examine(installation: Installation, accepted: list[UUID], outsiders: Outsiders) -> Findings:
    """Compare the cluster with the log."""
    found = Findings()
    servers = {server.id: server for server in installation.servers()}
    _guests(installation, servers, outsiders, found)
    for server in servers.values():
        _server(installation, server, outsiders, found)
    _operations(installation, servers, accepted, found)
    _claims(installation, servers, found)
    _snippets(installation, servers, found)
    found.wrong_state += [f"a program ended: {text}" for text in installation.crashes + installation.clock.complaints]
    return found


def _guests(installation: Installation, servers: dict[UUID, Server], outsiders: Outsiders, found: Findings) -> None:
    world = installation.world
    known = {server.vmid for server in servers.values() if not server.destroyed}
    marks = Counter(mark[1] for guest in world.guests.values() if (mark := MARK.search(guest.description)))
    found.duplicates += [f"{count} guests of {mark}" for mark, count in marks.items() if count > 1]
    ours = {vmid for vmid in world.guests if vmid >= FIRST_VMID} - set(outsiders.strangers)
    found.orphans += [f"guest {vmid}: {world.guests[vmid].description}" for vmid in sorted(ours) if vmid not in known]
    owners = set(world.guests)
    found.orphans += [f"volume {volume}" for volume, owner in world.volumes.items() if owner not in owners]
    found.orphans += [f"archive {volume}" for volume in sorted(set(world.backups) - _told_archives(servers))]
    for vmid, seen in outsiders.strangers.items():
        guest = world.guests.get(vmid)
        if guest is None or looks(guest) != seen:
            found.wrong_state.append(f"stranger {vmid} was {seen}, is {guest and looks(guest)}")


def _told_archives(servers: dict[UUID, Server]) -> set[str]:
    return {backup.volume for server in servers.values() if not server.destroyed for backup in server.backups}


def _server(installation: Installation, server: Server, outsiders: Outsiders, found: Findings) -> None:
    guest = installation.world.guests.get(server.vmid or 0)
    if server.destroyed or server.identity is None or server.vmid in outsiders.deleted:
        return
    if guest is None or guest.smbios_uuid != server.identity.smbios_uuid:
        found.lost.append(f"guest {server.vmid} of {server.name} ({server.status})")
        return
    if server.current is not None:
        return
    if not server.provisioned:
        return
    log: dict[str, Any] = {"node": server.node, "power": server.power}
    seen: dict[str, Any] = {"node": guest.node, "power": guest.power}
    if server.operation is not None and server.operation.status == "succeeded":
        log |= {"cores": server.plan.vcpus, "memory": server.plan.memory_mib, "name": server.name}
        seen |= {"cores": guest.cores, "memory": guest.memory_mib, "name": guest.name}
    told = {DRIFT[drift.kind] for drift in server.drift if drift.kind in DRIFT}
    if any(log[name] != seen[name] for name in log if name not in told):
        found.wrong_state.append(f"{server.name}: log {log}, cluster {seen}")


def _operations(installation: Installation, servers: dict[UUID, Server], accepted: list[UUID], found: Findings) -> None:
    found.stuck += [f"{o.type} at {o.step and o.step.key}: {o.step and o.step.detail}" for o in installation.busy()]
    ended, asked = set(), set()
    for id, records in installation.tables.streams.items():
        if [record.version for record in records] != list(range(1, len(records) + 1)):
            found.wrong_state.append(f"versions of {id}")
        for record in records:
            if isinstance(record.event, e.ServerRequested | e.OperationRequested):
                asked.add(record.event.operation_id)
            if isinstance(record.event, ENDS):
                ended.add(record.event.operation_id)
    found.lost += [f"operation {id}" for id in accepted if id not in asked]
    waiting = {operation.id for operation in installation.busy()}
    found.stuck += [f"operation {id} never ended" for id in asked - ended - waiting]


ENDS = (e.OperationSucceeded, e.OperationFailed, e.OperationCancelled, e.AttentionRaised)


def _snippets(installation: Installation, servers: dict[UUID, Server], found: Findings) -> None:
    """A file is there while a guest names it, and no longer, but for an operation that goes on or waits for staff."""
    files, named = set(installation.world.snippets), _named_files(installation)
    going_on = {volume_of(STORAGE, server.id) for server in servers.values() if server.current is not None}
    found.orphans += sorted(files - named - going_on)
    found.lost += sorted(named - files)


def _named_files(installation: Installation) -> set[str]:
    return {guest.vendor_data for guest in installation.world.guests.values() if guest.vendor_data}


def _claims(installation: Installation, servers: dict[UUID, Server], found: Findings) -> None:
    tables = installation.tables
    living = {server.id: server for server in servers.values() if not server.destroyed}
    owned = {row["server_id"]: row["vmid"] for row in tables.table("vmid").values() if row["state"] == "owned"}
    told = {id: server.vmid for id, server in living.items() if server.vmid is not None}
    if owned != told:
        found.wrong_state.append(f"VMIDs promised {owned}, in the log {told}")
    held = sorted(
        (row["server_id"], row["address"]) for row in tables.table("address").values() if row["until"] is None
    )
    given = sorted((id, address.address) for id, server in living.items() for address in server.addresses)
    if held != given:
        found.wrong_state.append(f"addresses promised {held}, in the log {given}")
    memory: Counter[tuple[str, str]] = Counter()
    for row in tables.table("memory_promise").values():
        memory[row["cluster"], row["node"]] += row["memory_mib"]
    sums = {key: row["promised_mib"] for key, row in tables.table("node_promise").items() if row["promised_mib"]}
    if dict(memory) != sums:
        found.wrong_state.append(f"memory promised {dict(memory)}, summed up {sums}")

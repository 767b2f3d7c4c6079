"""What people ask for: every operation whose steps can be taken, with what it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any
from uuid import UUID

from domain.errors import Refused
from domain.server.operations import OPERATIONS, Who
from domain.server.state import Server
from orchestrator.reconcile import STEPS
from tests.given import IMAGE, PLAN
from tests.orchestrator.storm.installation import Installation

Wish = tuple[dict[str, Any], dict[str, Any]]  # params, and those that are people's own
LARGER = replace(PLAN, id=UUID(int=5), name="M", vcpus=4, memory_mib=4096, disk_gib=30)


def possible(type: str) -> bool:
    """Whether every step of the operation can be taken."""
    return all((type, step) in STEPS for step in OPERATIONS[type].steps)


def _plain(state: Server) -> Wish:
    return {}, {}


def _plan(state: Server) -> Wish:
    plan = LARGER if state.plan.name != LARGER.name else PLAN
    names = ("name", "vcpus", "memory_mib", "disk_gib", "snapshots", "backups")
    fields = {name: getattr(plan, name) for name in names}
    return {
        "plan": {"id": str(plan.id), **fields, "disk_gib": max(plan.disk_gib, state.plan.disk_gib)},
        "restart": True,
    }, {}


def _rebuild(state: Server) -> Wish:
    image = {"id": str(IMAGE.id), "name": IMAGE.name, "template": IMAGE.template}
    return {"image": image, "safety": False}, {"ssh_keys": []}


def _hold(state: Server) -> Wish:
    return {"reason": state.holds[0].reason if state.holds else "abuse"}, {}


def _snapshot(state: Server) -> Wish:
    return {"snapshot_id": str(state.snapshots[-1].id) if state.snapshots else ""}, {}


def _backup(state: Server) -> Wish:
    return {"backup_id": str(state.backups[-1].id) if state.backups else ""}, {}


WISHES: dict[str, Callable[[Server], Wish]] = {
    "resize": _plan,
    "rebuild": _rebuild,
    "rename": lambda state: ({}, {"name": f"renamed-{state.version}"}),
    "snapshot": lambda state: ({}, {"name": "a snapshot"}),
    "snapshot_restore": _snapshot,
    "snapshot_delete": _snapshot,
    "backup": lambda state: ({}, {"name": "a backup"}),
    "backup_restore": _backup,
    "backup_delete": _backup,
    "reset_password": lambda state: ({}, {"ssh_keys": []}),
    "suspend": lambda state: ({"reason": "abuse"}, {}),
    "unsuspend": _hold,
    "repair": lambda state: ({"kind": "renamed"}, {}),
}
STAFF = {"suspend", "unsuspend", "repair"}
ASKABLE = [type for type, kind in OPERATIONS.items() if kind.who != "system" and possible(type)]


def wish(installation: Installation, server: UUID, type: str, *, user_data: bool = False) -> UUID:
    """Ask for an operation with what it needs; its id. Raises what the domain refuses with."""
    params, personal = WISHES.get(type, _plain)(installation.tables.server(server))
    least = OPERATIONS[type].who
    by: Who = "staff" if type in STAFF else least
    return installation.ask(server, type, params, personal, by, user_data=user_data)


def allowed(state: Server, type: str) -> bool:
    """Whether it may be asked for now."""
    if state.current is not None and not (type == "terminate" and state.queued is None):
        return False
    snapshots, backups = bool(state.snapshots), bool(state.backups)
    needs = {"snapshot_restore": snapshots, "snapshot_delete": snapshots}
    needs |= {"backup_restore": backups, "backup_delete": backups}
    return needs.get(type, True) and state.status in OPERATIONS[type].allowed | OPERATIONS[type].staff_allowed


def anything(installation: Installation, server: UUID, chance: Random) -> UUID | None:
    """Ask for something that is possible now; None when there is nothing, or the domain refused."""
    state = installation.tables.server(server)
    types = [type for type in ASKABLE if allowed(state, type)]
    # Ends are rarer than they would be by chance, so that servers get old.
    types = [type for type in types if type != "terminate" or chance.random() < 0.3]
    if not types:
        return None
    try:
        type = chance.choice(types)
        return wish(installation, server, type, user_data=type == "rebuild" and installation.some())
    except Refused:
        return None

"""What the API shows of a server and of an operation: plain dicts in the contract's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain import ids
from domain.server import events as e
from domain.server.state import Backup, Operation, Server, Snapshot, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """When the server's cluster last answered, and whether it does now."""

    reachable: bool
    observed_at: datetime | None


Sights = Mapping[str, Sight]
# While one of these goes on, the log knows better than a look at the hypervisor.
SETTLED = frozenset({"running", "stopped", "paused", "suspended"})


def time(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC, or None."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def server(state: Server, sights: Sights, *, staff: bool = False) -> dict[str, Any]:
    """A server for its owner; `staff` adds where its guest is and who owns it."""
    sight = sights.get(state.cluster or "")
    unknown = state.status in SETTLED and sight is not None and not sight.reachable
    current = state.current
    shown: dict[str, Any] = {
        "id": ids.show(ids.SERVER, state.id),
        "object": "server",
        "name": state.name,
        "status": "unknown" if unknown else state.status,
        "status_reason": _reason(state),
        "plan": {
            "id": ids.show(ids.PLAN, state.plan.id),
            "name": state.plan.name,
            "vcpus": state.plan.vcpus,
            "memory_mib": state.plan.memory_mib,
            "disk_gib": state.plan.disk_gib,
        },
        "image": _image(state.image),
        "location": {"id": ids.show(ids.LOCATION, state.location.id), "name": state.location.name},
        "ips": [
            {
                "address": a.address,
                "prefix": a.prefix,
                "gateway": a.gateway,
                "family": a.family,
                "primary": a.primary,
                "rdns": None,
            }
            for a in state.addresses
        ],
        "protection": {"delete": state.protected},
        "labels": state.labels,
        "account": ids.show(ids.ACCOUNT, state.account_id),
        "current_operation": ids.show(ids.OPERATION, current.id) if current else None,
        "suspension": _suspension(state),
        "restart_needed": state.restart_needed,
        "purge_at": time(state.purge_at),
        "external_id": state.external_id,
        "last_status": state.status if unknown else None,
        "observed_at": time(sight.observed_at) if unknown and sight else None,
        "version": state.version,
        "created_at": time(state.created_at),
        "updated_at": time(state.updated_at),
    }
    if staff:
        shown["admin"] = {
            "cluster": state.cluster,
            "node": state.node,
            "vmid": state.vmid,
            "owner": ids.show(ids.ACCOUNT, state.account_id),
            "mode": state.mode,
            "holds": [{"reason": hold.reason, "note": hold.note, "since": time(hold.since)} for hold in state.holds],
        }
    return shown


def _suspension(state: Server) -> dict[str, Any] | None:
    if not state.holds:
        return None
    first = state.holds[0]
    return {"reason": first.reason, "reasons": [hold.reason for hold in state.holds], "since": time(first.since)}


def _reason(state: Server) -> str | None:
    if state.status == "unlinked":
        return state.declined.detail if state.declined else "Its virtual machine has not been looked for yet."
    if state.status == "failed" and state.operation is not None and state.operation.error is not None:
        return state.operation.error.message
    return None


def snapshot(state: Snapshot) -> dict[str, Any]:
    """A snapshot for the server's owner."""
    return {
        "id": ids.show(ids.SNAPSHOT, state.id),
        "object": "snapshot",
        "name": state.name,
        "image": _image(state.image),
        "created_at": time(state.created_at),
    }


def backup(state: Backup) -> dict[str, Any]:
    """A backup for the server's owner."""
    return {
        "id": ids.show(ids.BACKUP, state.id),
        "object": "backup",
        "name": state.name,
        "image": _image(state.image),
        "size_bytes": state.size_bytes,
        "created_at": time(state.created_at),
    }


def _image(image: e.Image | None) -> dict[str, str] | None:
    return None if image is None else {"id": ids.show(ids.IMAGE, image.id), "name": image.name}


def operation(state: Operation, *, staff: bool = False) -> dict[str, Any]:
    """An operation with its steps; `staff` adds Proxmox's own words about an error."""
    done = sum(step.status == "succeeded" for step in state.steps)
    progress = 100 if state.status == "succeeded" else done * 100 // len(state.steps)
    return {
        "id": ids.show(ids.OPERATION, state.id),
        "object": "operation",
        "type": state.type,
        "status": state.status,
        "progress": progress,
        "resource": {"type": "server", "id": ids.show(ids.SERVER, state.server_id)},
        "steps": [_step(step) for step in state.steps],
        "error": _error(state, staff),
        "requested_by": {"type": state.requested_by.type, "id": state.requested_by.id or None},
        "request_id": state.request_id or None,
        "created_at": time(state.created_at),
        "started_at": time(state.started_at),
        "finished_at": time(state.finished_at),
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "key": step.key,
        "status": step.status,
        "detail": step.detail or None,
        "started_at": time(step.started_at),
        "finished_at": time(step.finished_at),
        "attempt": step.attempt,
    }


def _error(state: Operation, staff: bool) -> dict[str, Any] | None:
    if state.error is None:
        return None
    shown: dict[str, Any] = {
        "code": state.error.code,
        "message": state.error.message,
        "retryable": state.error.retryable,
    }
    if staff and state.error.debug:
        shown["debug"] = state.error.debug
    return shown

"""A guest that is not as the log says: what is recorded of it, and what the operator or staff make of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from domain.errors import Invalid, NotAllowed
from domain.server import events as e
from domain.server.decide import RequestOperation, check_managed, request
from domain.server.operations import READY
from domain.server.state import Drift, Server

Policy = Literal["follow", "repair", "ask"]
Action = Literal["adopt", "repair", "ignore"]

# What the log can take over as it was found, and what can be made again as the log has it.
ADOPTABLE = frozenset({"power", "renamed", "reconfigured", "identity"})
REPAIRABLE = frozenset({"power", "renamed", "reconfigured", "firewall"})
# What of a configuration can be set again; a disk that grew cannot shrink.
SETTABLE = frozenset({"vcpus", "memory_mib", "bridge"})
GROWN = "A disk cannot shrink: take its size over, or ignore the difference."


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One difference as it was seen."""

    kind: str
    detail: str
    facts: dict[str, Any] = field(default_factory=dict)
    personal: dict[str, Any] = field(default_factory=dict)


def notice(state: Server, finding: Finding, policy: Policy, repair: RequestOperation) -> list[e.ServerEvent]:
    """A difference was seen; one that is known leads to nothing. `repair` is asked for where the policy says so."""
    known = state.drifted(finding.kind)
    if known is not None and known.facts == finding.facts | finding.personal:
        return []
    if policy == "repair" and state.current is not None:
        return []  # it is looked at again when the operation has ended
    found = e.DriftFound(kind=finding.kind, detail=finding.detail, facts=finding.facts, personal=finding.personal)
    if policy == "follow" and finding.kind in ADOPTABLE:
        return [found, *_taken_over(state, finding.kind, finding.facts)]
    if policy == "repair" and _repairable(state, finding):
        return [found, *request(state, repair)]
    return [found]


def _repairable(state: Server, finding: Finding) -> bool:
    managed = state.mode == "manage" and state.status in READY | {"suspended"}
    return finding.kind in REPAIRABLE and _settable(finding.kind, finding.facts) and managed and state.current is None


def _settable(kind: str, facts: dict[str, Any]) -> bool:
    return kind != "reconfigured" or any(facts.get(name) for name in SETTABLE)


def _taken_over(state: Server, kind: str, facts: dict[str, Any]) -> list[e.ServerEvent]:
    power: list[e.ServerEvent] = [e.PowerObserved(power=facts["power"])] if kind == "power" else []
    sizes = {name: facts[name] for name in state.size if name in facts}
    return [*power, e.DriftEnded(kind=kind, how="adopted", size=state.size | sizes if sizes else {})]


def over(state: Server, kind: str) -> list[e.ServerEvent]:
    """The guest is as the log says, as far as this kind goes."""
    return [e.DriftEnded(kind=kind, how="gone")] if state.drifted(kind) is not None else []


def repair_of(state: Server, kind: str, operation_id: UUID, now: datetime) -> RequestOperation:
    """The operation that makes the guest again what the log says."""
    if kind == "power":
        type = "start" if state.power == "running" else "stop"
        return RequestOperation(operation_id=operation_id, type=type, now=now, by="system")
    return RequestOperation(operation_id=operation_id, type="repair", now=now, params={"kind": kind}, by="system")


def settle(state: Server, kind: str, action: Action, repair: RequestOperation) -> list[e.ServerEvent]:
    """Staff say what to make of a difference.

    Raises:
        Invalid: there is none of this kind.
        NotAllowed: this cannot be done with it.
        OperationInProgress: a repair has to wait for another operation.
    """
    drift = state.drifted(kind)
    if drift is None:
        raise Invalid("/id", "There is no such difference any more.")
    if action == "ignore":
        return [] if drift.ignored else [e.DriftEnded(kind=kind, how="ignored")]
    if action == "adopt":
        return _adopt(state, drift)
    return _repair(state, drift, repair)


def _adopt(state: Server, drift: Drift) -> list[e.ServerEvent]:
    if drift.kind not in ADOPTABLE:
        raise NotAllowed("This cannot be taken over: it can be set right on the hypervisor, or ignored.")
    return _taken_over(state, drift.kind, drift.facts)


def _repair(state: Server, drift: Drift, repair: RequestOperation) -> list[e.ServerEvent]:
    if drift.kind not in REPAIRABLE:
        raise NotAllowed("This cannot be repaired from here: set it right on the hypervisor, and it ends by itself.")
    if not _settable(drift.kind, drift.facts):
        raise NotAllowed(GROWN)
    check_managed(state, repair)
    return request(state, repair)

"""Where a new server goes: pure, explained node by node, and the same for the same inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pydantic import TypeAdapter

Refusal = Literal["image", "user_data", "away", "maintenance", "room"]


@dataclass(frozen=True, slots=True)
class Need:
    """What a plan takes. `user_data`: there is some to be handed to the guest."""

    memory_mib: int
    vcpus: int
    disk_gib: int
    user_data: bool = False


@dataclass(frozen=True, slots=True)
class Share:
    """Something that is promised up to a limit."""

    limit: int
    promised: int

    @property
    def left(self) -> int:
        """What may still be promised."""
        return self.limit - self.promised

    def filled(self, more: int) -> float:
        """How full it would be, with so much more: 1 is full."""
        return (self.promised + more) / self.limit if self.limit > 0 else 1.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node, and all that counts for or against it.

    `image_node` is where the image is copied from, None when it cannot get here. What could not be found out is None.
    `disk_free_gib` is what the storage really has left above its reserve. `siblings`: servers of the same account.
    """

    cluster: str
    node: str
    online: bool
    maintenance: bool
    image_node: str | None
    image_vmid: int | None
    memory: Share  # MiB
    vcpus: Share | None
    disk: Share | None  # GiB
    disk_free_gib: int | None
    disk_resource: str | None  # under what the disk is promised: a shared storage is one for all nodes
    siblings: int
    user_data: bool = True  # whether it can be handed to a guest there


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything a choice depends on. `away`: clusters that could not be asked."""

    need: Need
    spread: bool
    candidates: list[Candidate]
    away: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Choice:
    """The node, and why it and not the others."""

    candidate: Candidate
    explanation: dict[str, Any]


@dataclass(frozen=True, slots=True)
class NoChoice:
    """It fits nowhere, and what keeps it from each node; `waits`: it would fit once that is over."""

    reasons: Mapping[str, str]
    image: bool  # the image is somewhere
    maintenance: bool
    waits: bool


def choose(inputs: Inputs) -> Choice | NoChoice:
    """Of the nodes where it fits: away from the account's other servers, then where it is least crowded."""
    named = {_name(candidate, inputs): candidate for candidate in inputs.candidates}
    unfit = {name: found for name, one in named.items() if (found := _unfit(one, inputs.need)) is not None}
    fit = {name: candidate for name, candidate in named.items() if name not in unfit}
    if not fit:
        return _nowhere(inputs, unfit)
    best = min(fit, key=lambda name: (*_rank(fit[name], inputs), name))
    explanation = {
        "chosen": fit[best].node,
        "cluster": fit[best].cluster,
        "because": _because(fit[best], inputs),
        "not": {name: text for name, (_, text) in unfit.items()}
        | {name: _behind(fit[name], fit[best], inputs) for name in fit if name != best},
        "inputs": asdict(inputs),
    }
    return Choice(fit[best], explanation)


def again(explanation: Mapping[str, Any]) -> Choice | NoChoice:
    """The choice that the recorded inputs of an explanation lead to.

    Raises:
        ValidationError: it has no such inputs.
    """
    return choose(TypeAdapter(Inputs).validate_python(explanation.get("inputs")))


def _nowhere(inputs: Inputs, unfit: Mapping[str, tuple[Refusal, str]]) -> NoChoice:
    kinds = {kind for kind, _ in unfit.values()}
    return NoChoice(
        reasons={name: text for name, (_, text) in unfit.items()},
        image=any(candidate.image_vmid is not None for candidate in inputs.candidates) or bool(inputs.away),
        maintenance="maintenance" in kinds,
        waits=bool(inputs.away) or bool(kinds & {"away", "maintenance"}),
    )


def _unfit(candidate: Candidate, need: Need) -> tuple[Refusal, str] | None:
    """Why it cannot go there; what passes by itself comes last, so that nobody waits in vain."""
    if candidate.image_node is None:
        return "image", "the image is not there"
    if need.user_data and not candidate.user_data:
        return "user_data", "user data cannot be handed over there"
    if (lacking := short(candidate, need)) is not None:
        return "room", lacking
    if not candidate.online:
        return "away", "it does not answer"
    if candidate.maintenance:
        return "maintenance", "it is under maintenance"
    return None


def short(candidate: Candidate, need: Need) -> str | None:
    """Of what there is not enough; what is not needed is no hindrance, and neither is what could not be counted."""
    memory, vcpus, disk, free = candidate.memory, candidate.vcpus, candidate.disk, candidate.disk_free_gib
    if candidate.online and memory.left < need.memory_mib > 0:
        return f"only {max(memory.left, 0)} MiB free to promise"
    if vcpus is not None and vcpus.left < need.vcpus > 0:
        return f"only {max(vcpus.left, 0)} cores free to promise"
    if disk is not None and disk.left < need.disk_gib > 0:
        return f"only {max(disk.left, 0)} GiB of the storage free to promise"
    if free is not None and free < need.disk_gib > 0:
        return f"only {max(free, 0)} GiB of the storage free above its reserve"
    return None


def _rank(candidate: Candidate, inputs: Inputs) -> tuple[int, float]:
    return candidate.siblings if inputs.spread else 0, _crowded(candidate, inputs.need)


def _crowded(candidate: Candidate, need: Need) -> float:
    """How full its fullest share would be."""
    shares = [candidate.memory.filled(need.memory_mib)]
    shares += [candidate.vcpus.filled(need.vcpus)] if candidate.vcpus is not None else []
    shares += [candidate.disk.filled(need.disk_gib)] if candidate.disk is not None else []
    return round(max(shares), 4)


def _because(candidate: Candidate, inputs: Inputs) -> str:
    full = f"{_crowded(candidate, inputs.need):.0%} promised with it, the least of those that fit"
    if not inputs.spread:
        return full
    if candidate.siblings:
        return f"fewest servers of the account ({candidate.siblings}); {full}"
    return f"no other server of the account is there; {full}"


def _behind(candidate: Candidate, best: Candidate, inputs: Inputs) -> str:
    if inputs.spread and candidate.siblings > best.siblings:
        return f"it fits, but {candidate.siblings} servers of the account are there"
    return f"it fits, but {_crowded(candidate, inputs.need):.0%} would be promised"


def _name(candidate: Candidate, inputs: Inputs) -> str:
    clusters = {one.cluster for one in inputs.candidates}
    return candidate.node if len(clusters) == 1 else f"{candidate.cluster}/{candidate.node}"

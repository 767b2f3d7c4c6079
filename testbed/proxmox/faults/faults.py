"""Faults on demand: what networks, proxies, busy daemons and other people do to calls and to task workers."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

import msgspec

from testbed.proxmox.cluster.tasks import END, START, Task
from testbed.proxmox.errors import parameter_errors
from testbed.proxmox.faults.endpoints import CLASSES, has_class

CallKind = Literal[
    "drop_before", "drop_after_effect", "drop_in_answer", "delay", "status", "late_execution", "595", "596", "do"
]
WorkerKind = Literal["kill_worker", "fail_worker"]
Kind = Literal[CallKind, WorkerKind, "random"]
Cut = Literal["status_line", "head", "body"]
#: What a random rule chooses from unless it says so itself.
CHOICE: tuple[CallKind, ...] = (
    "drop_before",
    "drop_after_effect",
    "drop_in_answer",
    "status",
    "late_execution",
    "595",
    "596",
)
#: In UPIDs these differ from run to run.
UPID_NUMBERS = re.compile(r"(UPID:[^:]*:)[0-9A-F:]+:(?=[^:/]+:)")


class Match(msgspec.Struct, forbid_unknown_fields=True):
    """Which calls, or tasks by `type` and `id`; `node` is the one that is asked, or that works. None means any."""

    method: str = "*"
    path_regex: str = ""
    endpoints: str | None = msgspec.field(default=None, name="class")
    node: str | None = None
    type: str | None = None
    id: str | None = None

    def call(self, method: str, path: str, node: str) -> bool:
        """Whether a call is meant; `path` is without the API's base."""
        return (
            self.method in ("*", method)
            and self.node in (None, node)
            and (self.endpoints is None or has_class(self.endpoints, method, path))
            and re.search(self.path_regex, path) is not None
        )

    def task(self, task: Task) -> bool:
        """Whether a task is meant."""
        return self.type in (None, task.type) and self.id in (None, task.id) and self.node in (None, task.node)


@dataclass(slots=True)
class Fault:
    """One rule. It spares the first `skip` calls that match, then strikes `times` times (None: always).

    With a `rate` below 1 it strikes that share of them, always the same ones of the same `seed`.
    """

    match: Match
    kind: Kind
    times: int | None = 1
    skip: int = 0
    rate: float = 1.0
    seed: int = 0
    kinds: list[CallKind] = field(default_factory=list)
    seconds: float = 0.0
    jitter: float = 0.0
    status: int | None = None
    reason: str = "got timeout"
    after_effect: bool = False
    cut: Cut = "status_line"
    do: dict[str, Any] = field(default_factory=dict)
    line: str | None = None
    step: int | None = None
    at_end: bool = False
    seen: dict[str, int] = field(default_factory=dict)

    @property
    def of_workers(self) -> bool:
        return self.kind in get_args(WorkerKind)

    def point(self, number: int, point: str) -> bool:
        """Whether a worker that wrote `number` lines is where the rule strikes: at its beginning unless told."""
        if self.at_end:
            return point == END
        if self.line is not None:
            return point not in (START, END) and re.search(self.line, point) is not None
        return point != END and number == (self.step or 0)


@dataclass(frozen=True, slots=True)
class Strike:
    """What happens to one call: `seconds` is how long to wait, before (`delay`) or after."""

    kind: CallKind
    seconds: float
    rule: Fault


class Faults:
    """The rules in force, the oldest first."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []

    def add(self, rules: object) -> None:
        """Add one rule or a list of them; raises `ApiError` 400 for what is not a rule, and adds none then."""
        listed = rules if isinstance(rules, list) else [rules]
        self._rules += [_rule(rule) for rule in listed]

    def clear(self) -> None:
        """Forget all rules."""
        self._rules.clear()

    def listing(self) -> list[dict[str, Any]]:
        """The rules with what is left of them."""
        rows = [(rule, msgspec.to_builtins(rule.match)) for rule in self._rules]
        return [{k: v for k, v in asdict(rule).items() if k != "seen"} | {"match": match} for rule, match in rows]

    def strike(self, method: str, path: str, node: str = "") -> list[Strike]:
        """What hits this call: every delay that is due, and the first other rule; counted down."""
        struck: list[Strike] = []
        call = f"{method} " + UPID_NUMBERS.sub(r"\1", path)
        for rule in list(self._rules):
            matches = not rule.of_workers and rule.match.call(method, path, node)
            if not matches or (rule.kind != "delay" and any(one.kind != "delay" for one in struck)):
                continue
            chance = self._due(rule, call)
            if chance is not None:
                kind = _choice(rule, chance[1])
                struck.append(Strike(kind, rule.seconds + rule.jitter * chance[2], rule))
        return struck

    def strike_worker(self, task: Task, number: int, point: str) -> Fault | None:
        """The rule that hits a worker after `number` lines of its log."""
        for rule in self._rules:
            here = rule.of_workers and rule.match.task(task) and rule.point(number, point)
            if here and self._due(rule, f"{task.type} {task.id}") is not None:
                return rule
        return None

    def _due(self, rule: Fault, what: str) -> Sequence[float] | None:
        """Three numbers below 1 if the rule strikes now."""
        if rule.skip > 0:
            rule.skip -= 1
            return None
        chance = _chances(rule, what)
        if chance[0] >= rule.rate:
            return None
        if rule.times is not None:
            rule.times -= 1
            if rule.times <= 0:
                self._rules.remove(rule)
        return chance


def _chances(rule: Fault, what: str) -> Sequence[float]:
    """Numbers that follow from the seed and from how often this same thing was asked."""
    number = rule.seen[what] = rule.seen.get(what, 0) + 1
    digest = hashlib.sha256(f"{rule.seed} {number} {what}".encode()).digest()
    return [int.from_bytes(digest[start : start + 8], "big") / 2**64 for start in (0, 8, 16)]


def _choice(rule: Fault, chance: float) -> CallKind:
    if rule.kind == "random":
        kinds = rule.kinds or CHOICE
        return kinds[int(chance * len(kinds))]
    assert rule.kind != "kill_worker"
    assert rule.kind != "fail_worker"
    return rule.kind


def _rule(given: object) -> Fault:
    if not isinstance(given, dict) or not isinstance(given.get("match"), dict):
        raise parameter_errors({"fault": 'a fault is an object with "match": {"method", "path_regex", …} and "kind"'})
    kinds = ", ".join(kind for one in get_args(Kind) for kind in get_args(one) or [one])
    if not isinstance(given.get("kind"), str) or given["kind"] not in kinds.split(", "):
        raise parameter_errors({"fault": f"kind must be one of {kinds}"})
    unknown = set(given) - set(Fault.__slots__) | ({"seen"} & set(given))
    if unknown:
        raise parameter_errors({"fault": f"unknown: {sorted(unknown)}; there are {', '.join(Fault.__slots__[:-1])}"})
    try:
        rule = msgspec.convert(given, Fault)
    except msgspec.ValidationError as error:
        raise parameter_errors({"fault": str(error)}) from None
    return _checked(rule)


def _checked(rule: Fault) -> Fault:
    for name, pattern in (("path_regex", rule.match.path_regex), ("line", rule.line or "")):
        try:
            re.compile(pattern)
        except re.error as error:
            raise parameter_errors({name: str(error)}) from None
    if rule.match.endpoints not in (None, *CLASSES):
        raise parameter_errors({"class": f"one of {', '.join(CLASSES)}"})
    if rule.kind == "do" and not {"method", "path"} <= set(rule.do):
        raise parameter_errors({"do": 'an object with "method", "path" and perhaps "body"'})
    return rule

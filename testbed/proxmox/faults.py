"""Faults on demand: what networks, proxies and busy daemons do to calls."""

import re
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from testbed.proxmox.errors import parameter_errors

Kind = Literal["drop_before", "drop_after_effect", "delay", "status", "late_execution", "596"]
PARTS = {"match", "kind", "times", "skip", "seconds", "status", "reason", "after_effect"}


@dataclass(slots=True)
class Fault:
    """One rule. It spares the first `skip` calls that match, then strikes `times` times (None: always)."""

    method: str
    path_regex: str
    kind: Kind
    times: int | None = 1
    skip: int = 0
    seconds: float = 0.0
    status: int = 500
    reason: str = "got timeout"
    after_effect: bool = False

    def matches(self, method: str, path: str) -> bool:
        """Whether a call is meant."""
        return self.method in ("*", method) and re.search(self.path_regex, path) is not None


class Faults:
    """The rules in force, the oldest first."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []

    def add(self, rules: object) -> None:
        """Add one rule or a list of them; raises `ApiError` 400 for what is not a rule."""
        listed = rules if isinstance(rules, list) else [rules]
        self._rules += [_rule(rule) for rule in listed]

    def clear(self) -> None:
        """Forget all rules."""
        self._rules.clear()

    def listing(self) -> list[dict[str, Any]]:
        """The rules with what is left of them."""
        return [asdict(rule) for rule in self._rules]

    def strike(self, method: str, path: str) -> Fault | None:
        """The rule that hits this call, counted down."""
        for rule in self._rules:
            if rule.matches(method, path):
                if rule.skip > 0:
                    rule.skip -= 1
                    continue
                self._count(rule)
                return rule
        return None

    def _count(self, rule: Fault) -> None:
        if rule.times is not None:
            rule.times -= 1
            if rule.times <= 0:
                self._rules.remove(rule)


def _rule(given: object) -> Fault:
    if not isinstance(given, dict) or not isinstance(given.get("match"), dict):
        raise parameter_errors({"fault": 'a fault is an object with "match": {"method", "path_regex"} and "kind"'})
    unknown = set(given) - PARTS
    if given.get("kind") not in get_args(Kind) or unknown:
        kinds = ", ".join(get_args(Kind))
        raise parameter_errors({"fault": f"kind must be one of {kinds}; unknown: {sorted(unknown)}"})
    match = given["match"]
    rest = {key: value for key, value in given.items() if key != "match"}
    try:
        re.compile(match.get("path_regex", ""))
    except re.error as error:
        raise parameter_errors({"path_regex": str(error)}) from None
    return Fault(method=match.get("method", "*"), path_regex=match.get("path_regex", ""), **rest)

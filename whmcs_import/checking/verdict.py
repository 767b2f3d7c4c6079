"""What a comparison of both sides found: for programs and for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

MOST_NAMED = 10


@dataclass(slots=True)
class Verdict:
    """What was compared and what differs; `not_here` are live servers of the source that were never imported."""

    compared: Counter[str] = field(default_factory=Counter)
    differences: list[dict[str, str]] = field(default_factory=list)
    totals: list[dict[str, str]] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    not_here: list[str] = field(default_factory=list)
    note: str = ""

    def compare(self, entity: str, source_id: object, name: str, there: object, here: object) -> None:
        """Count one comparison, and keep it when the two sides differ."""
        self.admit(entity, source_id, name, [there], here)

    def admit(self, entity: str, source_id: object, name: str, there: Iterable[object], here: object) -> None:
        """Count one comparison, and keep it when what is here is none of what may be there."""
        self.compared[f"{entity}.{name}"] += 1
        known = list(there)
        if here not in known:
            self.differ(entity, source_id, name, known[0] if len(known) == 1 else sorted(map(str, known)), here)

    def differ(self, entity: str, source_id: object, name: str, there: object, here: object) -> None:
        """Keep a difference."""
        self.differences.append(
            {"entity": entity, "source_id": str(source_id), "field": name, "there": str(there), "here": str(here)}
        )

    def as_json(self) -> dict[str, Any]:
        """The verdict for programs."""
        return {
            "equal": not self.differences,
            "compared": dict(sorted(self.compared.items())),
            "differences": self.differences,
            "counts": self.counts,
            "totals": self.totals,
            "not_here": {"count": len(self.not_here), "source_ids": self.not_here},
            "note": self.note,
        }

    def as_text(self) -> str:
        """The verdict for people."""
        lines = [f"{name:28} {count:>9} compared" for name, count in sorted(self.compared.items())]
        lines += [f"{name:28} {c['there']:>9} there, {c['here']} here" for name, c in sorted(self.counts.items())]
        lines += [f"  {t['there']:>14} {t['currency']} {t['cycle']} there, {t['here']} here" for t in self.totals]
        lines += [
            f"  differs: {d['entity']} {d['source_id']} {d['field']}: {d['there']!r} there, {d['here']!r} here"
            for d in self.differences
        ]
        if self.not_here:
            some = ", ".join(self.not_here[:MOST_NAMED])
            lines.append(f"{len(self.not_here)} live servers there are not here, such as {some}: see `quarantined`")
        return "\n".join([*lines, *([self.note] if self.note else []), self._conclusion()])

    def _conclusion(self) -> str:
        count = len(self.differences)
        return f"{count} differences." if count else f"All {self.compared.total()} comparisons are equal."

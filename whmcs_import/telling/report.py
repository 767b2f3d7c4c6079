"""What a run will do or has done, as text for people and JSON for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from whmcs_import.planning.findings import Unmapped
from whmcs_import.planning.plan import EXAMPLES, Plan, Tally
from whmcs_import.source.extract import SourceInfo

MOST_SHOWN = 20  # of the VMs, on a terminal
MOST_LOGGED = 1000
LONGEST_DETAIL = 100


@dataclass(frozen=True, slots=True)
class Report:
    """A plan with where it came from; `run_id` is None for a dry run and when there was nothing to do.

    `retried` says what becomes of the rows that were named, where only these are imported.
    """

    plan: Plan
    source: SourceInfo
    source_name: str
    mapping_name: str
    mapping_digest: str
    dry_run: bool
    run_id: str | None = None
    live: dict[str, Any] | None = None
    retried: dict[str, str] = field(default_factory=dict)

    @property
    def sets_aside(self) -> bool:
        """Whether anything that was to be imported stays in quarantine."""
        if self.retried:
            return any(what.startswith("quarantine") for what in self.retried.values())
        return bool(self.plan.quarantined)

    def as_json(self) -> dict[str, Any]:
        """The report as the contract has it: the keys are stable."""
        plan = self.plan
        return {
            "run_id": self.run_id,
            "dry_run": self.dry_run,
            "plan_hash": plan.plan_hash,
            "changes": plan.changes,
            "source": {"name": self.source_name, **asdict(self.source), "orphans": plan.orphans},
            "entities": {name: _tally(tally) for name, tally in plan.entities.items()},
            "examples": {name: tally.examples for name, tally in plan.entities.items()},
            "quarantined": plan.quarantined,
            "retried": self.retried,
            "vanished": plan.vanished,
            "warnings": plan.warnings,
            "mapping": {
                "file": self.mapping_name,
                "digest": self.mapping_digest,
                "complete": not plan.incomplete,
                "unmapped_options": [
                    {"kind": kind, "name": name, **_unmapped(seen)}
                    for (kind, name), seen in sorted(plan.unmapped.items())
                ],
                "unmapped_values": [
                    {"target": target, "value": value, **_unmapped(seen)}
                    for (target, value), seen in sorted(plan.unmapped_values.items())
                ],
            },
            "totals": [
                {"currency": currency, "cycle": cycle, "amount": str(amount)}
                for (currency, cycle), amount in sorted(plan.totals.items())
            ],
            "hashes": dict(sorted(plan.hashes.items())),
            "adoption": plan.adoption,
            "live": self.live,
        }

    def for_the_log(self) -> dict[str, Any]:
        """What the log keeps for ever: numbers, ids and reasons. What was typed into the source may name people: it
        stands in the report alone.
        """
        whole = self.as_json()
        kept = ("plan_hash", "source", "entities", "totals")
        logged = {name: whole[name] for name in kept} | {"warnings": _counted(self.plan.warnings)}
        logged |= {name: _bare(whole[name]) for name in ("quarantined", "vanished")}
        unmapped = {name: _without_values(whole["mapping"][name]) for name in ("unmapped_options", "unmapped_values")}
        return logged | {"mapping": whole["mapping"] | unmapped}

    def as_text(self) -> str:
        """The report for a terminal."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        plan, source = self.plan, self.source
        yield "Dry run: nothing is written." if self.dry_run else f"Import of {self.source_name}"
        yield f"source     {source.address}, WHMCS {source.version}, {source.server}"
        yield f"read       {source.snapshot_at}, {source.method}, by a user who may {', '.join(source.grants)}"
        yield f"tables     {_counts(source.engines)}; {_counts(source.collations)}"
        yield f"rows       {_counts(source.rows)}"
        if source.unread:
            yield f"not read   {', '.join(source.unread)}: what modules keep there is not known"
        yield f"mapping    {self.mapping_name}"
        yield f"plan_hash  {plan.plan_hash}"
        yield ""
        yield from _table(plan.entities)
        yield from self._reasons()
        yield from self._mapping()
        yield from self._adoption()
        yield from self._money()
        yield ""
        yield self._verdict()

    def _reasons(self) -> Iterator[str]:
        for name, tally in self.plan.entities.items():
            for action in ("create", "update", "unchanged"):
                if known := tally.examples.get(action):
                    yield f"  {name} {action}: such as {', '.join(known)}"
            for reason, count in sorted(tally.skip.items()):
                yield f"  {name} skipped: {reason} ({count}), such as {', '.join(tally.examples[reason])}"
        yield from _examples("quarantined", "reason", self.plan.quarantined)
        if self.plan.quarantined:
            rows = " ".join(f"{row['entity']}/{row['source_id']}" for row in self.plan.quarantined[:1])
            yield f"  once a row is mended, `whmcs-import retry {rows} --source …` imports it and nothing else"
        yield from _examples("vanished, left as it is", "reason", self.plan.vanished)
        yield from _examples("warning", "code", self.plan.warnings)
        for name, count in self.plan.orphans.items():
            yield f"  {count} {name} belong to nothing and are left out"
        if self.plan.hashes:
            yield f"  passwords: {_counts(self.plan.hashes)}"

    def _mapping(self) -> Iterator[str]:
        for (kind, name), seen in sorted(self.plan.unmapped.items()):
            examples = ", ".join(repr(value) for value, _ in Counter(seen.values).most_common(EXAMPLES))
            yield f"  not mapped: {kind} {name!r} on {seen.count} services (such as {_ids(seen.services)}): {examples}"
        for (target, value), seen in sorted(self.plan.unmapped_values.items()):
            yield f"  no value for {target}: {value} on {seen.count} services (such as {_ids(seen.services)})"

    def _adoption(self) -> Iterator[str]:
        if not self.plan.adoption:
            return
        yield from self._vms()
        declined = Counter(str(row["reason"]) for row in self.plan.adoption if row["state"] == "declined")
        named = len(self.plan.adoption) - declined.total()
        yield f"VMs        {named} services name a VM that may be adopted, {declined.total()} do not"
        for reason, count in sorted(declined.items()):
            services = [row["service_id"] for row in self.plan.adoption if row["reason"] == reason]
            yield f"  not adopted: {reason} ({count}): services {_ids(services)}"
        if self.live is not None:
            yield f"  Proxmox at {self.live['at']}: {_counts(self.live['counts'])}"
            yield from self._otherwise()

    def _otherwise(self) -> Iterator[str]:
        """VMs that are not what was sold."""
        rows = [row for row in self.plan.adoption if row.get("live", {}).get("differs")]
        for row in rows[:MOST_SHOWN]:
            live, sold = row["live"], row["sold"]
            parts = (f"{name} {sold[name]} sold, {live['actual'][name]} there" for name in live["differs"])
            yield f"  service {row['service_id']} on VM {row['vmid']}: {', '.join(parts)}"
        if (more := len(rows) - MOST_SHOWN) > 0:
            yield f"  and {more} more are not what was sold"

    def _vms(self) -> Iterator[str]:
        yield ""
        yield f"{'service':>12}  {'VM':20}{'kind':6}{'state':22}evidence"
        for row in self.plan.adoption[:MOST_SHOWN]:
            vm = "" if row["vmid"] is None else f"{row['cluster']}/{row['vmid']}"
            state = row.get("live", {}).get("state") or row["reason"] or row["state"]
            yield f"{row['service_id']:>12}  {vm:20}{row['kind'] or '':6}{state:22}{', '.join(row['evidence'])}"
        if (more := len(self.plan.adoption) - MOST_SHOWN) > 0:
            yield f"{'':12}  and {more} more: all of them are in the JSON of --report"

    def _money(self) -> Iterator[str]:
        for (currency, cycle), amount in sorted(self.plan.totals.items()):
            yield f"  {amount} {currency} {cycle}"

    def _verdict(self) -> str:
        if self.plan.incomplete:
            count = len(self.plan.unmapped)
            return f"Refused: the mapping speaks of {count} sold things not at all: map them or list them under ignore."
        if self.retried:
            lines = [f"{row}: {what}" for row, what in self.retried.items()]
            return "\n".join(lines + [f"Run {self.run_id}."] * bool(self.run_id))
        if not self.plan.entities["servers"].seen:
            return "Nothing to import: the source has no services."
        if self.plan.changes == 0:
            return "Nothing to change: everything that can be imported is here already."
        verb = "would be" if self.dry_run else "were"
        created = sum(tally.create for tally in self.plan.rows.values())
        updated = sum(tally.update for tally in self.plan.rows.values())
        return f"{created} rows {verb} created, {updated} updated." + (f" Run {self.run_id}." if self.run_id else "")


def _tally(tally: Tally) -> dict[str, Any]:
    return {
        "seen": tally.seen,
        "create": tally.create,
        "update": tally.update,
        "unchanged": tally.unchanged,
        "skip": dict(sorted(tally.skip.items())),
        "quarantine": dict(sorted(tally.quarantine.items())),
    }


def _bare(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: entry[name] for name in ("entity", "source_id", "reason")} for entry in entries[:MOST_LOGGED]]


def _without_values(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in ("value", "values")} for row in rows]


def _counted(warnings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ids: dict[tuple[str, str], list[str]] = {}
    for warning in warnings:
        ids.setdefault((warning["entity"], warning["code"]), []).append(warning["source_id"])
    return [
        {"entity": entity, "code": code, "count": len(found), "source_ids": found[:EXAMPLES]}
        for (entity, code), found in sorted(ids.items())
    ]


def _unmapped(seen: Unmapped) -> dict[str, Any]:
    return {"count": seen.count, "values": dict(Counter(seen.values).most_common(10)), "services": seen.services}


def _table(entities: dict[str, Tally]) -> Iterator[str]:
    columns = ("seen", "create", "update", "unchanged", "skip", "quarantine")
    yield f"{'':10}" + "".join(f"{name:>12}" for name in columns)
    for name, tally in entities.items():
        numbers = (
            tally.seen,
            tally.create,
            tally.update,
            tally.unchanged,
            tally.skip.total(),
            tally.quarantine.total(),
        )
        yield f"{name:10}" + "".join(f"{number:>12}" for number in numbers)


def _examples(what: str, why: str, entries: list[dict[str, Any]]) -> Iterator[str]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for entry in entries:
        groups.setdefault(f"{entry['entity']} {entry[why]}", []).append(entry)
    for key, found in sorted(groups.items()):
        shown = "; ".join(_shown(entry) for entry in found[:EXAMPLES])
        yield f"  {what}: {key} ({len(found)}), such as {shown}" + ("; …" if len(found) > EXAMPLES else "")


def _shown(entry: dict[str, Any]) -> str:
    """A row and what was found of it, in no more than a line."""
    detail = " ".join(str(entry.get("detail") or "").split())
    if len(detail) > LONGEST_DETAIL:
        detail = detail[: LONGEST_DETAIL - 1] + "…"
    return f"{entry['source_id']} ({detail})" if detail else str(entry["source_id"])


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()) if count)


def _ids(ids: list[Any]) -> str:
    return ", ".join(str(id) for id in ids[:EXAMPLES]) + (" …" if len(ids) > EXAMPLES else "")

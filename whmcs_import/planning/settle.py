"""What only the log can tell about a plan: whose a server is, what people changed here, which plans there are."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any
from uuid import UUID

import msgspec

from domain import ids
from eventstore.database import Connection
from whmcs_import.mapping import mapping
from whmcs_import.mapping.mapping_file import MappingFile
from whmcs_import.planning import target
from whmcs_import.planning.plan import ENTITIES, Plan
from whmcs_import.source.staging import Staging

CHUNK = 1000


async def settle(
    connection: Connection, staging: Staging, plan: Plan, file: MappingFile, *, overwrite: bool = False
) -> None:
    """Take out of the plan what must not be written; reads only. `overwrite` lets the source win over people here."""
    if plan.entities["servers"].update:
        await _owner_changes(connection, staging, plan)
        await _changed_here(connection, staging, plan, overwrite=overwrite)
    if plan.entities["accounts"].update:
        await _members_here(connection, staging, plan)
    await _known_plans(connection, staging, plan, file)


def only_new(staging: Staging, plan: Plan) -> None:
    """Leave what is here as it is: of the plan stays what no earlier run could import."""
    stay = {(entity, id) for entity in ENTITIES.values() for id, _ in staging.planned_as(entity, "create")}
    _leave_out(staging, plan, stay)


def only_rows(staging: Staging, plan: Plan, rows: Collection[tuple[str, str]]) -> dict[str, str]:
    """Of the plan stay these rows (entity of the report, source id) and what of theirs is not here yet.

    Answers with what becomes of each.

    Raises:
        TargetError: the source has no such row.
    """
    wanted = {(ENTITIES.get(name, ENTITIES["users"]), id) for name, id in rows}
    _leave_out(staging, plan, wanted | _needed(staging, plan, wanted))
    return {f"{name}/{id}": _outcome(staging, plan, name, id) for name, id in rows}


def _needed(staging: Staging, plan: Plan, wanted: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """The plans and accounts of servers, and the users of these accounts, as far as they are to be created."""
    plans, accounts, members = set[str](), set[str](), set[str]()
    for service, text in staging.planned_as("service", "create"):
        if ("service", service) in wanted:
            server = msgspec.json.decode(text)
            plans.add(str(server["raw"]["product_id"]))
            accounts.add(server["account_id"])
    needed = {("product", id) for id in plans}
    for client, text in staging.planned_as("client", "create"):
        if ("client", client) in wanted or str(ids.imported(plan.source, "client", client)) in accounts:
            needed.add(("client", client))
            members.update(member["user_id"] for member in msgspec.json.decode(text)["members"])
    users = (id for id, _ in staging.planned_as("user", "create"))
    return needed | {("user", id) for id in users if str(ids.imported(plan.source, "user", id)) in members}


def _leave_out(staging: Staging, plan: Plan, stay: Collection[tuple[str, str]]) -> None:
    """Take everything else out of what is to be created or updated."""
    names = {entity: name for name, entity in ENTITIES.items()}
    logins = plan.findings.logins if plan.findings else set()
    for entity, source_id, action in staging.plan_only(stay):
        plan.entities[names[entity]].leave_out("not_retried", source_id, counted=action)
        if entity == "user" and source_id in logins:
            plan.entities["logins"].leave_out("not_retried", source_id, counted=action)


def _outcome(staging: Staging, plan: Plan, name: str, source_id: str) -> str:
    entity = ENTITIES.get(name, ENTITIES["users"])
    for row in plan.quarantined:
        if (row["entity"], row["source_id"]) == (name, source_id):
            return f"quarantine: {row['reason']}"
    for action in ("create", "update"):
        if any(source_id == id for id, _ in staging.planned_as(entity, action)):
            return action
    findings = plan.findings
    assert findings is not None
    skipped = {id: reason for kind, id, reason in findings.skipped if ENTITIES[kind] == entity}
    if source_id in skipped:
        return f"skip: {skipped[source_id]}"
    if any((ENTITIES[kind], id) == (entity, source_id) for kind, id, _ in findings.kept):
        return "unchanged"
    raise target.TargetError(f"{name}/{source_id} is no row of this source: take it from `quarantined` of a report")


async def _changed_here(connection: Connection, staging: Staging, plan: Plan, *, overwrite: bool) -> None:
    """A name, plan or image that people chose here stays; that the source says otherwise is reported."""
    for chunk in _chunks(staging.planned_as("service", "update")):
        streams = {ids.imported(plan.source, "service", source_id): (source_id, text) for source_id, text in chunk}
        histories: dict[UUID, list[Any]] = {}
        for row in await target.changes_of(connection, list(streams)):
            histories.setdefault(row["stream_id"], []).append(row)
        for stream, (source_id, text) in streams.items():
            payload = msgspec.json.decode(text)
            said_here = _ours(histories.get(stream, []))
            ours = {part: value for part, value in said_here.items() if _differ(payload[part], value)}
            if not ours:
                continue
            code = "overwrites_change_here" if overwrite else "kept_as_changed_here"
            plan.warn("servers", source_id, [(code, _difference(part, payload, ours)) for part in sorted(ours)])
            if not overwrite:
                staging.replan("service", source_id, msgspec.json.encode(payload | ours))
                plan.items.update(ours[part]["id"] for part in ("image", "location") if part in ours)


def _ours(history: list[Any]) -> dict[str, Any]:
    """What people here said last, where the source has not overwritten it since."""
    current: dict[str, Any] = {}
    ours: set[str] = set()
    for row in history:
        said = {**msgspec.json.decode(row["data"]), **msgspec.json.decode(row["private"] or "{}")}
        if (changed := target.CHOSEN.get(row["type"])) is not None:
            ours.add(changed)
            current[changed] = said.get(changed)
            continue
        for part in target.CHOSEN.values():
            if current.get(part) != said.get(part):
                ours.discard(part)
            current[part] = said.get(part)
    return {part: current[part] for part in ours if current[part] is not None}


def _differ(there: Any, here: Any) -> bool:
    """Whether two names, plans or images are not the same; what a catalogue item is called does not count."""
    if not isinstance(there, dict):
        return bool(there != here)
    return any(there[key] != here.get(key) for key in there if key not in ("name", "template"))


def _difference(part: str, payload: dict[str, Any], ours: dict[str, Any]) -> str:
    there, here = payload[part], ours[part]
    if isinstance(there, dict):
        there, here = ", ".join(f"{k} {v}" for k, v in there.items()), ", ".join(f"{k} {here.get(k)}" for k in there)
    return f"{part}: the source says {there}, here it is {here}"


async def _members_here(connection: Connection, staging: Staging, plan: Plan) -> None:
    """Whoever was let into an account here stays in it, whatever the source says about the others."""
    for chunk in _chunks(staging.planned_as("client", "update")):
        streams = {ids.imported(plan.source, "client", source_id): (source_id, text) for source_id, text in chunk}
        for row in await target.members_added(connection, list(streams)):
            source_id, text = streams[row["stream_id"]]
            payload, added = msgspec.json.decode(text), msgspec.json.decode(row["data"])
            if added["user_id"] not in {member["user_id"] for member in payload["members"]}:
                payload["members"].append({**added, "permissions": []})
                streams[row["stream_id"]] = source_id, msgspec.json.encode(payload)
                staging.replan("client", source_id, streams[row["stream_id"]][1])


def _chunks(rows: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]


async def _owner_changes(connection: Connection, staging: Staging, plan: Plan) -> None:
    """A service that moved to another client is no mere update: people decide whose server it is."""
    changed = {
        ids.imported(plan.source, "service", source_id): (source_id, UUID(msgspec.json.decode(payload)["account_id"]))
        for source_id, payload in staging.planned_as("service", "update")
    }
    recorded = await target.accounts_of(connection, list(changed))
    for stream, account in recorded.items():
        source_id, now = changed[stream]
        if account != now:
            staging.unplan("service", source_id)
            plan.entities["servers"].take_back("update", source_id)
            detail = f"it belongs to another client now; here it is of {ids.show(ids.ACCOUNT, account)}"
            plan.quarantine("servers", source_id, "owner_changed", detail)


async def _known_plans(connection: Connection, staging: Staging, plan: Plan, file: MappingFile) -> None:
    """A product that stands for a plan of the catalogue declares nothing."""
    streams = {
        source_id: mapping.plan_id(plan.source, plan.shop.products[int(source_id)], file)
        for source_id, _ in staging.planned_as("product", "create")
    }
    known = await target.versions(connection, list(streams.values()))
    for source_id, stream in streams.items():
        if stream in known:
            staging.unplan("product", source_id)
            plan.entities["plans"].leave_out("in_catalogue", source_id, counted="create")

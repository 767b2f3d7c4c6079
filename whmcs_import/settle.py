"""What only the log can tell about a plan: whose a server is by now, and which plans the catalogue has already."""

from __future__ import annotations

from uuid import UUID

import msgspec

from domain import ids
from eventstore.database import Connection
from whmcs_import import mapping, target
from whmcs_import.mapping_file import MappingFile
from whmcs_import.plan import Plan
from whmcs_import.staging import Staging


async def settle(connection: Connection, staging: Staging, plan: Plan, file: MappingFile) -> None:
    """Take out of the plan what must not be written; reads only."""
    await _owner_changes(connection, staging, plan)
    await _known_plans(connection, staging, plan, file)


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
            plan.entities["servers"].update -= 1
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
            plan.entities["plans"].create -= 1
            plan.entities["plans"].skip["in_catalogue"] += 1

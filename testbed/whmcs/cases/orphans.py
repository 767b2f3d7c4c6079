"""Rows of which the other half is gone."""

from testbed.whmcs.cases.common import NOBODY
from testbed.whmcs.catalogue import OS_FIELD
from testbed.whmcs.stage import Stage


def e58_orphan_service(stage: Stage) -> None:
    """Services of nobody, and services of no product."""
    for client_id in (0, NOBODY):
        service = stage.sell(stage.owner("E58", f"e58-client{client_id}"))
        service.row["userid"] = service.truth.client_id = client_id
        service.truth.becomes("quarantine", "client_missing")
    client = stage.owner("E58", "e58-product")
    for product_id in (0, NOBODY):
        service = stage.sell(client)
        service.row["packageid"] = product_id
        service.truth.becomes("quarantine", "product_missing")


def e59_orphan_rows(stage: Stage) -> None:
    """Options and fields of services that were deleted, memberships of users that were."""
    ram = stage.shop.medium.options["RAM"]
    world = stage.world
    field = stage.shop.medium.fields[OS_FIELD]
    client = stage.owner("E59")
    for table, row in (
        ("tblhostingconfigoptions", {"relid": NOBODY, "configid": ram.id, "optionid": ram.choices[2048], "qty": 0}),
        ("tblcustomfieldsvalues", {"fieldid": field, "relid": NOBODY, "value": "Debian 12"}),
        ("tblusers_clients", {"auth_user_id": NOBODY, "client_id": client.id, "owner": 0}),
    ):
        world.truth.row(table, world.add(table, **row), "E59", "skip", "orphan")

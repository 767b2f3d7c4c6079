"""Who has an address, and who had it: for staff who are asked about a moment in the past."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from eventstore.database import Pool
from service.deps import deps
from service.reads import SQL
from service.staff.clusters import staff_only
from service.staff.models import AddressQuery
from service.web.body import query
from service.web.problems import invalid
from service.web.reply import reply

IpAddress = IPv4Address | IPv6Address


async def show_address(req: Request) -> Response:
    """Who had an address at a time; without one, everybody who ever had it, newest first."""
    staff_only(req)
    at = moment(query(req, AddressQuery).at)
    try:
        address = ip_address(req.path_params["address"])
    except ValueError:
        raise invalid("/address", "This is no IP address.") from None
    holders = await who_had(deps(req).store.pool, address, at)
    return reply({"address": str(address), "object": "address", "at": at, "holders": holders})


async def who_had(pool: Pool, address: IpAddress, at: datetime | None) -> list[dict[str, Any]]:
    """The servers that had an address, or a prefix it is in: at a time one at most, otherwise all, newest first."""
    rows = await pool.fetch(SQL.who_had, str(address), at)
    return [
        {
            "network": row["network"],
            "server": ids.show(ids.SERVER, row["server_id"]),
            "name": row["name"],
            "account": ids.show(ids.ACCOUNT, row["account_id"]) if row["account_id"] else None,
            "cluster": row["cluster"],
            "vmid": row["vmid"],
            "since": row["since"],
            "until": row["until"],
        }
        for row in rows
    ]


def moment(at: datetime | None) -> datetime | None:
    """A time; one that names no zone is in UTC."""
    return at if at is None or at.tzinfo is not None else at.replace(tzinfo=UTC)

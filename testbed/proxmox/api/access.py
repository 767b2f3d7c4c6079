"""What there is below /access, and two-factor data, which nobody has (pve-access-control API2/AccessControl.pm)."""

from testbed.proxmox.access.rights import any_of, oneself, user_in_group
from testbed.proxmox.calls import Call, everybody, route
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.errors import ApiError
from testbed.proxmox.schema import Param

AREAS = ("users", "groups", "roles", "acl", "domains", "openid", "tfa", "ticket", "password")
SEES_USER = any_of(oneself, user_in_group("User.Modify", "Sys.Audit"))


@route("GET", "/access", everybody)
async def index(_call: Call) -> list[Row]:
    """The areas."""
    return [{"subdir": area} for area in AREAS]


@route("GET", "/access/tfa", everybody, protected=True)
async def second_factors(_call: Call) -> list[Row]:
    """The users with a second factor."""
    return []


@route("GET", "/access/tfa/{userid}", SEES_USER, protected=True)
async def second_factors_of(_call: Call) -> list[Row]:
    """A user's second factors."""
    return []


@route("GET", "/access/tfa/{userid}/{id}", SEES_USER, {"id": Param(optional=False)}, protected=True)
async def second_factor(call: Call) -> None:
    """One second factor."""
    raise ApiError(404, f"No such tfa entry '{call.values['id']}'")


@route("GET", "/access/users/{userid}/tfa", SEES_USER, {"multiple": Param("boolean")}, protected=True)
async def kinds_of_factors(call: Call) -> Row:
    """The kinds of a user's second factors."""
    return {"user": []} if call.flag("multiple") else {}

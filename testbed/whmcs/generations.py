"""The sample as an older or a newer WHMCS would hold it, and what importing that must give.

Rows are made up as 8.3 has them. Columns which another generation lacks are left out when they are loaded; here is what
has to be said in other rows.
"""

from collections import defaultdict
from collections.abc import Iterator

from testbed.whmcs.passwords import md5_salted, salt_of
from testbed.whmcs.truth import UserTruth
from testbed.whmcs.world import Row, World, number

VERSIONS = {"v5": "5.3.14-release.1", "v7": "7.10.2-release.1", "v8.3": "8.3.1-release.1", "v8.13": "8.13.1-release.1"}
WITHOUT_USERS = ("v5", "v7")
# What only memberships can be.
OF_MEMBERSHIPS = ("no_owner", "two_owners")


def turn_into(world: World, schema: str) -> None:
    """Say everything in the rows and the truth of *schema*."""
    for setting in world.tables["tblconfiguration"]:
        if setting["setting"] == "Version":
            setting["value"] = VERSIONS[schema]
    if schema in WITHOUT_USERS:
        _without_users(world)
        _without_quantities(world)
    if schema == "v5":
        _without_bcrypt(world)
        _without_newer_columns(world)


def collide(world: World) -> None:
    """Of several who would sign in with one address the first owner of something imported does, clients first."""
    holders: set[str] = set()
    for user in sorted(world.truth.users.values(), key=lambda user: _precedence(world, user)):
        if user.expect != "import":
            continue
        if user.email in holders:
            user.expect, user.reason = "quarantine", "email_collision"
        holders.add(user.email)


def _precedence(world: World, user: UserTruth) -> tuple[bool, bool, int]:
    owns = any(world.truth.clients[client].expect == "import" for client in user.owns)
    return not owns, user.table == "tblcontacts", user.user_id


def _without_users(world: World) -> None:
    """Clients sign in themselves; whoever else may act for a client is a contact of it."""
    users = {number(row): row for row in world.tables.pop("tblusers")}
    members: defaultdict[int, list[Row]] = defaultdict(list)
    for row in world.tables.pop("tblusers_clients"):
        if row["auth_user_id"] in users:
            members[number(row, "client_id")].append(row)
    known, world.truth.users = world.truth.users, {}
    world.truth.rows = [row for row in world.truth.rows if row.table != "tblusers_clients"]
    for client in world.tables["tblclients"]:
        owner, others = _owner_and_others(members[number(client)])
        _sign_in(world, client, known["tblusers", owner] if owner else None, users.get(owner or 0))
        for other in others:
            _add_contact(world, client, known["tblusers", other], users[other])
    _link_accounts(world)
    for truth in world.truth.clients.values():
        truth.warnings = [warning for warning in truth.warnings if warning not in OF_MEMBERSHIPS]


def _owner_and_others(members: list[Row]) -> tuple[int | None, list[int]]:
    owners = sorted(number(row, "auth_user_id") for row in members if row["owner"])
    everybody = sorted(number(row, "auth_user_id") for row in members)
    return (owners[0], [user for user in everybody if user != owners[0]]) if owners else (None, everybody)


def _sign_in(world: World, client: Row, was: UserTruth | None, user: Row | None) -> None:
    """Let *client* sign in with what its owner had, or with nothing."""
    user = user or {"password": ""}
    client["password"] = user["password"]
    client["authmodule"] = user.get("second_factor", "")
    client["authdata"] = user.get("second_factor_config", "")
    email = str(client["email"]).strip().lower()
    case = world.truth.clients[number(client)].case
    truth = UserTruth(number(client), case, email, None, "none", table="tblclients", owns=[number(client)])
    if was is None:
        truth.warnings.append("password_unusable")
    else:
        truth.password, truth.scheme, truth.warnings = was.password, was.scheme, list(was.warnings)
        if was.expect == "quarantine":
            truth.expect, truth.reason = was.expect, was.reason
    world.truth.users[truth.table, truth.user_id] = truth


def _add_contact(world: World, client: Row, was: UserTruth, user: Row) -> None:
    row = world.add(
        "tblcontacts",
        userid=client["id"],
        firstname=user["first_name"],
        lastname=user["last_name"],
        email=user["email"],
        subaccount=1,
        password=user["password"],
        permissions="products,manageproducts",
    )
    truth = UserTruth(number(row), was.case, was.email, was.password, was.scheme, table="tblcontacts")
    truth.shares, truth.warnings = [number(client)], list(was.warnings)
    world.truth.users[truth.table, truth.user_id] = truth


def _link_accounts(world: World) -> None:
    """Whoever signs in with somebody else's account is a client now."""
    unusable = {user.case: user.user_id for user in world.truth.users.values() if user.case == "E70"}
    for link in world.tables.get("tblauthn_account_links", []):
        link.pop("user_id", None)
        link["client_id"] = unusable.get("E70")


def _without_quantities(world: World) -> None:
    """What was bought three times is there three times; a service that stood for three is one."""
    for addon in list(world.tables["tblhostingaddons"]):
        for _ in range(number(addon, "qty") - 1):
            world.add("tblhostingaddons", **{column: value for column, value in addon.items() if column != "id"})
    for service in world.truth.services.values():
        if service.reason == "multi_unit_service":
            service.becomes("import", "")


def _without_bcrypt(world: World) -> None:
    for row, truth in _logins(world):
        if truth.scheme == "bcrypt":
            assert truth.password is not None
            row["password"] = md5_salted(truth.password, salt_of(world.chance)).stored
            truth.scheme = "md5_salt"


def _logins(world: World) -> Iterator[tuple[Row, UserTruth]]:
    for table in ("tblclients", "tblcontacts"):
        for row in world.tables.get(table, []):
            if (truth := world.truth.users.get((table, number(row)))) is not None:
                yield row, truth


def _without_newer_columns(world: World) -> None:
    for service in world.truth.services.values():
        service.warnings = [warning for warning in service.warnings if warning != "module_queue"]
    for client in world.truth.clients.values():
        client.profile.pop("tax_id", None)
    for row in world.truth.rows:
        if row.table == "tblcustomfieldsvalues":
            row.id = None

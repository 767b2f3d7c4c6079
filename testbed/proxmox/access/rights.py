"""Rights that are more than privileges at one path (pve-access-control RPCEnvironment.pm exec_api2_perm_check)."""

from collections.abc import Mapping

from testbed.proxmox.access.access import Access
from testbed.proxmox.access.identities import BadUserName, Identity, split_user
from testbed.proxmox.calls import Right, fill
from testbed.proxmox.errors import ApiError, denied
from testbed.proxmox.formats import split_list


def all_of(*rights: Right) -> Right:
    """Every one of the rights."""

    def check(access: Access, who: Identity, values: Mapping[str, str]) -> None:
        for right in rights:
            right(access, who, values)

    return check


def any_of(*rights: Right) -> Right:
    """One of the rights; the refusal names none."""

    def check(access: Access, who: Identity, values: Mapping[str, str]) -> None:
        if not any(_holds(right, access, who, values) for right in rights):
            raise denied()

    return check


def _holds(right: Right, access: Access, who: Identity, values: Mapping[str, str]) -> bool:
    try:
        right(access, who, values)
    except BadUserName:
        raise
    except ApiError:
        return False
    return True


def if_given(parameter: str, right: Right) -> Right:
    """The right, and the parameter that it is about."""

    def check(access: Access, who: Identity, values: Mapping[str, str]) -> None:
        if parameter not in values:
            raise denied()
        right(access, who, values)

    return check


def oneself(access: Access, who: Identity, values: Mapping[str, str]) -> None:
    """The user named by `userid`, not through a token."""
    name = "@".join(split_user(values.get("userid", "")))
    access.user(name)
    if who.id != name:
        raise denied()


def allocate_user(access: Access, who: Identity, values: Mapping[str, str]) -> None:
    """Realm.AllocateUser at the realm of the user named by `userid`."""
    _, realm = split_user(values.get("userid", ""))
    access.check(who, f"/access/realm/{realm}", "Realm.AllocateUser")


def user_in_group(*privileges: str, groups: bool = False, new: bool = False) -> Right:
    """One of the privileges at all groups, or at one group of the user named by `userid`.

    With `groups`, at each group that the parameter `groups` names, too; a `new` user is in none yet.
    """

    def check(access: Access, who: Identity, values: Mapping[str, str]) -> None:
        if not new:
            access.user(values.get("userid", ""))
        if access.may_any(who, "/access/groups", *privileges):
            return
        if groups:
            _check_groups(access, who, split_list(values.get("groups", "")), privileges)
        if not new and values["userid"] not in members_seen(access, who, *privileges):
            raise denied()

    return check


def _check_groups(access: Access, who: Identity, names: list[str], privileges: tuple[str, ...]) -> None:
    if not names:
        raise denied(f"/access/groups, {'|'.join(privileges)}")
    for name in names:
        if name not in access.groups:
            raise denied(f"/access/groups/{name}, {'|'.join(privileges)}")
        access.check_any(who, f"/access/groups/{name}", *privileges)


def members_seen(access: Access, who: Identity, *privileges: str) -> set[str]:
    """The members of the groups at which one has one of the privileges."""
    seen = [
        group for name, group in access.groups.items() if access.may_any(who, f"/access/groups/{name}", *privileges)
    ]
    return {user for group in seen for user in group["users"]}


def modify_at(path: str) -> Right:
    """To give rights at a path with placeholders. A path that is none passes: the call itself refuses it."""

    def check(access: Access, who: Identity, values: Mapping[str, str]) -> None:
        if filled := fill(path, values):
            access.check_modify(who, filled)

    return check

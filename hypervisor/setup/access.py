"""The rights Hostler works with: two roles, a user, its token, a pool, and who may do what where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hypervisor.setup.change import Change
from hypervisor.setup.found import Found, Unsuitable
from hypervisor.setup.privileges import CLUSTER, LOCAL_ZONE, work_role, zone_path


@dataclass(frozen=True, slots=True)
class Access:
    """What is wanted. `role` is granted on guests, storages, network and pool, `watch_role` on the whole cluster.

    A token is separated from its user: it has only what both were granted. With `new_secret` an existing token is
    made anew, and its old secret is worth nothing from then on.
    """

    storages: Sequence[str]
    bridge: str = "vmbr0"
    pool: str | None = "hostler"
    user: str = "hostler@pve"
    token: str = "hostler"
    role: str = "Hostler"
    watch_role: str = "HostlerWatch"
    new_secret: bool = False

    @property
    def token_id(self) -> str:
        """The token as it signs in."""
        return f"{self.user}!{self.token}"


def check(found: Found, wanted: Access) -> None:
    """Raise Unsuitable unless the storages and the bridge are there."""
    for name in wanted.storages:
        if name not in found.storages:
            known = ", ".join(sorted(found.storages)) or "none"
            raise Unsuitable(f"node {found.node} has no storage {name!r}; it has: {known}")
        if "images" not in str(found.storages[name].get("content", "")).split(","):
            raise Unsuitable(f"storage {name!r} takes no disk images: allow them with `pvesm set {name} --content …`")
    if wanted.bridge not in found.bridges and wanted.bridge not in found.zones:
        known = ", ".join(sorted(found.bridges)) or "none"
        raise Unsuitable(f"node {found.node} has no bridge {wanted.bridge!r}; it has: {known}")


def changes(found: Found, wanted: Access) -> list[Change]:
    """What has to be done, in order; nothing when all is as wanted."""
    return [
        *_role(found, wanted.role, work_role(found.release)),
        *_role(found, wanted.watch_role, CLUSTER),
        *_user(found, wanted),
        *_token(found, wanted),
        *_pool(found, wanted),
        *_grants(found, wanted),
    ]


def notes(found: Found, wanted: Access) -> list[str]:
    """What is unlike what this program makes, and is left alone."""
    lines = []
    for role, meant in ((wanted.role, work_role(found.release)), (wanted.watch_role, CLUSTER)):
        if more := found.roles.get(role, frozenset()) - meant:
            lines.append(f"role {role} holds more than Hostler needs: {', '.join(sorted(more))}")
    token, user = found.tokens.get(wanted.token), found.users.get(wanted.user)
    if token and not wanted.new_secret and not int(token.get("privsep", 1)):
        lines.append(f"token {wanted.token_id} is not separated from its user: it may do all that the user may")
    if user and not int(user.get("enable", 1)):
        lines.append(f"user {wanted.user} is disabled: enable it with `pveum user modify {wanted.user} --enable 1`")
    return lines


def _role(found: Found, role: str, privileges: frozenset[str]) -> Iterator[Change]:
    missing = ",".join(sorted(privileges - found.roles.get(role, frozenset())))
    if role not in found.roles:
        yield Change(
            f"make the role {role}: {missing.replace(',', ' ')}",
            "post",
            ("access", "roles"),
            {"roleid": role, "privs": missing},
        )
    elif missing:
        yield Change(
            f"add to the role {role}: {missing.replace(',', ' ')}",
            "put",
            ("access", "roles", role),
            {"privs": missing, "append": 1},
        )


def _user(found: Found, wanted: Access) -> Iterator[Change]:
    if wanted.user not in found.users:
        about = {"userid": wanted.user, "comment": "Hostler: works by API token, has no password"}
        yield Change(f"make the user {wanted.user}, without a password", "post", ("access", "users"), about)


def _token(found: Found, wanted: Access) -> Iterator[Change]:
    path = ("access", "users", wanted.user, "token", wanted.token)
    there = wanted.token in found.tokens
    if there and not wanted.new_secret:
        return
    if there:
        yield Change(f"remove the token {wanted.token_id}: its secret stops working", "delete", path)
    yield Change(
        f"make the API token {wanted.token_id}, separated from its user",
        "post",
        path,
        {"privsep": 1, "comment": "Hostler"},
        secret=True,
    )


def _pool(found: Found, wanted: Access) -> Iterator[Change]:
    if wanted.pool and wanted.pool not in found.pools:
        about = {"poolid": wanted.pool, "comment": "Hostler"}
        yield Change(f"make the pool {wanted.pool}", "post", ("pools",), about)


def _grants(found: Found, wanted: Access) -> Iterator[Change]:
    zone = zone_path(found.zones.get(wanted.bridge, LOCAL_ZONE))
    paths = ["/vms", *(f"/storage/{name}" for name in wanted.storages), zone]
    paths += [f"/pool/{wanted.pool}"] if wanted.pool else []
    yield from _grant(found, wanted, "/", wanted.watch_role)
    for path in paths:
        yield from _grant(found, wanted, path, wanted.role)


def _grant(found: Found, wanted: Access, path: str, role: str) -> Iterator[Change]:
    # A token that is made anew may lose what was granted to the old one.
    granted = {
        row["ugid"]
        for row in found.acl
        if (row["path"], row["roleid"]) == (path, role)
        and int(row.get("propagate", 1))
        and not (wanted.new_secret and row["ugid"] == wanted.token_id)
    }
    wished = {"users": wanted.user, "tokens": wanted.token_id}
    missing = {kind: name for kind, name in wished.items() if name not in granted}
    if missing:
        yield Change(
            f"grant {role} on {path} to {' and '.join(missing.values())}",
            "put",
            ("access", "acl"),
            {"path": path, "roles": role, "propagate": 1, **missing},
        )

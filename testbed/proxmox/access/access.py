"""Who gets in, and who may do what: users, groups, API tokens, roles, access control lists, pools."""

import hmac
import secrets
import uuid
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from testbed.proxmox.access.acl import Acl, is_object
from testbed.proxmox.access.identities import ROOT, Identity, split_token
from testbed.proxmox.access.permissions import Permissions, Privileges
from testbed.proxmox.access.pools import Pools
from testbed.proxmox.access.tickets import Tickets
from testbed.proxmox.cluster.clock import now
from testbed.proxmox.errors import ApiError, Die, denied
from testbed.proxmox.release import DEFAULT, RELEASES, Release
from testbed.proxmox.store import Store

__all__ = ["ROOT", "Access", "Identity"]

FAILED = "Authentication failed!"
REALMS = {"pve": "Proxmox VE authentication server", "pam": "Linux PAM standard authentication"}


class Access:
    """The cluster's user.cfg with the secrets beside it, kept in the store.

    `users`, `tokens`, `groups` and `roles` map names to their fields; whoever changes them, `acl` or `pools` calls
    `save`. Raises `ApiError` 401 for credentials and 403 for privileges.
    """

    def __init__(self, store: Store, release: Release = RELEASES[DEFAULT]) -> None:
        self._store = store
        self.release = release
        kept = store.get("setting", "access") or _first()
        self.users: dict[str, dict[str, Any]] = kept["users"]
        self.tokens: dict[str, dict[str, Any]] = kept["tokens"]
        self.groups: dict[str, dict[str, Any]] = kept.get("groups", {})
        self.roles: dict[str, list[str]] = kept["roles"]
        self.acl = Acl(kept["acl"])
        self.pools = Pools(kept.get("pools"))
        self.tickets = Tickets(kept)
        self._permissions = Permissions(self)
        self.save()

    def save(self) -> None:
        """Write everything; from now on it counts."""
        self._permissions.forget()
        kept = {"users": self.users, "tokens": self.tokens, "groups": self.groups, "roles": self.roles}
        kept |= {"acl": list(self.acl), "pools": self.pools.kept()}
        self._store.put("setting", "access", kept | self.tickets.kept())

    # Credentials

    def ticket(self, user: str) -> str:
        """A new ticket."""
        if self.tickets.rotate():
            self.save()
        return self.tickets.login(user)

    def csrf_token(self, user: str) -> str:
        """The token that changes by ticket must carry."""
        return self.tickets.csrf(user)

    def verify_ticket(self, ticket: str) -> Identity:
        """The user of a ticket; raises 401."""
        user = self.tickets.user_of(ticket)
        if user is None or not self.enabled(user):
            raise ApiError(401, FAILED)
        return Identity(user)

    def verify_csrf(self, user: str, token: str | None) -> None:
        """Raise 401 unless the token is the user's."""
        if not self.tickets.csrf_valid(user, token):
            raise ApiError(401, "Permission denied - invalid csrf token")

    def verify_token(self, header: str) -> Identity:
        """The identity of an `Authorization: PVEAPIToken` header's value; raises 401."""
        identifier, _, secret = unquote(header.split(";")[0]).rpartition("=")
        token = self.tokens.get(identifier)
        genuine = token is not None and hmac.compare_digest(token["value"].encode(), secret.encode())
        if token is None or not genuine or _expired(token) or not self.enabled(Identity(identifier).user):
            raise ApiError(401, FAILED)
        return Identity(identifier)

    def enabled(self, user: str) -> bool:
        """Whether a user exists and may log in."""
        found = self.users.get(user)
        return found is not None and bool(found["enable"]) and not _expired(found)

    def login(self, user: str, password: str) -> None:
        """Check a password, or an unexpired ticket in its place; raises 401 with one text for every cause.

        A ticket of root opens everybody's account.
        """
        if not self.enabled(user):
            raise ApiError(401, "authentication failure")
        if self.tickets.user_of(password) not in (ROOT, user) and not self.password_is(user, password):
            raise ApiError(401, "authentication failure")

    def password_is(self, user: str, password: str) -> bool:
        """Whether this is the user's password."""
        known = self.users.get(user, {}).get("password") or secrets.token_hex()
        return hmac.compare_digest(known.encode(), password.encode())

    def new_token(self, user: str, name: str, **details: Any) -> str:
        """Make a token; its secret, shown only now."""
        secret = str(uuid.uuid4())
        self.tokens[f"{user}!{name}"] = {"privsep": 1, "expire": 0, **details, "value": secret}
        self.save()
        return secret

    # Removing things together with what refers to them

    def forget_user(self, user: str) -> None:
        """Remove a user with tokens, memberships and rights; root stays."""
        self.tokens = {name: token for name, token in self.tokens.items() if Identity(name).user != user}
        for group in self.groups.values():
            group["users"] = [name for name in group["users"] if name != user]
        self.acl.forget_holder(user)
        if user != ROOT:
            self.users.pop(user, None)
        self.save()

    def forget_vm(self, vmid: int) -> None:
        """Remove a destroyed VM's rights and its membership of a pool."""
        in_acl, in_pool = self.acl.forget_path(f"/vms/{vmid}"), self.pools.remove_vm(vmid)
        if in_acl or in_pool:
            self.save()

    def forget_storage(self, storage: str) -> None:
        """Remove a deleted storage's rights and memberships."""
        self.acl.forget_path(f"/storage/{storage}")
        self.pools.remove_storage(storage)
        self.save()

    def join_pool(self, vmid: int, pool: str) -> None:
        """Put a VM into a pool, if the pool is still there."""
        if pool in self.pools:
            self.pools.add_vm(vmid, pool)
            self.save()

    # Permissions

    def role(self, name: str) -> Iterable[str] | None:
        """The privileges of a role, or None."""
        built_in = self.release.roles.get(name)
        if built_in is not None:
            return built_in
        own = self.roles.get(name)
        return None if own is None else [one for one in own if one in self.release.privileges]

    def known_path(self, path: str) -> bool:
        """Whether rights can be given at a path."""
        return is_object(path, self.release.pve)

    def privileges(self, identity: Identity, path: str) -> Privileges:
        """What one may do at a path, with whether it reaches further down."""
        return self._permissions.of(identity, path)

    def privileges_everywhere(self, identity: Identity) -> Mapping[str, Privileges]:
        """The privileges by path, of all paths that anything is said about."""
        return self._permissions.everywhere(identity)

    def capabilities(self, user: str) -> Mapping[str, dict[str, int]]:
        """What a login tells the user interface."""
        return self._permissions.capabilities(Identity(user))

    def may(self, identity: Identity, path: str, *privileges: str) -> bool:
        """Whether all of the privileges are there."""
        held = self.privileges(identity, path)
        return all(privilege in held for privilege in privileges)

    def may_any(self, identity: Identity, path: str, *privileges: str) -> bool:
        """Whether one of the privileges is there."""
        held = self.privileges(identity, path)
        return any(privilege in held for privilege in privileges)

    def check(self, identity: Identity, path: str, *privileges: str) -> None:
        """Raise 403 for the first privilege that is missing."""
        held = self.privileges(identity, path)
        for privilege in privileges:
            if privilege not in held:
                raise denied(f"{path}, {privilege}")

    def check_any(self, identity: Identity, path: str, *privileges: str) -> None:
        """Raise 403 if none of the privileges is there."""
        if not self.may_any(identity, path, *privileges):
            raise denied(f"{path}, {'|'.join(privileges)}")

    def check_vm(self, identity: Identity, vmid: int | str, pool: str | None, *privileges: str) -> None:
        """Raise 403 unless all of the privileges are there at a VM, or at the pool that it will be in."""
        if not (pool and self.may(identity, f"/pool/{pool}", *privileges)):
            self.check(identity, f"/vms/{vmid}", *privileges)

    def check_vm_any(self, identity: Identity, vmid: int | str, pool: str | None, *privileges: str) -> None:
        """The same for one of the privileges."""
        if not (pool and self.may_any(identity, f"/pool/{pool}", *privileges)):
            self.check_any(identity, f"/vms/{vmid}", *privileges)

    def check_bridge(self, identity: Identity, bridge: str, *privileges: str) -> None:
        """Raise 403 unless one of the privileges is there at a bridge or at one of its VLANs."""
        path = f"/sdn/zones/localnetwork/{bridge}"
        if not any(self.may_any(identity, vlan, *privileges) for vlan in self.acl.children(path)):
            self.check_any(identity, path, *privileges)

    def check_modify(self, identity: Identity, path: str) -> None:
        """Raise 403 unless one may give rights at a path."""
        extra = {"/storage/": "Datastore.Allocate", "/vms/": "VM.Allocate", "/pool/": "Pool.Allocate"}
        also = [privilege for start, privilege in extra.items() if path.startswith(start) and path != start]
        self.check_any(identity, path, "Permissions.Modify", *also)

    def check_pool(self, pool: str) -> None:
        """Raise 403 unless the pool exists."""
        if pool not in self.pools:
            raise denied(f"pool '{pool}' does not exist")

    # Existence, with the texts of its absence

    def user(self, name: str) -> dict[str, Any]:
        """A user's fields; raises `Die`."""
        if name not in self.users:
            raise Die(f"no such user ('{name}')")
        return self.users[name]

    def token(self, user: str, name: str) -> dict[str, Any]:
        """A token's fields; raises `Die`."""
        self.user(user)
        if f"{user}!{name}" not in self.tokens:
            raise Die(f"no such token '{name}' for user '{user}'")
        return self.tokens[f"{user}!{name}"]

    def tokens_of(self, user: str) -> dict[str, dict[str, Any]]:
        """A user's tokens by their short names."""
        own = {short: token for name, token in self.tokens.items() for who, short in [_split(name)] if who == user}
        return dict(sorted(own.items()))


def _split(name: str) -> tuple[str, str]:
    return split_token(name) or (name, "")


def _expired(record: Mapping[str, Any]) -> bool:
    return bool(record["expire"]) and record["expire"] < now()


def _first() -> dict[str, Any]:
    password = secrets.token_urlsafe(12)
    users = {ROOT: {"enable": 1, "expire": 0, "password": password}}
    return {"users": users, "tokens": {}, "roles": {}, "acl": [], "key": secrets.token_hex(32)}

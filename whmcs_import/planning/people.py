"""Clients and users as the accounts and users they are to be, made ready little by little while others map services."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import chain, islice
from typing import NamedTuple

from msgspec import structs

from whmcs_import.mapping import rows, users
from whmcs_import.mapping.options import Note
from whmcs_import.mapping.shop import Shop
from whmcs_import.mapping.users import ClientRow, Membership, UserRow
from whmcs_import.planning import outcomes
from whmcs_import.source.staging import Copy

MOST = 100_000  # that are kept ready in memory


class Written(NamedTuple):
    """An account or a user: its payload, and what was odd."""

    payload: bytes
    notes: list[Note]


class User(NamedTuple):
    """A user; `written` only where it is likely to be imported, and as somebody who can sign in."""

    row: UserRow
    key: str
    fingerprint: str
    canonical: bytes
    written: Written | None


class Account(NamedTuple):
    """A client; `written` only where it is likely to be imported, else `client` to make it from."""

    id: int
    status: str
    canonical: bytes
    written: Written | None
    client: ClientRow | None


class Accounts:
    """All clients of a source and their members, in the order of their ids."""

    def __init__(self, staging: Copy, shop: Shop, source: str, *, repair: bool):
        self._staging = staging
        self._shop = shop
        self._source = source
        self._repair = repair
        self._ready: list[Account] = []
        self.canonical: list[bytes] = []  # of the memberships
        self.orphans = 0  # memberships of nobody

    @cached_property
    def members(self) -> dict[int, list[Membership]]:
        """Who may act for a client, by its id."""
        found: dict[int, list[Membership]] = {}
        people, clients = rows.user_ids(self._staging), {id for id, _, _ in rows.standing(self._staging)}
        for member in rows.memberships(self._staging):
            self.canonical.append(outcomes.canonical(member))
            if member.user in people and member.client in clients:
                found.setdefault(member.client, []).append(member)
            else:
                self.orphans += 1
        return found

    def prepare(self, count: int) -> None:
        """Make some more of them ready."""
        self._ready += islice(self._rest, min(count, MOST - len(self._ready)))

    def __iter__(self) -> Iterator[Account]:
        return chain(self._ready, self._rest)

    def written(self, account: Account) -> Written:
        """An account that is imported."""
        if account.written is not None:
            return account.written
        assert account.client is not None
        return self._write(account.client)

    @cached_property
    def _rest(self) -> Iterator[Account]:
        return map(self._account, rows.clients(self._staging, self._shop))

    @cached_property
    def likely(self) -> set[int]:
        """The clients that are likely to be imported."""
        return rows.clients_of_live_services(self._staging)

    def _account(self, client: ClientRow) -> Account:
        written = self._write(client) if client.id in self.likely else None
        return Account(client.id, client.status, outcomes.canonical(client), written, None if written else client)

    def _write(self, client: ClientRow) -> Written:
        members = self.members.get(client.id, [])
        payload, notes = users.account(self._source, client, members, repair=self._repair)
        return Written(outcomes.encode(payload), notes)


class Users:
    """All users of a source in the order of their ids."""

    def __init__(self, staging: Copy, accounts: Accounts, source: str, *, repair: bool):
        self._staging = staging
        self._accounts = accounts
        self._source = source
        self._repair = repair
        self._ready: list[User] = []

    def prepare(self, count: int) -> None:
        """Make some more of them ready."""
        self._ready += map(self._user, islice(self._rest, min(count, MOST - len(self._ready))))

    def __iter__(self) -> Iterator[User]:
        return chain(self._ready, map(self._user, self._others()))

    def rows(self) -> Iterator[UserRow]:
        """What the source has of them."""
        return chain((user.row for user in self._ready), self._others())

    def written(self, user: User, problem: str | None) -> Written:
        """A user that is imported, and cannot sign in for that reason, if any."""
        if problem is None and user.written is not None:
            return user.written
        return self._write(user.row, problem)

    @cached_property
    def _rest(self) -> Iterator[UserRow]:
        return rows.users(self._staging)

    def _others(self) -> Iterator[UserRow]:
        """Those that are not ready."""
        return rows.users(self._staging, self._ready[-1].row.id) if self._ready else rows.users(self._staging)

    @cached_property
    def _likely(self) -> set[int]:
        members = self._accounts.members
        return {member.user for client in self._accounts.likely for member in members.get(client, ())}

    def _user(self, row: UserRow) -> User:
        fingerprint = users.fingerprint(row)
        canonical = outcomes.canonical(structs.replace(row, password=fingerprint))
        written = self._write(row, None) if row.id in self._likely else None
        return User(row, users.key(row.id), fingerprint, canonical, written)

    def _write(self, row: UserRow, problem: str | None) -> Written:
        payload, notes = users.user(self._source, row, problem, repair=self._repair)
        return Written(outcomes.encode(payload), notes)

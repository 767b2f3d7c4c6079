"""Clients as the accounts they are to be, made ready little by little while others map their services."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import chain, islice
from typing import NamedTuple

from whmcs_import import outcomes, rows, users
from whmcs_import.options import Note
from whmcs_import.shop import Shop
from whmcs_import.staging import Copy
from whmcs_import.users import ClientRow, Membership

MOST = 100_000  # that are kept ready in memory


class Written(NamedTuple):
    """An account: its payload, and what was odd."""

    payload: bytes
    notes: list[Note]


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
    def _likely(self) -> set[int]:
        return rows.clients_of_live_services(self._staging)

    def _account(self, client: ClientRow) -> Account:
        written = self._write(client) if client.id in self._likely else None
        return Account(client.id, client.status, outcomes.canonical(client), written, None if written else client)

    def _write(self, client: ClientRow) -> Written:
        members = self.members.get(client.id, [])
        payload, notes = users.account(self._source, client, members, repair=self._repair)
        return Written(outcomes.encode(payload), notes)

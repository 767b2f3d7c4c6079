"""Bodies of the time machine."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from domain.account.events import MemberRole
from service.servers.models import HistoryPage, Operation, Server
from service.staff.models import AddressHolder
from service.web.models import Answer, Line, PageQuery


class PastQuery(PageQuery):
    """One of `server`, `account`, `address`, and when; a time without a zone is in UTC. `limit` and `cursor` page
    the events since.
    """

    server: Line | None = None
    account: Line | None = None
    address: Line | None = None
    time: datetime | None = None


class Change(Answer):
    """A field that is not what it was: a JSON pointer into the representation."""

    field: str
    then: Any
    now: Any


class ServerPast(Answer):
    """A server then and now; `then` is null before it was ordered. `operation` is what went on then."""

    id: str
    then: Server | None
    operation: Operation | None
    now: Server | None
    changes: list[Change]


class MemberThen(Answer):
    """A member, by the id of its user."""

    id: str
    name: str | None
    role: MemberRole


class AccountThen(Answer):
    id: str
    name: str
    status: str
    members: list[MemberThen]


class AccountPast(Answer):
    """An account then and now; `then` is null before it was there."""

    id: str
    then: AccountThen | None
    now: AccountThen | None
    changes: list[Change]


class AddressPast(Answer):
    """Who had an address then, who has it now, and everybody who ever had it, newest first."""

    address: str
    then: AddressHolder | None
    now: AddressHolder | None
    holders: list[AddressHolder]


class Past(Answer):
    """What was true at a time, and what has happened since. `servers`: the one, those of the account (at most 200), or
    those that had the address then and have it now.
    """

    object: Literal["past"]
    time: datetime
    account: AccountPast | None
    address: AddressPast | None
    servers: list[ServerPast]
    more_servers: bool
    events: HistoryPage

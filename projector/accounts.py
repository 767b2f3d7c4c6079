"""Events of accounts and users → `account_view`, `member_view` and `user_view`."""

from __future__ import annotations

from typing import Any, get_args

from domain.account.events import AccountEvent, UserEvent
from domain.account.state import Account, User, evolve_account, evolve_user
from domain.record import Recorded
from eventstore import snapshot
from projector.family import Family
from projector.tables import Change, Row, Table

ACCOUNT_VIEW = Table(
    "account_view",
    ("account_id",),
    {
        "account_id": "uuid",
        "version": "integer",
        "name": "text",
        "status": "text",
        "created_at": "timestamptz",
        "state": "json",
    },
)
MEMBER_VIEW = Table("member_view", ("account_id", "user_id"), {"account_id": "uuid", "user_id": "uuid", "role": "text"})
USER_VIEW = Table(
    "user_view",
    ("user_id",),
    {
        "user_id": "uuid",
        "version": "integer",
        "email": "text",
        "role": "text",
        "created_at": "timestamptz",
        "state": "json",
    },
)


class Accounts(Family[Account]):
    """Accounts and who may act for them."""

    table = ACCOUNT_VIEW
    state = Account
    events = get_args(AccountEvent)

    def evolve(self, before: Account | None, record: Recorded[Any]) -> Account:
        return evolve_account(before, record)

    def changes(self) -> list[Change]:
        states = self.in_order()
        accounts = [(s.id, s.version, s.name, s.status, s.created_at, snapshot.encode(s)) for s in states]
        members = [row for state in states for row in member_rows(state)]
        return [Change(ACCOUNT_VIEW, accounts), Change(MEMBER_VIEW, members, owners=[s.id for s in states])]


class Users(Family[User]):
    """Who signs in."""

    table = USER_VIEW
    state = User
    events = get_args(UserEvent)

    def evolve(self, before: User | None, record: Recorded[Any]) -> User:
        return evolve_user(before, record)

    def changes(self) -> list[Change]:
        users = [(s.id, s.version, s.email, s.role, s.created_at, snapshot.encode(s)) for s in self.in_order()]
        return [Change(USER_VIEW, users)]


def member_rows(state: Account) -> list[Row]:
    """Rows of `member_view`: a user named twice is what they were named last."""
    roles = {member.user_id: member.role for member in state.members}
    return [(state.id, user_id, role) for user_id, role in roles.items()]

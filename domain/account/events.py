"""What can happen to an account and to a user. Names on disk stand at the foot; version them, never rename them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from domain.record import EventType, private

UserRole = Literal["customer", "admin"]
MemberRole = Literal["owner", "viewer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A user who may act for an account, and as what; `permissions` are the source's own words."""

    user_id: UUID
    role: MemberRole
    permissions: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOpened:
    name: str = private(default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountImported:
    """An account of the source with all its members; a later run that finds changes appends it again, whole."""

    source: str
    source_id: str
    run_id: UUID
    status: str  # active | inactive | closed
    currency: str
    members: list[Member]
    name: str = private(default="")
    email: str = private(default="")
    profile: dict[str, Any] = private(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReverted:
    """The run that imported the account was taken back: nobody acts for it any more."""

    run_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberAdded:
    user_id: UUID
    role: MemberRole


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRegistered:
    role: UserRole
    email: str = private(default="")
    name: str = private(default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class UserImported:
    """A user of the source; a later run that finds changes appends it again, whole. The hash is never an event."""

    source: str
    source_id: str
    run_id: UUID
    password_scheme: str  # bcrypt | md5 | md5_salt | sha256_key | none
    had_two_factor: bool
    login: bool  # False: the address cannot sign in, `login_problem` says why
    login_problem: str | None
    email: str = private(default="")
    name: str = private(default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class UserReverted:
    """The run that imported the user was taken back: they do not sign in any more."""

    run_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordRehashed:
    """A password proved right and is now kept under `scheme`; `previous` is what the source had."""

    scheme: str
    previous: str


AccountEvent = AccountOpened | AccountImported | AccountReverted | MemberAdded
UserEvent = UserRegistered | UserImported | UserReverted | PasswordRehashed

EVENTS = (
    EventType("account.opened", 1, AccountOpened),
    EventType("account.imported", 1, AccountImported),
    EventType("account.import_reverted", 1, AccountReverted),
    EventType("account.member_added", 1, MemberAdded),
    EventType("user.registered", 1, UserRegistered),
    EventType("user.imported", 1, UserImported),
    EventType("user.import_reverted", 1, UserReverted),
    EventType("user.password_rehashed", 1, PasswordRehashed),
)

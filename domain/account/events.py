"""What can happen to an account and to a user. Names on disk stand at the foot; version them, never rename them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from domain.record import EventType, private

UserRole = Literal["customer", "admin"]
MemberRole = Literal["owner", "admin", "operator", "billing", "viewer"]
HookChange = Literal["made", "changed", "secret_changed", "deleted"]
HookEnd = Literal["gone", "failing"]


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
    """A user acts for the account in this role; who did already, in another one."""

    user_id: UUID
    role: MemberRole


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRemoved:
    user_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberInvited:
    """Whoever has the letter may act for the account in this role, once they accept."""

    invitation_id: UUID
    role: MemberRole
    email: str = private(default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationWithdrawn:
    """The letter opens nothing any more."""

    invitation_id: UUID


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


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRenamed:
    name: str = private(default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChanged:
    """The user chose another password; every other session of theirs ended with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoFactorEnabled:
    """From now on signing in takes a code as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoFactorDisabled:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryCodeUsed:
    """A recovery code stood in for the second factor; `left` are those that remain."""

    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityLinked:
    """The user proved who they are at the company's provider, which knows them as `subject`."""

    issuer: str
    subject: str = private(default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiTokenCreated:
    token_id: UUID
    scopes: list[str]
    networks: list[str] = private(default_factory=list)
    name: str = private(default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiTokenRevoked:
    token_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDisabled:
    """Staff keep the user from signing in; every session of theirs ended with it."""

    reason: str = private(default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEnabled:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class UserImpersonated:
    """Staff act as the user for a while, in a session of its own."""

    session_id: UUID
    reason: str = private(default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountErased:
    """The customer's personal data was deleted beside the log; nobody acts for the account any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserErased:
    """The user's personal data was deleted beside the log; they do not sign in any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookChanged:
    """Who is told over HTTP of what happens to the account's servers; what is empty stayed. The secret is no event."""

    webhook_id: UUID
    change: HookChange
    events: list[str] = field(default_factory=list)
    enabled: bool | None = None
    url: str | None = private(default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffWebhookChanged(WebhookChanged):
    """The user, who is staff, changed one of those that hear of every account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookTurnedOff:
    """Nothing is sent there any more: it said that it is gone, or took nothing for three days."""

    webhook_id: UUID
    why: HookEnd
    url: str | None = private(default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffWebhookTurnedOff(WebhookTurnedOff):
    """One of those that hear of every account; the user, who is staff, made it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteWritten:
    """Staff wrote something down about the customer, or about one of the servers."""

    note_id: UUID
    server_id: UUID | None = None
    text: str = private(default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteRemoved:
    """It is shown no more."""

    note_id: UUID


AccountEvent = (
    AccountOpened
    | AccountImported
    | AccountReverted
    | MemberAdded
    | MemberRemoved
    | MemberInvited
    | InvitationWithdrawn
    | WebhookChanged
    | WebhookTurnedOff
    | NoteWritten
    | NoteRemoved
    | AccountErased
)
UserEvent = (
    UserRegistered
    | UserImported
    | UserReverted
    | UserRenamed
    | PasswordRehashed
    | PasswordChanged
    | TwoFactorEnabled
    | TwoFactorDisabled
    | RecoveryCodeUsed
    | IdentityLinked
    | ApiTokenCreated
    | ApiTokenRevoked
    | UserDisabled
    | UserEnabled
    | UserImpersonated
    | StaffWebhookChanged
    | StaffWebhookTurnedOff
    | UserErased
)

EVENTS = (
    EventType("account.opened", 1, AccountOpened),
    EventType("account.imported", 1, AccountImported),
    EventType("account.import_reverted", 1, AccountReverted),
    EventType("account.member_added", 1, MemberAdded),
    EventType("account.member_removed", 1, MemberRemoved),
    EventType("account.member_invited", 1, MemberInvited),
    EventType("account.invitation_withdrawn", 1, InvitationWithdrawn),
    EventType("user.registered", 1, UserRegistered),
    EventType("user.imported", 1, UserImported),
    EventType("user.import_reverted", 1, UserReverted),
    EventType("user.renamed", 1, UserRenamed),
    EventType("user.password_rehashed", 1, PasswordRehashed),
    EventType("user.password_changed", 1, PasswordChanged),
    EventType("user.two_factor_enabled", 1, TwoFactorEnabled),
    EventType("user.two_factor_disabled", 1, TwoFactorDisabled),
    EventType("user.recovery_code_used", 1, RecoveryCodeUsed),
    EventType("user.identity_linked", 1, IdentityLinked),
    EventType("user.api_token_created", 1, ApiTokenCreated),
    EventType("user.api_token_revoked", 1, ApiTokenRevoked),
    EventType("user.disabled", 1, UserDisabled),
    EventType("user.enabled", 1, UserEnabled),
    EventType("user.impersonated", 1, UserImpersonated),
    EventType("account.webhook_changed", 1, WebhookChanged),
    EventType("user.webhook_changed", 1, StaffWebhookChanged),
    EventType("account.webhook_turned_off", 1, WebhookTurnedOff),
    EventType("user.webhook_turned_off", 1, StaffWebhookTurnedOff),
    EventType("account.note_written", 1, NoteWritten),
    EventType("account.note_removed", 1, NoteRemoved),
    EventType("account.erased", 1, AccountErased),
    EventType("user.erased", 1, UserErased),
)

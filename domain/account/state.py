"""Accounts and users as their events make them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.account import events as e
from domain.record import ERASED, Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who owns servers."""

    id: UUID
    name: str
    email: str = ""
    status: str = "active"
    source: str | None = None
    source_id: str | None = None
    members: list[e.Member] = field(default_factory=list)
    version: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who signs in."""

    id: UUID
    email: str
    name: str
    role: e.UserRole = "customer"
    login: bool = True
    disabled: bool = False  # by staff
    source: str | None = None
    source_id: str | None = None
    version: int
    created_at: datetime

    @property
    def may_sign_in(self) -> bool:
        """Whether anything is there to sign in with, and staff do not keep them from it."""
        return self.login and not self.disabled


def evolve_account(state: Account | None, record: Recorded[Any]) -> Account:
    """The account after one more event."""
    event = record.event
    if state is None:
        state = Account(id=record.stream_id, name="", version=0, created_at=record.at)
    match event:
        case e.AccountOpened():
            state = replace(state, name=event.name)
        case e.AccountImported():
            state = replace(
                state,
                name=event.name,
                email=event.email,
                status=event.status,
                source=event.source,
                source_id=event.source_id,
                members=event.members,
            )
        case e.AccountReverted():
            state = replace(state, status="closed", members=[])
        case e.AccountErased():
            state = replace(state, name=ERASED, email="", status="closed", members=[])
        case e.MemberAdded():
            others = [member for member in state.members if member.user_id != event.user_id]
            state = replace(state, members=[*others, e.Member(user_id=event.user_id, role=event.role)])
        case e.MemberRemoved():
            state = replace(state, members=[member for member in state.members if member.user_id != event.user_id])
        case e.MemberInvited() | e.InvitationWithdrawn() | e.WebhookChanged() | e.WebhookTurnedOff():
            pass
        case e.NoteWritten() | e.NoteRemoved():
            pass
        case _:
            raise ValueError(f"{type(event).__name__} is not an event of an account")
    return replace(state, version=record.version)


def evolve_user(state: User | None, record: Recorded[Any]) -> User:
    """The user after one more event."""
    event = record.event
    if state is None:
        state = User(id=record.stream_id, email="", name="", version=0, created_at=record.at)
    match event:
        case e.UserRegistered():
            state = replace(state, email=event.email, name=event.name, role=event.role)
        case e.UserImported():
            state = replace(
                state,
                email=event.email,
                name=event.name,
                login=event.login,
                source=event.source,
                source_id=event.source_id,
            )
        case e.UserReverted():
            state = replace(state, login=False)
        case e.UserDisabled() | e.UserEnabled():
            state = replace(state, disabled=isinstance(event, e.UserDisabled))
        case e.UserErased():
            state = replace(state, email=ERASED, name=ERASED, login=False)
        case e.UserRenamed():
            state = replace(state, name=event.name)
        case e.PasswordRehashed() | e.PasswordChanged() | e.RecoveryCodeUsed():
            pass
        case e.TwoFactorEnabled() | e.TwoFactorDisabled() | e.ApiTokenCreated() | e.ApiTokenRevoked():
            pass
        case e.UserImpersonated() | e.IdentityLinked() | e.StaffWebhookChanged() | e.StaffWebhookTurnedOff():
            pass
        case _:
            raise ValueError(f"{type(event).__name__} is not an event of a user")
    return replace(state, version=record.version)

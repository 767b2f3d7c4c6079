"""What happened to accounts and users, in plain words: one line for every event there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from domain.account import events as a

Words = tuple[str, str | None]


def _imported(event: a.AccountImported, _: str) -> Words:
    return "Account imported", f"From {event.source}, client {event.source_id}: {event.status}"


def _user_imported(event: a.UserImported, _: str) -> Words:
    return "User imported", f"From {event.source}, {event.source_id}" + (
        f": cannot sign in, {event.login_problem}" if event.login_problem else ""
    )


HOOKS = {
    "made": "A webhook was made",
    "changed": "A webhook was changed",
    "secret_changed": "A webhook got a new secret",
    "deleted": "A webhook was deleted",
}


def _hook(event: a.WebhookChanged, _: str) -> Words:
    switched = {None: None, True: "turned on", False: "turned off"}[event.enabled]
    said = (event.url, ", ".join(event.events) or None, switched)
    return HOOKS[event.change], "; ".join(part for part in said if part) or None


ENDS = {"gone": "It said that it is gone", "failing": "It took no message for three days"}


def _hook_off(event: a.WebhookTurnedOff, _: str) -> Words:
    return "A webhook was turned off", "; ".join(part for part in (event.url, ENDS[event.why]) if part)


WORDS: dict[type, Callable[[Any, str], Words]] = {
    a.AccountOpened: lambda _, __: ("Account opened", None),
    a.AccountImported: _imported,
    a.AccountReverted: lambda _, __: ("Import of the account taken back", None),
    a.MemberAdded: lambda v, _: (f"A member became {v.role}", None),
    a.MemberRemoved: lambda _, __: ("A member was let go", None),
    a.MemberInvited: lambda v, _: (f"Somebody was invited to become {v.role}", v.email),
    a.InvitationWithdrawn: lambda _, __: ("An invitation was withdrawn", None),
    a.WebhookChanged: _hook,
    a.StaffWebhookChanged: _hook,
    a.WebhookTurnedOff: _hook_off,
    a.StaffWebhookTurnedOff: _hook_off,
    a.NoteWritten: lambda v, _: ("Staff wrote a note", v.text),
    a.NoteRemoved: lambda _, __: ("Staff removed a note", None),
    a.AccountErased: lambda _, __: ("Personal data erased", None),
    a.UserErased: lambda _, __: ("Personal data erased", None),
    a.UserDisabled: lambda v, _: ("Kept from signing in by staff", v.reason or None),
    a.UserEnabled: lambda _, __: ("May sign in again", None),
    a.UserImpersonated: lambda v, _: ("Staff act as this user for a while", v.reason or None),
    a.UserRegistered: lambda v, _: ("User registered", v.role),
    a.UserImported: _user_imported,
    a.UserReverted: lambda _, __: ("Import of the user taken back", None),
    a.UserRenamed: lambda v, _: (f"Renamed to {v.name}", None),
    a.PasswordRehashed: lambda v, _: ("Password kept more safely", f"{v.previous} became {v.scheme}"),
    a.PasswordChanged: lambda _, __: ("Password changed", None),
    a.TwoFactorEnabled: lambda _, __: ("Second factor turned on", None),
    a.TwoFactorDisabled: lambda _, __: ("Second factor turned off", None),
    a.IdentityLinked: lambda v, _: ("Linked with the company's provider", v.issuer),
    a.RecoveryCodeUsed: lambda v, _: ("A recovery code was used", f"{v.left} are left"),
    a.ApiTokenCreated: lambda v, _: (f"API token {v.name} made", ", ".join(v.scopes)),
    a.ApiTokenRevoked: lambda _, __: ("API token revoked", None),
}

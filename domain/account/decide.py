"""What is asked of an account's members: events, none where it is so already, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from domain.account.events import AccountEvent, MemberAdded, MemberRemoved, MemberRole
from domain.account.roles import may
from domain.account.state import Account
from domain.errors import NotAllowed


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeMember:
    """Give a user another role, or none any more (None). `by` is the role of who asks; None stands for staff."""

    user_id: UUID
    role: MemberRole | None
    by: str | None
    themselves: bool = False


def change_member(state: Account, command: ChangeMember) -> list[AccountEvent]:
    """Another role, or none.

    Raises:
        NotAllowed: the account would be without an owner, or the role of who asks does not allow it.
    """
    now = role_of(state, command.user_id)
    if now == command.role:
        return []
    _check_right(command, now)
    owners = {member.user_id for member in state.members if member.role == "owner"}
    if owners == {command.user_id} and command.role != "owner":
        raise NotAllowed("This is the account's only owner: make somebody else an owner first.")
    if command.role is None:
        return [MemberRemoved(user_id=command.user_id)]
    return [MemberAdded(user_id=command.user_id, role=command.role)]


def role_of(state: Account, user_id: UUID) -> MemberRole | None:
    """As what a user acts for an account; who was named twice is what they were named last."""
    return next((member.role for member in reversed(state.members) if member.user_id == user_id), None)


def _check_right(command: ChangeMember, now: MemberRole | None) -> None:
    """Who may manage members, though only owners make owners or change them; and anybody may leave."""
    if command.by is None or (command.themselves and command.role is None):
        return
    if not may(command.by, "manage"):
        raise NotAllowed("Your role in this account does not allow this.")
    if "owner" in (now, command.role) and command.by != "owner":
        raise NotAllowed("Only owners make owners, or change what they are.")

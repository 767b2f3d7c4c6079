"""Bodies about accounts and their members."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import StringConstraints

from domain.account.events import MemberRole
from service.identity.models import Name, NewPassword
from service.web.models import Answer, Page, PageQuery, Request

Email = Annotated[str, StringConstraints(max_length=320, pattern=r"^[^\x00-\x20\x7f@]+@[^\x00-\x20\x7f@]+$")]
Opener = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class AccountsQuery(PageQuery):
    """The caller's own; staff see all with `scope=all`."""

    scope: Literal["own", "all"] = "own"


class Account(Answer):
    """`role`: the caller's; null for staff who are no member."""

    id: str
    object: Literal["account"]
    name: str
    status: str
    role: MemberRole | None
    created_at: datetime


class AccountPage(Answer):
    data: list[Account]
    page: Page


class Member(Answer):
    """`id` is the user's."""

    id: str
    object: Literal["member"]
    name: str | None
    email: str
    role: MemberRole


class MemberPage(Answer):
    data: list[Member]
    page: Page


class MemberChange(Request):
    """owner: everything. admin: everything but owners. operator: acts on servers that are there. viewer: looks.
    billing: looks, for the sake of invoices.
    """

    role: MemberRole


class InvitationCreate(Request):
    """Invite whoever reads the letters to this address. Only owners invite owners."""

    email: Email
    role: MemberRole


class Invitation(Answer):
    """An invitation that waits to be accepted. `invited_by` is a user's id."""

    id: str
    object: Literal["invitation"]
    email: str
    role: MemberRole
    invited_by: str
    created_at: datetime
    expires_at: datetime


class InvitationPage(Answer):
    data: list[Invitation]
    page: Page


class InvitationToken(Request):
    """What stands after the # of the letter's link."""

    token: Opener


class OpenedInvitation(Answer):
    """What is offered to whoever has the letter. `signs_in`: somebody signs in with its address already, so sign in
    before accepting; otherwise choose a name and a password.
    """

    object: Literal["opened_invitation"]
    account: str
    email: str
    role: MemberRole
    expires_at: datetime
    signs_in: bool


class InvitationAccept(Request):
    """Signed in, the token alone is enough; who is new chooses a name and a password."""

    token: Opener
    name: Name | None = None
    password: NewPassword | None = None


class AcceptedInvitation(Answer):
    """`email` is what one signs in with."""

    object: Literal["accepted_invitation"]
    account: Account
    email: str

"""Bodies about accounts and their members."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from domain.account.events import MemberRole
from service.web.models import Answer, Page, PageQuery, Request


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

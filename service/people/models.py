"""Bodies about users and customers, for staff."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import StringConstraints

from domain.account.events import MemberRole, UserRole
from service.servers.models import Hold, Server, Status
from service.web.models import Answer, Line, Named, Page, PageQuery, Query, Request
from service.webhooks.models import Webhook


class UsersQuery(PageQuery):
    """`q` is looked for in addresses and names."""

    q: Line | None = None
    role: UserRole | None = None


class AccountsSearch(PageQuery):
    """`q` is looked for in names and addresses."""

    q: Line | None = None
    status: Line | None = None


class DryRun(Query):
    """`dry_run=true` only says what it would come to."""

    dry_run: bool = False


class Why(Request):
    """Kept beside the log; the user may read it."""

    reason: Line = ""


class MassSuspension(Request):
    """All servers of an account: suspended for a reason, or no longer so."""

    reason: Hold
    note: Line = ""


class StaffUser(Answer):
    """`login`: there is something to sign in with; `disabled`: staff keep them from it."""

    id: str
    object: Literal["staff_user"]
    email: str
    name: str | None
    role: UserRole
    login: bool
    disabled: bool
    external_id: str | None
    created_at: datetime


class UserAccount(Answer):
    id: str
    name: str | None
    status: str
    role: MemberRole


class StaffUserDetail(StaffUser):
    """With the accounts they act for, and by what means they sign in."""

    accounts: list[UserAccount]
    password_scheme: str | None
    two_factor: bool
    sessions: int
    api_tokens: int
    last_seen_at: datetime | None


class StaffUserPage(Answer):
    data: list[StaffUser]
    page: Page


class StaffAccount(Answer):
    """`server_count`: those that are not gone."""

    id: str
    object: Literal["staff_account"]
    name: str
    email: str | None
    status: str
    external_id: str | None
    server_count: int
    created_at: datetime


class NotesQuery(Query):
    """`server`: only those about this server."""

    server: Line | None = None


class NoteNew(Request):
    """About the customer, or about one of the servers."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=4000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")]
    server: Line | None = None


class Note(Answer):
    """`author` is who wrote it; of who no longer exists only the id is known."""

    id: str
    object: Literal["note"]
    server: str | None
    text: str
    author: Named
    created_at: datetime


class NotePage(Answer):
    data: list[Note]
    page: Page


class StaffAccountPage(Answer):
    data: list[StaffAccount]
    page: Page


class StaffMember(Answer):
    id: str
    email: str
    name: str | None
    role: MemberRole


class HeldServer(Answer):
    server: str
    name: str
    reasons: list[str]


class Totals(Answer):
    """Of the servers that are not gone."""

    by_status: dict[Status, int]
    vcpus: int
    memory_mib: int
    disk_gib: int


class StaffAccountDetail(StaffAccount):
    """`servers`: at most 200 servers, those that are gone last."""

    members: list[StaffMember]
    totals: Totals
    holds: list[HeldServer]
    servers: list[Server]
    more_servers: bool


class MassOutcome(Answer):
    """What became of one server, or would: an operation, or why not."""

    server: str
    name: str
    operation: str | None
    refused: str | None


class MassResult(Answer):
    """`asked` servers get an operation (or would, in a dry run); `refused` do not."""

    object: Literal["mass_result"]
    dry_run: bool
    asked: int
    refused: int
    outcomes: list[MassOutcome]


class AccountExport(Answer):
    """Everything that is kept about a customer; of `users` who act for other accounts too, only who they are."""

    object: Literal["account_export"]
    at: datetime
    account: dict[str, Any]
    users: list[dict[str, Any]]
    servers: list[Server]
    webhooks: list[Webhook]
    events: list[dict[str, Any]]


class Erasure(Request):
    """`confirm` is the account's name, as it is shown."""

    confirm: Line


class ErasureResult(Answer):
    """`problem` is why it cannot be done; `users` are erased with the account: they act for no other."""

    object: Literal["erasure"]
    dry_run: bool
    problem: str | None
    users: list[str]
    servers: int
    erased: list[str]
    kept: list[str]


class Impersonation(Answer):
    """Good for some minutes, without renewal; it may not change by what means the user signs in."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    session: str
    user: StaffUser

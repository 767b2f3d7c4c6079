"""Bodies of the billing contract."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, Strict, StringConstraints

from service.accounts.models import Email
from service.identity.models import Name
from service.servers.models import Hold, Operation, Status
from service.web.models import Answer, Line, Named, Page, PageQuery, Request

State = Literal["active", "suspended", "terminated"]


class ServiceWanted(Request):
    """The whole of what is wanted. `owner` is a user's address or id, or an account's id. `owner`, `name`, `plan`,
    `image` and `location` are needed for a server that is not there yet; of one that is there only the plan is changed.
    `reason` is why it is suspended. It takes effect at `effective_at` (at once without), `grace_seconds` later.
    """

    state: State
    owner: Line | None = None
    name: Annotated[str, StringConstraints(min_length=1, max_length=253)] | None = None
    plan: Line | None = None
    image: Line | None = None
    location: Line | None = None
    reason: Hold = "non_payment"
    note: Line = ""
    effective_at: Annotated[AwareDatetime, Strict(False)] | None = None
    grace_seconds: Annotated[int, Field(ge=0, le=90 * 86400)] = 0


class Desired(Answer):
    """What is wanted, from `begins_at` on. `account` is the owner's."""

    state: State
    account: str | None
    name: str | None
    plan: Named | None
    image: Named | None
    location: Named | None
    reason: Hold
    note: str
    effective_at: datetime | None
    grace_seconds: int
    begins_at: datetime


class Observed(Answer):
    """What is so. `state` is `pending` until the server is there for the first time."""

    state: Literal["pending", "active", "suspended", "terminated"]
    server: str
    status: Status
    account: str
    name: str
    plan: Named
    suspended_for: list[Hold]
    purge_at: datetime | None
    mode: Literal["observe", "manage"]


class BillingProblem(Answer):
    """Why it is not so yet, and does not become so by itself, or only once staff agree."""

    code: str
    message: str


class CustomerWanted(Request):
    """`external_id` is whatever the billing system calls the customer. `invite`: a letter leads them to choose a
    password; without it they ask for one at the sign-in page when they first come.
    """

    external_id: Line | None = None
    email: Email
    name: Name
    invite: bool = True


class BillingCustomer(Answer):
    """A customer: the account that owns servers, and the user who owns it. `invited`: this call sent the letter."""

    object: Literal["billing_customer"]
    external_id: str | None
    account: str
    user: str
    email: str
    name: str
    status: str
    invited: bool
    created_at: datetime


class BillingFacts(Answer):
    """What an imported service was billed for; amounts are exact decimal text."""

    cycle: str
    amount: str
    currency: str
    next_due: str | None
    registered: str | None
    source_status: str
    override_until: str | None


class BillingService(Answer):
    """A service: what is wanted (null: nothing was asked yet), what is so (null: there is no server yet), and the
    operation that goes on between them. `in_sync`: all is as it is wanted.
    """

    external_id: str
    object: Literal["billing_service"]
    desired: Desired | None
    observed: Observed | None
    operation: Operation | None
    in_sync: bool
    problem: BillingProblem | None
    billing: BillingFacts | None
    updated_at: datetime | None


class BillingServicePage(Answer):
    data: list[BillingService]
    page: Page


class BillingQuery(PageQuery):
    """`problem`: only those that do not become as they are wanted."""

    problem: bool = False


class BillingHolds(Answer):
    """Suspensions and terminations for billing within the window; beyond the limit they wait for staff."""

    object: Literal["billing_holds"]
    recent: int
    limit: int
    window_seconds: int
    waiting: int
    waiting_since: datetime | None
    allowed_until: datetime | None


class BillingAllowed(Request):
    minutes: Annotated[int, Field(ge=1, le=1440)] = 10
    reason: Line = ""

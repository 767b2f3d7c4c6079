"""Bodies about webhooks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from service.web.models import Answer, Line, Page, PageQuery, Request

Event = Literal[
    "server.created",
    "server.ready",
    "server.updated",
    "server.suspended",
    "server.unsuspended",
    "server.terminating",
    "server.restored",
    "server.terminated",
    "operation.created",
    "operation.updated",
    "operation.succeeded",
    "operation.failed",
    "operation.cancelled",
    "operation.needs_attention",
]
Wanted = Annotated[list[Event | Literal["*"]], Field(min_length=1, max_length=50)]
Url = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
State = Literal["pending", "delivered", "failed"]


def _everything() -> list[Event | Literal["*"]]:
    return ["*"]


class WebhookCreate(Request):
    """`events`: what to be told of; "*" is everything, also what is added later."""

    url: Url
    description: Line = ""
    events: Wanted = Field(default_factory=_everything)


class WebhookChange(Request):
    """What is absent stays as it is. Turned on again, it is sent what waits, and what happens from now on."""

    url: Url | None = None
    description: Line | None = None
    events: Wanted | None = None
    enabled: bool | None = None


class Webhook(Answer):
    """`disabled_reason`: why it was turned off by itself. `failing_since`: it has taken nothing since then. `waiting`:
    how many messages are still to be delivered. `previous_secret_until`: until then messages are signed with the
    previous secret too.
    """

    id: str
    object: Literal["webhook"]
    url: str
    description: str
    events: list[Event | Literal["*"]]
    enabled: bool
    disabled_reason: str | None
    failing_since: datetime | None
    waiting: int
    replaying: bool
    previous_secret_until: datetime | None
    created_at: datetime


class NewWebhook(Webhook):
    """`secret` is shown this once."""

    secret: str


class WebhookPage(Answer):
    data: list[Webhook]
    page: Page


class SecretRotation(Request):
    """For how many hours messages are signed with the previous secret as well."""

    overlap_hours: Annotated[int, Field(ge=0, le=168)] = 24


class Replay(Request):
    """Tell again what happened after `after`, the position of a message; null: from the beginning of the log."""

    after: Annotated[str, StringConstraints(max_length=200)] | None


class DeliveriesQuery(PageQuery):
    state: State | None = None
    type: Line | None = None


class Delivery(Answer):
    """A message to an endpoint. `message_id` is its `webhook-id`; `status` what was answered last; a message without a
    `position` is a ping.
    """

    id: str
    object: Literal["webhook_delivery"]
    message_id: str
    type: str
    server_id: str | None
    position: str | None
    state: State
    attempts: int
    status: int | None
    created_at: datetime
    ended_at: datetime | None


class DeliveryPage(Answer):
    data: list[Delivery]
    page: Page


class DeliveryAttempt(Answer):
    """`answer` is the beginning of what was answered; `error` says why there was no answer."""

    at: datetime
    status: int | None
    duration_ms: int
    error: str | None
    answer: str


class DeliveryDetails(Delivery):
    """With what is sent, and its attempts, newest first."""

    body: str
    tries: list[DeliveryAttempt]

"""Bodies about what staff decided."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from service.web.models import Answer, Page

Kind = Literal[
    "effects_paused",
    "effects_resumed",
    "removals_let_through",
    "suspensions_let_through",
    "restored",
    "maintenance_begun",
    "maintenance_ended",
    "cluster_mode_changed",
    "leftovers_removed",
    "drift_adopted",
    "drift_ignored",
]


class Decider(Answer):
    """Who decided: a user, or with `id` null somebody at the command line of a machine, as `name` says."""

    id: str | None
    name: str


class Decided(Answer):
    """What it was about, as far as the kind has it. `drift`: the kind of difference; `minutes`: for how long all went
    through; `backup_at`: what the restored backup knew.
    """

    cluster: str | None
    node: str | None
    mode: Literal["observe", "manage"] | None
    vmid: int | None
    server: str | None
    drift: str | None
    minutes: int | None
    backup_at: datetime | None


class Decision(Answer):
    id: str
    object: Literal["decision"]
    kind: Kind
    by: Decider
    reason: str | None
    about: Decided
    request_id: str | None
    at: datetime


class DecisionPage(Answer):
    data: list[Decision]
    page: Page

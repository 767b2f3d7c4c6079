"""Bodies that tell of the importer's runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from service.web.models import Answer, Page


class Brought(Answer):
    """How many rows of an entity a run set out to create and to update."""

    create: int
    update: int


class ImportRun(Answer):
    """A run of the importer. Without `finished_at` it goes on, or was stopped: another run brings the rest.

    `linked` of the `loaded` chunks of servers have been looked for on their clusters.
    """

    id: str
    object: Literal["import_run"]
    source: str
    plan_hash: str
    counts: dict[str, Brought]
    loaded: int
    linked: int
    started_at: datetime
    finished_at: datetime | None


class ImportedServer(Answer):
    """An imported server, and the guest that it has or that the source names for it."""

    id: str
    name: str
    source_id: str | None
    cluster: str | None
    vmid: int | None


class Adoption(Answer):
    """What became of a run's servers in one way: how many, and the first of them.

    `waiting`: their guests have not been looked for yet. `reverted`: the import was taken back.
    """

    became: Literal["adopted", "declined", "waiting", "reverted"]
    code: str | None
    detail: str | None
    count: int
    servers: list[ImportedServer]


class ImportRunReport(ImportRun):
    """A run with what it reported at its end, without what names people, and what became of its servers since."""

    report: dict[str, Any] | None
    adoption: list[Adoption]


class ImportRunPage(Answer):
    data: list[ImportRun]
    page: Page

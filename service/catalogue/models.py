"""Bodies about what is on sale."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from service.web.models import Answer, Line, Named, Page, PageQuery, Query, Request


class Plan(Answer):
    id: str
    object: Literal["plan"]
    key: str
    name: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    snapshots: int
    backups: int


class Image(Answer):
    id: str
    object: Literal["image"]
    key: str
    name: str
    min_disk_gib: int


class Location(Answer):
    """`user_data`: whether servers there can be given some."""

    id: str
    object: Literal["location"]
    key: str
    name: str
    user_data: bool


class PlanPage(Answer):
    data: list[Plan]
    page: Page


class ImagePage(Answer):
    data: list[Image]
    page: Page


class LocationPage(Answer):
    data: list[Location]
    page: Page


Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
Title = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
Place = Annotated[int, Field(ge=0, le=1_000_000)]
Vcpus = Annotated[int, Field(ge=1, le=512)]
MemoryMib = Annotated[int, Field(ge=16, le=16 * 1024 * 1024)]
DiskGib = Annotated[int, Field(ge=1, le=1024 * 1024)]
Copies = Annotated[int, Field(ge=0, le=1000)]
UserName = Annotated[str, StringConstraints(pattern=r"^([a-z_][a-z0-9_-]{0,31})?$")]
Names = Annotated[list[Line], Field(min_length=1, max_length=100)]


class ItemsQuery(PageQuery):
    """`listed`: only what is offered, or only what is not."""

    listed: bool | None = None


class DryRun(Query):
    """`dry_run=true` only says what it would come to."""

    dry_run: bool = False


class Reason(Request):
    """Kept beside the log, for staff."""

    reason: Line | None = None


class PlanNew(Reason):
    """`position` is its place among the others; without one it comes last."""

    key: Key
    name: Title
    vcpus: Vcpus
    memory_mib: MemoryMib
    disk_gib: DiskGib
    snapshots: Copies = 3
    backups: Copies = 3
    position: Place | None = None


class PlanChange(Reason):
    """What is not said stays. Servers keep what they have of it; the change is for those that choose it from now on."""

    name: Title | None = None
    vcpus: Vcpus | None = None
    memory_mib: MemoryMib | None = None
    disk_gib: DiskGib | None = None
    snapshots: Copies | None = None
    backups: Copies | None = None
    position: Place | None = None


class TemplateNew(Request):
    """A template VM: on one node, or (without one) the only one of the cluster."""

    cluster: Line
    node: Line | None = None
    vmid: Annotated[int, Field(ge=100, le=999_999_999)]


Templates = Annotated[list[TemplateNew], Field(min_length=1, max_length=500)]


class ImageNew(Reason):
    """Either `template`, a key under which the settings name template VMs, or `templates` of its own.

    `default_user` is whom passwords and keys are for; empty: whom the image itself has.
    """

    key: Key
    name: Title
    min_disk_gib: DiskGib = 1
    template: Line | None = None
    templates: Templates | None = None
    default_user: UserName = ""
    position: Place | None = None


class ImageChange(Reason):
    """What is not said stays."""

    name: Title | None = None
    min_disk_gib: DiskGib | None = None
    template: Line | None = None
    templates: Templates | None = None
    default_user: UserName | None = None
    position: Place | None = None


class LocationNew(Reason):
    """`clusters` and `pools` are names of the settings; pools that the settings give to its key are its own as well."""

    key: Key
    name: Title
    clusters: Names
    pools: Annotated[tuple[Line, ...], Field(max_length=100)] = ()
    position: Place | None = None


class LocationChange(Reason):
    """What is not said stays."""

    name: Title | None = None
    clusters: Names | None = None
    pools: Annotated[list[Line], Field(max_length=100)] | None = None
    position: Place | None = None


class InUse(Answer):
    """Servers that have it and are not gone; `waiting` of them have no place yet."""

    servers: int
    waiting: int


class StaffItem(Answer):
    """`origin`: who governs it; only what staff made is changed here. `in_use` is null in lists."""

    id: str
    key: str
    name: str
    position: int
    listed: bool
    origin: Literal["file", "staff", "import"]
    version: int
    updated_at: datetime
    updated_by: Named | None
    reason: str | None
    in_use: InUse | None


class StaffPlan(StaffItem):
    object: Literal["staff_plan"]
    vcpus: int
    memory_mib: int
    disk_gib: int
    snapshots: int
    backups: int


class Template(Answer):
    cluster: str
    node: str | None
    vmid: int


class StaffImage(StaffItem):
    """`templates`: where it is copied from, whoever says so."""

    object: Literal["staff_image"]
    min_disk_gib: int
    template: str
    templates: list[Template]
    default_user: str | None


class StaffLocation(StaffItem):
    object: Literal["staff_location"]
    clusters: list[str]
    pools: list[str]


class StaffPlanPage(Answer):
    data: list[StaffPlan]
    page: Page


class StaffImagePage(Answer):
    data: list[StaffImage]
    page: Page


class StaffLocationPage(Answer):
    data: list[StaffLocation]
    page: Page

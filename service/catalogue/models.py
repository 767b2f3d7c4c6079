"""Bodies about what is on sale."""

from __future__ import annotations

from typing import Literal

from service.web.models import Answer, Page


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
    id: str
    object: Literal["location"]
    key: str
    name: str


class PlanPage(Answer):
    data: list[Plan]
    page: Page


class ImagePage(Answer):
    data: list[Image]
    page: Page


class LocationPage(Answer):
    data: list[Location]
    page: Page

"""What can happen to the catalogue: an item is declared, and declared again when it changes.

Names on disk stand at the foot; version them, never rename them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from domain.record import EventType


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDeclared:
    key: str
    name: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    snapshots: int = 3  # how many of each a server of this plan may have
    backups: int = 3
    position: int = 0
    listed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageDeclared:
    """An operating system image; `template` is the key under which clusters name their template VM."""

    key: str
    name: str
    template: str
    min_disk_gib: int = 1
    position: int = 0
    listed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationDeclared:
    key: str
    name: str
    position: int = 0
    listed: bool = True


CatalogueEvent = PlanDeclared | ImageDeclared | LocationDeclared


def _with_counts(plain: dict[str, Any]) -> dict[str, Any]:
    return {"snapshots": 3, "backups": 3} | plain


EVENTS = (
    EventType("catalogue.plan_declared", 2, PlanDeclared, {1: _with_counts}),
    EventType("catalogue.image_declared", 1, ImageDeclared),
    EventType("catalogue.location_declared", 1, LocationDeclared),
)

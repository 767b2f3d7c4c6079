"""What can happen to the catalogue: an item is declared, and declared again when it changes.

Names on disk stand at the foot; version them, never rename them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from domain.record import EventType, private

# Who governs an item: hostler.toml, staff, or the import that brought it.
Origin = Literal["file", "staff", "import"]


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
    origin: Origin = "file"
    reason: str | None = private(default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Where an image is copied from: a template VM, for one node or for the whole cluster."""

    cluster: str
    vmid: int
    node: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageDeclared:
    """An operating system image; `template` is the key under which clusters name their template VM.

    `templates` are template VMs that the settings do not name; `user` is whom passwords and keys are for.
    """

    key: str
    name: str
    template: str
    min_disk_gib: int = 1
    position: int = 0
    listed: bool = True
    user: str | None = None
    templates: list[Template] = field(default_factory=list)
    origin: Origin = "file"
    reason: str | None = private(default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationDeclared:
    """`clusters` and `pools` (by their names in the settings) are for locations that the settings do not name."""

    key: str
    name: str
    position: int = 0
    listed: bool = True
    clusters: list[str] = field(default_factory=list)
    pools: list[str] = field(default_factory=list)
    origin: Origin = "file"
    reason: str | None = private(default=None)


CatalogueEvent = PlanDeclared | ImageDeclared | LocationDeclared


def _with_counts(plain: dict[str, Any]) -> dict[str, Any]:
    return {"snapshots": 3, "backups": 3} | plain


def _governed(plain: dict[str, Any]) -> dict[str, Any]:
    """Written when only the settings and imports declared anything."""
    return plain | {"origin": "file"}


EVENTS = (
    EventType("catalogue.plan_declared", 3, PlanDeclared, {1: _with_counts, 2: _governed}),
    EventType("catalogue.image_declared", 2, ImageDeclared, {1: _governed}),
    EventType("catalogue.location_declared", 2, LocationDeclared, {1: _governed}),
)

"""What is on offer: plans, images and locations, those of staff among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field, model_validator

from runtime.settings.proxmox import Cluster
from runtime.settings.section import Section


class Plan(Section):
    key: str
    name: str
    vcpus: int = Field(ge=1, le=512)
    memory_mib: int = Field(ge=16)
    disk_gib: int = Field(ge=1)
    snapshots: int = Field(3, ge=0)
    backups: int = Field(3, ge=0)


class Image(Section):
    """`user` is whom passwords and keys are for; without it, whom the image itself has."""

    key: str
    name: str
    template: str
    min_disk_gib: int = Field(1, ge=1)
    user: str | None = Field(None, pattern=r"^[a-z_][a-z0-9_-]{0,31}$")


class Location(Section):
    """A place where servers can be: one cluster or several. `pools`: those of other locations that it has as well."""

    key: str
    name: str
    cluster: str | None = None
    clusters: list[str] = []
    pools: list[str] = []

    @model_validator(mode="after")
    def _somewhere(self) -> Location:
        if not self.names:
            raise ValueError(f"location {self.key!r} names no cluster")
        return self

    @property
    def names(self) -> list[str]:
        """The names of its clusters."""
        return [*([self.cluster] if self.cluster else []), *(n for n in self.clusters if n != self.cluster)]


def only(section: type[Section], plain: Mapping[str, Any]) -> dict[str, Any]:
    """Of a declaration, what a table of the settings has."""
    return {name: plain[name] for name in section.model_fields if name in plain}


def with_templates(cluster: Cluster, images: Iterable[Mapping[str, Any]]) -> Cluster:
    """A cluster with the templates that images bring along: VMIDs of it, or per node."""
    found: dict[str, int | dict[str, int]] = {}
    for image in images:
        places = [place for place in image["templates"] if place["cluster"] == cluster.name]
        by_node = {place["node"]: place["vmid"] for place in places if place["node"] is not None}
        anywhere = next((place["vmid"] for place in places if place["node"] is None), None)
        if anywhere is not None or by_node:
            found[image["template"]] = by_node if anywhere is None else anywhere
    return cluster.model_copy(update={"templates": {**found, **cluster.templates}}) if found else cluster

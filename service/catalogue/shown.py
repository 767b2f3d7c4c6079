"""What staff see of an item besides what all items have; of those in the settings, what the settings say."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from service.deps import deps


def plan(_: Request, declared: dict[str, Any]) -> dict[str, Any]:
    """The size of a plan."""
    sizes = {name: declared[name] for name in ("vcpus", "memory_mib", "disk_gib")}
    return sizes | {name: declared.get(name, 3) for name in ("snapshots", "backups")}


def image(req: Request, declared: dict[str, Any]) -> dict[str, Any]:
    """Where an image is copied from, and whom it is for."""
    config, template = deps(req).config, declared["template"]
    places = [
        {"cluster": cluster.name, "node": node, "vmid": vmid}
        for cluster in config.cluster
        for node, vmid in _by_node(cluster.templates.get(template, {}))
    ]
    return {
        "min_disk_gib": declared["min_disk_gib"],
        "template": template,
        "templates": declared.get("templates") or places,
        "default_user": declared.get("user") or config.user_of(template),
    }


def _by_node(templates: int | dict[str, int]) -> list[tuple[str | None, int]]:
    return [(None, templates)] if isinstance(templates, int) else sorted(templates.items())


def location(req: Request, declared: dict[str, Any]) -> dict[str, Any]:
    """The clusters and pools of a location."""
    config, key = deps(req).config, declared["key"]
    place = next((place for place in config.location if place.key == key), None)
    also = place.pools if place is not None else declared.get("pools", [])
    return {
        "clusters": place.names if place is not None else declared.get("clusters", []),
        "pools": [pool.name for pool in config.pool if pool.location == key or pool.name in also],
    }

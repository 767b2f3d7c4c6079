"""What is sold, over HTTP: plans, images, locations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.catalogue.state import Item
from runtime.settings import Cluster, Config
from service.deps import caller, deps
from service.servers.user_data import takes
from service.web import paging
from service.web.body import query
from service.web.models import PageQuery
from service.web.problems import invalid
from service.web.reply import reply


async def list_plans(req: Request) -> Response:
    """The plans on offer."""
    return await _list(
        req, "plan", ids.PLAN, ("key", "name", "vcpus", "memory_mib", "disk_gib", "snapshots", "backups")
    )


async def list_images(req: Request) -> Response:
    """The operating system images on offer."""
    return await _list(req, "image", ids.IMAGE, ("key", "name", "min_disk_gib"))


async def list_locations(req: Request) -> Response:
    """The places where servers can be."""
    config = deps(req).config

    def more(item: Item) -> dict[str, Any]:
        return {"user_data": takes(clusters_of(config, item))}

    return await _list(req, "location", ids.LOCATION, ("key", "name"), more)


def clusters_of(config: Config, location: Item) -> list[Cluster]:
    """The clusters of a location, of the settings or made by staff."""
    declared = location.declared
    known = config.with_offers([("location", declared)]) if declared.get("origin") == "staff" else config
    return known.clusters_of(declared["key"])


async def _list(
    req: Request,
    kind: str,
    prefix: str,
    names: tuple[str, ...],
    more: Callable[[Item], dict[str, Any]] = lambda item: {},
) -> Response:
    asked = query(req, PageQuery)
    await deps(req).reads.caught_up(caller(req).user_id)
    items = await deps(req).reads.items(kind)
    _, after = paging.parse(asked.cursor, kind, paging.name)
    start = _place(items, after) if after is not None else 0

    def show(item: Item) -> dict[str, Any]:
        return {
            "id": ids.show(prefix, item.id),
            "object": kind,
            **{name: item.declared[name] for name in names},
            **more(item),
        }

    rows = items[start : start + asked.limit + 1]
    return reply(paging.page(rows, asked.limit, show, lambda item: paging.cursor(kind, kind, item.id)))


def _place(items: list[Item], after: Any) -> int:
    for place, item in enumerate(items, start=1):
        if item.id == after:
            return place
    raise invalid("/cursor", "This item is no longer offered: leave the cursor out to begin at the start.")

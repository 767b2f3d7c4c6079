"""The settings with the images and locations that staff have made beside them."""

from __future__ import annotations

from domain.catalogue.state import Item
from eventstore import snapshot
from orchestrator.work import SQL, Tools
from runtime.settings import Config


async def with_offers(tools: Tools) -> Config:
    """The settings and what staff offer now; what was retired is among it, for the servers that have it."""
    rows = await tools.store.pool.fetch(SQL.offers)
    items = [snapshot.decode(Item, row["state"]) for row in rows]
    return tools.config.with_offers((item.kind, item.declared) for item in items)
